/**
 * The file that an output writes to, opened so that nothing of anybody is destroyed: what is there stays unless its replacement
 * was asked for, the file that is read is never written, and no link leads to another one. Pipes and devices are written as
 * they are.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, readlink, stat } from 'node:fs/promises';
import { SensorError, UsageError, unusablePath } from '../../errors.js';

export interface TargetContext {
  /** The option and its value, for errors. */
  readonly option: string;
  readonly path: string;
  /** Whether it goes on behind what a file holds. */
  readonly appends: boolean;
  /** Whether what a file holds already may go. */
  readonly replace: boolean;
  /** The capture file that is being read; null while packets come by themselves. */
  readonly read: string | null;
}

export interface OpenTarget {
  readonly handle: FileHandle;
  /** Whether it is a regular file, which can be cut. */
  readonly isFile: boolean;
  /** Whether what it held ends in the middle of a line. */
  readonly isTorn: boolean;
}

/** Nobody else may read bodies. */
const OWNER_ONLY = 0o600;
const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR, O_WRONLY } = constants;
/** Links of the system's, to what this process was given. */
const DESCRIPTOR = /^\/(dev\/(stdout|stderr|fd\/\d+)|proc\/self\/fd\/\d+)$/;

/** Whether a path is what this process was given as one of its descriptors. */
export function isDescriptor(path: string): boolean {
  return DESCRIPTOR.test(path);
}

/** @throws UsageError, SensorError where it cannot be opened, or would destroy something */
export async function openTarget(context: TargetContext): Promise<OpenTarget> {
  let handle: FileHandle;
  try {
    handle = await openPath(context);
  } catch (error) {
    throw error instanceof SensorError ? error : unusable(context, error as NodeJS.ErrnoException);
  }
  try {
    return { handle, ...(await inspect(context, handle)) };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openPath(context: TargetContext): Promise<FileHandle> {
  const { option, path, appends } = context;
  const flags = O_CREAT | (appends ? O_APPEND : 0);
  if (isDescriptor(path)) return open(path, flags | O_WRONLY, OWNER_ONLY);
  // What was torn by a full disk is read before it is cut off; a pipe is only ever written.
  const found = await stat(path).catch(() => null);
  if (found !== null && !found.isFile()) return open(path, O_WRONLY | (appends ? O_APPEND : 0));
  try {
    return await open(path, flags | O_RDWR | O_NOFOLLOW, OWNER_ONLY);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ELOOP') throw error;
    const to = await readlink(path).catch(() => 'another file');
    throw new UsageError(`${option}: is a symbolic link to ${to}, and links are not followed; name the file itself`);
  }
}

async function inspect(context: TargetContext, handle: FileHandle): Promise<Omit<OpenTarget, 'handle'>> {
  const { option, path, appends, replace, read } = context;
  const status = await handle.stat();
  const { dev, ino, size } = status;
  if (!status.isFile()) return { isFile: false, isTorn: false };
  const source = read === null ? null : await stat(read).catch(() => null);
  if (source !== null && source.dev === dev && source.ino === ino)
    throw new UsageError(`${option}: is the file that --read reads; name another`);
  if (replace) {
    await handle.truncate(0);
    return { isFile: true, isTorn: false };
  }
  if (!appends && size > 0)
    throw new UsageError(
      `${option}: holds ${size} bytes already; name a new file, or let it be replaced with --output-replace`,
    );
  const isTorn = size > 0 && !isDescriptor(path) && (await lastByte(handle, size)) !== NEWLINE;
  return { isFile: true, isTorn };
}

const NEWLINE = 0x0a;

async function lastByte(handle: FileHandle, size: number): Promise<number | undefined> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return bytesRead === 1 ? buffer[0] : undefined;
}

export function unusable({ option }: TargetContext, error: NodeJS.ErrnoException): SensorError {
  return unusablePath(option, error, wayOut(error.code));
}

function wayOut(code: string | undefined): string {
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'make the directory that it lies in, or name another file';
  return 'name a file that can be written';
}
