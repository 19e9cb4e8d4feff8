/**
 * A head that comes in several segments, gathered until it can be parsed.
 *
 * in:  the stream's bytes · out: the head's bytes in one piece, and whether its empty line has come (RFC 9112 §2.1)
 */
import type { Limits } from '../../limits.js';
import type { MemoryBudget } from '../../memory-budget.js';

const BYTES_MIN = 2048;
const NO_BYTES = Buffer.alloc(0);
const LF = 0x0a;
const CR = 0x0d;

export class HeadBuffer {
  /** The first `length` of these are the head's. */
  bytes: Buffer = NO_BYTES;
  length = 0;
  /** How often an empty line was found. */
  endsFound = 0;
  /** Bytes searched for one. */
  #searched = 0;
  readonly #bytesMax: number;
  readonly #budget: MemoryBudget;

  constructor({ head_bytes_max }: Limits, budget: MemoryBudget) {
    this.#bytesMax = head_bytes_max;
    this.#budget = budget;
  }

  get isFull(): boolean {
    return this.length >= this.#bytesMax;
  }

  /** Takes as much of `from[at, end)` as there is room for. Returns how many bytes. */
  append(from: Buffer, at: number, end: number): number {
    const take = Math.min(end - at, this.#bytesMax - this.length);
    this.#reserve(this.length + take);
    from.copy(this.bytes, this.length, at, at + take);
    this.length += take;
    return take;
  }

  /** Whether an empty line has come since the last look. */
  findEnd(): boolean {
    const { bytes, length } = this;
    for (let i = this.#searched; i < length; i++) {
      if (bytes[i] !== LF) continue;
      let previous = i - 1;
      while (previous >= 0 && bytes[previous] === CR) previous--;
      if (previous >= 0 && bytes[previous] !== LF) continue;
      this.#searched = i + 1;
      this.endsFound++;
      return true;
    }
    this.#searched = length;
    return false;
  }

  /** Gives the memory back. */
  release(): void {
    this.#budget.remove(this.bytes.length);
  }

  #reserve(length: number): void {
    if (this.bytes.length >= length) return;
    const size = Math.min(this.#bytesMax, Math.max(BYTES_MIN, length, this.bytes.length * 2));
    const grown = Buffer.allocUnsafeSlow(size);
    this.bytes.copy(grown, 0, 0, this.length);
    this.#budget.add(size - this.bytes.length);
    this.bytes = grown;
  }
}
