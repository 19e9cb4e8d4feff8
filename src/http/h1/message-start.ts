/** Where messages of HTTP/1 begin (RFC 9112 §2.1, §2.2). */
import { isPreface } from '../h2.js';
import { matchPrefix, Recognition } from '../protocol.js';

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

const RESPONSE = 'HTTP/';
/** The longest method registered at IANA has 16 characters (UPDATEREDIRECTREF: 17). */
const METHOD_BYTES_MAX = 24;

export function classifyStart(bytes: Uint8Array, at: number, end: number): Start {
  const first = bytes[at] as number;
  if (first === 0x48 /* H */) {
    const response = matchPrefix(bytes, at, end, RESPONSE);
    if (response === Recognition.yes) return Start.response;
    if (response === Recognition.maybe) return Start.undecided;
  }
  if (first === 0x50 /* P */ && isPreface(bytes, at, end)) return Start.unknown;
  // A method: upper-case by every registration, then a space.
  let i = at;
  while (i < end && i - at < METHOD_BYTES_MAX && isMethodByte(bytes[i] as number)) i++;
  if (i === end && i > at) return Start.undecided;
  return i > at && bytes[i] === 0x20 ? Start.request : Start.unknown;
}

/**
 * Behind the empty lines at `bytes[at]`, which are skipped before a request (RFC 9112 §2.2). A CR at the end of the bytes
 * is taken for one.
 */
export function behindEmptyLines(bytes: Uint8Array, at: number, end: number): number {
  let i = at;
  while (i < end && (bytes[i] === LF || (bytes[i] === CR && (i + 1 === end || bytes[i + 1] === LF)))) i++;
  return i;
}

function isMethodByte(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x5f;
}

const VERSION = Buffer.from('HTTP/1.');

/**
 * The first place in `bytes[at, end)` where a message begins, for a stream that lost its place; -1 if there is none.
 * A message may begin right behind the lost end of a body, with no line break before it. `previous` is the byte
 * before `at`, or -1 if that was lost: then what begins at `at` may be the rest of a word.
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

/** No status line is longer than this: where no line ends within it, the bytes are a body that talks about HTTP. */
const STATUS_LINE_BYTES_MAX = 256;

/**
 * HTTP/1.x SP 3DIGIT [SP reason] and then a header or an empty line, as far as the segment shows. Text inside a body may
 * look the same; where two stand on one line, only the last can be a status line.
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

/** Whether `byte` can begin a line of a header section: a field name, or the empty line. Undefined: it is not here. */
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
  // The tail of a lost body may stand right before the method: the longest common method counts.
  for (let start = i; start < methodEnd; start++) {
    if (COMMON_METHODS.has(bytes.toString('latin1', start, methodEnd))) return start;
  }
  // Any other word is taken for a method where it stands alone, at the start of a segment or a line.
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
