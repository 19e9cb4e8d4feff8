/**
 * How the end of a message's body is found, RFC 9112 §6.3.
 *
 * in:  a head, and for a response the method it answers · out: a `BodyFraming`
 */
import type { HeaderList } from '../header-list.js';
import { isInterim } from '../message-head.js';
import { ContentLength } from './parsed-head.js';

export const Framing = {
  /** No body. */
  none: 0,
  /** `length` bytes. */
  length: 1,
  chunked: 2,
  /** Until the connection closes. */
  close: 3,
  /** No longer HTTP from here on (§3.2.3, RFC 9110 §7.8). */
  tunnel: 4,
  /** Nobody can say: its lengths contradict each other (item 5). */
  unknown: 5,
  /**
   * Nobody can say, as its length is no number (item 5), or its last coding is not chunked and it is a request or has a length
   * too (items 3 and 4): all that comes is its content, until a message shows its end.
   */
  unframed: 6,
} as const;
export type Framing = (typeof Framing)[keyof typeof Framing];

export interface BodyFraming {
  framing: Framing;
  /** For `Framing.length`. */
  length: number;
  /** Whether the headers contradict each other or make no sense. */
  malformed: boolean;
}

const NONE: BodyFraming = { framing: Framing.none, length: 0, malformed: false };
const CLOSE: BodyFraming = { framing: Framing.close, length: 0, malformed: false };
const CHUNKED: BodyFraming = { framing: Framing.chunked, length: 0, malformed: false };
/**
 * Both headers: the coding overrides the length, and the message is suspicious (item 3). So is one of HTTP/1.0, which has no
 * codings (§6.1), and one with a parameter, of which chunked has none (§7.1).
 */
const CHUNKED_ALL_THE_SAME: BodyFraming = { framing: Framing.chunked, length: 0, malformed: true };
const UNKNOWN: BodyFraming = { framing: Framing.unknown, length: 0, malformed: true };
const UNFRAMED: BodyFraming = { framing: Framing.unframed, length: 0, malformed: true };
const TUNNEL: BodyFraming = { framing: Framing.tunnel, length: 0, malformed: false };

/** What `ParsedHead` says of a head's framing at no cost. */
export interface FramingHints {
  readonly contentLength: number;
  readonly mayBeCoded: boolean;
  readonly versionMajor: number;
  readonly versionMinor: number;
}

const CHUNKED_WITH_PARAMETERS = /^chunked[ \t]*;/;

/** Whether the hints say all there is to say, so that the headers are not needed. */
export function isFramingPlain(hints: FramingHints): boolean {
  return !hints.mayBeCoded && hints.contentLength !== ContentLength.unclear;
}

/** §6.3, for a request. */
export function requestFraming(headers: HeaderList, hints: FramingHints): BodyFraming {
  return headerFraming(headers, hints, NONE);
}

/** §6.3 for a response to `method`, which is empty where the request was not seen. */
export function responseFraming(headers: HeaderList, hints: FramingHints, status: number, method: string): BodyFraming {
  // Only who saw the request knows that the connection goes on as something else.
  if (status === 101) return method === '' ? NONE : TUNNEL;
  if (method === 'CONNECT' && status >= 200 && status < 300) return TUNNEL;
  if (method === 'HEAD' || isInterim(status) || status === 204 || status === 304) return NONE;
  return headerFraming(headers, hints, CLOSE);
}

function headerFraming(headers: HeaderList, hints: FramingHints, otherwise: BodyFraming): BodyFraming {
  if (isFramingPlain(hints)) {
    return hints.contentLength === ContentLength.none ? otherwise : ofLength(hints.contentLength, false);
  }
  const lengths = headers.getAll('content-length');
  if (headers.get('transfer-encoding') !== undefined) {
    const codings = listOf(headers.getAll('transfer-encoding')).map((coding) => coding.toLowerCase());
    const last = codings[codings.length - 1];
    const isOld = hints.versionMajor === 1 && hints.versionMinor === 0;
    if (last === 'chunked') return lengths.length === 0 && !isOld ? CHUNKED : CHUNKED_ALL_THE_SAME;
    if (last !== undefined && CHUNKED_WITH_PARAMETERS.test(last)) return CHUNKED_ALL_THE_SAME;
    // "identity" was withdrawn (RFC 7230 A.2): it says nothing.
    if (last !== undefined && last !== 'identity')
      return otherwise === CLOSE && lengths.length === 0 ? CLOSE : UNFRAMED;
  }
  if (lengths.length === 0) return otherwise;
  // "42, 42" and a header sent twice mean the same (§6.3 item 5).
  const all = listOf(lengths).map(digits);
  const first = all[0] ?? -1;
  if (first < 0) return otherwise === CLOSE ? UNFRAMED : { ...otherwise, malformed: true };
  return all.every((other) => other === first) ? ofLength(first, false) : UNKNOWN;
}

/** The elements of a list, without the empty ones (RFC 9110 §5.6.1.2). */
function listOf(lines: readonly string[]): string[] {
  return lines
    .join(',')
    .split(',')
    .map(withoutBlanks)
    .filter((element) => element !== '');
}

/** Without the white space that may surround an element (RFC 9110 §5.6.3); what else `trim` takes for such belongs to it. */
function withoutBlanks(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function ofLength(length: number, malformed: boolean): BodyFraming {
  return { framing: length === 0 ? Framing.none : Framing.length, length, malformed };
}

/** `1*DIGIT` (RFC 9110 §8.6) as a number that arithmetic can trust, the largest where it is larger; or -1. */
function digits(text: string): number {
  return /^[0-9]+$/.test(text) ? Math.min(Number(text), Number.MAX_SAFE_INTEGER) : -1;
}
