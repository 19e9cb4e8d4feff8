/**
 * Traces that take long to finish, one after the other in a thread of their own.
 *
 * in:  drafts · out: traces, redacted, to `onTrace`
 *
 * Everything that is made of a draft is taken from the memory budget before it is made: what was kept of its bodies while it
 * waits, then its contents and their copies. Bodies that there is too little memory for are cut to what there is; a draft that
 * there is none or no time for leaves without them.
 */
import { setTimeout as timedSleep } from 'node:timers/promises';
import type { Counters } from '../counters.js';
import { OVER_BUDGET } from '../http/content-coding.js';
import type { Limits } from '../limits.js';
import type { MemoryBudget } from '../memory-budget.js';
import type { TraceOutput } from '../output/output.js';
import { MARK_ROWS } from '../pair/exchange.js';
import type { Trace } from '../trace/trace.js';
import { type Draft, withoutContent } from '../trace/trace-builder.js';
import { contentBytesFor, costOf, cutDraft, headBytes, heldBytes, keptBytes, markShed } from './draft-memory.js';
import type { Answer, TraceThread } from './trace-thread.js';

export interface LargeTracesContext {
  readonly limits: Limits;
  readonly counters: Counters;
  readonly budget: MemoryBudget;
  readonly output: Pick<TraceOutput, 'drained'>;
  /** Whether the source waits until nothing waits here any more. */
  readonly isFile: boolean;
  /** `memoryBytes`: what one trace may take. */
  readonly openThread: (memoryBytes: number) => TraceThread;
  /** Takes a trace that is finished and redacted; what it returns is waited for. */
  readonly onTrace: (trace: Trace) => Promise<void> | undefined;
  /** Takes a trace without bodies that is still to be redacted. */
  readonly onBare: (trace: Trace) => void;
  /** A trace could not be `step`, as in "redacted". */
  readonly onLost: (step: string, error: unknown) => void;
  /** There is a place for another, or nothing waits any more. */
  readonly onPlace: () => void;
  /** In milliseconds. */
  readonly now: () => number;
}

interface Job {
  readonly draft: Draft;
  /** Bytes taken from the budget while it waits. */
  readonly held: number;
  readonly since: number;
}

type HandOver = () => Promise<void>;

/** What the trace that is being made may take of the budget. */
const MAKING_SHARE = 1 / 2;
/** What drafts may take of it as they are: the rest is the capture's alone. */
const WAITING_SHARE = 1 / 4;
/** What a trace of a file may be long, of the budget, to be next in line while another is being made. */
const FOLLOWING_SHARE = 1 / 64;
/** What a small trace takes while it is made, by the length of its texts and bodies. */
const LITTLE_FACTOR = 8;
/** How long a draft may wait for memory and for those before it, while none of those is finished. */
const PATIENCE_MILLIS = 10_000;
const LOOK_AGAIN_MILLIS = 20;
const OUTPUT_MILLIS = 1000;
/** How long a thread may take to start, on a machine that has no time for it. */
const START_MILLIS = 30_000;
/** How many times as long as it may work a thread may take where it has to wait for a CPU. */
const STARVED_FACTOR = 10;
/** A thread without work goes, and gives its memory back. */
const IDLE_MILLIS = 10_000;

export class LargeTraces {
  readonly #context: LargeTracesContext;
  readonly #waiting: Job[] = [];
  #working: Promise<void> | null = null;
  #thread: TraceThread | null = null;
  #idle: NodeJS.Timeout | undefined;
  /** Bytes that drafts take as they are. */
  #held = 0;
  #making = 0;
  /** When the thread last finished a trace: it may have no more than a little of the CPU, and be slow. */
  #lastFinished = Number.NEGATIVE_INFINITY;
  #isHurried = false;
  /** Whether the next draft takes a new thread. */
  #isThreadStale = false;

  constructor(context: LargeTracesContext) {
    this.#context = context;
  }

  get isBusy(): boolean {
    return this.#working !== null;
  }

  /** Bytes of the budget that making the trace takes which is being made. */
  get making(): number {
    return this.#making;
  }

  accept(draft: Draft): void {
    const room = this.#roomToWait;
    const kept = keptBytes(draft);
    const keepable = Math.min(kept, room - (heldBytes(draft) - kept));
    if (keepable <= 0 && kept > 0) {
      this.#giveUp(draft, 'memory');
      return;
    }
    const waiting = keepable < kept ? this.#cut(draft, keepable) : draft;
    const held = heldBytes(waiting);
    this.#hold(held);
    this.#waiting.push({ draft: waiting, held, since: this.#context.now() });
    this.#working ??= this.#work();
  }

