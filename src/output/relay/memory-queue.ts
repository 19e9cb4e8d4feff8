/**
 * Batches waiting in memory: first in, first out.
 *
 * The oldest goes when there is no room: what is newest is worth most to a person who looks at it.
 */
import type { Batch } from './batch.js';

export interface QueuedBatch {
  batch: Batch;
  /** Under way: neither evicted nor moved elsewhere. */
  sending: boolean;
  /** Resolves when the batch is as it will be sent. */
  ready: Promise<void>;
}

const READY = Promise.resolve();

export class MemoryQueue {
  readonly #entries = new Set<QueuedBatch>();
  #bytes = 0;
  #traces = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get traces(): number {
    return this.#traces;
  }

  get size(): number {
    return this.#entries.size;
  }

  push(batch: Batch): QueuedBatch {
    const entry: QueuedBatch = { batch, sending: false, ready: READY };
    this.#entries.add(entry);
    this.#bytes += batch.payload.length;
    this.#traces += batch.count;
    return entry;
  }

  /** The oldest, left in place. */
  peek(): QueuedBatch | undefined {
    return this.#entries.values().next().value;
  }

  remove(entry: QueuedBatch): boolean {
    if (!this.#entries.delete(entry)) return false;
    this.#bytes -= entry.batch.payload.length;
    this.#traces -= entry.batch.count;
    return true;
  }

  /** Puts other bytes in the place of a batch's (its compressed form); false if it is gone. */
  replace(entry: QueuedBatch, batch: Batch): boolean {
    if (!this.#entries.has(entry)) return false;
    this.#bytes += batch.payload.length - entry.batch.payload.length;
    entry.batch = batch;
    return true;
  }

  /** Takes out the oldest that is not under way; null if there is none. */
  takeOldest(): Batch | null {
    for (const entry of this.#entries) {
      if (entry.sending) continue;
      this.remove(entry);
      return entry.batch;
    }
    return null;
  }

  /** Takes out the oldest that are not under way until at most `bytesMax` are held. */
  shrink(bytesMax: number): Batch[] {
    const out: Batch[] = [];
    while (this.#bytes > bytesMax) {
      const batch = this.takeOldest();
      if (batch === null) break;
      out.push(batch);
    }
    return out;
  }
}
