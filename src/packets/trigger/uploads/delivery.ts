/**
 * Sends finished captures to every destination there is: each by itself, again where it failed, to disk where it cannot be.
 *
 * in: a capture and its bytes · out: what became of each upload, once each is known · counts: due = done + spooled + failed + under way
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { MemoryLedger, Reservation } from '../capture/memory-ledger.js';
import type { TriggerCounters } from '../trigger-counters.js';
import type { CaptureSpool, SpooledCapture } from './capture-spool.js';
import { type CaptureFile, UploadError, type Uploader, type UploaderName, type UploadOutcome } from './uploader.js';

export interface DeliveryContext {
  readonly uploaders: readonly Uploader[];
  readonly spool: CaptureSpool | null;
  readonly retrySeconds: number;
  readonly ledger: MemoryLedger;
  readonly counters: TriggerCounters;
  warn(message: string): void;
  /** An upload from the spool is over. */
  onSpooledOutcome(capture: SpooledCapture, outcome: UploadOutcome): void;
}

export interface DueCapture {
  readonly file: CaptureFile;
  readonly content: readonly Buffer[];
  readonly reservation: Reservation;
  readonly replyTo: unknown;
}

/** Uploads at once to one destination. */
const UPLOADS_MAX = 4;
const FIRST_PAUSE_MILLIS = 500;
const LAST_PAUSE_MILLIS = 30_000;

export class Delivery {
  readonly #context: DeliveryContext;
  readonly #lanes: ReadonlyMap<UploaderName, Lane>;
  readonly #stopping = new AbortController();
  readonly #abandoned = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #emptying: Promise<unknown>;

  constructor(context: DeliveryContext) {
    this.#context = context;
    this.#lanes = new Map(context.uploaders.map((uploader) => [uploader.name, new Lane(uploader)]));
    this.#emptying = Promise.all(context.uploaders.map((uploader) => this.#emptySpool(uploader)));
  }

  async deliver(due: DueCapture): Promise<readonly UploadOutcome[]> {
    const { counters } = this.#context;
    counters.uploads_due += this.#lanes.size;
    const all = Promise.all([...this.#lanes.values()].map((lane) => this.#upload(lane, due)));
    this.#underWay.add(all);
    try {
      return await all;
    } finally {
      this.#underWay.delete(all);
      due.reservation.shrink(0);
    }
  }

  /** Waits for what is under way, then gives up what is left, to disk where there is a spool. */
  async close(deadlineMillis: number): Promise<void> {
    this.#stopping.abort();
    const deadline = setTimeout(() => this.#abandoned.abort(), deadlineMillis);
    await Promise.all([...this.#underWay, this.#emptying]);
    clearTimeout(deadline);
    await Promise.all(this.#context.uploaders.map((uploader) => uploader.close()));
  }

  async #upload(lane: Lane, due: DueCapture): Promise<UploadOutcome> {
    const { counters, spool, retrySeconds, warn } = this.#context;
    const { name: to } = lane.uploader;
    const until = performance.now() + retrySeconds * 1000;
    for (let pause = FIRST_PAUSE_MILLIS; ; pause = Math.min(2 * pause, LAST_PAUSE_MILLIS)) {
      try {
        const where = await lane.upload(due.file, due.content, this.#abandoned.signal);
        counters.uploads_done++;
        return { to, state: 'done', where };
      } catch (error) {
        const { message, isFinal } = asUploadError(error);
        warn(`${due.file.name}: ${message}`);
        const isOver = isFinal || this.#stopping.signal.aborted || performance.now() + pause > until;
        if (!isFinal && spool !== null) return this.#toSpool(spool, due, to, message);
        if (isOver) return this.#failed(to, message);
        counters.uploads_retried++;
        await wait(pause, undefined, { signal: this.#stopping.signal }).catch(() => {});
      }
    }
  }

  #failed(to: UploaderName, reason: string): UploadOutcome {
    this.#context.counters.uploads_failed++;
    return { to, state: 'failed', reason };
  }

  /** A file of its own for each destination that does not take it, which is rarely more than one. */
  async #toSpool(spool: CaptureSpool, due: DueCapture, to: UploaderName, reason: string): Promise<UploadOutcome> {
    try {
      await spool.add({ file: due.file, pending: [to], replyTo: due.replyTo }, due.content);
    } catch (error) {
      return this.#failed(to, `${reason}; ${(error as Error).message}`);
    }
    this.#context.counters.uploads_spooled++;
    return { to, state: 'spooled', reason };
  }

  /** Sends what is on disk, one capture at a time, and waits longer and longer while that fails. */
  async #emptySpool(uploader: Uploader): Promise<void> {
    const { spool, counters, ledger, warn, onSpooledOutcome } = this.#context;
    if (spool === null) return;
    const { name: to } = uploader;
    const { signal } = this.#stopping;
    let pause = FIRST_PAUSE_MILLIS;
    while (!signal.aborted) {
      await wait(pause, undefined, { signal }).catch(() => {});
      const next = signal.aborted ? null : spool.nextFor(to);
      if (next === null) continue;
      const reservation = ledger.reserve(next.file.bytes);
      if (reservation === null) continue; // captures come first
      const content = await spool.contentOf(next);
      let outcome: UploadOutcome | null = null;
      try {
        if (content === null) throw new UploadError('its file is gone from the spool', true);
        outcome = { to, state: 'done', where: await uploader.upload(next.file, [content], this.#abandoned.signal) };
        counters.uploads_done++;
      } catch (error) {
        const { message, isFinal } = asUploadError(error);
        if (isFinal) outcome = this.#failed(to, message);
        warn(`${next.file.name}, from the spool: ${message}`);
      }
      reservation.shrink(0);
      pause = outcome === null ? Math.min(2 * pause, LAST_PAUSE_MILLIS) : FIRST_PAUSE_MILLIS;
      if (outcome === null) continue;
      counters.uploads_spooled--;
      await spool.settle(next, to);
      onSpooledOutcome(next, outcome);
      pause = spool.nextFor(to) === null ? FIRST_PAUSE_MILLIS : 0;
    }
  }
}

/** A destination with the uploads that wait for it. */
class Lane {
  readonly uploader: Uploader;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(uploader: Uploader) {
    this.uploader = uploader;
  }

  async upload(file: CaptureFile, content: readonly Buffer[], signal: AbortSignal): Promise<string> {
    if (this.#running >= UPLOADS_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    try {
      return await this.uploader.upload(file, content, signal);
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }
}

function asUploadError(error: unknown): UploadError {
  return error instanceof UploadError ? error : new UploadError((error as Error).message, false);
}
