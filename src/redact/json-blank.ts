/** What stands between the tokens of JSON: space (RFC 8259 §2), and comments, which people write there all the same. */
import { CARRIAGE_RETURN, COLON, isSpace, LINE_FEED, SLASH } from './byte-text.js';

const COMMENT_BYTES_MAX = 512;
const STAR = 0x2a;

/** Of one text. */
export class Blanks {
  readonly #bytes: Buffer;
  /** Between these no comment ends: it is not looked for there again, however many begin. */
  #from = 0;
  #until = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Skips space, comments where there are any, and what begins the next line of an event. */
  skip(start: number, end: number): number {
    const bytes = this.#bytes;
    let i = start;
    for (;;) {
      while (i < end && isSpace(bytes[i])) i++;
      if (bytes[i] === D && i > start && isEventLine(bytes, i)) {
        i += EVENT_LINE.length;
        continue;
      }
      if (bytes[i] !== SLASH) return i;
      const after = this.skipComment(i, end);
      if (after === i) return i;
      i = after;
    }
  }

  /** Where the comment at `at` ends, or `at` where there is none or it is long; one of a line goes as far as its line. */
  skipComment(at: number, end: number): number {
    const bytes = this.#bytes;
    if (bytes[at + 1] === SLASH) {
      let i = at + 2;
      while (i < end && bytes[i] !== LINE_FEED) i++;
      return i;
    }
    if (bytes[at + 1] !== STAR) return at;
    const limit = Math.min(end, at + COMMENT_BYTES_MAX) - 1;
    const start = at + 2;
    const isSeen = start >= this.#from && start <= this.#until;
    let i = isSeen ? this.#until : start;
    for (; i < limit; i++) if (bytes[i] === STAR && bytes[i + 1] === SLASH) return i + 2;
    if (!isSeen) this.#from = start;
    this.#until = i;
    return at;
  }
}

const D = 0x64;
const EVENT_LINE = 'data:';

/** Whether a line of a server-sent event that goes on with what the line before began is at `at` (WHATWG HTML §9.2.6). */
export function isEventLine(bytes: Buffer, at: number): boolean {
  if (bytes[at] !== D || bytes[at + 4] !== COLON) return false;
  const before = bytes[at - 1];
  if (before !== LINE_FEED && before !== CARRIAGE_RETURN) return false;
  return bytes[at + 1] === 0x61 && bytes[at + 2] === 0x74 && bytes[at + 3] === 0x61;
}
