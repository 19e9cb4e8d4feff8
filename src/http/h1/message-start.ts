/** Where messages of HTTP/1 begin (RFC 9112 §2.1, §2.2). */
import { isPreface } from '../h2/frame.js';

const LF = 0x0a;
const CR = 0x0d;

/** What the bytes are at the place where a message should begin. */
export const Start = {
  request: 1,
  response: 2,
  /** More bytes are needed. */
  undecided: 3,
  /** No message of HTTP/1. */
  unknown: 4,
} as const;
export type Start = (typeof Start)[keyof typeof Start];

/** `http/`: some servers send it so, and receivers take it. */
const RESPONSE = Buffer.from('http/');
/** The longest method registered at IANA has 16 characters (UPDATEREDIRECTREF: 17). */
const METHOD_BYTES_MAX = 24;

export function classifyStart(bytes: Uint8Array, at: number, end: number): Start {
  const first = bytes[at] as number;
  if (first === 0x48 /* H */ || first === 0x68 /* h */) {
    let i = 1;
    // The bit makes a letter lower-case, and no other byte a letter or the slash.
    while (
      i < RESPONSE.length &&
      at + i < end &&
      ((bytes[at + i] as number) | 0x20) === ((RESPONSE[i] as number) | 0x20)
    )
      i++;
    if (i === RESPONSE.length) return Start.response;
    if (at + i === end) return Start.undecided;
  }
  if (first === 0x50 /* P */ && isPreface(bytes, at, end)) return Start.unknown;
  // A method: any token (RFC 9110 §9.1), then a space.
  let i = at;
  while (i < end && i - at < METHOD_BYTES_MAX && IS_TOKEN[bytes[i] as number] === 1) i++;
  if (i === end && i > at) return Start.undecided;
  return i > at && bytes[i] === 0x20 ? Start.request : Start.unknown;
}

/** The same from a server, from which nothing but responses comes. */
export function classifyResponse(bytes: Uint8Array, at: number, end: number): Start {
  const start = classifyStart(bytes, at, end);
  if (start === Start.response) return start;
  return start === Start.undecided && isResponseStart(bytes[at] as number) ? start : Start.unknown;
}

/**
 * Whether `bytes[at, end)` are a request of HTTP/0.9 and nothing else: one line with `GET` and a path (RFC 1945 §4.1).
 * What comes with headers behind such a line is a request that lacks its version.
 */
export function isSimpleRequest(bytes: Buffer, at: number, end: number): boolean {
  const lineEnd = bytes.subarray(at, end).indexOf(LF);
  if (lineEnd < 0 || behindEmptyLines(bytes, at + lineEnd + 1, end) < end) return false;
  return /^GET \/[^ \t]*\r?$/.test(bytes.latin1Slice(at, at + lineEnd));
}

/** Whether a request may begin at `bytes[at]`, as far as there are bytes. */
export function mayBeRequest(bytes: Uint8Array, at: number, end: number): boolean {
  const start = classifyStart(bytes, at, end);
  return start === Start.request || (start === Start.undecided && !isResponseStart(bytes[at] as number));
}

/** Methods of RFC 9110 §9.3 and RFC 5789. */
const COMMON_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];

/** Whether a request begins at `bytes[at]`, be it with no more than the first letters of a common method. */
export function beginsRequest(bytes: Buffer, at: number, end: number): boolean {
  const start = classifyStart(bytes, at, end);
  if (start !== Start.undecided) return start === Start.request;
  const letters = bytes.latin1Slice(at, end);
  return COMMON_METHODS.some((method) => method.startsWith(letters));
}

/** Whether a response may begin with `byte`. */
export function isResponseStart(byte: number): boolean {
  return (byte | 0x20) === 0x68; // h
}

/** Whether an interim response begins at `bytes[at]`: it answers nothing, and its client may go on with its request. */
export function isInterimStart(bytes: Uint8Array, at: number, end: number): boolean {
  return classifyStart(bytes, at, end) === Start.response && bytes[at + 8] === 0x20 && bytes[at + 9] === 0x31;
}

/**
 * Behind the empty lines at `bytes[at]`, which are skipped before a message (RFC 9112 §2.2). A CR at the end of the bytes is
 * taken for one.
 */
export function behindEmptyLines(bytes: Uint8Array, at: number, end: number): number {
  let i = at;
  while (i < end && (bytes[i] === LF || (bytes[i] === CR && (i + 1 === end || bytes[i + 1] === LF)))) i++;
  return i;
}

/** The characters of a token (RFC 9110 §5.6.2). */
const IS_TOKEN = tokenTable();

function tokenTable(): Uint8Array {
  const table = new Uint8Array(256);
  for (const byte of Buffer.from("!#$%&'*+-.^_`|~")) table[byte] = 1;
  for (let byte = 0x30; byte <= 0x39; byte++) table[byte] = 1;
  for (let byte = 0x41; byte <= 0x5a; byte++) {
    table[byte] = 1;
    table[byte | 0x20] = 1;
  }
  return table;
}
