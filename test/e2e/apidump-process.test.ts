/**
 * `apidump` as a process: what goes to which stream, and what ends it.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { captureFile, conversation } from '../support/capture-file.js';
import { runCommand, startCommand } from '../support/command.js';
import { needs } from '../support/needs.js';

const directory = mkdtempSync(join(tmpdir(), 'apidump-'));
afterAll(() => rmSync(directory, { recursive: true }));

const PATHS = ['/one', '/two?x=1', '/three'];
const BYTES = captureFile(
  conversation(
    PATHS.flatMap((path) => [
      ['client', `GET ${path} HTTP/1.1\r\nHost: shop.example\r\n\r\n`],
      ['server', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ]),
  ),
);
const FILE = join(directory, 'three.pcap');
writeFileSync(FILE, BYTES);

const TO_STDOUT = ['--output', 'ndjson', '--log-format', 'text', '--log-level', 'debug'];

it('prints traces on standard output and nothing else, and the books on standard error', async () => {
  const { code, stdout, stderr } = await runCommand(['apidump', '--read', FILE, ...TO_STDOUT]);
  expect(code).toBe(0);
  const traces = stdout.trimEnd().split('\n');
  expect(traces.map((line) => JSON.parse(line).request.target)).toEqual(PATHS);
  expect(stderr).toMatch(/^exchanges seen +3\n {2}exported +3$/m);
});

it('reads standard input, and gives its books as JSON where the log is JSON', async () => {
  const args = ['apidump', '--read', '-', '--output', 'ndjson', '--path-exclusions', '^/two$'];
  const { code, stdout, stderr } = await runCommand(args, { stdin: BYTES });
  expect(code).toBe(0);
  expect(stdout.split('\n')).toHaveLength(3);
  const logged = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(logged.at(-1)).toMatchObject({
    msg: 'summary',
    counters: { exchanges_seen: 3, exchanges_exported: 2, exchanges_dropped_path_rule: 1 },
  });
});

it('ends quietly when the reader of its output goes away', async () => {
  const many = join(directory, 'many.pcap');
  const turns = Array.from({ length: 20_000 }, (_, i) => i).flatMap((i) => [
    ['client', `GET /${i} HTTP/1.1\r\nHost: h\r\n\r\n`] as const,
    ['server', 'HTTP/1.1 204 No Content\r\n\r\n'] as const,
  ]);
  writeFileSync(many, captureFile(conversation(turns)));
  const child = startCommand(['apidump', '--read', many, '--output', 'ndjson', '--log-level', 'silent']);
  await once(child.stdout, 'data');
  child.stdout.destroy();
  let stderr = '';
  for await (const chunk of child.stderr) stderr += chunk;
  if (child.exitCode === null) await once(child, 'close');
  expect({ code: child.exitCode, stderr }).toEqual({ code: 0, stderr: '' });
});

it.each(['SIGTERM', 'SIGINT'] as const)('ends at %s with its books', needs('capture'), async (signal) => {
  const child = startCommand(['apidump', '--interfaces', 'lo', ...TO_STDOUT]);
  let stderr = '';
  for await (const chunk of child.stderr) {
    if (stderr === '') child.kill(signal);
    stderr += chunk;
  }
  if (child.exitCode === null) await once(child, 'close');
  expect(child.exitCode).toBe(0);
  expect(stderr).toMatch(/^exchanges seen +\d+$/m);
});
