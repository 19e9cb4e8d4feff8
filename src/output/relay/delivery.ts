/**
 * The delivery loop: one batch at a time from the backlog to the receiver, until each is delivered or refused.
 *
 * in: batches of a `Backlog`, a `Sender` · out: outcomes in the books; the loop ends when it is told to
 */
import type { Counters } from '../../counters.js';
import type { DebugLog } from '../../debug-log.js';
import type { Books } from '../books.js';
import type { Clock } from '../clock.js';
import type { FoldedWarnings } from '../fold.js';
import { BackOff } from './back-off.js';
import type { Backlog } from './backlog.js';
import type { Batch, BatchInHand } from './batch.js';
import type { ByteAllowance } from './byte-allowance.js';
import { type Histogram, observe } from './histogram.js';
import { type Reachability, troubleText } from './reachability.js';
import type { Outcome, Sender, Trouble } from './sender.js';
import type { DeliveryTiming } from './settings.js';
import { createSignal } from './signal.js';

export interface DeliveryContext {
  backlog: Backlog;
  sender: Sender;
  reachability: Reachability;
  timing: DeliveryTiming;
  counters: Counters;
  books: Books;
  warnings: FoldedWarnings;
  debug: DebugLog;
  clock: Clock;
  /** What may be sent in a minute; null for no limit. */
  allowance: ByteAllowance | null;
  /** Takes the milliseconds of each attempt. */
  latency: Histogram;
  /** Whether a batch may still come that is in no queue yet. */
  mayStillCome: () => boolean;
  /** The receiver found a batch of so many bytes too large. */
  onTooLarge: (bytes: number) => void;
  /** Something was sent, or given up. */
  onProgress: () => void;
}

const LOGGED_BODY_MAX = 500;

export class Delivery {
  readonly #context: DeliveryContext;
  readonly #backOff: BackOff;
  readonly #work = createSignal();
  readonly #idle = createSignal();
  /** The pause before the next attempt. */
  #pause = new AbortController();
  readonly #stop = new AbortController();
  /** The batch of the last attempt. */
  #attempted: Batch | null = null;
  #isBusy = false;
  #isFinishing = false;

  constructor(context: DeliveryContext) {
    this.#context = context;
    this.#backOff = new BackOff(context.timing, context.clock);
  }

  /** Aborts when the loop is told to end at once. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  /** There may be something to send. */
  wake(): void {
    this.#work.raise();
  }

