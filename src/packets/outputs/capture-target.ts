/**
 * What capture files are written to: a regular file, which is gone on with and rotated; a FIFO, which is written whenever
 * somebody reads it; standard output.
 *
 * in: pieces of bytes that are whole records · out: a file that is whole at any moment, whatever happened before
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  renameSync,
  rmSync,
  writev as writevCallback,
} from 'node:fs';
import { type FileHandle, lstat, open, readdir } from 'node:fs/promises';
import { Socket } from 'node:net';
import { basename, dirname, extname, join } from 'node:path';
import { promisify } from 'node:util';
import { SensorError, UsageError } from '../../errors.js';
import type { Clock } from '../../output/clock.js';
import { scanCaptureFile } from './scan-capture-file.js';
import { openWriteJournal, type WriteJournal } from './write-journal.js';

export interface CaptureTarget {
  /** Waits until it can be written. True where what stands at the beginning of a file has to come first. */
  ready(): Promise<boolean>;
  /** Writes all of it, or rejects and leaves the file as it was. `runs`: up to which frames it brings each run. */
  write(pieces: readonly Buffer[], runs: ReadonlyMap<string, number>): Promise<void>;
  /** Bytes of the file so far, and since when it has been written; both 0 where it is no file. */
  readonly size: number;
  readonly since: number;
  /** Puts the file aside and begins another one. */
  rotate(): Promise<void>;
  /** The next frame of a run that the file does not hold; null where that is not known. */
  next(run: string): number | null;
  close(): Promise<void>;
}

export interface TargetSettings {
  readonly path: string;
  readonly format: 'pcap' | 'pcapng';
  /** What a file begins with. */
  readonly head: Buffer;
  /** Old files that are kept; 0 for all. */
  readonly keep: number;
  readonly clock: Clock;
  readonly warn: (message: string) => void;
  /** The reader of standard output has gone. */
  readonly onGone: () => void;
}

const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDWR, O_WRONLY } = constants;
/** Packets hold what nobody else may read. */
const OWNER_ONLY = 0o600;
const READER_MILLIS = 100;
const ROTATION_RETRY_MILLIS = 60_000;
const STDOUT = 1;

const writev = promisify(writevCallback);

/** @throws UsageError, SensorError */
export async function openCaptureTarget(settings: TargetSettings): Promise<CaptureTarget> {
  const { path } = settings;
  if (path === 'stdout' || path === '-') return openStandardOutput(settings);
  const found = await lstat(path).catch(() => null);
  if (found?.isFIFO()) return openFifo(settings);
  if (found !== null && !found.isFile())
    throw new UsageError(`output.file.path ${path}: is no regular file and no FIFO; name one, and no link`);
  return RegularFile.open(settings);
}

class RegularFile implements CaptureTarget {
  readonly #settings: TargetSettings;
  #handle: FileHandle;
  #journal: WriteJournal;
  size: number;
  since: number;
  /** When the last file was put aside. */
  #asideAt = 0;
  /** Before that, it is not tried again to put the file aside. */
  #rotatesFrom = 0;
  /** Whether the head has to come first. */
  #isNew: boolean;

  private constructor(settings: TargetSettings, handle: FileHandle, journal: WriteJournal, size: number) {
    this.#settings = settings;
    this.#handle = handle;
    this.#journal = journal;
    this.size = size;
    this.since = settings.clock.now();
    // In pcapng each start begins a section of its own, with its own interfaces.
    this.#isNew = size === 0 || settings.format === 'pcapng';
  }

  static async open(settings: TargetSettings): Promise<RegularFile> {
    const { path, format, head, warn } = settings;
    let handle = await openFile(path);
    let end = await scanCaptureFile(handle, format, head);
    if (end === null) {
      await handle.close();
      const { aside } = putAside(settings, settings.clock.now());
      warn(`${path} was no file that can be gone on with, and is ${aside} now`);
      handle = await openFile(path);
      end = 0;
    }
    const { size } = await handle.stat();
    const { journal, cut } = openWriteJournal(`${path}.progress`, size);
    const whole = cut === null ? end : Math.min(end, cut);
    if (whole < size) {
      warn(`${path}: ${size - whole} bytes at its end were torn, and are cut off`);
      await handle.truncate(whole);
    }
    return new RegularFile(settings, handle, journal, whole);
  }

  async ready(): Promise<boolean> {
    const isNew = this.#isNew;
    this.#isNew = false;
    return isNew;
  }

