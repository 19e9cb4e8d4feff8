/**
 * What a trace says of a remote procedure call, where it is one: gRPC and gRPC-Web, by their content type
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
 *
 * in:  a `Trace`, redacted: nothing of it is shown that is not in the trace as well · out: service, method and status, or null
 */
import { grpcType } from '../http/grpc/grpc-type.js';
import { contentTypeOf } from './sent-message.js';
import { headerOf, type Trace } from './trace.js';

export interface Rpc {
  readonly system: 'grpc';
  /** `helloworld.Greeter` and `SayHello` of `/helloworld.Greeter/SayHello`; null where the path is another, or not known. */
  readonly service: string | null;
  readonly method: string | null;
  /** `OK`, `DEADLINE_EXCEEDED`; the number where it has no name. Null where none came. */
  readonly status: string | null;
  /** What the server says of the status; null where it says nothing. */
  readonly message: string | null;
}

/** https://grpc.io/docs/guides/status-codes/ */
const STATUS_NAMES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

/** What servers take: a service, with its package, and a method of it. */
const PATH = /^\/([^/]+)\/([^/]+)$/;

export function rpcOf({ request, response, statusMessage }: Trace): Rpc | null {
  const type = contentTypeOf(request) ?? (response === null ? undefined : contentTypeOf(response));
  if (grpcType(type) === null) return null;
  const [, service = null, method = null] = PATH.exec(request.path) ?? [];
  const status = response === null ? null : statusOf(response);
  return { system: 'grpc', service, method, status, message: statusMessage ?? null };
}

/** The number of a status, by its name or as it is. */
export function statusNumber(status: string): number {
  const number = STATUS_NAMES.indexOf(status);
  return number < 0 ? Number(status) : number;
}

/** From the trailers, or from the head of a response that has nothing else. */
function statusOf({ trailers, headers }: NonNullable<Trace['response']>): string | null {
  const code = headerOf(trailers, 'grpc-status') ?? headerOf(headers, 'grpc-status');
  if (code === undefined || !/^[0-9]{1,9}$/.test(code)) return null;
  return STATUS_NAMES[Number(code)] ?? String(Number(code));
}
