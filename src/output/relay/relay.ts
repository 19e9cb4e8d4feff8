/**
 * Kept exchanges to a receiver that may be away.
 *
 * in: `Trace`s, a `Sender` that knows the receiver · out: batches delivered, or accounted as lost; nothing in between
 *
 *     accept → Intake (encode, open batch) → Backlog (memory, spool) → Delivery → Sender
 *
 * A trace is in flight until its batch is delivered, refused or evicted; what the spool still holds at the end stays in
 * flight, for the next run to deliver.
 */
import type { Counters } from '../../counters.js';
import { limitDebug } from '../../debug-log.js';
import type { Limits } from '../../limits.js';
import type { Trace } from '../../trace/trace.js';
import type { Books } from '../books.js';
import type { Clock } from '../clock.js';
import { type FoldedWarnings, foldWarnings } from '../fold.js';
import type { Log } from '../log.js';
import type { TraceOutput } from '../output.js';
import { Backlog } from './backlog.js';
import type { BatchProtocol } from './batch.js';
import { ByteAllowance } from './byte-allowance.js';
import { Delivery } from './delivery.js';
import { createHistogram, type Histogram } from './histogram.js';
import { Intake } from './intake.js';
import { Reachability, troubleText } from './reachability.js';
import type { Sender, Trouble } from './sender.js';
import type { RelaySettings } from './settings.js';
import { createSignal } from './signal.js';
import { openSpool, type Spool } from './spool/spool.js';
import type { SpoolDirectory } from './spool/spool-directory.js';

export interface RelayContext {
  sender: Sender;
  counters: Counters;
  books: Books;
  limits: Limits;
  log: Log;
  clock: Clock;
  /** Asks the receiver whether it takes traces, before there are any; what is wrong, or null. Without it nobody asks. */
  askAtStart?: (signal: AbortSignal) => Promise<(Trouble & { isAway: boolean }) | null>;
  /** The spool's files; those of the directory in the settings, if absent. */
  spoolDirectory?: SpoolDirectory;
}

export interface RelayStatus {
  protocol: BatchProtocol | null;
  /** Whether the last attempt reached the receiver and was answered with anything but "later"; null before the first. */
  reachable: boolean | null;
  /** Why not, the last time it did not. */
  lastFailure: string;
}

const LATENCY_BOUNDS_MILLIS = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];
const DRAIN_WAIT_MILLIS = 5000;

/** @throws UsageError if the spool's directory is not usable */
export async function openRelay(settings: RelaySettings, context: RelayContext): Promise<Relay> {
  const { counters, books, limits, log, clock } = context;
  const warnings = foldWarnings(log, clock);
  if (settings.spool === null) return new Relay(settings, context, warnings, null);
  const spool = await openSpool({
    directory: settings.spool.directory,
    bytesMax: settings.spool.bytesMax,
    spool_segment_bytes_max: limits.spool_segment_bytes_max,
    counters,
    warnings,
    onLost: (traces, recovered) => books.accountLost(traces, recovered),
    ...(context.spoolDirectory === undefined ? {} : { files: context.spoolDirectory }),
  });
  const { recoveredTraces } = spool;
  if (recoveredTraces > 0)
    log.info({ traces: recoveredTraces }, 'found in the spool what an earlier run could not send');
  return new Relay(settings, context, warnings, spool);
}

export class Relay implements TraceOutput {
  /** Milliseconds of each attempt, whatever its outcome. */
  readonly latency: Histogram = createHistogram(LATENCY_BOUNDS_MILLIS);
  readonly #context: RelayContext;
  readonly #intake: Intake;
  readonly #backlog: Backlog;
  readonly #reachability: Reachability;
  readonly #delivery: Delivery;
  readonly #delivering: Promise<void>;
  readonly #roomMade = createSignal();
  readonly #stopFlushing: () => void;
  /** What everybody waits for who waits for room. */
  #draining: Promise<void> | undefined;
  /** What the gauges of the counters have of this relay; they may be others' too. */
  #shownTraces = 0;
  #shownBytes = 0;

