/**
 * Bytes that come in pieces → lines, each in one piece.
 *
 * in:  bytes and gaps · out: each line without its end, to a `LineHandler`; of a long one as much as that wants of it
 *
 * Behind a gap, what comes before the next end of a line is the rest of one, and passes.
 */
import type { MemoryBudget } from '../../memory-budget.js';
import { KeptBytes } from '../kept-bytes.js';

export interface LineHandler {
  /** A line begins: bytes of it that are wanted. */
  wanted(time: number): number;
  /** `bytes[start, end)` is the line, or its beginning: it has `length` bytes. */
  onLine(bytes: Buffer, start: number, end: number, length: number, time: number): void;
  /** Bytes of the rest of a line whose beginning is missing, its end included. */
  onRest(length: number): void;
}

const LF = 0x0a;
const CR = 0x0d;

export class Lines {
  readonly #handler: LineHandler;
  /** Whether a CR ends a line by itself, as in server-sent events (HTML Standard §9.2.5). */
  readonly #endsAtCr: boolean;
  readonly #kept: KeptBytes;
  #max = 0;
  /** Whether the line that is being read began. */
  #isInside = false;
  #isLost = false;
  /** Whether the last byte was a CR that ended a line: an LF behind it belongs to that end. */
  #afterCr = false;

  constructor(handler: LineHandler, budget: MemoryBudget, endsAtCr: boolean) {
    this.#handler = handler;
    this.#kept = new KeptBytes(budget);
    this.#endsAtCr = endsAtCr;
  }

  data(bytes: Buffer, start: number, end: number, time: number): void {
    let at = start;
    if (this.#afterCr && at < end) {
      this.#afterCr = false;
      if (bytes[at] === LF) at++;
    }
    // Each is looked for again only when it has been passed: a text may have many of one and none of the other.
    let lf = indexOf(bytes, LF, at, end);
    let cr = this.#endsAtCr ? indexOf(bytes, CR, at, end) : end;
    while (at < end) {
      const to = Math.min(lf, cr);
      if (to === end) {
        this.#begin(time);
        this.#kept.append(bytes, at, end, this.#max);
        return;
      }
      this.#end(bytes, at, to, time);
      at = to + 1;
      if (to === cr) {
        if (at === end) this.#afterCr = true;
        else if (bytes[at] === LF) at++;
        cr = indexOf(bytes, CR, at, end);
      }
      if (lf < at) lf = indexOf(bytes, LF, at, end);
    }
  }

  /** Bytes are missing. Returns how many of the line that was being read are lost with them. */
  gap(): number {
    const lost = this.#kept.total;
    this.#kept.clear();
    this.#isInside = false;
    this.#isLost = true;
    this.#afterCr = false;
    return lost;
  }

  /** The text is over: a line without an end is one all the same, if it has anything in it. */
  finish(time: number): void {
    if (this.#isInside && !this.#isLost && this.#kept.total > 0) this.#end(NO_BYTES, 0, 0, time);
  }

  release(): void {
    this.#kept.release();
    this.#isInside = false;
  }

  #begin(time: number): void {
    if (this.#isInside) return;
    this.#isInside = true;
    this.#max = this.#isLost ? 0 : this.#handler.wanted(time);
  }

  #end(bytes: Buffer, start: number, end: number, time: number): void {
    const kept = this.#kept;
    if (this.#isLost) {
      this.#isLost = false;
      this.#handler.onRest(kept.total + end - start + 1);
    } else if (kept.total === 0) {
      const wanted = this.#handler.wanted(time);
      this.#handler.onLine(bytes, start, Math.min(end, start + wanted), end - start, time);
    } else {
      kept.append(bytes, start, end, this.#max);
      this.#handler.onLine(kept.bytes, 0, kept.length, kept.total, time);
    }
    kept.clear();
    this.#isInside = false;
  }
}

const NO_BYTES = Buffer.alloc(0);

function indexOf(bytes: Buffer, byte: number, from: number, end: number): number {
  if (from >= end) return end;
  // Only as far as the segment: the memory behind it may be a large ring.
  const at = bytes.subarray(from, end).indexOf(byte);
  return at < 0 ? end : from + at;
}
