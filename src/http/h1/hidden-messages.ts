/**
 * How many messages may be hidden in a part of a stream that no chain covers: in its lost bytes as many as find room there,
 * and in those that were captured none that does not show its version.
 *
 * in:  one direction of a `Stretch`, and a range of it · out: a number that is never too low
 */
import { MessageKind } from './parsed-head.js';
import type { Piece, StretchSide } from './stretch.js';

/** `GET / HTTP/1.0` and its empty line; a status line without a reason and its empty line. */
const REQUEST_BYTES_MIN = 18;
const RESPONSE_BYTES_MIN = 17;
/** What every first line has (RFC 9112 §2.3), and what may be the beginning of one that has not got to that. */
const VERSION = /http\/1/gi;
const REQUEST_BEGUN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,24}(?: \S*(?: (?:h(?:t(?:t(?:p\/?)?)?)?)?)?)?$/i;
const RESPONSE_BEGUN = /h(?:t(?:t(?:p\/?)?)?)?$/i;
/** As much of what is captured in front of lost bytes can be a message that has not shown its version. */
const TAIL_BYTES = 64;

export class HiddenMessages {
  readonly #pieces: readonly Piece[];
  readonly #isRequest: boolean;
  readonly #shortest: number;

  constructor({ pieces }: StretchSide, kind: MessageKind) {
    this.#pieces = pieces;
    this.#isRequest = kind === MessageKind.request;
    this.#shortest = this.#isRequest ? REQUEST_BYTES_MIN : RESPONSE_BYTES_MIN;
  }

  /** How many messages may lie in a range. */
  within(from: number, to: number): number {
    return this.#count(from, to, true);
  }

  /** How many may begin in it. */
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
      if (piece.place > place) {
        count += this.#roomFor(piece.place - place, tail, false);
        place = piece.place;
        tail = '';
      }
      const text = tail + piece.bytes.latin1Slice(place - piece.place, Math.min(behind, to) - piece.place);
      // One that is in the tail of the piece before it was counted with that.
      for (const { index } of text.matchAll(VERSION)) if (index + 6 > tail.length) count++;
      place = Math.min(behind, to);
      tail = text.slice(-TAIL_BYTES);
    }
    return place < to ? count + this.#roomFor(to - place, tail, isWhole) : count;
  }

  /** How many begin in lost bytes behind `tail`; `isWhole`: and end there. */
  #roomFor(lost: number, tail: string, isWhole: boolean): number {
    const begun = (this.#isRequest ? REQUEST_BEGUN : RESPONSE_BEGUN).exec(tail)?.[0].length ?? 0;
    const room = (lost + Math.min(begun, this.#shortest - 1)) / this.#shortest;
    return isWhole ? Math.floor(room) : Math.ceil(room);
  }
}
