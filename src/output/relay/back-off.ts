import type { Clock } from '../clock.js';
import type { DeliveryTiming } from './settings.js';

/** How long to wait after a failed attempt: exponential with full jitter, which is a random part of the whole. */
export class BackOff {
  readonly #timing: DeliveryTiming;
  readonly #clock: Pick<Clock, 'random'>;
  #failures = 0;

  constructor(timing: DeliveryTiming, clock: Pick<Clock, 'random'>) {
    this.#timing = timing;
    this.#clock = clock;
  }

  /** After one more failure, in milliseconds; what the receiver asked for, and a little more, where it asked. */
  next(retryAfterMillis: number | null): number {
    const { backoffInitialMillis, backoffMaxMillis } = this.#timing;
    this.#failures++;
    if (retryAfterMillis !== null) return retryAfterMillis + this.#clock.random() * backoffInitialMillis;
    const ceiling = Math.min(backoffMaxMillis, backoffInitialMillis * 2 ** Math.min(30, this.#failures - 1));
    return this.#clock.random() * ceiling;
  }

  reset(): void {
    this.#failures = 0;
  }
}
