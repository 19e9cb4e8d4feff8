/**
 * Recordings of the stock programs that stand beside the repository, not in it: `shared/packets/NAME` in a directory above
 * this one. A test that finds none says so and is skipped.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const REPOSITORY = join(import.meta.dirname, '../..');

/** The nearest such directory, or null where there is none. */
export function sharedPackets(name: string): string | null {
  for (let above = dirname(REPOSITORY); ; above = dirname(above)) {
    const directory = join(above, 'shared/packets', name);
    if (existsSync(directory)) return directory;
    if (above === dirname(above)) return null;
  }
}

/** The lines of a file of JSON lines there; none where there is no such directory. */
export function sharedLines<T>(name: string, file: string): T[] {
  const directory = sharedPackets(name);
  if (directory === null) return [];
  return readFileSync(join(directory, file), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
