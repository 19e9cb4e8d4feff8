/**
 * A thread with a database: what a query or a transaction takes, no socket waits for.
 *
 * in: what it is asked, by name · out: its answer, in the order asked; a rejection where the thread has ended instead
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { SensorError, UsageError } from '../../errors.js';
import { FilterError } from '../filter/parse.js';
import type { BodyBounds } from '../receive/read-body.js';
import type { Retention } from './store.js';

export interface StoreThreadData {
  /** Null for memory. */
  readonly directory: string | null;
  /** Whether it only answers queries, beside the one that writes. */
  readonly reads: boolean;
  readonly retention: Retention;
  readonly bounds: BodyBounds;
  /** The text of an OpenAPI document that what comes is held against, or null. */
  readonly spec: string | null;
  /** Whether receipts have a line for each trace. */
  readonly reports: boolean;
}

export interface Asked {
  readonly id: number;
  readonly name: string;
  readonly given: readonly unknown[];
}

/** Null as `id`: that it has started, or cannot; or a notice. */
export type Said =
  | { readonly id: number | null; readonly value?: unknown }
  | { readonly id: number | null; readonly failure: Failure }
  | { readonly id: null; readonly notice: string };

/** An error, as it crosses between threads. */
export interface Failure {
  readonly kind: 'filter' | 'usage' | 'person' | 'other';
  readonly message: string;
  readonly at: number;
}

/** What a body of the largest size that is let in becomes, and then some. */
const OLD_MEBIBYTES = 512;
const YOUNG_MEBIBYTES = 16;
/** How long a thread that has closed its database may take to end. */
const END_MILLIS = 5000;

export class StoreThread {
  readonly #data: unknown;
  readonly #program: URL;
  readonly #onNotice: (notice: string) => void;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #worker: Worker | null = null;
  #next = 0;

  /** @param program what runs in the thread: `store-worker.ts`, which takes `StoreThreadData`, or another with the same messages */
  constructor(
    data: unknown,
    onNotice: (notice: string) => void,
    program: URL = new URL('./store-worker.js', import.meta.url),
  ) {
    this.#data = data;
    this.#program = program;
    this.#onNotice = onNotice;
  }

  /** Begins the thread. Rejects with a SensorError where its database cannot be opened. */
  start(): Promise<void> {
    const worker = new Worker(this.#program, {
      workerData: this.#data,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEBIBYTES, maxOldGenerationSizeMb: OLD_MEBIBYTES },
    });
    this.#worker = worker;
    return new Promise((resolve, reject) => {
      worker.on('message', (said: Said) => {
        if ('notice' in said) this.#onNotice(said.notice);
        else if (said.id !== null) this.#settle(said.id, said);
        else if ('failure' in said) reject(errorOf(said.failure));
        else resolve();
      });
      worker.on('error', (error) => this.#onNotice(`the thread of the store ended: ${error.message}`));
      worker.once('exit', () => {
        if (this.#worker === worker) this.#worker = null;
        const ended = new Error('the thread of the store has ended');
        reject(ended);
        for (const { reject: fail } of this.#waiting.values()) fail(ended);
        this.#waiting.clear();
      });
    });
  }

  async ask(name: string, given: readonly unknown[], transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    if (this.#worker === null) await this.start();
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#waiting.set(id, { resolve, reject });
      const asked: Asked = { id, name, given };
      this.#worker?.postMessage(asked, [...transfer]);
    });
  }

  /**
   * Ends the thread once it has done what it was asked. It ends by itself: where one is terminated, the finalizers of native addons can
   * call nothing any more, and some then end the process.
   */
  async end(): Promise<void> {
    const worker = this.#worker;
    if (worker === null) return;
    const exited = once(worker, 'exit').catch(() => {});
    await this.ask('close', []).catch(() => {});
    const timer = setTimeout(() => void worker.terminate(), END_MILLIS);
    await exited;
    clearTimeout(timer);
  }

  #settle(id: number, said: Exclude<Said, { notice: string }>): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if ('failure' in said) waiting?.reject(errorOf(said.failure));
    else waiting?.resolve(said.value);
  }
}

export function failureOf(error: unknown): Failure {
  const { message } = error as Error;
  if (error instanceof FilterError) return { kind: 'filter', message, at: error.at };
  if (error instanceof UsageError) return { kind: 'usage', message, at: 0 };
  return { kind: error instanceof SensorError ? 'person' : 'other', message, at: 0 };
}

function errorOf({ kind, message, at }: Failure): Error {
  if (kind === 'filter') return new FilterError(message, at);
  if (kind === 'usage') return new UsageError(message);
  return kind === 'person' ? new SensorError(message) : new Error(message);
}
