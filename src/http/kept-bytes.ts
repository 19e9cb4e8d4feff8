/**
 * The beginning of something of unknown length that comes in pieces: as much as is wanted of it, in one piece, its memory taken
 * from the budget.
 */
import type { MemoryBudget } from '../memory-budget.js';

const BYTES_MIN = 64;
const NO_BYTES = Buffer.alloc(0);

export class KeptBytes {
  /** Of all that came, kept or not. */
  total = 0;
  /** How many are kept. */
  length = 0;
  #bytes = NO_BYTES;
  readonly #budget: MemoryBudget;

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /** Takes `bytes[start, end)`, and keeps what is among the first `max` of all. */
  append(bytes: Buffer, start: number, end: number, max: number): void {
    this.total += end - start;
    const take = Math.min(end - start, max - this.length);
    // What comes behind something that was left out is not joined to what is in front of it.
    if (take <= 0 || this.length < this.total - (end - start)) return;
    if (this.length + take > this.#bytes.length) this.#grow(this.length + take, max);
    bytes.copy(this.#bytes, this.length, start, start + take);
    this.length += take;
  }

  /** What is kept, valid until the next call. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }

  /** A copy of what is kept, which is forgotten here. */
  take(): Buffer {
    const taken = this.length === 0 ? NO_BYTES : Buffer.from(this.bytes);
    this.clear();
    return taken;
  }

  /** Forgets what is kept. Memory that is small stays for what comes next. */
  clear(): void {
    this.total = 0;
    this.length = 0;
    if (this.#bytes.length > SMALL_BYTES) this.release();
  }

  release(): void {
    this.total = 0;
    this.length = 0;
    this.#budget.remove(this.#bytes.length);
    this.#bytes = NO_BYTES;
  }

  #grow(needed: number, max: number): void {
    const size = Math.min(max, Math.max(needed, BYTES_MIN, 2 * this.#bytes.length));
    const grown = Buffer.allocUnsafeSlow(size);
    this.#bytes.copy(grown, 0, 0, this.length);
    this.#budget.add(size - this.#bytes.length);
    this.#bytes = grown;
  }
}

const SMALL_BYTES = 1024;
