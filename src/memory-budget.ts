/**
 * One process-wide count of the bytes held in flows, reorder stores, bodies and queues. Code that holds bytes adds them,
 * and removes them when it releases them; code that sheds asks `exceeded`.
 */
export class MemoryBudget {
  readonly max: number;
  used = 0;

  constructor(max: number) {
    this.max = max;
  }

  add(bytes: number): void {
    this.used += bytes;
  }

  remove(bytes: number): void {
    this.used -= bytes;
  }

  get exceeded(): boolean {
    return this.used > this.max;
  }

  /** Whether enough was shed: somewhat below the cap, so that the next byte does not start shedding again. */
  get relieved(): boolean {
    return this.used <= this.max - this.max / 8;
  }
}