  /** Resolves when everything that waits, and what `isMore` says is still to come, has had its outcome. */
  async whenDone(isMore: () => boolean): Promise<void> {
    while (this.#isBusy || isMore() || !this.#context.backlog.isEmpty) await this.#idle.wait();
  }

  /**
   * The loop ends when nothing is left, at the first failure if what is left outlives this process, or when nobody has answered
   * for a while and does not now.
   */
  finish(): void {
    this.#isFinishing = true;
    this.#pause.abort();
    this.wake();
  }

  /** The loop ends now; an attempt under way is broken off. */
  stop(): void {
    this.#stop.abort();
    this.#pause.abort();
  }

  /** Resolves when the loop has ended. Never rejects. */
  async run(): Promise<void> {
    const { backlog, mayStillCome } = this.#context;
    while (!this.stopped.aborted) {
      const item = await backlog.next();
      if (item !== null) {
        this.#isBusy = true;
        await this.#waitForBytes(item.batch);
        if (this.stopped.aborted) {
          item.release();
          return;
        }
        const outcome = await this.#attempt(item.batch);
        if (outcome.kind !== 'retryable') await this.#conclude(item, outcome);
        else if (!(await this.#retryLater(item, outcome))) return;
        continue;
      }
      this.#isBusy = false;
      this.#idle.raise();
      if (this.#isFinishing && !mayStillCome()) return;
      await this.#work.wait();
    }
  }

  /** Until the bytes of a minute have room for it; they are charged now. */
  async #waitForBytes(batch: Batch): Promise<void> {
    const { allowance, clock } = this.#context;
    if (allowance === null) return;
    const { length } = batch.payload;
    for (let wait = allowance.waitMillis(length); wait > 0; wait = allowance.waitMillis(length)) {
      if (this.stopped.aborted) return;
      await clock.sleep(wait, this.stopped);
    }
    allowance.noteSent(length, batch.count, this.#attempted !== batch && !batch.recovered);
    this.#attempted = batch;
  }

  async #attempt(batch: Batch): Promise<Outcome> {
    const { sender, clock, latency, debug } = this.#context;
    const started = clock.now();
    const outcome = await sender.send(batch, this.stopped).catch((error: unknown): Outcome => {
      // Nothing that goes wrong with one batch may end the export of all.
      return { kind: 'refused', reason: 'internal error', body: String(error) };
    });
    const millis = clock.now() - started;
    observe(latency, millis);
    const { count: traces, payload, coding, protocol } = batch;
    const sent = () => ({
      protocol,
      traces,
      bytes: payload.length,
      coding,
      millis: Math.round(millis),
      ...answerOf(outcome),
    });
    debug.say('export', sent, 'export: a batch was sent');
    return outcome;
  }

  /** False where waiting would only use up the time there is to write to disk. */
  async #retryLater(item: BatchInHand, outcome: Outcome & { kind: 'retryable' }): Promise<boolean> {
    const { counters, backlog, reachability, clock } = this.#context;
    counters.export_retries++;
    item.release();
    const wait = this.#backOff.next(outcome.retryAfterMillis);
    const isHopeless = reachability.isAway && outcome.isUnanswered === true;
    if (!this.stopped.aborted) reachability.noteAway(outcome, wait);
    backlog.noteReceiver(reachability.isAway);
    if (this.#isFinishing && (backlog.isDurable || isHopeless)) return false;
    if (this.stopped.aborted) return true;
    this.#pause = new AbortController();
    await clock.sleep(wait, this.#pause.signal);
    return true;
  }

  async #conclude(item: BatchInHand, outcome: Exclude<Outcome, { kind: 'retryable' }>): Promise<void> {
    const { backlog, reachability, onProgress } = this.#context;
    this.#backOff.reset();
    reachability.noteReached();
    backlog.noteReceiver(false);
    if (outcome.kind === 'too large' && (await this.#split(item))) return;
    // In one turn, so that at no time a trace is in neither the backlog nor the books.
    const done = item.done();
    if (outcome.kind === 'delivered') this.#accountDelivered(item.batch, outcome);
    else this.#accountRefused(item.batch, outcome);
    await done;
    onProgress();
  }

  /** Its halves come next, or its trace without bodies; false where there is nothing to take away. */
  async #split(item: BatchInHand): Promise<boolean> {
    const { sender, backlog, counters, onTooLarge } = this.#context;
    const halved = await sender.halve(item.batch);
    if (halved === null) return false;
    if (item.batch.count === 1) counters.export_traces_bared++;
    else {
      counters.batches_split++;
      onTooLarge(halved.bytes);
    }
    await backlog.split(item, halved.halves);
    return true;
  }

  #accountDelivered(batch: Batch, { rejected, reason }: Outcome & { kind: 'delivered' }): void {
    const { counters, books, warnings, sender } = this.#context;
    counters.batches_exported++;
    counters.export_bytes += batch.payload.length;
    books.accountExported(batch.count - rejected, batch.recovered);
    if (rejected === 0) return;
    counters.export_traces_rejected += rejected;
    books.accountLost(rejected, batch.recovered);
    warnings.warn(
      `rejected ${reason}`,
      { rejected, of: batch.count, reason },
      `the ${sender.receiver.kind} rejected part of a batch`,
    );
  }

  #accountRefused(batch: Batch, { body, ...trouble }: Trouble & { body: string }): void {
    const { counters, books, warnings, sender } = this.#context;
    const { reason } = trouble;
    counters.batches_refused++;
    books.accountLost(batch.count, batch.recovered);
    warnings.warn(
      `refused ${reason}`,
      { reason, traces: batch.count, body: body.slice(0, LOGGED_BODY_MAX) },
      `the ${sender.receiver.kind} refused a batch: ${troubleText(trouble, sender.receiver)}`,
    );
  }
}

function answerOf(outcome: Outcome): { answer: string; reason?: string } {
  const { reason } = outcome;
  return { answer: outcome.kind, ...(reason === '' ? {} : { reason }) };
}
