/**
 * Where organisations are below a data directory: a directory each, and a number that stays its own.
 *
 *     DATA/organisations.json                   {"acme": 1, "acme/payments": 2}
 *     DATA/organisations/acme@payments/         traces.sqlite and what is beside it
 *
 * in: a data directory, names · out: each name's directory and number
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf, SensorError, unusablePath } from '../../errors.js';
import { RANGES_MAX } from './numbered-store.js';

export interface OrganisationPlace {
  readonly name: string;
  readonly directory: string | null;
  /** Which range of numbers its traces have. */
  readonly range: number;
}

/** @throws SensorError where the directory cannot be used */
export function placesOf(data: string | null, names: readonly string[]): OrganisationPlace[] {
  if (data === null) return names.map((name, index) => ({ name, directory: null, range: index + 1 }));
  const path = join(data, 'organisations.json');
  const kept = readRanges(path);
  let last = Math.max(0, ...kept.values());
  const isNew = names.some((name) => !kept.has(name));
  for (const name of names) if (!kept.has(name)) kept.set(name, ++last);
  if (last > RANGES_MAX)
    throw new SensorError(`${path} has more than ${RANGES_MAX} organisations; give --data another directory`);
  if (isNew) writeRanges(data, path, kept);
  return names.map((name) => ({
    name,
    directory: join(data, 'organisations', name.replace('/', '@')),
    range: kept.get(name) ?? 0,
  }));
}

function readRanges(path: string): Map<string, number> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw unusablePath(path, error, 'give --data a directory that may be read');
  }
  try {
    const entries = Object.entries(JSON.parse(text) as Record<string, number>);
    if (entries.some(([, range]) => !Number.isInteger(range) || range < 1)) throw new Error('not numbers');
    return new Map(entries);
  } catch (error) {
    throw new SensorError(
      `${path} cannot be read (${reasonOf(error)}): it says which numbers an organisation's traces have; bring it back from a copy`,
    );
  }
}

function writeRanges(data: string, path: string, ranges: ReadonlyMap<string, number>): void {
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.new`, `${JSON.stringify(Object.fromEntries(ranges), null, 1)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch (error) {
    throw unusablePath(`--data ${data}`, error, 'give a directory that may be written to');
  }
}
