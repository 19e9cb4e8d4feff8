/**
 * The directory of a spool: the few things that are done with files there. Tests bring one of their own, with a disk that
 * fills up, tears writes and forgets nothing when the process is killed.
 *
 * No link is followed, and nothing is opened that is not a regular file.
 */
import { constants, type FileHandle, open, readdir, rename, unlink } from 'node:fs/promises';
import { type SensorError, unusablePath } from '../../../errors.js';
import { type LockOutcome, lockFile } from './file-lock.js';
import { type OwnDirectory, openOwnDirectory, within } from './own-directory.js';

export interface SpoolDirectory {
  /**
   * Makes it this process's alone, until it is closed or the process dies.
   *
   * @throws SensorError, UsageError if the lock's file cannot be made
   */
  lock(): Promise<LockOutcome>;
  /** The names of all files in it. */
  list(): Promise<string[]>;
  /** Opens a file for reading. */
  open(name: string): Promise<SpoolFile>;
  /** Makes a new file and opens it for appending; refuses one that exists. */
  create(name: string): Promise<SpoolFile>;
  /** Puts `content` at the beginning of a file, which is made if it is not there. */
  overwrite(name: string, content: Buffer): Promise<void>;
  /** In the place of a file that may be there. */
  rename(name: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Never rejects. */
  close(): Promise<void>;
}

export interface SpoolFile {
  size(): Promise<number>;
  /** As many of `length` bytes from `offset` on as there are. */
  read(offset: number, length: number): Promise<Buffer>;
  /** Appends; where it fails, part of the bytes may have been written. */
  append(bytes: Buffer): Promise<void>;
  truncate(length: number): Promise<void>;
  /** Never rejects. */
  close(): Promise<void>;
}

const OWNER_ONLY = 0o600;
export const LOCK_NAME = 'lock';
const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;

/** @throws SensorError, UsageError if the directory cannot be used */
export async function openSpoolDirectory(path: string): Promise<SpoolDirectory> {
  let own: OwnDirectory;
  try {
    own = await openOwnDirectory(path);
  } catch (error) {
    throw unusable(path, error);
  }
  const { handle } = own;
  const pathOf = (name: string): string => within(handle, own.path, name);
  let lock: FileHandle | undefined;
  return {
    async lock() {
      try {
        lock = await openRegular(pathOf(LOCK_NAME), O_RDWR | O_CREAT);
      } catch (error) {
        throw unusable(own.path, error);
      }
      return lockFile(lock);
    },
    list: () => readdir(pathOf('')),
    open: async (name) => spoolFile(await openRegular(pathOf(name), O_RDONLY)),
    create: async (name) => spoolFile(await openRegular(pathOf(name), O_WRONLY | O_APPEND | O_CREAT | O_EXCL)),
    async overwrite(name, content) {
      const file = await openRegular(pathOf(name), O_WRONLY | O_CREAT);
      try {
        const { bytesWritten } = await file.write(content, 0, content.length, 0);
        if (bytesWritten < content.length) throw Object.assign(new Error('disk full'), { code: 'ENOSPC' });
      } finally {
        await file.close();
      }
    },
    rename: (name, to) => rename(pathOf(name), pathOf(to)),
    remove: (name) => unlink(pathOf(name)),
    async close() {
      await lock?.close().catch(() => {});
      await handle.close().catch(() => {});
    },
  };
}

/** Not to wait for whoever opens the other end of a pipe that lies there. */
async function openRegular(path: string, flags: number): Promise<FileHandle> {
  const file = await open(path, flags | O_NOFOLLOW | O_NONBLOCK, OWNER_ONLY);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw Object.assign(new Error('not a regular file'), { code: 'EINVAL' });
}

export function unusable(path: string, error: unknown): SensorError {
  return unusablePath(`--spool-dir ${path}`, error, "name a directory of this sensor's own that it can write to");
}

function spoolFile(file: FileHandle): SpoolFile {
  return {
    size: async () => (await file.stat()).size,
    async read(offset, length) {
      const bytes = Buffer.alloc(length);
      const { bytesRead } = await file.read(bytes, 0, length, offset);
      return bytes.subarray(0, bytesRead);
    },
    append: (bytes) => file.appendFile(bytes),
    truncate: (length) => file.truncate(length),
    close: () => file.close().catch(() => {}),
  };
}
