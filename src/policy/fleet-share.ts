/**
 * How many traces a minute a sensor may keep of a budget that it shares, from what its satellite said last and when.
 *
 *     own limit ──quota──→ quota ──its time ends──→ last share ──ten minutes──→ own limit
 *         ↑                 ↑  │                         │
 *         └──── "none" ─────┼──┴──────────┬──────────────┘
 *                           └── a quota ──┘
 *
 * It begins with its own limit: the first answer comes within a moment, and traces that were dropped until then would be lost for nothing.
 *
 * in: quotas, the time · out: a limit, and why it is that
 *
 * Times are milliseconds by a clock that nobody sets.
 */
import type { BudgetQuota } from './budget-message.js';

export type ShareState =
  /** The satellite's quota holds. */
  | 'quota'
  /** Its time has ended, and the last quota is kept to. */
  | 'last share'
  /** The sensor's own limit alone, also before anything was said. */
  | 'own limit';

export interface Share {
  readonly state: ShareState;
  /** Traces a minute; null: the sensor's own limit. */
  readonly perMinute: number | null;
}

export class FleetShare {
  readonly #lastShareMillis: number;
  #state: ShareState = 'own limit';
  #perMinute = 0;
  /** When the state ends. */
  #until = Number.POSITIVE_INFINITY;

  /** `lastShareMillis`: how long a quota is kept to after its time has ended. */
  constructor(lastShareMillis: number) {
    this.#lastShareMillis = lastShareMillis;
  }

  /** The satellite's answer; `none`: no budget is for this sensor. */
  note(quota: BudgetQuota | 'none', now: number): Share {
    if (quota === 'none') {
      this.#state = 'own limit';
      this.#until = Number.POSITIVE_INFINITY;
    } else {
      this.#state = 'quota';
      this.#perMinute = quota.perMinute;
      this.#until = now + quota.millis;
    }
    return this.#share;
  }

  /** The share at `now`. */
  at(now: number): Share {
    while (now >= this.#until) this.#fallBack();
    return this.#share;
  }

  /** The last quota, in traces a minute, while it is kept to. */
  get heldPerMinute(): number | null {
    return this.#state === 'quota' || this.#state === 'last share' ? this.#perMinute : null;
  }

  #fallBack(): void {
    if (this.#state === 'quota') {
      this.#state = 'last share';
      this.#until += this.#lastShareMillis;
    } else {
      this.#state = 'own limit';
      this.#until = Number.POSITIVE_INFINITY;
    }
  }

  get #share(): Share {
    return { state: this.#state, perMinute: this.#state === 'own limit' ? null : this.#perMinute };
  }
}
