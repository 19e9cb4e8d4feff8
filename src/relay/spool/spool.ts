import type { Batch } from '../batch.js';

/**
 * Batches on disk, first in, first out, bounded in bytes. No method rejects: what the disk does not take or give is
 * counted and stays, or is lost, in memory.
 */
export interface Spool {
  readonly batches: number;
  /** Appends after everything before it; false if the disk did not take it. */
  append(batch: Batch): Promise<boolean>;
  /** The oldest batch, left in place; null if there is none that can be read. */
  peek(): Promise<Batch | null>;
  /** Forgets the batch `peek` gave. */
  remove(): Promise<void>;
  close(): Promise<void>;
}
