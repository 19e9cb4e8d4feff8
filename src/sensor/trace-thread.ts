/**
 * A thread that finishes traces: undoes content codings and redacts, however long that takes, while packets, timers and health
 * checks go on.
 *
 * in: an `Order` at a time · out: its `Answer`; a rejection where the thread has ended instead, as when it ran out of memory
 */
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { RedactionSettings } from '../redact/redactor.js';
import { asData as messageData } from '../trace/sent-message.js';
import type { Trace } from '../trace/trace.js';
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
  readonly started: Promise<void>;
  /** CPU time that it has used, in milliseconds; null where the kernel does not say. */
  cpuMillis(): number | null;
  /** Takes the bytes of the draft's bodies away. One order at a time. */
  finish(order: Order): Promise<Answer>;
  /** Ends the thread, whatever it is doing. */
  end(): void;
}

export interface TraceThreadData {
  readonly redaction: RedactionSettings;
  readonly descriptors: DescriptorSet | null;
  /** Whether a capture goes first where the CPU is busy. */
  readonly yields: boolean;
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
  const worker = new Worker(new URL('./trace-worker.js', import.meta.url), {
    workerData,
    resourceLimits: {
      maxYoungGenerationSizeMb: YOUNG_MEBIBYTES,
      maxOldGenerationSizeMb: OLD_MEBIBYTES_MIN + Math.ceil(memoryBytes / 2 ** 20),
    },
  });
  worker.unref();
  let hasEnded = false;
  let isStarted: () => void = () => {};
  const started = new Promise<void>((resolve) => {
    isStarted = resolve;
  });
  let waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | null = null;
  const settle = (): typeof waiting => {
    const settled = waiting;
    waiting = null;
    return settled;
  };
  let kernelThread: string | null = null;
  worker.on('message', (said: Answer | Started) => {
    if (!('kernelThread' in said)) return settle()?.resolve(said);
    kernelThread = said.kernelThread;
    isStarted();
  });
  worker.on('error', (error) => settle()?.reject(error));
  worker.on('exit', () => {
    hasEnded = true;
    isStarted();
    settle()?.reject(new Error(ENDED));
  });
  return {
    started,
    cpuMillis: () => (kernelThread === null ? null : cpuMillisOf(kernelThread)),
    finish(order) {
      return new Promise((resolve, reject) => {
        if (hasEnded) {
          reject(new Error(ENDED));
          return;
        }
        waiting = { resolve, reject };
        worker.postMessage({ ...order, draft: asData(order.draft) }, transferable(order.draft));
      });
    },
    end: () => void worker.terminate(),
  };
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
