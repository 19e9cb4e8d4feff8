/**
 * The sensor's side of telling of each connection once: what it says to the satellite of what it sees, and what it leaves to others.
 *
 * in: answers, the time · out: reports; what the policy keeps; lines of the log where it takes over
 */
import { type Counters, exchangesInFlight } from '../counters.js';
import type { SensorCapability } from '../enrolment/opamp/custom.js';
import type { Limits } from '../limits.js';
import type { Log } from '../output/log.js';
import { textNumber } from '../policy/connection-numbers.js';
import { Division } from '../policy/division.js';
import { DIVISION, DIVISION_CAPABILITY, decodeAnswer, encodeReport, REPORT } from '../policy/division-message.js';
import type { Policy } from '../policy/policy.js';

export interface SharedDivisionContext {
  readonly policy: Pick<Policy, 'divide'>;
  /** All by which exchanges are kept, as a text. */
  readonly keeping: () => string;
  readonly isLocal: (address: string) => boolean;
  readonly counters: Counters;
  readonly limits: Pick<Limits, 'division_lease_nanos' | 'division_services_max'>;
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** Milliseconds by a clock that nobody sets. */
  readonly now: () => number;
}

/** Between two reports, while other things are said. */
const REPORT_MILLIS_MIN = 2000;
/** While connections are divided, so that two heartbeats are enough to see that one is gone. */
const DIVIDING_POLL_MILLIS = 2500;

export class SharedDivision {
  readonly #context: SharedDivisionContext;
  readonly #division: Division;
  readonly #unsent: UnsentAge;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #isTold = false;

  constructor(context: SharedDivisionContext) {
    const { limits, isLocal, counters, log, now } = context;
    this.#context = context;
    this.#unsent = new UnsentAge(counters, now());
    this.#division = new Division(
      {
        leaseMillis: limits.division_lease_nanos / 1e6,
        servicesMax: limits.division_services_max,
        isLocal,
        onTakeover(member, lost) {
          counters.elsewhere_takeovers++;
          counters.elsewhere_lost += lost;
          const about = { sensor: member.toString(16), lost };
          log.warn(about, 'another sensor has gone: this one tells of its connections from now on');
        },
        onUntracked: () => counters.elsewhere_untracked++,
      },
      now(),
    );
    context.policy.divide((exchange) => this.#division.isOurs(exchange));
  }

  /** For the custom messages between the sensor and its satellite. What leaves connections to others takes proof. */
  get capability(): SensorCapability {
    return {
      name: DIVISION_CAPABILITY,
      handle: (type, data, { isSigned }) => {
        if (type === DIVISION && isSigned) this.#use(data);
        return null;
      },
      report: () => (this.#isReportDue ? { type: REPORT, data: this.#report() } : null),
      pollMillis: () => (this.#division.isDividing ? DIVIDING_POLL_MILLIS : null),
    };
  }

  /** Takes over from those that are gone. To be called twice a second. */
  tick(): void {
    const now = this.#context.now();
    this.#unsent.tick(now);
    this.#division.tick(now);
  }

  get #isReportDue(): boolean {
    return this.#context.now() - this.#reportedAt >= REPORT_MILLIS_MIN;
  }

  #report(): Buffer {
    const now = this.#context.now();
    this.#reportedAt = now;
    return encodeReport(this.#division.report(textNumber(this.#context.keeping()), this.#unsent.at(now)));
  }

  #use(data: Uint8Array): void {
    const answer = decodeAnswer(data);
    if (answer === null) return;
    this.#division.use(answer, this.#context.now());
    if (this.#division.isDividing === this.#isTold) return;
    this.#isTold = this.#division.isDividing;
    this.#context.log.info(
      {},
      this.#isTold
        ? 'other sensors see connections that this one sees: each is told of once'
        : 'no other sensor sees what this one sees: it tells of all',
    );
  }
}

/** How many times are looked back at: some minutes. */
const BEGUN_MAX = 500;

/**
 * How long ago the oldest exchange began that is kept and has not been sent, if they are sent in the order in which they begin: by how
 * many had begun by each of some times. Those that are dropped end at once, and say nothing of how long others wait.
 */
export class UnsentAge {
  readonly #counters: Counters;
  /** The oldest first. */
  #begun: { readonly at: number; readonly kept: number }[];

  constructor(counters: Counters, now: number) {
    this.#counters = counters;
    this.#begun = [{ at: now, kept: 0 }];
  }

  tick(now: number): void {
    const { exchanges_exported: sent } = this.#counters;
    this.#begun.push({ at: now, kept: sent + exchangesInFlight(this.#counters) });
    // The first of those that remain is the last at which no more had begun than have been sent.
    const past = this.#begun.findLastIndex(({ kept }) => kept <= sent);
    this.#begun = this.#begun.slice(Math.max(0, past, this.#begun.length - BEGUN_MAX));
  }

  /** Milliseconds. */
  at(now: number): number {
    this.tick(now);
    return now - (this.#begun[0]?.at ?? now);
  }
}
