/**
 * Batches ahead of the queue and the spool: those that left the disk before their first attempt, so that they cannot be
 * sent twice, and the pieces of one that was too large.
 *
 * in: batches, held · out: the same, one at a time
 *
 * Never many: a batch of n traces is in at most log2(n) + 1 pieces at once, of n traces together.
 */
import type { Batch, BatchInHand } from './batch.js';

export class HeldBatches {
  #held: Batch[] = [];
  #whenDone: (() => Promise<void>) | undefined;

  get size(): number {
    return this.#held.length;
  }

  get traces(): number {
    return this.#held.reduce((sum, { count }) => sum + count, 0);
  }

  get bytes(): number {
    return this.#held.reduce((sum, { payload }) => sum + payload.length, 0);
  }

  /** Puts batches first in line; `whenDone` is called when none is left. */
  hold(batches: readonly Batch[], whenDone?: () => Promise<void>): void {
    this.#held.unshift(...batches);
    this.#whenDone ??= whenDone;
  }

  peek(): BatchInHand | null {
    const batch = this.#held[0];
    if (batch === undefined) return null;
    return {
      batch,
      isOnDisk: false,
      done: () => {
        this.#held.splice(this.#held.indexOf(batch), 1);
        return this.#finish();
      },
      release: () => {},
    };
  }

  /** Gives all of them away; `done` is to be called when they are somewhere else. */
  takeAll(): { batches: Batch[]; done: () => Promise<void> } {
    const batches = this.#held;
    this.#held = [];
    return { batches, done: () => this.#finish() };
  }

  async #finish(): Promise<void> {
    if (this.#held.length > 0) return;
    const finishing = this.#whenDone;
    this.#whenDone = undefined;
    await finishing?.();
  }
}
