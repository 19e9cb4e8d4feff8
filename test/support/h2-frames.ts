/** Frames of HTTP/2 by the byte, for tests (RFC 9113 §4.1). */

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** A frame. */
export function frame(type: number, flags: number, stream: number, payload: string | Buffer = ''): Buffer {
  const body = Buffer.from(payload);
  const header = Buffer.alloc(9);
  header.writeUIntBE(body.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, body]);
}

export const Type = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const END_STREAM = 1;
export const END_HEADERS = 4;

export type Field = readonly [name: string, value: string];

/** RFC 7541 §5.1. */
export function integer(prefix: number, pattern: number, value: number): Buffer {
  const mask = (1 << prefix) - 1;
  if (value < mask) return Buffer.from([pattern | value]);
  const bytes = [pattern | mask];
  let rest = value - mask;
  for (; rest >= 128; rest >>= 7) bytes.push(0x80 | (rest & 0x7f));
  return Buffer.from([...bytes, rest]);
}

/** A string (§5.2), not in the Huffman code. */
export function string(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([integer(7, 0, bytes.length), bytes]);
}

/** A literal field: inserted into the table, or not. */
export function literal([name, value]: Field, isInserted = false): Buffer {
  return Buffer.concat([Buffer.from([isInserted ? 0x40 : 0]), string(name), string(value)]);
}

/** The field at an index: 62 is the one inserted last. */
export const indexed = (index: number) => integer(7, 0x80, index);

/** A header block of literal fields. */
export const block = (...fields: readonly Field[]) => Buffer.concat(fields.map((field) => literal(field)));

export const GET = (path: string, ...more: readonly Field[]) =>
  block([':method', 'GET'], [':scheme', 'http'], [':path', path], [':authority', 'a'], ...more);
export const POST = (path: string, ...more: readonly Field[]) =>
  block([':method', 'POST'], [':scheme', 'http'], [':path', path], [':authority', 'a'], ...more);
export const status = (code: number, ...more: readonly Field[]) => block([':status', `${code}`], ...more);

/** HEADERS with a whole block. */
export const headers = (stream: number, payload: Buffer, flags = 0) =>
  frame(Type.headers, END_HEADERS | flags, stream, payload);
export const data = (stream: number, payload: string | Buffer, flags = 0) => frame(Type.data, flags, stream, payload);
export const settings = frame(Type.settings, 0, 0);

export function reset(stream: number, code: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(code);
  return frame(Type.rstStream, 0, stream, payload);
}

export function goAway(last: number, code: number): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeUInt32BE(last);
  payload.writeUInt32BE(code, 4);
  return frame(Type.goAway, 0, 0, payload);
}
