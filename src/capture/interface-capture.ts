/**
 * What a backend does for one interface: the shape `ring.ts` and `cap.ts` share and `live.ts` drives.
 */

import type { FilterParts } from './exclusions.js';
import type { CaptureInterface, InterfaceStatistics, PacketBatch } from './packet-batch.js';

export interface CaptureEvents {
  /** A batch of this interface, valid until the call returns. */
  packets(batch: PacketBatch): void;
  /**
   * The kernel lost packets between those delivered so far and those delivered next: `count` more than it had reported
   * before; 0 where the same report covered them already. `time` is that of the first packet since, as in the batch.
   */
  drops(count: number, time: number): void;
  /** The interface went down or away; nothing more will come of it. */
  down(): void;
}

export interface InterfaceCapture {
  readonly capture: CaptureInterface;
  /** Starts delivering; what comes before waits in the kernel. */
  start(): void;
  /** Puts another filter in place of the one it was opened with. */
  setFilter(parts: FilterParts): void;
  /** Shut, it captures nothing until it is opened again; packets in between are neither seen nor counted. */
  setGate(isOpen: boolean): void;
  /** Delivers what has been captured until now, then closes. */
  drain(): Promise<void>;
  /** Closes at once; what has not been delivered is lost. Idempotent, and allowed while a batch is being consumed. */
  close(): void;
  statistics(): InterfaceStatistics;
}
