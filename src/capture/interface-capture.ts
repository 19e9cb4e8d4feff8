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
  /**
   * A batch is ready: one is to be delivered, of this interface or of one that has an earlier one. `isLast` where that cannot
   * wait, as the interface is being closed.
   */
  ready(isLast: boolean): void;
  /** The interface went down or away; no packet will come from it any more. */
  down(): void;
}

export interface InterfaceCapture {
  readonly capture: CaptureInterface;
  /** Starts to say what is ready; packets captured before wait in the kernel. */
  start(): void;
  /** When the first packet of the batch that is ready was captured, as in the batch; infinite while there is none. */
  readyTime(): number;
  /** Delivers the batch that is ready, if there is one. */
  deliver(): void;
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

/** Delivers, of the batches that are ready, the one whose first packet is the oldest. */
export function deliverEarliest(captures: Iterable<Pick<InterfaceCapture, 'readyTime' | 'deliver'>>): void {
  let earliest: Pick<InterfaceCapture, 'deliver'> | null = null;
  let time = Number.POSITIVE_INFINITY;
  for (const capture of captures) {
    const ready = capture.readyTime();
    if (ready >= time) continue;
    earliest = capture;
    time = ready;
  }
  earliest?.deliver();
}
