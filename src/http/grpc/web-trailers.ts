/**
 * Trailers of gRPC-Web, which are a frame of the body (PROTOCOL-WEB.md, "HTTP/2 related"): as lines of HTTP/1.1.
 *
 *     grpc-status: 0\r\ngrpc-message: \r\n
 */
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/;

export function webTrailers(bytes: Buffer): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (const line of bytes.toString('latin1').split(/\r\n|\n/)) {
    const field = FIELD.exec(line);
    if (field !== null) pairs.push([field[1] as string, field[2] as string]);
  }
  return pairs;
}
