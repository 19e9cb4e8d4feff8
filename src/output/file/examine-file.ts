/**
 * Whether a file that traces are to go to could be opened, found out without making, changing or waiting for anything.
 *
 * in: what `openTarget` would be given · out: what a doctor says of it
 */
import { constants } from 'node:fs';
import { access, lstat, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SensorError } from '../../errors.js';
import type { Examined } from '../output.js';
import { freeBytes, unlessMissing } from '../room.js';
import { isDescriptor, openTarget, type TargetContext, unusable } from './open-target.js';

/** Less room than this is soon used up by bodies. */
const ROOM_BYTES_MIN = 64 << 20;

/** Never rejects. */
export async function examineFile(context: TargetContext): Promise<Examined> {
  const { path, option } = context;
  try {
    const found = await describe(context);
    return { ...found, what: 'output', found: `${option}: ${found.found}` };
  } catch (error) {
    const { message } = error instanceof SensorError ? error : unusable(context, error as NodeJS.ErrnoException);
    const [found = path, ...advice] = message.split('; ');
    return { verdict: 'fail', what: 'output', found, advice: advice.join('; ') };
  }
}

async function describe(context: TargetContext): Promise<Omit<Examined, 'what'>> {
  const { path, appends, replace } = context;
  if (isDescriptor(path)) return { verdict: 'ok', found: 'given to this process', advice: '' };
  const entry = await lstat(path).catch(unlessMissing);
  if (entry === null) {
    const directory = dirname(path);
    await access(directory, constants.W_OK | constants.X_OK);
    return withRoom(directory, 'will be made');
  }
  const target = await stat(path).catch(() => null);
  if (target !== null && !target.isFile() && !target.isDirectory()) {
    // To open a pipe would wait for its reader.
    await access(path, constants.W_OK);
    return { verdict: 'ok', found: `a ${target.isFIFO() ? 'pipe' : 'device'} that can be written to`, advice: '' };
  }
  // Opened to go on behind what it holds: nothing is emptied.
  const opened = await openTarget({ ...context, appends: appends || replace, replace: false });
  await opened.handle.close();
  return withRoom(path, replace && entry.size > 0 ? `${entry.size} bytes in it will be replaced` : 'can be written');
}

async function withRoom(path: string, found: string): Promise<Omit<Examined, 'what'>> {
  const free = await freeBytes(path);
  const said = `${found}, ${Math.floor(free / 2 ** 20)} MiB free`;
  if (free >= ROOM_BYTES_MIN) return { verdict: 'ok', found: said, advice: '' };
  return { verdict: 'warn', found: said, advice: 'make room, or name a file on another disk' };
}
