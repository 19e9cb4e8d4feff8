/**
 * A file that traces are appended to, without ever making the sensor wait.
 *
 * in: pieces of text (UTF-8, where they are bytes), one per trace · out: the file, its tail in place after every write, so that
 * a reader finds it whole even if the sensor is killed
 *
 * A file that cannot keep up loses the oldest pieces, counted; one that fails (disk full) loses what it could not take, and the
 * next piece tries again.
 */
import { close as closeCallback, open as openCallback, writev as writevCallback } from 'node:fs';
import { promisify } from 'node:util';
import { SensorError } from '../../errors.js';
import { PieceQueue } from './piece-queue.js';

export interface AppendFileContext {
  /** A path, or 1 for stdout. */
  target: string | typeof STDOUT;
  /** Before the first piece. */
  head: string;
  /** Between two pieces. */
  separator: string;
  /** After the last piece; moves on with each write. Empty where the file cannot be written at a position (a pipe). */
  tail: string;
  /** Bytes waiting to be written. */
  queue_bytes_max: number;
  onWritten: (pieces: number) => void;
  onLost: (pieces: number, reason: string) => void;
}

const WRITE_BLOCKS_MAX = 8;
const STDOUT = 1;
/** Nobody else may read bodies. */
const OWNER_ONLY = 0o600;

const open = promisify(openCallback);
const close = promisify(closeCallback);
const writev = promisify(writevCallback);

/** @throws SensorError if the file cannot be opened */
export async function openAppendFile(context: AppendFileContext): Promise<AppendFile> {
  const { target } = context;
  if (target === STDOUT) return new AppendFile(STDOUT, context);
  try {
    return new AppendFile(await open(target, 'w', OWNER_ONLY), context);
  } catch (error) {
    throw new SensorError(`--output ${target}: ${(error as Error).message}; name a file that can be written`);
  }
}

export class AppendFile {
  readonly #file: number;
  readonly #context: AppendFileContext;
  readonly #head: Buffer;
  readonly #separator: Buffer;
  readonly #tail: Buffer;
  readonly #queue: PieceQueue;
  /** Where the tail is written over; null where the file knows no position. */
  #position: number | null;
  /** Whether the head has been written. */
  #isBegun = false;
  /** Why no later write can succeed; empty as long as one can. */
  #broken = '';
  #writing: Promise<void> | undefined;
  #waiting: (() => void)[] = [];

  constructor(file: number, context: AppendFileContext) {
    this.#file = file;
    this.#context = context;
    this.#head = Buffer.from(context.head);
    this.#separator = Buffer.from(context.separator);
    this.#tail = Buffer.from(context.tail);
    this.#queue = new PieceQueue(this.#separator, context.queue_bytes_max);
    this.#position = file === STDOUT || this.#tail.length === 0 ? null : 0;
  }

  /** Bytes waiting to be written. */
  get held(): number {
    return this.#queue.bytes;
  }

  append(piece: string | Buffer): void {
    const { onLost, queue_bytes_max } = this.#context;
    if (this.#broken !== '') {
      onLost(1, this.#broken);
      return;
    }
    this.#queue.push(piece);
    let lost = 0;
    while (this.held > queue_bytes_max) lost += this.#queue.shift()?.pieces ?? 0;
    if (lost > 0) onLost(lost, 'the file cannot keep up');
    // Not in this turn: traces that come together are written together.
    this.#writing ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#writeQueued());
  }

  /** A promise to wait for before handing over more, where the producer can wait; undefined if there is room. */
  drained(): Promise<void> | undefined {
    if (this.#hasRoom || this.#broken !== '') return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Writes what is held, waiting at most `deadlineMillis`. */
  async close(deadlineMillis: number): Promise<void> {
    if (this.#writing !== undefined) await withDeadline(this.#writing, deadlineMillis);
    if (!this.#isBegun && this.#head.length + this.#tail.length > 0)
      await writeAll(this.#file, [this.#head, this.#tail], this.#position).catch(() => {});
    const left = this.#queue.pieces;
    if (left > 0) this.#context.onLost(left, 'not written by the deadline');
    if (this.#file !== STDOUT) await close(this.#file).catch(() => {});
  }

  get #hasRoom(): boolean {
    return this.held < this.#context.queue_bytes_max / 2;
  }

  async #writeQueued(): Promise<void> {
    while (!this.#queue.isEmpty) {
      await this.#writeSome();
      if (!this.#hasRoom) continue;
      for (const resolve of this.#waiting) resolve();
      this.#waiting = [];
    }
    this.#writing = undefined;
  }

  /** Several blocks at once: under a flood of packets there is one write a turn. */
  async #writeSome(): Promise<void> {
    const { onWritten, onLost } = this.#context;
    const content: Buffer[] = [];
    let pieces = 0;
    for (let blocks = 0; blocks < WRITE_BLOCKS_MAX; blocks++) {
      const block = this.#queue.shift();
      if (block === undefined) break;
      content.push(this.#isBegun || content.length > 0 ? this.#separator : this.#head, block.bytes);
      pieces += block.pieces;
    }
    try {
      await writeAll(this.#file, [...content, this.#tail], this.#position);
      this.#isBegun = true;
      if (this.#position !== null) for (const { length } of content) this.#position += length;
      onWritten(pieces);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // The reader has gone: no later write can succeed.
      if (code === 'EPIPE') this.#broken = 'the reader closed the pipe';
      onLost(pieces, code ?? String(error));
    }
  }
}

/** At `position`, or at the end where that is null. */
async function writeAll(file: number, pieces: readonly Buffer[], position: number | null): Promise<void> {
  let left = pieces.filter(({ length }) => length > 0);
  let written = 0;
  while (left.length > 0) {
    try {
      const { bytesWritten } = await writev(file, left, position === null ? undefined : position + written);
      written += bytesWritten;
      left = without(left, bytesWritten);
    } catch (error) {
      // A pipe that somebody else made non-blocking is full; there is no event to wait for on its descriptor.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** `pieces` without their first `bytes`. */
function without(pieces: readonly Buffer[], bytes: number): Buffer[] {
  const left: Buffer[] = [];
  let skip = bytes;
  for (const piece of pieces) {
    if (skip < piece.length) left.push(piece.subarray(skip));
    skip = Math.max(0, skip - piece.length);
  }
  return left;
}

async function withDeadline(work: Promise<void>, millis: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, millis);
  });
  await Promise.race([work, deadline]);
  clearTimeout(timer);
}
