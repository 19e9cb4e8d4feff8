/**
 * Captures that stand beside the repository, not in it: `shared/conformance/NAME` in a directory above this one. A
 * test that finds none says so and is skipped.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

const REPOSITORY = join(import.meta.dirname, '../..');

/** The nearest such directory, or, where there is none, the first place that was looked at. */
export function sharedConformance(name: string): string {
  const nearest = join(dirname(REPOSITORY), 'shared/conformance', name);
  for (let above = dirname(REPOSITORY); ; above = dirname(above)) {
    const directory = join(above, 'shared/conformance', name);
    if (existsSync(directory)) return directory;
    if (above === dirname(above)) return nearest;
  }
}
