/** An ordinary user for tests that run as root, and whether that user can read this clone: `/root` is closed to others. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Need } from './needs.js';

/** What a command goes behind to be run so. A file's capabilities still count. */
export const AS_NOBODY: readonly [string, ...string[]] = [
  'setpriv',
  ...['--reuid', '65534', '--regid', '65534', '--clear-groups', '--inh-caps=-all'],
];

export const readableByAll: Need = { 'a clone that everyone can read': canRead() };

function canRead(): boolean {
  const [command, ...words] = AS_NOBODY;
  try {
    execFileSync(command, [...words, 'test', '-r', join(import.meta.dirname, '../../native/ring.c')], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}
