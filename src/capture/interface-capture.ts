/**
 * What a backend does for one interface: the shape `ring.ts` and `cap.ts` share and `live.ts` drives.
 */

import type { FilterParts } from './exclusions.js';
import type { CaptureInterface, InterfaceStatistics, PacketBatch } from './packet-batch.js';

export interface CaptureEvents {
  /** A batch of this interface, valid until the call returns. */
  packets(batch: PacketBatch): void;
  /**
   * The kernel dropped packets between those delivered so far and those delivered next: `count` more than it had reported
   * before; 0 where that report covered them already. `time` is that of the first packet since, as in the batch.
   */
  drops(count: number, time: number): void;
  /** The interface went down or away; no packet will come from it any more. */
  down(): void;
}

export interface InterfaceCapture {
  readonly capture: CaptureInterface;
  /** Starts delivering; packets captured before wait in the kernel. */
  start(): void;
  /** Puts another filter in place of the one it was opened with. */
  setFilter(parts: FilterParts): void;
  /** Opens or shuts the gate. While it is shut, packets are neither seen nor counted. */
  setGate(isOpen: boolean): void;
  /** Delivers what has been captured until now, then closes. */
  drain(): Promise<void>;
  /** Closes at once; what has not been delivered is lost. Idempotent, and allowed while a batch is being consumed. */
  close(): void;
  statistics(): InterfaceStatistics;
}
