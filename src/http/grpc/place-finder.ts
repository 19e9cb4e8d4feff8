/**
 * Finds messages of a call again where the place among them was lost, behind a gap that may have held the end of one.
 *
 * in:  pieces of the stream, as they come out of DATA frames and segments · out: whether a message begins with one
 *
 * Messages have no marks, and one may hold anything. But senders begin a DATA frame with a message, and end it with one. So from the
 * start of a piece a chain of prefixes has to lead to the end of it, or of a later one, and do so twice, each time by a message that is
 * not empty: zeros alone would be a chain.
 */
import { PREFIX_BYTES } from './message-frames.js';

/** A longer message is not taken for one here. */
const MESSAGE_BYTES_MAX = 1 << 22;
const ENDS_MIN = 2;

export class PlaceFinder {
  /** The flags that there may be. */
  readonly #flagsMask: number;
  /** Bytes of the message being passed that are still to come. */
  #left = 0;
  /** How often the chain led to the end of a piece. */
  #ends = 0;

  constructor(flagsMask: number) {
    this.#flagsMask = flagsMask;
  }

  /** Whether a chain has begun. */
  get isFollowing(): boolean {
    return this.#left > 0 || this.#ends > 0;
  }

  /** Takes a piece. Returns where in it a message begins that can be believed, or -1. */
  find(bytes: Buffer, start: number, end: number): number {
    const wasBetween = this.#left === 0;
    if (!this.#follow(bytes, start, end)) {
      this.forget();
      return -1;
    }
    if (this.#left > 0 || this.#ends < ENDS_MIN) return -1;
    this.forget();
    return wasBetween ? start : end;
  }

  forget(): void {
    this.#left = 0;
    this.#ends = 0;
  }

  /** Whether the chain goes on through the piece. */
  #follow(bytes: Buffer, start: number, end: number): boolean {
    let at = start + Math.min(this.#left, end - start);
    let hasContent = at > start;
    this.#left -= at - start;
    while (at < end) {
      if (at + PREFIX_BYTES > end || ((bytes[at] as number) & ~this.#flagsMask) !== 0) return false;
      const length = bytes.readUInt32BE(at + 1);
      if (length > MESSAGE_BYTES_MAX) return false;
      const content = at + PREFIX_BYTES;
      hasContent ||= length > 0;
      at = Math.min(end, content + length);
      this.#left = content + length - at;
    }
    if (this.#left === 0 && hasContent) this.#ends++;
    return true;
  }
}