  /**
   * Whether a trace of a file with so many bytes may be the next in line while another is being made, so that the thread is not
   * idle while that one is handed over. There is only one, and none that there might be too little memory for.
   */
  mayFollow(bytes: number): boolean {
    const { budget, isFile } = this.#context;
    return isFile && this.#waiting.length === 0 && bytes < budget.max * FOLLOWING_SHARE && budget.room > budget.max / 2;
  }

  /** Without its bodies, for which there is no memory. */
  acceptBare(draft: Draft): void {
    this.#giveUp(draft, 'memory');
  }

  /** Resolves when nothing waits any more; what still waits after `millis` leaves without its bodies. */
  async finish(millis: number): Promise<void> {
    const hurry = setTimeout(
      () => {
        this.#isHurried = true;
        this.#endThread();
      },
      Math.min(millis, 2 ** 31 - 1),
    );
    while (this.#working !== null) await this.#working;
    clearTimeout(hurry);
    this.#endThread();
  }

  /** From the next draft on a new thread is opened. */
  renewThread(): void {
    this.#isThreadStale = true;
  }

  /** What one more draft may take as it is. */
  get #roomToWait(): number {
    const { budget } = this.#context;
    return Math.max(this.#littleRoom, Math.min(budget.max * WAITING_SHARE - this.#held, budget.room));
  }

  /** What small traces take without asking is had for the beginning of a large one too, while there is any. */
  get #littleRoom(): number {
    const { budget, limits } = this.#context;
    return Math.min(LITTLE_FACTOR * limits.small_trace_bytes_max, budget.max - budget.used);
  }

