/** What packets are streamed and captured with is no part of a sensor that exports exchanges: it is not even loaded. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { numberedFrames } from '../support/pcap-records.js';
import { temporaryDirectory } from '../support/stream-ends.js';

const directory = temporaryDirectory();
const ROOT = join(import.meta.dirname, '../..');

it('apidump loads nothing of packets/stream, packets/trigger and packets/outputs', () => {
  const [frames, list, hooks, register] = ['frames.pcap', 'loaded.txt', 'hooks.mjs', 'register.mjs'].map((name) =>
    join(directory(), name),
  ) as [string, string, string, string];
  writeFileSync(frames, numberedFrames(10));
  writeFileSync(
    hooks,
    `import { appendFileSync } from 'node:fs';
     export async function load(url, context, next) {
       appendFileSync(${JSON.stringify(list)}, url + '\\n');
       return next(url, context);
     }`,
  );
  writeFileSync(register, `import { register } from 'node:module'; register(${JSON.stringify(`file://${hooks}`)});`);
  const words = [
    '--import',
    register,
    join(ROOT, 'dist/cli/cli.js'),
    'apidump',
    '--read',
    frames,
    '--output',
    'ndjson',
  ];
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  const loaded = readFileSync(list, 'utf8').split('\n');
  expect(loaded.some((url) => url.includes('/dist/sensor/'))).toBe(true);
  expect(loaded.filter((url) => /\/dist\/packets\/(stream|trigger|outputs)\//.test(url))).toEqual([]);
});
