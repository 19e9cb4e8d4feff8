/**
 * What becomes of small traces of a capture file behind their making, in a thread of its own: redaction and encoding take most of
 * the time that a trace takes, and a file that is read has a second core for them.
 *
 * in: traces, redacted or not · out: lines to the output, in the same order
 *
 * The thread is opened when there have been enough traces for it to be worth its start, and has its first when it is there: until
 * then, and where it has ended, traces are not taken. There is a limit to how much is under way, which the file waits for.
 */
import type { MemoryBudget } from '../memory-budget.js';
import type { EncodedLines } from '../output/output.js';
import type { KnownRoutes } from '../trace/route.js';
import type { Trace } from '../trace/trace.js';
import { BATCH_BYTES, TraceBatchWriter } from '../trace/trace-batch.js';
import { bodyBytes } from '../trace/trace-columns.js';
import type { EncodedTraces, EncodingThread } from './trace-thread.js';

export interface TraceTailContext {
  readonly lines: EncodedLines;
  /** How many traces are to come before the thread is opened; `TRACES_BEFORE`, if absent. */
  readonly tracesBefore?: number;
  readonly budget: MemoryBudget;
  /** `memoryBytes`: what its batches may take. */
  readonly open: (memoryBytes: number) => EncodingThread;
  /** Those that are known when the thread has its first traces; undefined where traces have none. */
  readonly routes: () => KnownRoutes | undefined;
  readonly onEncoded: (encoded: EncodedTraces) => void;
  /** The thread has ended, and so many traces with it. */
  readonly onLost: (traces: number, error: unknown) => void;
  /** It takes nothing any more, and the output has everything. */
  readonly onClosed: () => void;
}

/** A thread is opened after so many traces, and takes a few times as long to start as they do. */
const TRACES_BEFORE = 4000;
/** So many bytes of bodies take as long as a trace without. */
const BYTES_OF_TRACE = 2048;
/** Batches under way: one that is being encoded, and those that are next. */
const UNDER_WAY_MAX = 3;

const State = { counting: 0, starting: 1, open: 2, closed: 3 } as const;

export class TraceTail {
  readonly #context: TraceTailContext;
  readonly #writer = new TraceBatchWriter();
  #state: number = State.counting;
  #seen = 0;
  #thread: EncodingThread | null = null;
  #underWay = 0;
  #isFlushing = false;
  #hasBegun = false;
  #waiting: { readonly most: number; readonly resolve: () => void }[] = [];

  constructor(context: TraceTailContext) {
    this.#context = context;
  }

  /** Whether there are traces of which the output has not yet what they have become. */
  get isBusy(): boolean {
    return this.#underWay > 0 || this.#writer.count > 0;
  }

  /** Whether it takes nothing any more, and the output has not yet everything. */
  get isClosing(): boolean {
    return this.#state === State.closed && this.isBusy;
  }

  /** Whether it takes the trace. */
  take(trace: Trace, isRedacted: boolean): boolean {
    if (this.#state !== State.open) {
      // Large ones have a thread already, and leave this one little.
      if (this.#state === State.counting && !isRedacted) this.#see(trace);
      return false;
    }
    if (bodyBytes(trace) >= this.#context.lines.bodyBytesMax) return false;
    const writer = this.#writer;
    if (writer.isFull(trace)) this.#flush();
    writer.add(trace, isRedacted);
    // What comes in one turn goes together, and waits no longer.
    if (!this.#isFlushing) {
      this.#isFlushing = true;
      setImmediate(() => {
        this.#isFlushing = false;
        this.#flush();
      });
    }
    return true;
  }

  /** A promise to wait for before more is read; undefined while there is room. */
  room(): Promise<void> | undefined {
    return this.#underWay < UNDER_WAY_MAX ? undefined : this.#until(UNDER_WAY_MAX - 1);
  }

  /** Resolves when the output has everything. */
  async idle(): Promise<void> {
    this.#flush();
    if (this.#underWay > 0) await this.#until(0);
  }

  /** Takes nothing any more; resolves as `idle` does. */
  async close(): Promise<void> {
    this.#state = State.closed;
    await this.idle();
    this.#thread?.end();
    this.#thread = null;
    this.#context.onClosed();
  }

  #see(trace: Trace): void {
    this.#seen += 1 + bodyBytes(trace) / BYTES_OF_TRACE;
    if (this.#seen >= (this.#context.tracesBefore ?? TRACES_BEFORE)) this.#open();
  }

  #until(most: number): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ most, resolve }));
  }

  #open(): void {
    this.#state = State.starting;
    const thread = this.#context.open(UNDER_WAY_MAX * BATCH_BYTES);
    this.#thread = thread;
    void thread.started.then((isThere) => {
      if (this.#state === State.starting) this.#state = isThere ? State.open : State.closed;
    });
  }

  #flush(): void {
    const traces = this.#writer.count;
    if (traces === 0 || this.#thread === null) return;
    const { budget, onEncoded, onLost } = this.#context;
    const { batch, moves } = this.#writer.take();
    const routes = this.#hasBegun ? undefined : this.#context.routes();
    this.#hasBegun = true;
    this.#underWay++;
    budget.add(BATCH_BYTES);
    this.#thread
      .encode(batch, moves, routes)
      .then(
        (encoded) => {
          onEncoded(encoded);
          this.#writer.reuse(encoded.memory);
        },
        (error: unknown) => {
          this.#state = State.closed;
          onLost(traces, error);
        },
      )
      .finally(() => {
        budget.remove(BATCH_BYTES);
        this.#underWay--;
        this.#waiting = this.#waiting.filter(({ most, resolve }) => {
          if (this.#underWay > most) return true;
          resolve();
          return false;
        });
        if (this.#state === State.closed && !this.isBusy) this.#context.onClosed();
      });
  }
}