  #cut(draft: Draft, bytesMax: number): Draft {
    this.#noteShed(draft.trace);
    return cutDraft(draft, bytesMax);
  }

  #noteShed(trace: Trace): void {
    if (markShed(trace)) this.#context.counters.traces_over_budget++;
  }

  #hold(bytes: number): void {
    this.#held += bytes;
    this.#context.budget.add(bytes);
  }

  async #work(): Promise<void> {
    clearTimeout(this.#idle);
    // Not in the turn of the packets that it came with.
    await new Promise((resolve) => setImmediate(resolve));
    let handOver: HandOver | null = null;
    for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift()) {
      // The one before still has its memory.
      if (handOver !== null && costOf(job.draft, this.#context.limits.body_bytes_max) > this.#context.budget.room) {
        await handOver();
        handOver = null;
      }
      const making = this.#make(job);
      if (handOver !== null) {
        // By then the thread has what it needs.
        await new Promise((resolve) => setImmediate(resolve));
        await handOver();
      }
      if (this.#waiting.length === 0) this.#context.onPlace();
      handOver = await making;
      this.#hold(-job.held);
      if (this.#context.isFile) continue;
      await handOver();
      handOver = null;
    }
    await handOver?.();
    if (this.#waiting.length > 0) return this.#work();
    this.#working = null;
    this.#idle = setTimeout(() => this.#endThread(), IDLE_MILLIS);
    this.#idle.unref();
    this.#context.onPlace();
  }

  /** What it resolves to hands the trace over, and releases its memory. */
  async #make({ draft, held, since }: Job): Promise<HandOver> {
    const { budget, limits } = this.#context;
    const wanted = costOf(draft, limits.body_bytes_max);
    // What can never be had is done without: as much of the bodies is kept as there can be memory for.
    const cost = await this.#waitFor(Math.min(wanted, budget.max * MAKING_SHARE - held), since);
    const contentBytes = cost < wanted ? contentBytesFor(draft, limits.body_bytes_max, cost) : Number.POSITIVE_INFINITY;
    if (contentBytes <= 0) return async () => this.#giveUp(draft, 'memory');
    budget.add(cost);
    this.#making += cost;
    const handOver = await this.#finish(draft, contentBytes);
    return async () => {
      await handOver();
      this.#making -= cost;
      budget.remove(cost);
    };
  }

  /**
   * Waits for the outputs, which would lose the oldest of what they have, and for memory. Returns how much of it there is: where
   * others give none back, less than `bytes`; 0 where the outputs have no room.
   */
  async #waitFor(bytes: number, since: number): Promise<number> {
    const { output, budget, isFile } = this.#context;
    const patience = isFile ? Number.POSITIVE_INFINITY : PATIENCE_MILLIS;
    const patientUntil = Math.max(since, this.#lastFinished) + patience;
    while (!this.#isHurried) {
      const isPatient = this.#context.now() < patientUntil;
      const drained = output.drained?.();
      if (drained !== undefined) {
        if (!isPatient) return 0;
        await Promise.race([drained, sleep(OUTPUT_MILLIS)]);
      } else if (bytes <= budget.room) return bytes;
      // While a file waits nothing else ends, and no memory comes back.
      else if (isFile || !isPatient) return Math.max(budget.room, this.#littleRoom);
      else await sleep(LOOK_AGAIN_MILLIS);
    }
    return 0;
  }

  async #finish(draft: Draft, budgetBytes: number): Promise<() => Promise<void> | void> {
    const { limits, budget, openThread, onTrace, onLost } = this.#context;
    const millis = limits.trace_millis_max * (1 + Math.ceil(keptBytes(draft) / 2 ** 20));
    const wasCut = cutsOf(draft.trace);
    const timer = new AbortController();
    try {
      if (this.#isThreadStale) this.#endThread();
      this.#isThreadStale = false;
      this.#thread ??= openThread(budget.max * MAKING_SHARE);
      const thread = this.#thread;
      // Its start is no time that this exchange takes.
      await Promise.race([thread.started, pause(START_MILLIS, timer.signal)]);
      const order = { draft, limits: { bodyBytesMax: limits.body_bytes_max, budgetBytes } };
      const answer: Answer | 'time' = await Promise.race([
        thread.finish(order),
        this.#overTime(thread, millis, timer.signal),
      ]);
      if (answer !== 'time') {
        this.#context.counters.redaction_texts_evicted += answer.textsEvicted;
        this.#context.counters.grpc_messages_unfit += answer.messagesUnfit;
      }
      if (answer === 'time') {
        this.#endThread();
        return () => this.#giveUp(draft, 'time');
      }
      if (!('trace' in answer)) return () => onLost(answer.step, answer.error);
      this.#lastFinished = this.#context.now();
      if (isCut(answer.trace, wasCut, budgetBytes)) this.#noteShed(answer.trace);
      return () => onTrace(answer.trace);
    } catch {
      // The thread was ended, or has ended by itself: for want of memory most likely.
      this.#endThread();
      const want = this.#isHurried ? 'time' : 'memory';
      return () => this.#giveUp(draft, want);
    } finally {
      timer.abort();
    }
  }

  /**
   * Resolves when the thread has used `millis` of CPU time, or has waited for a CPU so long that others would wait too long: on a machine
   * that has no time for it a trace takes longer, and no more.
   */
  async #overTime(thread: TraceThread, millis: number, signal: AbortSignal): Promise<'time'> {
    const { now } = this.#context;
    const before = thread.cpuMillis();
    const latest = now() + millis * STARVED_FACTOR;
    for (let left = millis; left > 0; ) {
      await pause(Math.max(left, LOOK_AGAIN_MILLIS), signal);
      if (signal.aborted) break;
      const used = thread.cpuMillis();
      if (before === null || used === null || now() >= latest) break;
      left = millis - (used - before);
    }
    return 'time';
  }

  #endThread(): void {
    clearTimeout(this.#idle);
    this.#thread?.end();
    this.#thread = null;
  }

  #giveUp(draft: Draft, want: 'memory' | 'time'): void {
    const { counters, limits, onBare, onLost } = this.#context;
    const trace = withoutContent(draft, want === 'time' ? want : OVER_BUDGET);
    if (want === 'memory') this.#noteShed(trace);
    else {
      trace.marks.push(MARK_ROWS.overtime.name);
      counters.traces_over_time++;
    }
    // What is left is redacted in the capture's thread.
    if (headBytes(trace) <= limits.small_trace_bytes_max) onBare(trace);
    else onLost('redacted', new Error('its heads are too large for the memory and time there is'));
  }
}

/** Ends early, without an error, when it is aborted. */
const pause = (millis: number, signal: AbortSignal): Promise<void> =>
  timedSleep(millis, undefined, { signal }).catch(() => {});

const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis));

/** Whether each body is truncated. */
function cutsOf({ request, response }: Trace): readonly boolean[] {
  return [request.body.truncated, response?.body.truncated === true];
}

/** Whether a body that was whole was cut to `bytesMax`. */
function isCut(trace: Trace, wasCut: readonly boolean[], bytesMax: number): boolean {
  return bytesMax !== Number.POSITIVE_INFINITY && cutsOf(trace).some((is, i) => is && wasCut[i] !== true);
}
