/**
 * A directory that nobody else can put anything into, for files that hold what is secret.
 *
 * in: a path · out: an open directory of this user's · one that others may write to (a Kubernetes emptyDir has mode 0777) or
 * that belongs to somebody else gets a directory inside it, with mode 0700
 */
import type { Stats } from 'node:fs';
import { constants, type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface OwnDirectory {
  readonly handle: FileHandle;
  /** For a person to read. */
  readonly path: string;
}

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
const OWNER_ONLY = 0o700;
const ANYONE_ELSE = 0o077;
const OTHERS_WRITE = 0o022;

/** Makes what is missing of `path`. Rejects with what the system says, or with an `Error` that says whose the directory is. */
export async function openOwnDirectory(path: string): Promise<OwnDirectory> {
  await makeDirectory(path);
  const named = await open(path, O_RDONLY | O_DIRECTORY);
  const user = process.geteuid?.();
  if (user === undefined) return { handle: named, path };
  try {
    if (isOwn(await named.stat())) return { handle: named, path };
    const name = nameInside();
    const handle = await openInside(within(named, path, name), user);
    await named.close();
    return { handle, path: join(path, name) };
  } catch (error) {
    await named.close();
    throw error;
  }
}

/** Whether a directory is this user's alone to write to. */
export function isOwn({ uid, mode }: Pick<Stats, 'uid' | 'mode'>): boolean {
  const user = process.geteuid?.();
  return user === undefined || (uid === user && (mode & OTHERS_WRITE) === 0);
}

/** What the directory inside one that is not is called. */
export function nameInside(): string {
  return `pcap-sensor-${process.geteuid?.()}`;
}

/** A name in an open directory, whatever becomes of the path by which that was opened. */
export function within(directory: FileHandle, path: string, name: string): string {
  return process.platform === 'linux' ? `/proc/self/fd/${directory.fd}/${name}` : join(path, name);
}

async function openInside(path: string, user: number): Promise<FileHandle> {
  await mkdir(path, OWNER_ONLY).catch(unlessThere);
  const inside = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  const { uid, mode } = await inside.stat();
  if (uid === user) {
    if ((mode & ANYONE_ELSE) !== 0) await inside.chmod(OWNER_ONLY);
    return inside;
  }
  await inside.close();
  throw new Error(`others may write to it, and ${nameInside()} in it belongs to user ${uid}`);
}

/** As `mkdir` does recursively, which never ends where a parent cannot be made: `/proc/x`, a link to nowhere. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, OWNER_ONLY).catch(unlessThere);
  } catch (error) {
    const parent = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path) throw error;
    await makeDirectory(parent);
    await mkdir(path, OWNER_ONLY).catch(unlessThere);
  }
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
