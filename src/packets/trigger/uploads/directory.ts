/**
 * Captures in a directory: each appears whole, under a name that was free.
 */
import { randomBytes } from 'node:crypto';
import { link, open, rename, unlink } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { UploadError, type Uploader } from './uploader.js';

/** Raw packets hold whatever was said: nobody else may read them. */
const OWNER_ONLY = 0o600;
/** How many numbers are tried behind a name that is taken. */
const NUMBERS_MAX = 1000;

export function createDirectoryUploader(directory: string): Uploader {
  return {
    name: 'local',
    async upload(file, content) {
      const temporary = join(directory, `.${randomBytes(6).toString('hex')}.part`);
      try {
        await writeWhole(temporary, content);
        return await place(temporary, directory, file.name);
      } catch (error) {
        await unlink(temporary).catch(() => {});
        throw new UploadError(`directory ${directory}: ${(error as Error).message}`, false);
      }
    },
    close: async () => {},
  };
}

/** Writes a file and has it reach the disk. */
export async function writeWhole(path: string, content: readonly Buffer[]): Promise<void> {
  const handle = await open(path, 'wx', OWNER_ONLY);
  try {
    await handle.writev(content.filter((piece) => piece.length > 0));
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

/** Gives the file its name, or the next that is free: what is there already stays. */
async function place(temporary: string, directory: string, name: string): Promise<string> {
  const extension = extname(name);
  for (let number = 1; number <= NUMBERS_MAX; number++) {
    const path = join(directory, number === 1 ? name : `${name.slice(0, -extension.length)}.${number}${extension}`);
    try {
      await link(temporary, path);
      await unlink(temporary);
      return path;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') continue;
      // A file system without hard links.
      if (code !== 'EPERM' && code !== 'ENOTSUP') throw error;
      await rename(temporary, path);
      return path;
    }
  }
  throw new Error(`${name} and ${NUMBERS_MAX} names behind it are taken`);
}
