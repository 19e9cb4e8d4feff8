/**
 * A file that traces are appended to, without ever making the sensor wait.
 *
 * in: pieces of text (UTF-8, where they are bytes), one per trace · out: the file, whole after every write, so that a reader finds
 * it so even if the sensor is killed
 *
 * A file that cannot keep up loses the oldest pieces, counted; one that fails (disk full) loses what it could not take, and the
 * next piece tries again. What was torn then is cut off, or stands on a line of its own where it cannot be.
 */

import { writev as writevCallback } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type Block, PieceQueue } from './piece-queue.js';

export interface AppendFileContext {
  /** Before the first piece. */
  head: string | Buffer;
  /** Between two pieces. */
  separator: string;
  /** After the last piece; moves on with each write. */
  tail: string;
  /** Whether each piece is a line. */
  piecesAreLines: boolean;
  /** Bytes waiting to be written. */
  queue_bytes_max: number;
  onWritten: (pieces: number) => void;
  onLost: (pieces: number, reason: string) => void;
  /** No later write can succeed. */
  onBroken: () => void;
}

export interface AppendTarget {
  /** Null is standard output. */
  readonly handle: FileHandle | null;
  /** Whether it is a regular file, which can be cut. */
  readonly isFile: boolean;
  /** Whether what is there ends in the middle of a line. */
  readonly isTorn: boolean;
}

const WRITE_BLOCKS_MAX = 8;
/** What is enough to keep the disk busy: a capture file that is read waits when so much is to be written. */
const WAITING_BYTES_MAX = 4 << 20;
const STDOUT = 1;
const NEWLINE = Buffer.from('\n');

const writev = promisify(writevCallback);

export async function openAppendFile(target: AppendTarget, context: AppendFileContext): Promise<AppendFile> {
  const file = new AppendFile(target, context);
  await file.begin();
  return file;
}

export class AppendFile {
  readonly #target: AppendTarget;
  readonly #file: number;
  readonly #context: AppendFileContext;
  readonly #head: Buffer;
  readonly #separator: Buffer;
  readonly #tail: Buffer;
  readonly #queue: PieceQueue;
  /** Where the tail is written over; null where it is written once, at the end. */
  #position: number | null;
  /** Whether the head has been written. */
  #isBegun: boolean;
  /** Whether a piece has been written. */
  #hasPieces = false;
  /** Whether the last line has no end. */
  #isTorn: boolean;
  /** Pieces in the write under way. */
  #inHand = 0;
  #isClosed = false;
  /** Why no later write can succeed; empty as long as one can. */
  #broken = '';
  #writing: Promise<void> | undefined;
  #waiting: (() => void)[] = [];

  constructor(target: AppendTarget, context: AppendFileContext) {
    this.#target = target;
    this.#file = target.handle?.fd ?? STDOUT;
    this.#context = context;
    this.#head = typeof context.head === 'string' ? Buffer.from(context.head) : context.head;
    this.#separator = Buffer.from(context.separator);
    this.#tail = Buffer.from(context.tail);
    this.#queue = new PieceQueue(this.#separator, context.queue_bytes_max);
    this.#position = target.isFile && this.#tail.length > 0 ? 0 : null;
    this.#isTorn = target.isTorn;
    this.#isBegun = this.#head.length === 0;
  }

  /** Bytes waiting to be written. */
  get held(): number {
    return this.#queue.bytes;
  }

