/**
 * What the bytes at the place where a message should begin are.
 */
export const Start = {
  request: 1,
  response: 2,
  /** More bytes are needed to tell. */
  undecided: 3,
  tls: 4,
  /** The HTTP/2 connection preface, RFC 9113 §3.4. */
  h2: 5,
  /** A PROXY protocol header, as load balancers send before the first byte of HTTP. */
  proxy: 6,
  unknown: 7,
} as const;
export type Start = (typeof Start)[keyof typeof Start];

const H2_PREFACE = 'PRI * HTTP/2.0\r\n';
const PROXY_V1 = 'PROXY ';
const PROXY_V2 = '\r\n\r\n\0\r\nQUIT\n';
const RESPONSE = 'HTTP/';
/** The longest method registered at IANA has 16 characters (UPDATEREDIRECTREF: 17). */
const METHOD_BYTES_MAX = 24;

export function classifyStart(bytes: Uint8Array, at: number, end: number): Start {
  const first = bytes[at] as number;
  // TLS record: type 20–23, version 3.x (RFC 8446 §5.1).
  if (first >= 0x14 && first <= 0x17) {
    if (end - at < 2) return Start.undecided;
    return bytes[at + 1] === 3 ? Start.tls : Start.unknown;
  }
  if (first === 0x48 /* H */) {
    const response = matchPrefix(bytes, at, end, RESPONSE);
    if (response > 0) return Start.response;
    if (response === 0) return Start.undecided;
  }
  if (first === 0x50 /* P */) {
    const h2 = matchPrefix(bytes, at, end, H2_PREFACE);
    if (h2 > 0) return Start.h2;
    if (matchPrefix(bytes, at, end, PROXY_V1) > 0) return Start.proxy;
  }
  if (first === 0x0d) {
    const proxy = matchPrefix(bytes, at, end, PROXY_V2);
    if (proxy > 0) return Start.proxy;
  }
  // A method: upper-case by every registration, then a space.
  let i = at;
  while (i < end && i - at < METHOD_BYTES_MAX && isMethodByte(bytes[i] as number)) i++;
  if (i === end && i > at) return Start.undecided;
  if (i > at && bytes[i] === 0x20) return Start.request;
  return Start.unknown;
}

/**
 * Where a PROXY protocol header ends, or 0 if its end is not here
 * (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt §2.1, §2.2).
 */
export function proxyHeaderEnd(bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at] === 0x50) {
    const lf = Math.min(end, at + 107);
    for (let i = at; i < lf; i++) if (bytes[i] === 0x0a) return i + 1;
    return 0;
  }
  if (end - at < 16) return 0;
  const headerEnd = at + 16 + (((bytes[at + 14] as number) << 8) | (bytes[at + 15] as number));
  return headerEnd <= end ? headerEnd : 0;
}

/** 1: matches, 0: matches as far as there are bytes, -1: does not. */
function matchPrefix(bytes: Uint8Array, at: number, end: number, prefix: string): number {
  for (let i = 0; i < prefix.length; i++) {
    if (at + i >= end) return 0;
    if (bytes[at + i] !== prefix.charCodeAt(i)) return -1;
  }
  return 1;
}

function isMethodByte(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x5f;
}

const VERSION = Buffer.from('HTTP/1.');

/**
 * The first place in `bytes[at, end)` where a message begins, for a stream that lost its place; -1 if there is none.
 * A message may begin right behind the lost end of a body, with no line break before it. `previous` is the byte
 * before `at`, or -1 if that was lost: what begins there may be the rest of a word.
 */
export function findMessageStart(bytes: Buffer, at: number, end: number, previous: number): number {
  // A view of its own: a search must not run on into the rest of the batch.
  const range = bytes.subarray(at, end);
  for (let found = range.indexOf(VERSION); found >= 0; found = range.indexOf(VERSION, found + VERSION.length)) {
    if (isStatusLineAt(range, found)) return at + found;
    const start = requestLineStart(range, found, previous);
    if (start >= 0) return at + start;
  }
  return -1;
}

/** A status line is not longer than this: what follows is a body that talks about HTTP. */
const STATUS_LINE_BYTES_MAX = 256;

/**
 * HTTP/1.x SP 3DIGIT [SP reason] and then a header or an empty line, as far as the segment shows. Text inside a body may
 * look so; of two on a line the last is the one that a line end follows.
 */
function isStatusLineAt(bytes: Buffer, at: number): boolean {
  const isShaped =
    isDigit(bytes[at + 7]) &&
    bytes[at + 8] === 0x20 &&
    isDigit(bytes[at + 9]) &&
    isDigit(bytes[at + 10]) &&
    isDigit(bytes[at + 11]);
  if (!isShaped) return false;
  const rest = bytes.subarray(at + VERSION.length, at + STATUS_LINE_BYTES_MAX);
  const lineEnd = rest.indexOf(0x0a);
  if (lineEnd < 0) return at === 0;
  const again = rest.indexOf(VERSION);
  return (again < 0 || again > lineEnd) && canFollow(rest[lineEnd + 1]);
}

/** Whether a header section can go on with `byte`: a field name, or the empty line; undefined is not known yet. */
function canFollow(byte: number | undefined): boolean {
  return byte === undefined || byte === 0x0d || byte === 0x0a || (byte > 0x20 && byte < 0x7f && byte !== 0x3a);
}

/** Reads backwards from `version`: SP target SP method. */
function requestLineStart(bytes: Buffer, version: number, previous: number): number {
  const after = bytes[version + 8];
  if (after !== 0x0d && after !== 0x0a) return -1;
  if (!canFollow(bytes[after === 0x0d ? version + 10 : version + 9])) return -1;
  let i = version - 1;
  if (i < 0 || bytes[i] !== 0x20) return -1;
  const targetEnd = i;
  while (i > 0 && (bytes[i - 1] as number) > 0x20) i--;
  if (i === targetEnd || i === 0 || bytes[i - 1] !== 0x20) return -1;
  const methodEnd = i - 1;
  i = methodEnd;
  while (i > 0 && methodEnd - i < METHOD_BYTES_MAX && isMethodByte(bytes[i - 1] as number)) i--;
  // The tail of a lost body may stand right before the method: the longest common one counts.
  for (let start = i; start < methodEnd; start++) {
    if (COMMON_METHODS.has(bytes.toString('latin1', start, methodEnd))) return start;
  }
  // Another is taken for one where it is a word of its own, at the start of a segment or a line.
  const isWord = i > 0 ? bytes[i - 1] === 0x0a : previous >= 0 && !isMethodByte(previous);
  return isWord && i < methodEnd && !isDigit(bytes[i]) ? i : -1;
}

const COMMON_METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
]);

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}
