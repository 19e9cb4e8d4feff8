/**
 * Batches ahead of the queue and the spool: what was taken off the disk before its first attempt, so that it cannot be
 * sent twice, and the pieces of one that was too large.
 *
 * in: batches, held · out: the same, one at a time
 *
 * Never many: a batch of n traces is in at most log2(n) + 1 pieces at once, of n traces together.
 */
import type { Batch } from './batch.js';

/** A batch on its way, wherever it came from. */
export interface BatchInHand {
  readonly batch: Batch;
  /** Whether it outlives this process. */
  readonly isOnDisk: boolean;
  /** Delivered, refused or given up: it is nobody's any more. */
  done(): Promise<void>;
  /** To be tried again later. */
  release(): void;
}

export interface HeldBatches {
  readonly size: number;
  readonly traces: number;
  readonly bytes: number;
  /** Puts batches first in line; `whenDone` is called when none is left. */
  hold(batches: readonly Batch[], whenDone?: () => Promise<void>): void;
  peek(): BatchInHand | null;
  /** Gives all of them away; `done` is to be called when they are somewhere else. */
  takeAll(): { batches: Batch[]; done: () => Promise<void> };
}

export function createHeldBatches(): HeldBatches {
  let held: Batch[] = [];
  let finish: (() => Promise<void>) | undefined;

  const settle = async (): Promise<void> => {
    if (held.length > 0) return;
    const finishing = finish;
    finish = undefined;
    await finishing?.();
  };

  return {
    get size() {
      return held.length;
    },
    get traces() {
      return held.reduce((sum, { count }) => sum + count, 0);
    },
    get bytes() {
      return held.reduce((sum, { payload }) => sum + payload.length, 0);
    },
    hold(batches, whenDone) {
      held.unshift(...batches);
      finish ??= whenDone;
    },
    peek() {
      const batch = held[0];
      if (batch === undefined) return null;
      return {
        batch,
        isOnDisk: false,
        async done() {
          held.splice(held.indexOf(batch), 1);
          await settle();
        },
        release: () => {},
      };
    },
    takeAll() {
      const batches = held;
      held = [];
      return { batches, done: settle };
    },
  };
}