  async write(pieces: readonly Buffer[], runs: ReadonlyMap<string, number>): Promise<void> {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const from = this.size;
    try {
      if (runs.size > 0) this.#journal.note(from, from + length, runs);
      await writeAll(this.#handle.fd, pieces, from);
      this.size = from + length;
    } catch (error) {
      await this.#handle.truncate(from).catch(() => {});
      throw error;
    }
  }

  /** A file that cannot be put aside is gone on with. */
  async rotate(): Promise<void> {
    const { path, clock, warn } = this.#settings;
    if (clock.now() < this.#rotatesFrom) return;
    try {
      // Later than the one before, also within a millisecond.
      this.#asideAt = putAside(this.#settings, Math.max(clock.now(), this.#asideAt + 1)).at;
      const handle = await openFile(path);
      await this.#handle.close();
      this.#handle = handle;
    } catch (error) {
      this.#rotatesFrom = clock.now() + ROTATION_RETRY_MILLIS;
      warn(`${path} cannot be put aside, and grows: ${(error as Error).message}`);
      return;
    }
    this.size = 0;
    this.since = clock.now();
    this.#isNew = true;
    this.#journal.moveOn();
    await removeOld(this.#settings);
  }

  next(run: string): number | null {
    return this.#journal.next(run);
  }

  async close(): Promise<void> {
    this.#journal.close();
    await this.#handle.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, O_CREAT | O_RDWR | O_NOFOLLOW, OWNER_ONLY);
  } catch (error) {
    throw new UsageError(`output.file.path ${path}: ${(error as Error).message}; name a file that can be written`);
  }
}

/** Gives the file a time as part of its name, `from` on, that no other has. Returns name and time. */
function putAside({ path }: TargetSettings, from: number): { aside: string; at: number } {
  const ending = extname(path);
  const stem = path.slice(0, path.length - ending.length);
  for (let at = from; ; at++) {
    const aside = `${stem}-${new Date(at).toISOString().replace(/[-:.]/g, '')}${ending}`;
    if (existsSync(aside)) continue;
    // Where somebody has taken it away, there is nothing to put aside.
    if (existsSync(path)) renameSync(path, aside);
    return { aside, at };
  }
}

const STAMP = /^-\d{8}T\d{9}Z$/;

async function removeOld({ path, keep, warn }: TargetSettings): Promise<void> {
  if (keep === 0) return;
  const ending = extname(path);
  const stem = basename(path, ending);
  try {
    const old = (await readdir(dirname(path)))
      .filter((name) => name.startsWith(stem) && name.endsWith(ending))
      .filter((name) => STAMP.test(name.slice(stem.length, name.length - ending.length)))
      .sort();
    for (const name of old.slice(0, Math.max(0, old.length - keep))) rmSync(join(dirname(path), name), { force: true });
  } catch (error) {
    warn(`${path}: old files cannot be removed: ${(error as Error).message}`);
  }
}

async function writeAll(file: number, pieces: readonly Buffer[], position: number | null): Promise<void> {
  let left = pieces.filter((piece) => piece.length > 0);
  let at = position;
  while (left.length > 0) {
    const { bytesWritten } = await writev(file, left, at ?? undefined);
    if (at !== null) at += bytesWritten;
    left = behind(left, bytesWritten);
  }
}

/** The pieces without their first `count` bytes. */
function behind(pieces: readonly Buffer[], count: number): Buffer[] {
  let skipped = count;
  return pieces.flatMap((piece) => {
    const from = Math.min(piece.length, skipped);
    skipped -= from;
    return from < piece.length ? [piece.subarray(from)] : [];
  });
}

/** Writes to a pipe, without holding up anything else while nobody reads. */
class PipeWriter {
  readonly #socket: Socket;
  #error: Error | null = null;

  constructor(file: number, onGone: () => void) {
    this.#socket = new Socket({ fd: file, readable: false, writable: true });
    this.#socket.on('error', (error) => {
      this.#error = error;
    });
    this.#socket.on('close', () => {
      this.#error ??= new Error('the reader has gone');
      onGone();
    });
  }

  write(pieces: readonly Buffer[]): Promise<void> {
    if (this.#error !== null) return Promise.reject(this.#error);
    return new Promise((resolve, reject) => {
      this.#socket.cork();
      const last = pieces.length - 1;
      pieces.forEach((piece, i) => {
        this.#socket.write(piece, (error) => {
          if (error) reject(error);
          else if (i === last) resolve();
        });
      });
      this.#socket.uncork();
      if (last < 0) resolve();
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** A FIFO whose readers come and go; each gets a file from its beginning, from the packets that come next. */
function openFifo({ path, clock, warn }: TargetSettings): CaptureTarget {
  const stopping = new AbortController();
  let pipe: PipeWriter | null = null;
  let isNew = false;
  let hasSaid = false;
  return {
    size: 0,
    since: 0,
    async ready() {
      while (pipe === null) {
        if (stopping.signal.aborted) throw new SensorError(`output.file.path ${path}: nobody read it`);
        const file = openForReader(path);
        if (file === null) {
          if (!hasSaid) warn(`${path} is a FIFO that nobody reads yet; packets wait`);
          hasSaid = true;
          await clock.sleep(READER_MILLIS, stopping.signal);
          continue;
        }
        pipe = new PipeWriter(file, () => {
          pipe = null;
        });
        isNew = true;
        hasSaid = false;
      }
      const wasNew = isNew;
      isNew = false;
      return wasNew;
    },
    write: (pieces) => pipe?.write(pieces) ?? Promise.reject(new Error('the reader has gone')),
    rotate: async () => {},
    next: () => null,
    async close() {
      stopping.abort();
      pipe?.close();
    },
  };
}

/** Null while nobody reads the FIFO. Throws where it is there no more. */
function openForReader(path: string): number | null {
  let file: number;
  try {
    file = openSync(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return null;
    throw error;
  }
  if (fstatSync(file).isFIFO()) return file;
  closeSync(file);
  throw new Error('it is no FIFO any more');
}

function openStandardOutput({ onGone }: TargetSettings): CaptureTarget {
  const status = fstatSync(STDOUT);
  const pipe = status.isFIFO() || status.isSocket() ? new PipeWriter(STDOUT, onGone) : null;
  let isNew = true;
  return {
    size: 0,
    since: 0,
    async ready() {
      const wasNew = isNew;
      isNew = false;
      return wasNew;
    },
    write: (pieces) => (pipe === null ? writeAll(STDOUT, pieces, null) : pipe.write(pieces)),
    rotate: async () => {},
    next: () => null,
    close: async () => {},
  };
}
