/**
 * Logs the packets that the kernel dropped on one interface: how many more since the last line, and how many so far.
 */

import type { InterfaceStatistics } from './packet-batch.js';

/** At most one line in this time. */
const INTERVAL_MILLIS = 10_000;

export class DropLog {
  readonly #warn: (message: string) => void;
  #logged = 0;
  #time = Number.NEGATIVE_INFINITY;

  constructor(warn: (message: string) => void) {
    this.#warn = warn;
  }

  /** Logs the drops that no line has named yet, unless the last line was just now; the `last` line is always written. */
  note({ name, dropped, freezes }: InterfaceStatistics, last = false): void {
    const now = performance.now();
    if (dropped === null || dropped === this.#logged) return;
    if (!last && now - this.#time < INTERVAL_MILLIS) return;
    const grown = dropped - this.#logged;
    this.#warn(
      `interface ${name}: the kernel dropped ${grown} packets, ${dropped} so far, with the ring full ${freezes} times; ` +
        'give the sensor more CPU or a larger --ring-size, or narrow --filter',
    );
    this.#logged = dropped;
    this.#time = now;
  }
}
