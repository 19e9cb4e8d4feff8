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
  const args = ['apidump', '--read', '-', '--output', 'ndjson', '--path-exclusions', '^/two$', '--log-format', 'json'];
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

it('gives the books of a file as lines to read where nobody asked for JSON', async () => {
  const { code, stderr } = await runCommand(['apidump', '--read', FILE, '--output', 'ndjson']);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^exchanges seen +3\n {2}exported +3$/m);
  expect(stderr).not.toContain('{');
});

it.each([
  ['no packet', [], 'there is no packet in it; check what wrote it'],
  [
    'packets of a link type that is not read',
    [Buffer.from('abcd')],
    'none of its 1 packets can be read: they carry link type 189 (USB_LINUX); TCP over IP is what is looked for',
  ],
])('says of a file that it holds nothing to read, in every form of the summary: %s', async (_name, packets, said) => {
  const path = join(directory, 'unread.pcap');
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(65_535, 16);
  head.writeUInt32LE(189, 20);
  const records = packets.flatMap((packet) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(packet.length, 8);
    record.writeUInt32LE(packet.length, 12);
    return [record, packet];
  });
  writeFileSync(path, Buffer.concat([head, ...records]));
  for (const format of ['text', 'json', 'auto']) {
    const { code, stderr } = await runCommand([
      ...['apidump', '--read', path, '--output', 'ndjson', '--log-format', format],
    ]);
    expect(code).toBe(0);
    expect(stderr).toContain(`--read ${path}: ${said}`);
  }
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

it('ends a live run off a terminal in lines to read, and in lines of JSON alone where those were asked for', {
  ...needs('capture'),
}, async () => {
  const lastLines = async (...format: string[]): Promise<string[]> => {
    const child = startCommand(['apidump', '--interfaces', 'lo', '--output', 'ndjson', ...format]);
    let stderr = '';
    for await (const chunk of child.stderr) {
      if (stderr === '') child.kill('SIGTERM');
      stderr += chunk;
    }
    return stderr.trimEnd().split('\n');
  };
  const readable = await lastLines();
  const from = readable.findIndex((line) => /^exchanges seen +\d+$/.test(line));
  expect(from).toBeGreaterThan(0);
  // What collects lines of JSON has had the books by then.
  expect(JSON.parse(readable[from - 1] as string)).toMatchObject({ level: 'info', msg: 'summary' });
  const json = (await lastLines('--log-format', 'json')).map((line) => JSON.parse(line));
  expect(json.at(-1)).toMatchObject({ level: 'info', msg: 'summary' });
  expect(Object.values(json.at(-1).counters)).not.toContain(0);
});
