/**
 * The sensor's side of a budget that sensors share: what it says to the satellite, and what it does by the answers.
 *
 * in: answers, the time · out: reports; the policy's allotment; lines of the log where the limit comes from elsewhere than before
 */
import type { Counters } from '../counters.js';
import type { SensorCapability } from '../enrolment/opamp/custom.js';
import type { Limits } from '../limits.js';
import type { Logger } from '../log.js';
import {
  BUDGET_CAPABILITY,
  decodeQuota,
  encodeReport,
  QUOTA,
  REPORT,
  REPORTED_ENDPOINTS_MAX,
} from '../policy/budget-message.js';
import { FleetShare, type Share, type ShareState } from '../policy/fleet-share.js';
import type { Policy } from '../policy/policy.js';

export interface SharedBudgetContext {
  readonly policy: Pick<Policy, 'allot' | 'takeSeen'>;
  /** Traces a minute by the sensor's own limit; 0 for none. */
  readonly ownPerMinute: () => number;
  readonly counters: Pick<Counters, 'budget_traces_per_minute' | 'budget_quotas' | 'budget_fallbacks'>;
  readonly limits: Pick<Limits, 'fleet_last_share_nanos'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Milliseconds by the clock of the policy's rate limit. */
  readonly now: () => number;
}

const REPORT_MILLIS_MIN = 2000;

export class SharedBudget {
  readonly #context: SharedBudgetContext;
  readonly #share: FleetShare;
  #state: ShareState = 'own limit';
  #reportedAt: number;
  #hasReported = false;

  constructor(context: SharedBudgetContext) {
    const { limits, now } = context;
    this.#context = context;
    this.#reportedAt = now();
    this.#share = new FleetShare(limits.fleet_last_share_nanos / 1e6);
    this.#use(this.#share.at(this.#reportedAt));
  }

  get state(): ShareState {
    return this.#state;
  }

  /** For the custom messages between the sensor and its satellite. A quota can only lower, and so takes no proof. */
  get capability(): SensorCapability {
    return {
      name: BUDGET_CAPABILITY,
      handle: (type, data) => {
        if (type === QUOTA) this.answer(data);
        return null;
      },
      report: () => (this.#isReportDue ? { type: REPORT, data: this.report() } : null),
    };
  }

  /** Polls that follow each other at once have nothing new to tell. */
  get #isReportDue(): boolean {
    return !this.#hasReported || this.#context.now() - this.#reportedAt >= REPORT_MILLIS_MIN;
  }

  /** What was seen since the last report, for the satellite. */
  report(): Buffer {
    this.#hasReported = true;
    const { policy, ownPerMinute, now } = this.#context;
    const time = now();
    const millis = time - this.#reportedAt;
    this.#reportedAt = time;
    return encodeReport({
      millis,
      seen: policy.takeSeen(REPORTED_ENDPOINTS_MAX),
      ownPerMinute: ownPerMinute(),
      heldPerMinute: this.#share.heldPerMinute,
    });
  }

  /** The satellite's answer; what is none changes nothing. */
  answer(bytes: Uint8Array): void {
    const quota = decodeQuota(bytes);
    if (quota === null) return;
    if (quota !== 'none') this.#context.counters.budget_quotas++;
    this.#use(this.#share.note(quota, this.#context.now()));
  }

  /** Falls back where a quota has ended. To be called every second or so. */
  tick(): void {
    this.#use(this.#share.at(this.#context.now()));
  }

  #use({ state, perMinute }: Share): void {
    const { policy, counters, now } = this.#context;
    policy.allot(perMinute, now());
    counters.budget_traces_per_minute = perMinute ?? 0;
    if (state === this.#state) return;
    if (this.#state === 'quota' || this.#state === 'last share') this.#tellEnd(state, perMinute);
    else if (state === 'quota')
      this.#context.log.info({ perMinute }, 'the satellite gives this sensor a part of a budget');
    this.#state = state;
  }

  #tellEnd(state: ShareState, perMinute: number | null): void {
    const { log, counters, ownPerMinute } = this.#context;
    if (state === 'quota') {
      log.info({ perMinute }, "the satellite's quota counts again");
      return;
    }
    counters.budget_fallbacks++;
    if (state === 'last share')
      log.warn({ perMinute }, "the satellite's quota has ended and no other came: the last one is kept to");
    else
      log.warn(
        { rateLimit: ownPerMinute() },
        'no quota came for long, or none is due any more: --rate-limit alone counts',
      );
  }
}
