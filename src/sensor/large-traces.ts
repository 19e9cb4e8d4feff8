/**
 * Traces that take long to finish, one after the other in a thread of their own.
 *
 * in:  drafts · out: traces, redacted, to `onTrace`
 *
 * Everything that is made of a draft is taken from the memory budget before it is made: what was kept of its bodies while it
 * waits, then its contents and their copies. A draft that there is no memory or no time for leaves without its bodies.
 */
import type { Counters } from '../counters.js';
import { decodedBytesMax, OVER_BUDGET, windowBytes } from '../http/content-coding.js';
import type { Limits } from '../limits.js';
import type { MemoryBudget } from '../memory-budget.js';
import type { TraceOutput } from '../output/output.js';
import { MARK_ROWS } from '../pair/exchange.js';
import { messageCodings } from '../trace/grpc-content.js';
import type { Trace } from '../trace/trace.js';
import { type Draft, type DraftBody, withoutContent } from '../trace/trace-builder.js';
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
  /** Takes a trace that is finished and redacted. */
  readonly onTrace: (trace: Trace) => void;
  /** Takes a trace without bodies that is still to be redacted. */
  readonly onBare: (trace: Trace) => void;
  /** A trace could not be `step`, as in "redacted". */
  readonly onLost: (step: string, error: unknown) => void;
  /** Nothing waits any more. */
  readonly onIdle: () => void;
  /** In milliseconds. */
  readonly now: () => number;
}

interface Job {
  readonly draft: Draft;
  /** Bytes taken from the budget while it waits. */
  readonly held: number;
  readonly since: number;
}

/** What traces that are being made may take of the budget: the rest is the capture's alone. */
const MAKING_SHARE = 1 / 2;
/** What those may take of it that wait for others. */
const WAITING_SHARE = 1 / 8;
/** A body's content exists so many times at once: in pieces and joined while it is decoded, as text and edited while it is redacted. */
const COPIES = 5;
/** What a draft takes beside its texts and bodies. */
const DRAFT_BYTES = 2048;
/** How long a draft may wait for memory and for those before it, while none of those is finished. */
const PATIENCE_MILLIS = 10_000;
const LOOK_AGAIN_MILLIS = 20;
const OUTPUT_MILLIS = 1000;
/** How long a thread may take to start, on a machine that has no time for it. */
const START_MILLIS = 30_000;
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

  accept(draft: Draft): void {
    const held = heldBytes(draft);
    if (held > this.#roomToWait || held > this.#context.budget.room) {
      this.#giveUp(draft, 'memory');
      return;
    }
    this.#hold(held);
    this.#waiting.push({ draft, held, since: this.#context.now() });
    this.#working ??= this.#work();
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

  /** What one more draft may take. Only one that finds nothing here may leave no room for others. */
  get #roomToWait(): number {
    const { max } = this.#context.budget;
    return max * (this.isBusy ? WAITING_SHARE : MAKING_SHARE / 2) - this.#held;
  }

  #hold(bytes: number): void {
    this.#held += bytes;
    this.#context.budget.add(bytes);
  }

  async #work(): Promise<void> {
    clearTimeout(this.#idle);
    // Not in the turn of the packets that it came with.
    await new Promise((resolve) => setImmediate(resolve));
    for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift()) {
      await this.#make(job);
      this.#hold(-job.held);
    }
    this.#working = null;
    this.#idle = setTimeout(() => this.#endThread(), IDLE_MILLIS);
    this.#idle.unref();
    this.#context.onIdle();
  }

  async #make({ draft, held, since }: Job): Promise<void> {
    const { budget, limits } = this.#context;
    const wanted = costOf(draft, limits.body_bytes_max);
    // What can never be had is done without: as much of the bodies is kept as there can be memory for.
    const most = budget.max * MAKING_SHARE - Math.max(budget.max * WAITING_SHARE, held);
    const cost = Math.min(wanted, most);
    const content = cost - windowsOf(draft) - COPIES * messageBytes(draft.trace);
    const budgetBytes =
      cost < wanted ? Math.floor(content / COPIES / bodiesOf(draft).length) : Number.POSITIVE_INFINITY;
    if (budgetBytes <= 0 || !(await this.#waitFor(cost, since))) return this.#giveUp(draft, 'memory');
    this.#context.budget.add(cost);
    await this.#finish(draft, budgetBytes);
    this.#context.budget.remove(cost);
  }

  /** Waits for the outputs, which would lose the oldest of what they have, and for memory. Returns whether both are there. */
  async #waitFor(bytes: number, since: number): Promise<boolean> {
    const { output, budget, isFile } = this.#context;
    const patience = isFile ? Number.POSITIVE_INFINITY : PATIENCE_MILLIS;
    const patientUntil = Math.max(since, this.#lastFinished) + patience;
    while (!this.#isHurried && this.#context.now() < patientUntil) {
      const drained = output.drained?.();
      if (drained !== undefined) await Promise.race([drained, sleep(OUTPUT_MILLIS)]);
      else if (bytes <= budget.room) return true;
      // While a file waits nothing else ends, and no memory comes back.
      else if (isFile) return false;
      else await sleep(LOOK_AGAIN_MILLIS);
    }
    return false;
  }

  async #finish(draft: Draft, budgetBytes: number): Promise<void> {
    const { limits, budget, openThread, onTrace, onLost } = this.#context;
    const millis = limits.trace_millis_max * (1 + Math.ceil(keptBytes(draft) / 2 ** 20));
    const timers: NodeJS.Timeout[] = [];
    const over = (after: number) =>
      new Promise<'time'>((resolve) => timers.push(setTimeout(() => resolve('time'), after)));
    try {
      if (this.#isThreadStale) this.#endThread();
      this.#isThreadStale = false;
      this.#thread ??= openThread(budget.max * MAKING_SHARE);
      const thread = this.#thread;
      // Its start is no time that this exchange takes.
      await Promise.race([thread.started, over(START_MILLIS)]);
      const order = { draft, limits: { bodyBytesMax: limits.body_bytes_max, budgetBytes } };
      const answer: Answer | 'time' = await Promise.race([thread.finish(order), over(millis)]);
      if (answer !== 'time') {
        this.#context.counters.redaction_texts_evicted += answer.textsEvicted;
        this.#context.counters.grpc_messages_unfit += answer.messagesUnfit;
      }
      if (answer === 'time') {
        this.#endThread();
        this.#giveUp(draft, 'time');
      } else if ('trace' in answer) {
        this.#lastFinished = this.#context.now();
        onTrace(answer.trace);
      } else onLost(answer.step, answer.error);
    } catch {
      // The thread was ended, or has ended by itself: for want of memory most likely.
      this.#endThread();
      this.#giveUp(draft, this.#isHurried ? 'time' : 'memory');
    } finally {
      for (const timer of timers) clearTimeout(timer);
    }
  }

  #endThread(): void {
    clearTimeout(this.#idle);
    this.#thread?.end();
    this.#thread = null;
  }

  #giveUp(draft: Draft, want: 'memory' | 'time'): void {
    const { counters, limits, onBare, onLost } = this.#context;
    const trace = withoutContent(draft, want === 'time' ? want : OVER_BUDGET);
    trace.marks.push(MARK_ROWS[want === 'time' ? 'overtime' : 'shed'].name);
    if (want === 'time') counters.traces_over_time++;
    else counters.traces_over_budget++;
    // What is left is redacted in the capture's thread.
    if (headBytes(trace) <= limits.small_trace_bytes_max) onBare(trace);
    else onLost('redacted', new Error('its heads are too large for the memory and time there is'));
  }
}

