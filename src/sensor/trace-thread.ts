/**
 * A thread that finishes traces: undoes content codings and redacts, however long that takes, while packets, timers and health
 * checks go on.
 *
 * in: an `Order` at a time · out: its `Answer`; a rejection where the thread has ended instead, as when it ran out of memory
 *
 * One that is opened to may also be given batches of small traces, and makes lines of them.
 */
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { EncodedLines } from '../output/output.js';
import type { RedactionSettings } from '../redact/redactor.js';
import type { AddressRange } from '../trace/address-range.js';
import type { KnownRoutes } from '../trace/route.js';
import { asData as messageData } from '../trace/sent-message.js';
import type { Trace } from '../trace/trace.js';
import type { TraceBatch } from '../trace/trace-batch.js';
import type { ContentLimits, Draft, DraftBody } from '../trace/trace-builder.js';

export interface Order {
  readonly draft: Draft;
  readonly limits: ContentLimits;
}

/** The trace, redacted; or what went wrong with it, and where. */
export type Answer = Outcome & {
  /** As `RedactorContext.onEvicted` counts them. */
  readonly textsEvicted: number;
  /** Messages of calls that no descriptor fits. */
  readonly messagesUnfit: number;
};
export type Outcome = { readonly trace: Trace } | { readonly step: string; readonly error: Error };

export interface TraceThread {
  /** Resolves when it can take orders, or has ended. */
  readonly started: Promise<unknown>;
  /** CPU time that it has used, in milliseconds; null where the kernel does not say. */
  cpuMillis(): number | null;
  /** Takes the bytes of the draft's bodies away. One order at a time. */
  finish(order: Order): Promise<Answer>;
  /** Ends the thread, whatever it is doing. */
  end(): void;
}

/** One that makes lines of small traces. */
export interface EncodingThread extends Pick<TraceThread, 'end'> {
  /** Whether it can take batches, or has ended instead. */
  readonly started: Promise<boolean>;
  /**
   * Any number of batches at a time, which become lines in their order. `moves`: the memory that goes with this one. `routes`: those
   * that its traces are told by from now on; as before, if absent.
   */
  encode(batch: TraceBatch, moves: readonly ArrayBuffer[], routes?: KnownRoutes): Promise<EncodedTraces>;
}

export interface TraceThreadData {
  readonly redaction: RedactionSettings;
  readonly descriptors: DescriptorSet | null;
  /** Whether a capture goes first where the CPU is busy. */
  readonly yields: boolean;
  /** What it encodes traces by; absent where it encodes none. */
  readonly ends?: EndsSettings;
}

/** What becomes of a trace behind redaction. */
export interface EndsSettings {
  readonly format: EncodedLines['format'];
  readonly trustedProxies: readonly AddressRange[];
}

export interface BatchOrder {
  readonly batch: TraceBatch;
  readonly routes: KnownRoutes | undefined;
}

/** What a batch has become. */
export interface EncodedTraces {
  /** Lines in the memory of the batch, in the order of the traces: bytes of each piece, and how many it has. */
  readonly pieces: readonly { readonly bytes: number; readonly traces: number }[];
  /** Lines behind those that had no room there. */
  readonly beyond: readonly Uint8Array[];
  /** By rule, in how many places something was replaced here. */
  readonly redactions: ReadonlyMap<string, number>;
  readonly lost: readonly { readonly step: string; readonly error: Error }[];
  readonly textsEvicted: number;
  readonly memory: SharedArrayBuffer;
}

/** A set of descriptors of calls, as `openDescriptors` takes it. */
export interface DescriptorSet {
  readonly set: Uint8Array;
  readonly name: string;
}

/** What the thread says first, when it has loaded what it needs. */
export interface Started {
  /** Its number for the kernel (proc(5), /proc/thread-self); null where there is none. */
  readonly kernelThread: string | null;
}

/** Young objects are few: what takes memory here are a few long strings and buffers. */
const YOUNG_MEBIBYTES = 4;
/** What the budget counts, and the code of the redactor. */
const OLD_MEBIBYTES_MIN = 128;

