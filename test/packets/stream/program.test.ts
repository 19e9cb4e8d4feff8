/** `bin/packetstreamer` as people call it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePort } from '../../support/free-port.js';
import { frameWith, record, sendTo, temporaryDirectory } from '../../support/stream-ends.js';

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