const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis));

function bodiesOf({ request, response }: Draft): DraftBody[] {
  return (response === null ? [request] : [request, response]).filter((body) => body.keptBytes > 0);
}

function keptBytes(draft: Draft): number {
  return bodiesOf(draft).reduce((sum, body) => sum + body.keptBytes, 0);
}

/** What a draft takes as it is. */
function heldBytes(draft: Draft): number {
  return DRAFT_BYTES + keptBytes(draft) + messageBytes(draft.trace) + 2 * headBytes(draft.trace);
}

function messageBytes({ messages }: Trace): number {
  return messages?.reduce((sum, { content }) => sum + content.length, 0) ?? 0;
}

/** What finishing it takes beyond that, at most. */
function costOf(draft: Draft, bodyBytesMax: number): number {
  const isCoded = messageCodings(draft.trace).length > 0;
  const contents = bodiesOf(draft).reduce(
    (sum, { keptBytes: kept, codings }) =>
      sum + (codings.length === 0 && !isCoded ? Math.min(kept, bodyBytesMax) : decodedBytesMax(kept, bodyBytesMax)),
    0,
  );
  return COPIES * (contents + messageBytes(draft.trace) + headBytes(draft.trace)) + windowsOf(draft);
}

/** Bodies are decoded one after the other. */
function windowsOf(draft: Draft): number {
  return Math.max(
    windowBytes(messageCodings(draft.trace)),
    ...bodiesOf(draft).map(({ codings }) => windowBytes(codings)),
  );
}

/** Characters of the texts of both messages: each takes a byte or two. */
export function headBytes({ request, response }: Trace): number {
  let bytes = request.target.length + request.authority.length;
  for (const section of [request.headers, request.trailers, response?.headers ?? [], response?.trailers ?? []])
    for (const [name, value] of section) bytes += name.length + value.length;
  return bytes + (response?.reason.length ?? 0);
}
