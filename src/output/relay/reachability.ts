/** Whether the receiver can be reached, as the last attempt found it; the log says when that changes. */
import type { Clock } from '../clock.js';
import type { FoldedWarnings } from '../fold.js';
import type { Log } from '../log.js';
import type { Receiver } from './sender.js';

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

  noteAway(reason: string, waitMillis: number): void {
    const { receiver, warnings, clock, queuedTraces } = this.#context;
    if (this.#reached !== false) this.#awaySince = clock.now();
    this.#reached = false;
    this.#lastFailure = reason;
    warnings.warn(
      'away',
      { [receiver.kind]: receiver.address, reason, queuedTraces: queuedTraces() },
      `the ${receiver.kind} cannot take traces (${reason}); next attempt in ${Math.ceil(waitMillis)} ms`,
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
