/** What a doctor asks of the disk. */
import { statfs } from 'node:fs/promises';

/** What this user may still take of the file system that `path` is in, in bytes. */
export async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

/** For a rejection: null where nothing is there. */
export function unlessMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