  constructor(settings: RelaySettings, context: RelayContext, warnings: FoldedWarnings, spool: Spool | null) {
    const { sender, counters, books, limits, log, clock } = context;
    this.#context = context;
    const { bytesPerMinute = null } = settings;
    const allowance = bytesPerMinute === null ? null : new ByteAllowance(bytesPerMinute, clock.now);
    this.#intake = new Intake({
      sender,
      allowance,
      limits,
      books,
      warnings,
      onBatch: (batch) => this.#backlog.push(batch),
      onEncoding: () => this.#backlog.makeRoom(),
    });
    this.#backlog = new Backlog({
      sender,
      spool,
      limits,
      books,
      warnings,
      bytesAhead: () => this.#intake.bytes,
      onEvicted: () => counters.batches_evicted++,
      onChange: () => this.#note(),
    });
    this.#reachability = new Reachability({
      receiver: sender.receiver,
      log,
      warnings,
      clock,
      queuedTraces: () => this.#traces,
    });
    this.#delivery = new Delivery({
      backlog: this.#backlog,
      sender,
      reachability: this.#reachability,
      timing: settings.timing,
      allowance,
      counters,
      books,
      warnings,
      debug: limitDebug(log, clock.now),
      clock,
      latency: this.latency,
      mayStillCome: () => this.#intake.isEncoding,
      // What is to come is spared the way down.
      onTooLarge: (bytes) => this.#intake.shrinkTo(bytes / 2),
      onProgress: () => this.#note(),
    });
    if (allowance !== null) this.#intake.shrinkTo(allowance.batchBytesMax);
    this.#delivering = this.#delivery.run();
    if (context.askAtStart !== undefined) this.#sayWhatIsWrong(context.askAtStart).catch(() => {});
    this.#stopFlushing = clock.every(settings.exportIntervalMillis, () => this.#intake.flush());
  }

  get status(): RelayStatus {
    const { isReachable, lastFailure } = this.#reachability;
    return { protocol: this.#context.sender.protocol, reachable: isReachable, lastFailure };
  }

  accept(trace: Trace): void {
    this.#intake.accept(trace);
    if (this.#bytes > this.#context.limits.queue_bytes_max) this.#backlog.makeRoom();
    else this.#show();
  }

  drained(): Promise<void> | undefined {
    // One large body at a time: its text may take most of the queue.
    if (this.#bytes < this.#context.limits.queue_bytes_max / 2 && !this.#intake.isEncoding) return undefined;
    this.#draining ??= this.#waitForRoom().finally(() => {
      this.#draining = undefined;
    });
    return this.#draining;
  }

  /** Closes the open batch and resolves when everything accepted so far has been delivered, refused or evicted. */
  async flush(): Promise<void> {
    this.#intake.flush();
    await this.#delivery.whenDone(() => {
      const { isEncoding } = this.#intake;
      if (!isEncoding) this.#intake.flush();
      return isEncoding;
    });
  }

  async close(deadlineMillis: number): Promise<void> {
    const { clock, sender } = this.#context;
    this.#stopFlushing();
    this.#intake.close();
    this.#sayWhatIsWaitedFor(deadlineMillis);
    this.#delivery.finish();
    const cancel = clock.after(deadlineMillis, () => this.hurry());
    await this.#delivering;
    cancel();
    this.#delivery.stop();
    this.#roomMade.raise();
    sender.close();
    await this.#backlog.close();
  }

  hurry(): void {
    this.#delivery.stop();
    this.#roomMade.raise();
  }

  /** Not for ever: the producer may be told to stop, and the receiver may be away for the night. */
  async #waitForRoom(): Promise<void> {
    let cancel = (): void => {};
    const over = new Promise<void>((resolve) => {
      cancel = this.#context.clock.after(DRAIN_WAIT_MILLIS, resolve);
    });
    await Promise.race([this.#roomMade.wait(), over]);
    cancel();
  }

  #sayWhatIsWaitedFor(deadlineMillis: number): void {
    const { log, sender } = this.#context;
    if (!this.#reachability.isAway || this.#traces === 0) return;
    const { kind, address } = sender.receiver;
    log.warn(
      { [kind]: address, traces: this.#traces, reason: this.#reachability.lastFailure },
      `the ${kind} is away: it is asked once more, for ${deadlineMillis / 1000} s at most; interrupt again to end at once`,
    );
  }

  /** Says at once what would else be found out with the first batch. What an export has found meanwhile stands. */
  async #sayWhatIsWrong(ask: NonNullable<RelayContext['askAtStart']>): Promise<void> {
    const { sender, log } = this.#context;
    const { stopped } = this.#delivery;
    const trouble = await ask(stopped);
    if (trouble === null || stopped.aborted || this.#reachability.isReachable !== null) return;
    if (trouble.isAway) this.#reachability.noteAway(trouble, null);
    else log.warn({}, `the ${sender.receiver.kind} would take no traces: ${troubleText(trouble, sender.receiver)}`);
  }

  get #traces(): number {
    return this.#intake.traces + this.#backlog.traces;
  }

  get #bytes(): number {
    return this.#intake.bytes + this.#backlog.bytes;
  }

  #note(): void {
    this.#show();
    this.#delivery.wake();
    if (this.#bytes < this.#context.limits.queue_bytes_max / 2) this.#roomMade.raise();
  }

  /** Shows in the counters what is held; nothing here goes by what they say. */
  #show(): void {
    const { counters } = this.#context;
    const traces = this.#traces;
    const bytes = this.#bytes;
    counters.queue_traces += traces - this.#shownTraces;
    counters.queue_bytes += bytes - this.#shownBytes;
    this.#shownTraces = traces;
    this.#shownBytes = bytes;
  }
}
