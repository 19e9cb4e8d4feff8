/**
 * Whether this is the Node.js that the native addons were built for: those of re2 and cap run with one ABI alone, and
 * would fail with the first pattern or packet, long after the start.
 *
 * in: the note that `bin/setup` leaves beside the packages · out: a `SensorError` that names the way out, or nothing
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SensorError } from '../errors.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** As `bin/setup` writes it: for whom, ABI and architecture, the version, a digest of the packages. */
const NOTE = `${ROOT}node_modules/.setup-note`;

/** @throws SensorError where `bin/setup` has built for another Node.js; without a note nothing is known, and all is well. */
export function refuseAnotherNode(): void {
  let note: string;
  try {
    note = readFileSync(NOTE, 'utf8');
  } catch {
    return;
  }
  const [, abi, version] = note.split(' ');
  if (abi === `${process.versions.modules}-${process.arch}`) return;
  throw new SensorError(
    `built for Node.js ${version}, and this is ${process.version}; run ${ROOT}bin/setup to build for it`,
  );
}

/** In other words, where `error` says that an addon is missing, or was built for another Node.js, which no note had said; else null. */
export function unusableAddon(error: unknown): SensorError | null {
  const { code, message } = (error ?? {}) as NodeJS.ErrnoException;
  const [, missing] = (code === 'MODULE_NOT_FOUND' && /'[^']*?([^/']+\.node)'/.exec(message)) || [];
  if (missing !== undefined)
    return new SensorError(`the addon ${missing} is not there; run ${ROOT}bin/setup to build it`);
  if (code !== 'ERR_DLOPEN_FAILED' || !/NODE_MODULE_VERSION/.test(message)) return null;
  return new SensorError(
    `an addon was built for another Node.js, and this is ${process.version}; run ${ROOT}bin/setup to build for it`,
  );
}
