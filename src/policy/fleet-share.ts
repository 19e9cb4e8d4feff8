/**
 * How many traces a minute a sensor may keep of a budget that it shares, from what its satellite said last and when.
 *
 *     waiting ──quota──→ quota ──its time ends──→ last share ──ten minutes──→ own limit
 *        │                 ↑                         │                           │
 *        └──no answer──→ own limit ←─────────────────┴───────── a quota ─────────┘ (back to quota)
 *
 * in: quotas, the time · out: a limit, and why it is that
 *
 * Times are milliseconds by a clock that nobody sets.
 */
import type { BudgetQuota } from './budget-message.js';

export type ShareState =
  /** Nothing was said yet: a trace a second, so that a herd of new tasks takes next to nothing of the others' budget. */
  | 'waiting'
  /** The satellite's quota holds. */
  | 'quota'
  /** Its time has ended, and the last quota is kept to. */
  | 'last share'
  /** The sensor's own limit alone. */
  | 'own limit';

export interface Share {
  readonly state: ShareState;
  /** Traces a minute; null: the sensor's own limit. */
  readonly perMinute: number | null;
}

export interface FleetShareTiming {
  /** How long a first answer is waited for. */
  readonly waitMillis: number;
  /** How long a quota is kept to after its time has ended. */
  readonly lastShareMillis: number;
}

const WAITING_PER_MINUTE = 60;

export class FleetShare {
  readonly #timing: FleetShareTiming;
  #state: ShareState = 'waiting';
  #perMinute = WAITING_PER_MINUTE;
  /** When the state ends. */
  #until: number;

  constructor(timing: FleetShareTiming, now: number) {
    this.#timing = timing;
    this.#until = now + timing.waitMillis;
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
      this.#until += this.#timing.lastShareMillis;
    } else {
      this.#state = 'own limit';
      this.#until = Number.POSITIVE_INFINITY;
    }
  }

  get #share(): Share {
    return { state: this.#state, perMinute: this.#state === 'own limit' ? null : this.#perMinute };
  }
}
