/** `bin/packetstreamer` as people call it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePort } from '../../support/free-port.js';
import { needs } from '../../support/needs.js';
import { frameWith, packetsOf, record, sendTo, temporaryDirectory, until } from '../../support/stream-ends.js';

const PROGRAM = join(import.meta.dirname, '../../../bin/packetstreamer');
const directory = temporaryDirectory();

function config(text: string): string {
  const path = join(directory(), 'config.yaml');
  writeFileSync(path, text);
  return path;
}

describe('a wrong call', () => {
  it.each([
    [['sensor'], 'Configuration file not provided'],
    [['--config', '/nowhere/a.yaml', 'receiver'], '/nowhere/a.yaml" does not exist'],
    [['receivr', '--config', 'a'], 'did you mean receiver'],
  ])('%j', (words, message) => {
    const { status, stderr } = spawnSync(PROGRAM, words, { encoding: 'utf8' });
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  });

  it('with a port that is taken ends with the reason', async () => {
    const port = await freePort();
    const path = config(
      `input: {address: 192.0.2.1, port: ${port}}\noutput: {file: {path: ${join(directory(), 'a')}}}`,
    );
    const { status, stderr } = spawnSync(PROGRAM, ['receiver', '--config', path], { encoding: 'utf8' });
    expect(stderr).toContain(`input.port ${port} on 192.0.2.1: this machine has no such address`);
    expect(status).toBe(1);
  });
});

it('says that packets are raw, logs to its file, and writes a capture file to standard output', async () => {
  const port = await freePort();
  const log = join(directory(), 'own.log');
  const path = config(
    `input: {address: 127.0.0.1, port: ${port}}\noutput: {file: {path: stdout}}\nlogFilename: ${log}`,
  );
  const child: ChildProcess = spawn(PROGRAM, ['--config', path, 'receiver'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const pieces: Buffer[] = [];
  child.stdout!.on('data', (piece: Buffer) => pieces.push(piece));
  // The head of the file.
  await once(child.stdout!, 'data');
  await sendTo(port, frameWith(record(1, 'a packet')));
  while (!Buffer.concat(pieces).includes('a packet')) await once(child.stdout!, 'data');
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
  expect(Buffer.concat(pieces).subarray(0, 4).toString('hex')).toBe('d4c3b2a1');
  expect(readFileSync(log, 'utf8')).toMatch(/raw packets, with everything that is in them: nothing is redacted/);
});

it('goes on behind what its file holds when a full disk has room again, where a stock receiver begins anew (bug 6)', {
  ...needs('namespaces', 'unshare'),
  timeout: 30_000,
}, async () => {
  const port = await freePort();
  const disk = join(directory(), 'disk');
  const file = join(disk, 'dump.pcap');
  const path = config(`input: {address: 127.0.0.1, port: ${port}}\noutput: {file: {path: ${file}}}`);
  const script =
    'mkdir "$1" && mount -t tmpfs -o size=256k none "$1" && dd if=/dev/zero of="$1/ballast" bs=1k count=128 2>/dev/null && ' +
    'exec "$2" receiver --config "$3"';
  const child = spawn('unshare', ['-m', 'sh', '-c', script, 'sh', disk, PROGRAM, path], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    const said: string[] = [];
    child.stderr.on('data', (piece: Buffer) => said.push(piece.toString()));
    await until(() => said.join('').includes('raw packets'));
    const seen = `/proc/${child.pid}/root${disk}`;
    const held = () => packetsOf(join(seen, 'dump.pcap')).map((packet) => packet.split(' ')[1]?.slice(0, 8));
    await sendTo(port, frameWith(record(1, 'first...'.padEnd(20_000, 'x'))));
    await until(() => held().length === 1);
    for (let i = 0; i < 20; i++) await sendTo(port, frameWith(record(2, `filling ${i}`.padEnd(20_000, 'x'))));
    await until(() => said.join('').includes('ENOSPC'));
    rmSync(join(seen, 'ballast'));
    await until(() => {
      void sendTo(port, frameWith(record(3, 'behind..'))).catch(() => {});
      return held().includes('behind..');
    });
    const packets = held();
    expect(packets[0]).toBe('first...');
    expect(packets.filter((one) => one === 'first...')).toHaveLength(1);
    expect(new Set(packets)).toEqual(new Set(['first...', 'filling', 'behind..']));
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});
