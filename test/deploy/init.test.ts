/**
 * `bin/init`, the entry point of the image: with which rights it starts the sensor.
 */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { runCommand } from '../support/command.js';
import { needs } from '../support/needs.js';

// A sensor in the place of the real one, that says with which rights it was started.
const directory = mkdtempSync(join(tmpdir(), 'init-'));
afterAll(() => rmSync(directory, { recursive: true }));
chmodSync(directory, 0o755);
mkdirSync(join(directory, 'bin'));
const INIT = join(directory, 'bin/init');
copyFileSync(join(import.meta.dirname, '../../bin/init'), INIT);
const SENSOR = join(directory, 'bin/pcap-sensor');
writeFileSync(SENSOR, '#!/bin/sh\ngrep -E "^(Cap|NoNewPrivs)" /proc/self/status\necho "words: $*"\nexit 7\n');
chmodSync(SENSOR, 0o755);
symlinkSync(INIT, join(directory, 'apidump'));

const NET_RAW = '0000000000002000';
const NONE = '0000000000000000';

interface Started {
  readonly rights: Readonly<Record<string, string>>;
  readonly words: string;
  readonly code: number | null;
}

async function start(command: string, ...args: string[]): Promise<Started> {
  const { stdout, stderr, code } = await runCommand(args, { command });
  expect(stderr).toBe('');
  const lines = stdout.trimEnd().split('\n');
  const rights = lines.slice(0, -1).map((line) => line.split(/:\s*/) as [string, string]);
  return { rights: Object.fromEntries(rights), words: lines.at(-1) ?? '', code };
}

it('gives up every capability but NET_RAW, for good, and passes on words and exit code', needs('root'), async () => {
  expect(await start(INIT, 'apidump', '--filter', 'a b')).toEqual({
    rights: { CapInh: NONE, CapPrm: NET_RAW, CapEff: NET_RAW, CapBnd: NET_RAW, CapAmb: NONE, NoNewPrivs: '1' },
    words: 'words: apidump --filter a b',
    code: 7,
  });
  expect((await start(join(directory, 'apidump'), '--read', '-')).words).toBe('words: apidump --read -');
});

it.each([
  ['NET_RAW alone', ['--bounding-set=-all,+net_raw'], NET_RAW],
  ['nothing', ['--bounding-set=-all'], NONE],
  ['all but NET_RAW', ['--bounding-set=-net_raw'], NONE],
  ['what it may not change, and NET_RAW inheritable', ['--inh-caps=+net_raw'], NET_RAW],
])('starts where the runtime grants %s', needs('root'), async (_what, less, rest) => {
  const { rights, code } = await start('setpriv', ...less, INIT, 'doctor');
  expect(rights).toMatchObject({ CapEff: rest, CapPrm: rest, CapBnd: rest, CapInh: NONE, NoNewPrivs: '1' });
  expect(code).toBe(7);
});

it('leaves another user as it is, whose NET_RAW may come from a file', needs('root'), async () => {
  const { rights, code } = await start('setpriv', '--reuid=65534', '--clear-groups', INIT, 'apidump');
  expect(rights).toMatchObject({ CapEff: NONE, NoNewPrivs: '0' });
  expect(code).toBe(7);
});

it('keeps the rights that a command is to have', needs('root'), async () => {
  for (const words of [
    ['apidump', '-c', 'true'],
    ['apidump', '--command=true'],
  ]) {
    const { rights, code } = await start('setpriv', '--bounding-set=-all,+net_raw,+net_admin', INIT, ...words);
    expect(rights).toMatchObject({ CapEff: '0000000000003000', NoNewPrivs: '0' });
    expect(code).toBe(7);
  }
});

it('keeps the rights where the program cannot be read without them', needs('root'), async () => {
  const own = mkdtempSync(join(tmpdir(), 'init-own-'));
  try {
    const inside = join(own, 'checkout');
    mkdirSync(join(inside, 'bin'), { recursive: true });
    copyFileSync(INIT, join(inside, 'bin/init'));
    copyFileSync(SENSOR, join(inside, 'bin/pcap-sensor'));
    chmodSync(join(inside, 'bin/pcap-sensor'), 0o755);
    await runCommand(['65534', own], { command: 'chown' });
    const { rights, code } = await start(join(inside, 'bin/init'), 'apidump');
    expect(rights).toMatchObject({ NoNewPrivs: '0' });
    expect(code).toBe(7);
  } finally {
    rmSync(own, { recursive: true });
  }
});
