/**
 * Finds frames again where the place among them was lost: behind a gap that reached beyond a frame, or bytes that make none.
 *
 * in:  segments · out: whether a frame begins with one
 *
 * Frames have no marks, and a payload may look like one. But senders begin a segment with a frame, and end it with one. So from the
 * start of a segment a chain of frames has to lead to the end of it, or of a later one; and once more, or have three frames.
 */
import { isUtf8 } from 'node:buffer';
import { FrameHeader, Opcode, unmask } from './frame.js';

/** A longer frame is not taken for one here. */
const FRAME_BYTES_MAX = 1 << 20;
const ENDS_MIN = 2;
const FRAMES_MIN = 3;

export class PlaceFinder {
  readonly #isMasked: boolean;
  readonly #header = new FrameHeader();
  /** Bytes of the frame being passed that are still to come. */
  #left = 0;
  /** Frames of the chain, and how often it led to the end of a segment. */
  #frames = 0;
  #ends = 0;

  /** `isMasked`: whether the frames are a client's (RFC 6455 §5.1). */
  constructor(isMasked: boolean) {
    this.#isMasked = isMasked;
  }

  /** Takes a segment. Returns where in it a frame begins that can be believed, or -1. */
  find(bytes: Buffer, start: number, end: number): number {
    const wasBetween = this.#left === 0;
    if (!this.#follow(bytes, start, end)) {
      this.forget();
      return -1;
    }
    const isProven = this.#ends >= ENDS_MIN || (this.#ends > 0 && this.#frames >= FRAMES_MIN);
    if (!isProven || this.#left > 0) return -1;
    this.forget();
    return wasBetween ? start : end;
  }

  forget(): void {
    this.#left = 0;
    this.#frames = 0;
    this.#ends = 0;
  }

  /** Whether the chain goes on through the segment. */
  #follow(bytes: Buffer, start: number, end: number): boolean {
    let at = start + Math.min(this.#left, end - start);
    this.#left -= at - start;
    while (at < end) {
      const header = this.#header;
      const size = header.read(bytes, at, end);
      if (size <= 0 || header.isMasked !== this.#isMasked || !header.isMinimal || header.length > FRAME_BYTES_MAX)
        return false;
      const payload = at + size;
      at = Math.min(end, payload + header.length);
      this.#left = payload + header.length - at;
      if (this.#left === 0 && !this.#isPlausible(bytes, payload, at)) return false;
      this.#frames++;
    }
    if (this.#left === 0) this.#ends++;
    return true;
  }

  /** Whether a frame of text is text. */
  #isPlausible(bytes: Buffer, start: number, end: number): boolean {
    const { opcode, isFinal, isCompressed, isMasked, mask } = this.#header;
    if (opcode !== Opcode.text || !isFinal || isCompressed) return true;
    if (!isMasked) return isUtf8(bytes.subarray(start, end));
    const text = Buffer.from(bytes.subarray(start, end));
    unmask(text, 0, text.length, mask, 0);
    return isUtf8(text);
  }
}
