/**
 * Parcels on their way to a service, one after the other: each is tried until it has arrived, or the end has come.
 *
 * in: parcels · out: calls of a service; books of packets that arrived or were dropped
 */
import type { Clock } from '../../output/clock.js';
import { foldWarnings } from '../../output/fold.js';
import type { Log } from '../../output/log.js';
import type { OutputBook } from './packet-output.js';

export interface Parcel {
  /** Bytes that it holds in memory. */
  readonly bytes: number;
  /** Packets that have arrived with it, and what to call then. */
  readonly packets: number;
  readonly settled: readonly (() => void)[];
  /** Sends it, and may be called again when it has failed, unless with `Undeliverable`. */
  send(): Promise<void>;
}

/** No further attempt can succeed. */
export class Undeliverable extends Error {}

export interface Delivery {
  readonly bytes: number;
  push(parcel: Parcel): void;
  drained(): Promise<void> | undefined;
  /** Sends what there is, waiting at most so long. */
  close(deadlineMillis: number): Promise<void>;
}

export interface DeliveryContext {
  readonly name: string;
  readonly book: OutputBook;
  readonly bytesMax: number;
  readonly log: Log;
  readonly clock: Clock;
}

const BACKOFF_MILLIS = { first: 200, most: 30_000 };

export function createDelivery({ name, book, bytesMax, log, clock }: DeliveryContext): Delivery {
  const warnings = foldWarnings(log, clock);
  const stopping = new AbortController();
  let parcels: Parcel[] = [];
  let bytes = 0;
  let waiting: (() => void)[] = [];
  let working: Promise<void> | null = null;

  function leave(parcel: Parcel, hasArrived: boolean): void {
    bytes -= parcel.bytes;
    if (hasArrived) book.written += parcel.packets;
    else book.dropped.failed += parcel.packets;
    for (const settle of parcel.settled) settle();
    if (bytes >= bytesMax / 2) return;
    for (const resolve of waiting) resolve();
    waiting = [];
  }

  /** Whether it has arrived. */
  async function deliver(parcel: Parcel): Promise<boolean> {
    let wait = BACKOFF_MILLIS.first;
    while (!stopping.signal.aborted) {
      try {
        await parcel.send();
        warnings.reset('cannot be sent');
        return true;
      } catch (error) {
        if (stopping.signal.aborted) break;
        const isOver = error instanceof Undeliverable;
        const what = isOver ? 'is lost' : 'cannot be sent';
        const reason = (error as Error).message || String(error);
        warnings.warn(what, { output: name }, `${what}: ${reason}${isOver ? '' : '; trying again'}`);
        if (isOver) break;
        await clock.sleep(wait * (0.5 + clock.random() / 2), stopping.signal);
        wait = Math.min(2 * wait, BACKOFF_MILLIS.most);
      }
    }
    return false;
  }

  async function work(): Promise<void> {
    for (let parcel = parcels[0]; parcel !== undefined; parcel = parcels[0]) {
      const hasArrived = await deliver(parcel);
      if (parcels.shift() === parcel) leave(parcel, hasArrived);
    }
    working = null;
  }

  return {
    get bytes() {
      return bytes;
    },
    push(parcel) {
      parcels.push(parcel);
      bytes += parcel.bytes;
      working ??= work();
    },
    drained: () => (bytes < bytesMax / 2 ? undefined : new Promise((resolve) => waiting.push(resolve))),
    async close(deadlineMillis) {
      const done = working ?? Promise.resolve();
      const cancel = clock.after(deadlineMillis, () => stopping.abort());
      // A call under way that never ends is not waited for.
      const late = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));
      await Promise.race([done, late]);
      cancel();
      for (const parcel of parcels.splice(0)) leave(parcel, false);
      parcels = [];
    },
  };
}