  /** Writes what is to stand before and behind the pieces, so that the file is whole before the first of them. */
  async begin(): Promise<void> {
    if (this.#isBegun) return;
    const { error } = await writeAll(this.#file, [this.#head, this.#movingTail], this.#position);
    if (error === null) {
      this.#isBegun = true;
      if (this.#position !== null) this.#position = this.#head.length;
    } else await this.#cutTo(0);
  }

  /** `pieces`: how many the piece is counted as. */
  append(piece: string | Buffer, pieces = 1): void {
    if (this.#broken !== '') {
      this.#context.onLost(pieces, this.#broken);
      return;
    }
    this.#queue.push(piece, pieces);
    this.#write();
  }

  /** A piece of `length` bytes, which `copy` writes to where it is to stand. `pieces`: how many it is counted as. */
  appendCopied(length: number, copy: (target: Buffer, at: number, length: number) => void, pieces = 1): void {
    if (this.#broken !== '') {
      this.#context.onLost(pieces, this.#broken);
      return;
    }
    this.#queue.pushCopied(length, copy, pieces);
    this.#write();
  }

  #write(): void {
    const { onLost, queue_bytes_max } = this.#context;
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
    this.#isClosed = true;
    const left = this.#queue.pieces + this.#inHand;
    if (left > 0) this.#context.onLost(left, 'not written by the deadline');
    if (this.#inHand > 0) return;
    await this.begin();
    if (this.#position === null && this.#isBegun && this.#broken === '') await writeAll(this.#file, [this.#tail], null);
    await this.#target.handle?.close().catch(() => {});
  }

  /** The tail where each write puts it behind what it writes. */
  get #movingTail(): Buffer {
    return this.#position === null ? EMPTY : this.#tail;
  }

  get #hasRoom(): boolean {
    return this.held < Math.min(this.#context.queue_bytes_max / 2, WAITING_BYTES_MAX);
  }

  async #writeQueued(): Promise<void> {
    while (!this.#queue.isEmpty && !this.#isClosed) {
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
    const content: Buffer[] = this.#isBegun ? [] : [this.#head];
    const blocks: Block[] = [];
    let pieces = 0;
    while (blocks.length < WRITE_BLOCKS_MAX) {
      const block = this.#queue.shift();
      if (block === undefined) break;
      blocks.push(block);
      content.push(this.#hasPieces || pieces > 0 ? this.#separator : EMPTY, block.bytes);
      pieces += block.pieces;
    }
    this.#inHand = pieces;
    const { written, error } = await writeAll(
      this.#file,
      [this.#isTorn ? NEWLINE : EMPTY, ...content, this.#movingTail],
      this.#position,
    );
    if (this.#isClosed) return;
    let kept = pieces;
    if (error !== null)
      kept = this.#tail.length > 0 ? await this.#restoreTail(written) : await this.#keepWhole(content, written);
    else {
      this.#isTorn = false;
      this.#hasPieces = true;
      this.#isBegun = true;
      if (this.#position !== null) for (const { length } of content) this.#position += length;
    }
    this.#inHand = 0;
    for (const block of blocks) this.#queue.reuse(block);
    if (kept > 0) onWritten(kept);
    if (error === null) return;
    // The reader has gone: no later write can succeed.
    if (error.code === 'EPIPE') this.#broken = 'the reader closed the pipe';
    if (this.#broken !== '') this.#context.onBroken();
    if (pieces > kept) onLost(pieces - kept, error.code ?? String(error));
  }

  /**
   * After a write of which `written` bytes came through: cuts off what was torn, which is the last line, or all of them where
   * pieces are none. The number of pieces that are whole.
   */
  async #keepWhole(content: readonly Buffer[], written: number): Promise<number> {
    if (this.#isTorn && written > 0) {
      this.#isTorn = false;
      written -= NEWLINE.length;
    }
    const { piecesAreLines } = this.#context;
    const kept = Buffer.concat(content).subarray(0, written);
    const torn = piecesAreLines ? kept.subarray(kept.lastIndexOf(NEWLINE) + 1) : kept;
    if (torn.length > 0 && !(await this.#cut(torn))) {
      // Text can go on in a new line; of what is none, nobody could read what comes behind.
      if (typeof this.#context.head === 'string') this.#isTorn = true;
      else this.#broken = 'what was torn could not be cut off';
    }
    let lines = 0;
    if (piecesAreLines) for (let at = kept.indexOf(NEWLINE); at >= 0; at = kept.indexOf(NEWLINE, at + 1)) lines++;
    return lines;
  }

  /** Cuts `torn` off the end of the file; false if it cannot be cut, or somebody else has written behind it. */
  async #cut(torn: Buffer): Promise<boolean> {
    const { handle, isFile } = this.#target;
    if (handle === null || !isFile) return false;
    try {
      const { size } = await handle.stat();
      const end = Buffer.alloc(torn.length);
      await handle.read(end, 0, end.length, size - end.length);
      if (!end.equals(torn)) return false;
      await handle.truncate(size - torn.length);
      return true;
    } catch {
      return false;
    }
  }

  /** Ends the file where it ended before a write of which `written` bytes came through; no piece of that write is kept. */
  async #restoreTail(written: number): Promise<number> {
    if (this.#position === null) {
      if (written > 0) this.#broken = 'an entry was torn, and what cannot be cut off cannot be gone on with';
      return 0;
    }
    if (!this.#isBegun) {
      await this.#cutTo(0);
      return 0;
    }
    // In this order: the tail's room is there, as what has just been written stands in it.
    const { error } = await writeAll(this.#file, [this.#tail], this.#position);
    if (error === null) await this.#cutTo(this.#position + this.#tail.length);
    return 0;
  }

  async #cutTo(length: number): Promise<void> {
    if (this.#position !== null) await this.#target.handle?.truncate(length).catch(() => {});
  }
}

const EMPTY = Buffer.alloc(0);

interface WriteOutcome {
  /** Bytes that came through. */
  readonly written: number;
  /** Why not all of them did. */
  readonly error: NodeJS.ErrnoException | null;
}

/** At `position`, or at the end where that is null. */
async function writeAll(file: number, pieces: readonly Buffer[], position: number | null): Promise<WriteOutcome> {
  let left = pieces.filter(({ length }) => length > 0);
  let written = 0;
  while (left.length > 0) {
    try {
      const { bytesWritten } = await writev(file, left, position === null ? undefined : position + written);
      written += bytesWritten;
      left = without(left, bytesWritten);
    } catch (error) {
      // A pipe that somebody else made non-blocking is full; there is no event to wait for on its descriptor.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return { written, error: error as NodeJS.ErrnoException };
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  return { written, error: null };
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
