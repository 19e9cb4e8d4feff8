/**
 * Batches waiting to be sent: first in, first out, bounded in bytes.
 *
 * The oldest goes when the budget is exceeded, for what is newest is worth most to who watches. One larger than the
 * whole budget is evicted itself.
 */
import type { Batch } from './batch.js';

export interface QueuedBatch {
  batch: Batch;
  /** Under way: neither evicted nor moved elsewhere. */
  sending: boolean;
  /** Resolves when the batch is as it will be sent. */
  ready: Promise<void>;
}

export interface BatchQueue {
  readonly bytes: number;
  readonly traces: number;
  readonly size: number;
  push(batch: Batch): QueuedBatch;
  /** The oldest, left in place. */
  peek(): QueuedBatch | undefined;
  remove(entry: QueuedBatch): boolean;
  /** Puts other bytes in the place of a batch's (its compressed form); false if it is gone. */
  replace(entry: QueuedBatch, batch: Batch): boolean;
  /** Takes out the oldest that are not under way until at most `bytesMax` are held. */
  shrink(bytesMax: number): Batch[];
}

const READY = Promise.resolve();

export function createBatchQueue(): BatchQueue {
  const entries = new Set<QueuedBatch>();
  let bytes = 0;
  let traces = 0;

  const remove = (entry: QueuedBatch): boolean => {
    if (!entries.delete(entry)) return false;
    bytes -= entry.batch.payload.length;
    traces -= entry.batch.count;
    return true;
  };

  return {
    get bytes() {
      return bytes;
    },
    get traces() {
      return traces;
    },
    get size() {
      return entries.size;
    },
    push(batch) {
      const entry: QueuedBatch = { batch, sending: false, ready: READY };
      entries.add(entry);
      bytes += batch.payload.length;
      traces += batch.count;
      return entry;
    },
    peek: () => entries.values().next().value,
    remove,
    replace(entry, batch) {
      if (!entries.has(entry)) return false;
      bytes += batch.payload.length - entry.batch.payload.length;
      entry.batch = batch;
      return true;
    },
    shrink(bytesMax) {
      const out: Batch[] = [];
      for (const entry of entries) {
        if (bytes <= bytesMax) break;
        if (entry.sending) continue;
        remove(entry);
        out.push(entry.batch);
      }
      return out;
    },
  };
}
