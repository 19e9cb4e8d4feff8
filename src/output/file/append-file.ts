/**
 * A file that traces are appended to, without ever making the sensor wait.
 *
 * in: pieces of text (UTF-8, where they are bytes), one per trace · out: the file, its tail in place after every write, so that a reader finds it whole
 * even if the sensor is killed
 *
 * A file that cannot keep up loses the oldest pieces, counted; one that fails (disk full) loses what it could not take, and the
 * next piece tries again.
 */
import { close as closeCallback, open as openCallback, writev as writevCallback } from 'node:fs';
import { promisify } from 'node:util';
import { SensorError } from '../../errors.js';

export interface AppendFileOptions {
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

export interface AppendFile {
  /** Bytes waiting to be written. */
  readonly held: number;
  append(piece: string | Buffer): void;
  /** A promise to wait for before handing over more, where the producer can wait; undefined if there is room. */
  drained(): Promise<void> | undefined;
  /** Writes what is held, waiting at most `deadlineMillis`. */
  close(deadlineMillis: number): Promise<void>;
}

/** Bytes of a block: large enough to make the cost of a write vanish, small beside the queue. */
const BLOCK_BYTES_MAX = 1 << 18;
const QUEUE_BLOCKS = 32;
const WRITE_BLOCKS_MAX = 8;

/**
 * Pieces with their separators, as they will stand in the file. Bytes, not strings: a queue of these gives the garbage
 * collector nothing to walk.
 */
interface Block {
  bytes: Buffer;
  used: number;
  pieces: number;
}

const STDOUT = 1;
/** Bodies are nobody else's to read. */
const OWNER_ONLY = 0o600;

const open = promisify(openCallback);
const close = promisify(closeCallback);
const writev = promisify(writevCallback);

/** @throws SensorError if the file cannot be opened */
export async function openAppendFile(options: AppendFileOptions): Promise<AppendFile> {
  const { target } = options;
  const file = target === STDOUT ? STDOUT : await openFile(target);
  // At a position, so that the tail is written over; a pipe knows none.
  const positioned = target !== STDOUT && options.tail !== '';
  const blockBytes = Math.min(BLOCK_BYTES_MAX, options.queue_bytes_max / QUEUE_BLOCKS);
  const head = Buffer.from(options.head);
  const separator = Buffer.from(options.separator);
  const tail = Buffer.from(options.tail);
  /** Oldest first; the last is being filled. */
  const blocks: Block[] = [];
  let held = 0;
  let position = 0;
  let begun = false;
  let broken = '';
  let writing: Promise<void> | undefined;
  let room: (() => void)[] = [];

  const hold = (piece: string | Buffer): void => {
    if (typeof piece !== 'string') {
      blocks.push({ bytes: piece, used: piece.length, pieces: 1 });
      held += piece.length;
      return;
    }
    const last = blocks[blocks.length - 1];
    // A UTF-16 unit takes at most three bytes of UTF-8.
    const room = piece.length * 3 + separator.length;
    if (last !== undefined && last.bytes.length - last.used >= room) {
      const before = last.used;
      last.used += separator.copy(last.bytes, last.used);
      last.used += last.bytes.write(piece, last.used, 'utf8');
      last.pieces++;
      held += last.used - before;
      return;
    }
    const bytes = room > blockBytes ? Buffer.from(piece) : Buffer.allocUnsafeSlow(blockBytes);
    const used = room > blockBytes ? bytes.length : bytes.write(piece, 0, 'utf8');
    blocks.push({ bytes, used, pieces: 1 });
    held += used;
  };

  const take = (): Block | undefined => {
    const block = blocks.shift();
    held -= block?.used ?? 0;
    return block;
  };

  const drain = async (): Promise<void> => {
    while (blocks.length > 0) {
      // Several at once: under a flood of packets there is one write a turn.
      const content: Buffer[] = [];
      let pieces = 0;
      while (content.length < 2 * WRITE_BLOCKS_MAX) {
        const block = take();
        if (block === undefined) break;
        content.push(begun || content.length > 0 ? separator : head, block.bytes.subarray(0, block.used));
        pieces += block.pieces;
      }
      try {
        await writeAll(file, [...content, tail], positioned ? position : null);
        begun = true;
        for (const { length } of content) position += length;
        options.onWritten(pieces);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // The reader has gone: no later write can succeed.
        if (code === 'EPIPE') broken = 'the reader closed the pipe';
        options.onLost(pieces, code ?? String(error));
      }
      if (held < options.queue_bytes_max / 2) {
        for (const resolve of room) resolve();
        room = [];
      }
    }
    writing = undefined;
  };

  return {
    get held() {
      return held;
    },
    append(piece) {
      if (broken !== '') return options.onLost(1, broken);
      hold(piece);
      let lost = 0;
      while (held > options.queue_bytes_max) lost += take()?.pieces ?? 0;
      if (lost > 0) options.onLost(lost, 'the file cannot keep up');
      // Not in this turn: traces that come together are written together.
      writing ??= new Promise<void>((resolve) => setImmediate(resolve)).then(drain);
    },
    drained() {
      if (held < options.queue_bytes_max / 2 || broken !== '') return undefined;
      return new Promise((resolve) => room.push(resolve));
    },
    async close(deadlineMillis) {
      if (writing !== undefined) await withDeadline(writing, deadlineMillis);
      if (!begun && options.head + options.tail !== '')
        await writeAll(file, [Buffer.from(options.head + options.tail)], positioned ? 0 : null).catch(() => {});
      const left = blocks.reduce((sum, { pieces }) => sum + pieces, 0);
      if (left > 0) options.onLost(left, 'not written by the deadline');
      if (file !== STDOUT) await close(file).catch(() => {});
    },
  };
}

async function openFile(path: string): Promise<number> {
  try {
    return await open(path, 'w', OWNER_ONLY);
  } catch (error) {
    throw new SensorError(`--output ${path}: ${(error as Error).message}; name a file that can be written`);
  }
}

async function writeAll(file: number, pieces: readonly Buffer[], position: number | null): Promise<void> {
  let left = pieces.filter(({ length }) => length > 0);
  let written = 0;
  while (left.length > 0) {
    try {
      const { bytesWritten } = await writev(file, left, position === null ? undefined : position + written);
      written += bytesWritten;
      left = behind(left, bytesWritten);
    } catch (error) {
      // A pipe that somebody else made non-blocking is full; there is no event to wait for on its descriptor.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** `pieces` without their first `bytes`. */
function behind(pieces: readonly Buffer[], bytes: number): Buffer[] {
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
