/**
 * What time it is for the sensor: the packets' own while they come, the machine's while they do not.
 *
 * in: batches of packets as they are taken · out: `advance` where no packet lets time pass; the time the rate limit goes by
 */
import type { Exchange } from '../pair/exchange.js';

export interface CaptureClock {
  /** How permits of the rate limit are paced: in real time, or by `millis` alone. */
  readonly pace: 'wall' | 'capture';
  /** The time in milliseconds at which the rate limit sees an exchange. */
  millis(exchange: Exchange): number;
  /** Lets time pass for `engine` from now on. */
  start(engine: Advanced): void;
  /** A batch of packets is about to be taken. */
  notePackets(): void;
  stop(): void;
}

/** What time passes for: nanoseconds since the capture's time base. */
export interface Advanced {
  advance(now: number): void;
}

/** How often time passes without a packet, in milliseconds; after a second of quiet less often. */
const TICK_MILLIS = 200;
const QUIET_TICK_MILLIS = 1000;
const QUIET_TICKS = 5;

/** `timeBaseSeconds` is null where packets alone give the time: in a capture file. */
export function openClock(timeBaseSeconds: number | null): CaptureClock {
  return timeBaseSeconds === null ? FILE_CLOCK : new LiveClock(timeBaseSeconds);
}

const FILE_CLOCK: CaptureClock = {
  pace: 'capture',
  millis: (exchange) => exchange.startTime / 1e6,
  start() {},
  notePackets() {},
  stop() {},
};

/**
 * Lets time pass while no packets come. While they do, their own times count: what waits in the ring is older than now,
 * and a stream must not time out over packets that are there and unread.
 */
class LiveClock implements CaptureClock {
  readonly pace = 'wall';
  readonly #timeBaseMillis: number;
  /** When the packets at hand were taken, by a clock that nobody sets: read once for all of them. */
  #batchMillis = performance.now();
  #quietTicks = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(timeBaseSeconds: number) {
    this.#timeBaseMillis = timeBaseSeconds * 1000;
  }

  millis(): number {
    return this.#batchMillis;
  }

  start(engine: Advanced): void {
    const tick = () => {
      // The first quiet tick may be the one behind a long pause of this process itself.
      if (this.#quietTicks++ > 0) engine.advance((Date.now() - this.#timeBaseMillis) * 1e6);
      this.#timer = setTimeout(tick, this.#quietTicks > QUIET_TICKS ? QUIET_TICK_MILLIS : TICK_MILLIS);
    };
    this.#timer = setTimeout(tick, TICK_MILLIS);
  }

  notePackets(): void {
    this.#quietTicks = 0;
    this.#batchMillis = performance.now();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
