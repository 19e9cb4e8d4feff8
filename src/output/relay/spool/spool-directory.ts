/**
 * The directory of a spool: the few things that are done with files there. Tests bring one of their own, with a disk that
 * fills up, tears writes and forgets nothing when the process is killed.
 */
import { type FileHandle, mkdir, open, readdir, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../../errors.js';

export interface SpoolDirectory {
  /** The names of all files in it. */
  list(): Promise<string[]>;
  /** Opens a file for reading. */
  open(name: string): Promise<SpoolFile>;
  /** Makes a new file and opens it for appending; refuses one that exists. */
  create(name: string): Promise<SpoolFile>;
  /** Puts `content` in the place of a file's, whole or not at all. */
  replace(name: string, content: string): Promise<void>;
  remove(name: string): Promise<void>;
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

/** @throws UsageError if the directory cannot be used */
export async function openSpoolDirectory(path: string): Promise<SpoolDirectory> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await readdir(path);
    const probe = join(path, '.writable');
    await writeFile(probe, '', { mode: OWNER_ONLY });
    await unlink(probe);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOSPC')
      throw new UsageError(`--spool-dir ${path}: ${message}; name a directory that can be written`);
  }
  return {
    list: () => readdir(path),
    open: async (name) => spoolFile(await open(join(path, name), 'r')),
    create: async (name) => spoolFile(await open(join(path, name), 'ax', OWNER_ONLY)),
    async replace(name, content) {
      const temporary = join(path, `${name}.new`);
      await writeFile(temporary, content, { mode: OWNER_ONLY });
      await rename(temporary, join(path, name));
    },
    remove: (name) => unlink(join(path, name)),
  };
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
