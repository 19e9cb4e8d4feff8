/**
 * Where frames begin in bytes whose place among frames is not known, by strict rules: a chain of headers, each of a frame that
 * somebody would send (`isFrameHeader`), on streams that there can be, each where the one before it ends.
 *
 * in:  segments · out: the place of a frame, or none
 *
 * A segment often begins with a frame, so its start is tried first. Elsewhere one header is not enough: two must follow each
 * other, in the segment or, where the first frame is longer, in a later one.
 */
import { areFrames, FRAME_HEADER_BYTES, isFrameHeader } from './frame.js';

/** How far ahead of the streams seen those of lost frames may be. */
const STREAMS_AHEAD = 4096;

export class FrameFinder {
  /** The highest stream seen; 0 if none was. */
  #stream = 0;
  /** Bytes to where a frame seems to begin, if the one that seemed to begin before it was one; -1 where nothing is expected. */
  #ahead = -1;

  begin(): void {
    this.#ahead = -1;
  }

  noteStream(stream: number): void {
    if (stream > this.#stream) this.#stream = stream;
  }

  /** Bytes of the stream are missing. */
  skip(length: number): void {
    this.#ahead = this.#ahead >= length ? this.#ahead - length : -1;
  }

  /** Where in `bytes[start, end)` a frame begins, or -1. */
  find(bytes: Buffer, start: number, end: number): number {
    if (areFrames(bytes, start, end) && this.#mayBe(bytes, start)) return start;
    const expected = this.#expected(bytes, start, end);
    if (expected >= 0) return expected;
    if (this.#stream === 0) return -1;
    for (let at = start; at + FRAME_HEADER_BYTES <= end; at++) {
      // Nearly every place is passed by these two bytes.
      if (bytes[at] !== 0 || (bytes[at + 3] as number) > 9 || !this.#isHeader(bytes, at)) continue;
      const next = at + FRAME_HEADER_BYTES + bytes.readUIntBE(at, 3);
      if (next + FRAME_HEADER_BYTES <= end) {
        if (this.#isHeader(bytes, next)) return at;
      } else if (this.#ahead < 0) {
        this.#ahead = next - end;
      }
    }
    return -1;
  }

  /** The place of a frame that was to be expected, if there is one. */
  #expected(bytes: Buffer, start: number, end: number): number {
    const ahead = this.#ahead;
    if (ahead < 0) return -1;
    const at = start + ahead;
    if (at >= end) {
      this.#ahead = at - end;
      return -1;
    }
    this.#ahead = -1;
    return at + FRAME_HEADER_BYTES <= end && this.#isHeader(bytes, at) ? at : -1;
  }

  #isHeader(bytes: Buffer, at: number): boolean {
    return isFrameHeader(bytes, at) && this.#mayBe(bytes, at);
  }

  /** Whether the frame at `bytes[at]` is of a stream that there can be; of any, where none is known. */
  #mayBe(bytes: Buffer, at: number): boolean {
    return this.#stream === 0 || (bytes.readUInt32BE(at + 5) & 0x7fff_ffff) <= this.#stream + STREAMS_AHEAD;
  }
}
