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
const TUNNEL: BodyFraming = { framing: Framing.tunnel, length: 0, malformed: false };

/** What `ParsedHead` says of a head's framing at no cost. */
export interface FramingHints {
  readonly contentLength: number;
  readonly mayBeCoded: boolean;
}

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
  if (status === 101 || (method === 'CONNECT' && status >= 200 && status < 300)) return TUNNEL;
  if (method === 'HEAD' || isInterim(status) || status === 204 || status === 304) return NONE;
  return headerFraming(headers, hints, CLOSE);
}

function headerFraming(headers: HeaderList, hints: FramingHints, otherwise: BodyFraming): BodyFraming {
  if (isFramingPlain(hints)) {
    return hints.contentLength === ContentLength.none ? otherwise : ofLength(hints.contentLength, false);
  }
  if (headers.get('transfer-encoding') !== undefined) {
    const codings = headers.getAll('transfer-encoding').join(',').toLowerCase().split(',');
    const last = codings[codings.length - 1]?.trim();
    if (last === 'chunked') return CHUNKED;
    // "identity" was withdrawn (RFC 7230 A.2): it says nothing.
    if (last !== 'identity') return CLOSE;
  }
  const lengths = headers.getAll('content-length');
  if (lengths.length === 0) return otherwise;
  // "42, 42" and a header sent twice mean the same (§6.3 item 5).
  const all = lengths
    .join(',')
    .split(',')
    .map((text) => digits(text.trim()));
  const first = all[0] as number;
  return first >= 0
    ? ofLength(
        first,
        all.some((other) => other !== first),
      )
    : { ...otherwise, malformed: true };
}

function ofLength(length: number, malformed: boolean): BodyFraming {
  return { framing: length === 0 ? Framing.none : Framing.length, length, malformed };
}

/** `1*DIGIT` as a number that arithmetic can trust, or -1. */
function digits(text: string): number {
  if (text.length === 0 || text.length > 15) return -1;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
