/** Whether the receiver can be reached, as the last attempt found it; the log says when that changes. */
import type { Clock } from '../clock.js';
import type { FoldedWarnings } from '../fold.js';
import type { Log } from '../log.js';
import type { Receiver, Trouble } from './sender.js';

export interface ReachabilityContext {
  receiver: Receiver;
  log: Log;
  warnings: FoldedWarnings;
  clock: Pick<Clock, 'now'>;
  /** Traces waiting in memory. */
  queuedTraces: () => number;
}

export class Reachability {
  readonly #context: ReachabilityContext;
  #reached: boolean | null = null;
  #awaySince = 0;
  #lastFailure = '';

  constructor(context: ReachabilityContext) {
    this.#context = context;
  }

  /** Whether the last attempt was answered with anything but "later"; null before the first. */
  get isReachable(): boolean | null {
    return this.#reached;
  }

  get isAway(): boolean {
    return this.#reached === false;
  }

  /** Why it could not be reached, the last time it could not. */
  get lastFailure(): string {
    return this.#lastFailure;
  }

  /** `waitMillis`: until the next attempt; null where the next batch will be one. */
  noteAway(trouble: Trouble, waitMillis: number | null): void {
    const { receiver, warnings, clock, queuedTraces } = this.#context;
    if (this.#reached !== false) this.#awaySince = clock.now();
    this.#reached = false;
    this.#lastFailure = trouble.reason;
    warnings.warn(
      'away',
      waitMillis === null ? {} : { queuedTraces: queuedTraces(), nextAttemptMillis: Math.ceil(waitMillis) },
      `the ${receiver.kind} is away: ${troubleText(trouble, receiver)}`,
    );
  }

  noteReached(): void {
    const { receiver, log, warnings, clock, queuedTraces } = this.#context;
    if (this.#reached === false)
      log.info(
        { seconds: Math.round((clock.now() - this.#awaySince) / 1000), queuedTraces: queuedTraces() },
        `the ${receiver.kind} is back`,
      );
    this.#reached = true;
    warnings.reset('away');
  }
}

/** `--option address: what is wrong; what to do about it; who says more` */
export function troubleText({ reason, advice = '' }: Trouble, { option, address }: Receiver): string {
  return `${option} ${address}: ${reason}${advice === '' ? '' : `; ${advice}`}; pcap-sensor doctor examines it`;
}
