/**
 * Messages of gRPC-Web in base64 (gRPC-Web, PROTOCOL-WEB.md, `application/grpc-web-text`): frames, each encoded by itself or
 * several together, one after the other.
 *
 * in: a body of this type · out: the bytes of the frames, and the body made of other bytes of the same length
 */
export interface GrpcWebText {
  readonly bytes: Buffer;
  encode(bytes: Buffer): Buffer;
}

/** Null where it is none. */
export function grpcWebText(body: Buffer): GrpcWebText | null {
  const text = body.toString('latin1');
  if (!/^[A-Za-z0-9+/=\r\n]*$/.test(text)) return null;
  // Padding ends a piece; a cut one has none.
  const pieces = (text.match(/[A-Za-z0-9+/\r\n]+=*/g) ?? []).map((piece) => Buffer.from(piece, 'base64'));
  return {
    bytes: Buffer.concat(pieces),
    encode(bytes) {
      let at = 0;
      const encoded = pieces.map(({ length }) => {
        at += length;
        return bytes.toString('base64', at - length, at);
      });
      return Buffer.from(encoded.join(''));
    },
  };
}