const ENDED = 'the thread that finishes traces has ended';

/** `memoryBytes`: what the budget allows for one order. */
export function openTraceThread(workerData: TraceThreadData, memoryBytes: number): TraceThread {
  const { worker, answers, ...thread } = open(workerData, memoryBytes);
  return {
    ...thread,
    cpuMillis: () => (answers.kernelThread === null ? null : cpuMillisOf(answers.kernelThread)),
    finish: (order) =>
      answers.after(() => worker.postMessage({ ...order, draft: asData(order.draft) }, transferable(order.draft))),
  };
}

/** `memoryBytes`: what batches take that are under way. */
export function openEncodingThread(
  workerData: TraceThreadData & { ends: EndsSettings },
  memoryBytes: number,
): EncodingThread {
  const { worker, answers, ...thread } = open(workerData, memoryBytes);
  return {
    ...thread,
    encode: (batch, moves, routes) =>
      answers.after(() => worker.postMessage({ batch, routes } satisfies BatchOrder, moves)),
  };
}

function open(workerData: TraceThreadData, memoryBytes: number) {
  const worker = new Worker(new URL('./trace-worker.js', import.meta.url), {
    workerData,
    resourceLimits: {
      maxYoungGenerationSizeMb: YOUNG_MEBIBYTES,
      maxOldGenerationSizeMb: OLD_MEBIBYTES_MIN + Math.ceil(memoryBytes / 2 ** 20),
    },
  });
  worker.unref();
  const answers = new Answers(worker);
  return { worker, answers, started: answers.started, end: () => void worker.terminate() };
}

/** What a thread says: its answers come in the order of what was asked. */
class Answers {
  readonly started: Promise<boolean>;
  kernelThread: string | null = null;
  readonly #worker: Worker;
  readonly #waiting: { resolve: (answer: never) => void; reject: (error: Error) => void }[] = [];
  #hasEnded = false;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.started = new Promise((resolve) => {
      worker.on('message', (said: Answer | EncodedTraces | Started) => {
        if (!('kernelThread' in said)) return this.#next()?.resolve(said as never);
        this.kernelThread = said.kernelThread;
        resolve(true);
      });
      worker.on('exit', () => {
        this.#hasEnded = true;
        resolve(false);
        this.#fail(new Error(ENDED));
      });
    });
    worker.on('error', (error) => this.#fail(error));
  }

  after<Said>(ask: () => void): Promise<Said> {
    if (this.#hasEnded) return Promise.reject(new Error(ENDED));
    return new Promise((resolve, reject) => {
      ask();
      // What is waited for keeps the process.
      if (this.#waiting.length === 0) this.#worker.ref();
      this.#waiting.push({ resolve, reject });
    });
  }

  #next() {
    const next = this.#waiting.shift();
    if (this.#waiting.length === 0) this.#worker.unref();
    return next;
  }

  #fail(error: Error): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) next.reject(error);
  }
}

/** Nanoseconds on a CPU are the first number of schedstat (Documentation/scheduler/sched-stats.rst). */
function cpuMillisOf(kernelThread: string): number | null {
  try {
    return Number.parseInt(readFileSync(`/proc/self/task/${kernelThread}/schedstat`, 'latin1'), 10) / 1e6;
  } catch {
    return null;
  }
}

/** A thread takes nothing but data. */
function asData(draft: Draft): Draft {
  const { request, response } = draft.trace;
  const messages = { request: messageData(request), response: response === null ? null : messageData(response) };
  return { ...draft, trace: { ...draft.trace, ...messages } };
}

/** Small pieces may share their memory with those of other bodies (`BodyMemory`, `Buffer.poolSize`), and are copied. */
const SHARED_BYTES_MAX = 8192;

function transferable({ request, response }: Draft): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  const bodies: readonly DraftBody[] = response === null ? [request] : [request, response];
  for (const { chunks } of bodies)
    for (const { buffer } of chunks)
      if (buffer instanceof ArrayBuffer && buffer.byteLength > SHARED_BYTES_MAX) buffers.add(buffer);
  return [...buffers];
}
