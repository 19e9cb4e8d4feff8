import type { CaptureInterface, InterfaceStatistics, PacketBatch } from './packet-batch.js';

/** Takes a batch; a promise asks the source to hold the next ones until it resolves, as far as it has room for them. */
export type BatchConsumer = (batch: PacketBatch) => void | Promise<void>;

/** Where packets come from: live interfaces or a capture file. */
export interface PacketSource {
  /** Which backend this is, as the user names it: `ring`, `cap` or `file`. */
  readonly backend: 'ring' | 'cap' | 'file';
  /** The interfaces seen so far, by id; grows while the source runs. */
  readonly interfaces: readonly CaptureInterface[];
  /**
   * Delivers batches until the file ends or `stop` is called, then resolves. Rejects with a `SensorError` when the
   * source cannot be read any further.
   */
  run(consume: BatchConsumer): Promise<void>;
  /** Ends `run` after the packets already captured have been delivered. Idempotent. */
  stop(): void;
  statistics(): InterfaceStatistics[];
}
