/**
 * Whether a spool could be used, and what waits in it, found out without making or changing anything.
 *
 * in: its directory and size · out: what a doctor says of it
 */
import { constants } from 'node:fs';
import { access, lstat, open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SensorError } from '../../../errors.js';
import type { Examined } from '../../output.js';
import { freeBytes, unlessMissing } from '../../room.js';
import { findCursor } from './cursor.js';
import { lockFile } from './file-lock.js';
import { isOwn, nameInside } from './own-directory.js';
import { findRecords, segmentNumber } from './segment.js';
import { LOCK_NAME, openSpoolDirectory, unusable } from './spool-directory.js';

const { O_NOFOLLOW, O_NONBLOCK, O_RDWR, R_OK, W_OK, X_OK } = constants;
const MIB = 2 ** 20;

/** Never rejects. */
export async function examineSpool(directory: string, bytesMax: number): Promise<Examined> {
  try {
    const found = await describe(directory, bytesMax);
    return { ...found, what: 'spool', found: `--spool-dir ${directory}: ${found.found}` };
  } catch (error) {
    const { message } = error instanceof SensorError ? error : unusable(directory, error);
    const [found = directory, ...advice] = message.split('; ');
    return { verdict: 'fail', what: 'spool', found, advice: advice.join('; ') };
  }
}

async function describe(directory: string, bytesMax: number): Promise<Omit<Examined, 'what'>> {
  const named = await stat(directory).catch(unlessMissing);
  if (named === null) {
    const parent = await nearestThere(dirname(directory));
    await access(parent, W_OK | X_OK);
    return withRoom(parent, 'will be made', bytesMax);
  }
  if (!named.isDirectory()) throw Object.assign(new Error('it is not a directory'), { code: 'ENOTDIR' });
  const own = isOwn(named) ? directory : join(directory, nameInside());
  const status = await lstat(own).catch(unlessMissing);
  if (status === null) {
    await access(directory, W_OK | X_OK);
    return withRoom(directory, `others may write to it, so ${nameInside()} will be made in it`, bytesMax);
  }
  if (!status.isDirectory() || status.uid !== process.geteuid?.())
    throw new Error(`others may write to it, and ${nameInside()} in it belongs to user ${status.uid}`);
  await access(own, R_OK | W_OK | X_OK);
  const { bytes, traces } = await waiting(own);
  const held = `${mebibytes(bytes)} of ${mebibytes(bytesMax)}, ${traces} traces wait`;
  if (await isLocked(own))
    return {
      verdict: 'warn',
      found: `${held}; a sensor uses it now`,
      advice: 'if that is another sensor than the one examined, give this one a directory of its own',
    };
  return withRoom(own, held, bytesMax - bytes);
}

async function withRoom(path: string, found: string, wanted: number): Promise<Omit<Examined, 'what'>> {
  const free = await freeBytes(path);
  const said = `${found}, ${mebibytes(free)} free`;
  if (free >= wanted) return { verdict: 'ok', found: said, advice: '' };
  return { verdict: 'warn', found: said, advice: 'make room, or give a smaller --spool-max-bytes' };
}

async function nearestThere(path: string): Promise<string> {
  const status = await stat(path).catch(unlessMissing);
  return status === null && dirname(path) !== path ? nearestThere(dirname(path)) : path;
}

/** Segments, and the traces in them that have not been taken. A sensor that uses it goes on meanwhile. */
async function waiting(own: string): Promise<{ bytes: number; traces: number }> {
  const files = await openSpoolDirectory(own);
  try {
    const { cursor } = await findCursor(files);
    let bytes = 0;
    let traces = 0;
    for (const name of (await files.list()).filter((one) => segmentNumber(one) !== null)) {
      // It may be gone by now.
      const found = await findRecords(files, name).catch(() => null);
      bytes += found?.bytes ?? 0;
      for (const record of found?.records ?? []) if (record.first >= (cursor?.taken ?? 0)) traces += record.traces;
    }
    return { bytes, traces };
  } finally {
    await files.close();
  }
}

/** To find out takes the lock, for as long as it takes to let it go. */
async function isLocked(own: string): Promise<boolean> {
  const file = await open(join(own, LOCK_NAME), O_RDWR | O_NOFOLLOW | O_NONBLOCK).catch(() => null);
  if (file === null) return false;
  try {
    return (await lockFile(file)) === 'held by another';
  } finally {
    await file.close();
  }
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / MIB)} MiB`;
}
