/** More is not shed at once, as thousands of flows and exchanges may be in it. */
const RELIEF_BYTES_MAX = 1 << 20;

/**
 * One process-wide count of the bytes held in flows, reorder stores, bodies, and traces that are being made. Code that holds
 * bytes adds them, and removes them when it releases them; code that sheds asks `exceeded`; code that can do without asks for
 * `room` first.
 */
export class MemoryBudget {
  readonly max: number;
  used = 0;
  readonly #whole: MemoryBudget | null;

  /** `whole`: the budget that this is a part of, which counts its bytes too. */
  constructor(max: number, whole: MemoryBudget | null = null) {
    this.max = max;
    this.#whole = whole;
  }

  add(bytes: number): void {
    this.used += bytes;
    this.#whole?.add(bytes);
  }

  remove(bytes: number): void {
    this.used -= bytes;
    this.#whole?.remove(bytes);
  }

  get exceeded(): boolean {
    return this.used > this.max;
  }

  /** Bytes that can be added without coming near to shedding. */
  get room(): number {
    return Math.max(0, this.max - this.max / 8 - this.used);
  }

  /** Whether enough was shed: somewhat below the cap, so that the next byte does not start shedding again. */
  get relieved(): boolean {
    return this.used <= this.max - Math.min(this.max / 8, RELIEF_BYTES_MAX);
  }
}
