/**
 * Two rows of `bench/faults` in short: real processes in network namespaces, the sensor with its defaults on every interface, so
 * that it must keep its own traffic out of the capture even when the satellite has moved.
 */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { needs } from '../support/needs.js';

it.each([
  ['name gone', 'memory'],
  ['wrong certificate', 'spool'],
])(
  'a satellite that is: %s, with the %s',
  { ...needs('namespaces', 'ip', 'openssl'), timeout: 120_000 },
  (name, holds) => {
    const other = holds === 'spool' ? 'memory' : 'spool';
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        ...['--import', './test/support/run-typescript.js', 'bench/faults/run.ts'],
        ...['--only', name, '--without', other, '--seconds', '3', '--rate', '100'],
      ],
      { encoding: 'utf8' },
    );
    expect(`${stderr}${status === 0 ? '' : stdout}`).toBe('');
    // Nothing was lost, of some hundreds.
    expect(stdout).toMatch(/^\| [^|]+ \| [^|]+ \| (\d{3,}) \| \1 \| 0 \| \1 \|/m);
  },
);
