/**
 * A head as the parser leaves it: where its parts are, as offsets from the first of the bytes given.
 *
 * One object a parser, written anew by each parse; valid until the next.
 */
import type { RepeatedHead } from './repeated-heads.js';

export const MessageKind = { request: 1, response: 2 } as const; // llhttp_type_t
export type MessageKind = (typeof MessageKind)[keyof typeof MessageKind];

export const HeadResult = { complete: 0, incomplete: 1, invalid: 2 } as const;
export type HeadResult = (typeof HeadResult)[keyof typeof HeadResult];

/** What `ParsedHead.contentLength` is where it is no length. */
export const ContentLength = {
  none: -1,
  /** The headers themselves have to be looked at. */
  unclear: -2,
} as const;

export class ParsedHead {
  /** Bytes of the head, the empty line included. */
  length = 0;
  /** Empty in a response. */
  method = '';
  targetStart = 0;
  targetEnd = 0;
  /** 0 in a request. */
  status = 0;
  reasonStart = 0;
  reasonEnd = 0;
  versionMajor = 0;
  versionMinor = 0;
  /** Four offsets for each header: name start, name end, value start, value end. */
  readonly spans: Int32Array;
  headerCount = 0;
  /** What the only Content-Length says, or a value of `ContentLength`. */
  contentLength: number = ContentLength.none;
  /** Whether there may be a Transfer-Encoding. */
  mayBeCoded = false;
  /** Whether the head departs from the grammar. */
  malformed = false;
  /** Whether there were more headers than are noted: then those noted include all that frame the body. */
  isOverfull = false;
  /** Whether the head is certain to be ASCII without a folded value. */
  isPlain = false;

  /** The earlier head that has the same headers, whose list has them: then `spans` says nothing of them. Null where there is none. */
  known: RepeatedHead | null = null;

  constructor(spans: Int32Array) {
    this.spans = spans;
  }
}
