/**
 * How many messages may be hidden in a part of a stream that no chain covers: in its lost bytes as many as find room there,
 * and in those that were captured none that does not show its version.
 *
 * in:  one direction of a `Stretch`, and a range of it · out: a number that is never too low
 */
import { MessageKind } from './parsed-head.js';
import type { Piece, StretchSide } from './stretch.js';

/**
 * The shortest messages on a connection that goes on: `GET / HTTP/1.1` and `Host:` (RFC 9112 §3.2), a status line without a
 * reason; and those that have a body.
 */
const REQUEST = { least: 25, leastWithBody: 43 };
const RESPONSE = { least: 17, leastWithBody: 35 };
/** What every first line has (RFC 9112 §2.3), and what may be the beginning of one that has not got to that. */
const VERSION = /http\/1/gi;
const REQUEST_BEGUN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,24}(?: \S*(?: (?:h(?:t(?:t(?:p\/?)?)?)?)?)?)?$/i;
const RESPONSE_BEGUN = /h(?:t(?:t(?:p\/?)?)?)?$/i;
/** As much of what is captured in front of lost bytes can be a message that has not shown its version. */
const TAIL_BYTES = 64;
/** The first line of a message that a piece begins with, up to its version. */
const REQUEST_LINE = /^\S+ \S+ http\/1/i;

export class HiddenMessages {
  readonly #pieces: readonly Piece[];
  readonly #isRequest: boolean;
  readonly #least: number;
  readonly #leastWithBody: number;
  /** Places of segments that begin with what looks like a message and is none. */
  readonly none = new Set<number>();

  constructor({ pieces }: StretchSide, kind: MessageKind) {
    this.#pieces = pieces;
    this.#isRequest = kind === MessageKind.request;
    const { least, leastWithBody } = this.#isRequest ? REQUEST : RESPONSE;
    this.#least = least;
    this.#leastWithBody = leastWithBody;
  }

  /** How many messages may lie in a range, and how many may begin in it. */
  within(from: number, to: number): number {
    return this.#count(from, to, true);
  }
  beginning(from: number, to: number): number {
    return this.#count(from, to, false);
  }

  /** Whether a range begins with more than `length` bytes that are lost. */
  isLost(from: number, to: number, length: number): boolean {
    const behind = from + length + 1;
    return behind <= to && !this.#pieces.some(({ place, bytes }) => place < behind && place + bytes.length > from);
  }

  #count(from: number, to: number, isWhole: boolean): number {
    let count = 0;
    let place = from;
    let tail = '';
    for (const piece of this.#pieces) {
      const behind = piece.place + piece.bytes.length;
      if (behind <= place) continue;
      if (piece.place >= to) break;
      const isNone = this.none.has(piece.place) && piece.place >= place;
      if (piece.place > place) {
        count += this.#roomFor(piece.place - place, tail, isNone ? 'body' : 'begin');
        place = piece.place;
        tail = '';
      }
      const own = piece.bytes.latin1Slice(place - piece.place, Math.min(behind, to) - piece.place);
      count += versionsIn(tail + own, tail.length) - (isNone && this.#showsVersion(own) ? 1 : 0);
      place = Math.min(behind, to);
      tail = (tail + own).slice(-TAIL_BYTES);
    }
    return place < to ? count + this.#roomFor(to - place, tail, isWhole ? 'end' : 'begin') : count;
  }

  #showsVersion(text: string): boolean {
    return this.#isRequest ? REQUEST_LINE.test(text) : /^http\/1/i.test(text);
  }

  /**
   * How many messages begin in lost bytes behind `tail`, the last of which goes on behind them (`begin`), ends there at the latest
   * (`end`), or has its head there and its body behind them (`body`).
   */
  #roomFor(lost: number, tail: string, last: 'begin' | 'end' | 'body'): number {
    const begun = (this.#isRequest ? REQUEST_BEGUN : RESPONSE_BEGUN).exec(tail)?.[0].length ?? 0;
    const room = lost + Math.min(begun, this.#least - 1);
    if (last === 'body')
      return room < this.#leastWithBody ? 0 : 1 + Math.floor((room - this.#leastWithBody) / this.#least);
    return last === 'end' ? Math.floor(room / this.#least) : Math.ceil(room / this.#least);
  }
}

/** How many versions end in `text` behind `from`: one that is in front of that was counted before. */
function versionsIn(text: string, from: number): number {
  let count = 0;
  for (const { index, 0: version } of text.matchAll(VERSION)) if (index + version.length > from) count++;
  return count;
}
