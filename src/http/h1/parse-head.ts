/**
 * One head, read by llhttp, and line by line where llhttp refuses it.
 *
 * in:  bytes that begin with a start line · out: the places of everything in the head, in the parser's `ParsedHead`
 */
import type { HeadParser } from './head-parser.js';
import { isSimpleRequest } from './message-start.js';
import { HeadResult, MessageKind } from './parsed-head.js';
import { isHttpHead } from './read-head.js';
import { salvageHead } from './salvage-head.js';

const HEAD_LOOK_BYTES = 2048;

export interface HeadBytes {
  readonly kind: MessageKind;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Whether its empty line has come. */
  readonly isWhole: boolean;
  /** Whether it may be no head at all: then only what is beyond doubt is one. */
  readonly isDoubtful: boolean;
  /** Of who reads the stream; absent where nobody reads it to its end. */
  readonly slot?: number;
}

/** Parses the head at `bytes[start]`. */
export function parseHead(parser: HeadParser, given: HeadBytes): HeadResult {
  const { kind, bytes, start, end, isWhole, isDoubtful, slot } = given;
  const parsed = parser.head;
  // Most heads are short, and what lies behind them need not be copied into the parser's memory.
  const near = Math.min(end, start + HEAD_LOOK_BYTES);
  let result = parser.parse(kind, bytes, start, near, slot);
  if (result === HeadResult.incomplete && near < end) result = parser.parse(kind, bytes, start, end, slot);
  if (result === HeadResult.complete && !isHttpHead(kind, parsed, bytes, start)) return HeadResult.invalid;
  // llhttp waits for more behind a request line that ends in LF alone and has no headers, and behind one of HTTP/0.9.
  const isRefused =
    result === HeadResult.invalid ||
    (result === HeadResult.incomplete &&
      (isWhole || (!isDoubtful && kind === MessageKind.request && isSimpleRequest(bytes, start, end))));
  if (isRefused) result = salvageHead(parsed, kind, bytes, start, end);
  if (!isDoubtful || result !== HeadResult.complete) return result;
  // Where two status lines stand on one line, text talks of them.
  const reason = bytes.latin1Slice(start + parsed.reasonStart, start + parsed.reasonEnd);
  const isOdd = parsed.malformed && (!METHODS.includes(parsed.method) || parsed.headerCount === 0);
  const isText = isOdd || reason.includes('HTTP/') || isRestOfMethod(parsed.method);
  return isText ? HeadResult.invalid : result;
}

/** Whether the whole head of a request is at `bytes[at]`, beyond doubt: not the rest of one whose first letters came before. */
export function beginsHead(parser: HeadParser, bytes: Buffer, start: number, end: number): boolean {
  const head = { kind: MessageKind.request, bytes, start, end, isWhole: false, isDoubtful: true };
  return parseHead(parser, head) === HeadResult.complete;
}

/** The methods of RFC 9110 §9.3, RFC 5789 and RFC 4918 §9, which lost beginnings may leave the rest of. */
const METHODS =
  'GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK SEARCH'.split(
    ' ',
  );

/** Whether `method` is the rest of one whose first letters were lost, or has the rest of a body in front of it. */
function isRestOfMethod(method: string): boolean {
  if (method === '' || METHODS.includes(method)) return false;
  return METHODS.some((whole) => whole.endsWith(method) || method.endsWith(whole));
}
