/**
 * Which bodies carry the messages of remote procedure calls, by their media type: gRPC
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md) and gRPC-Web (PROTOCOL-WEB.md beside it).
 *
 *     application/grpc, application/grpc+proto
 *     application/grpc-web                        trailers are a frame of the body
 *     application/grpc-web-text                   and all of it is in base64
 */
export interface GrpcType {
  readonly isWeb: boolean;
  readonly isText: boolean;
}

export const GRPC_TYPE = /^\s{0,8}application\/grpc(-web(-text)?)?(?:\+[\w.+-]{1,64})?\s{0,8}(?:;|$)/i;

export const PLAIN_GRPC: GrpcType = { isWeb: false, isText: false };
const WEB: GrpcType = { isWeb: true, isText: false };
const WEB_TEXT: GrpcType = { isWeb: true, isText: true };

/** Null where it is none. */
export function grpcType(contentType: string | undefined): GrpcType | null {
  if (contentType === undefined || isOther(contentType)) return null;
  const found = GRPC_TYPE.exec(contentType);
  if (found === null) return null;
  return found[2] !== undefined ? WEB_TEXT : found[1] !== undefined ? WEB : PLAIN_GRPC;
}

/** Whether it begins like another type, as nearly all do: `application/json`, `text/html`. */
function isOther(contentType: string): boolean {
  const first = contentType.charCodeAt(0) | 0x20;
  if (first < 0x61 || first > 0x7a) return false;
  return first !== 0x61 || (contentType.charCodeAt(SUBTYPE) | 0x20) !== 0x67;
}

const SUBTYPE = 'application/'.length;
