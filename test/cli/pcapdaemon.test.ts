/** `bin/pcapdaemon` as a program: help, wrong flags, what is missing, and what goes to the system's log. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { loadOptional } from '../../src/packets/trigger/aws.js';
import { runCommand } from '../support/command.js';
import { needs } from '../support/needs.js';
import { startPcapdaemon } from '../support/pcapdaemon.js';

const BIN = join(import.meta.dirname, '../../bin');
const pcapdaemon = (...words: string[]) => runCommand(words, { command: join(BIN, 'pcapdaemon') });

const folder = mkdtempSync(join(tmpdir(), 'pcapdaemon-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('shows its flags', async () => {
  const { code, stdout } = await pcapdaemon('-h');
  expect(code).toBe(0);
  for (const flag of ['config', 'cshost', 'redisnode', 'maxpackets', 'writelocal', 'destdir', 'panic'])
    expect(stdout).toMatch(new RegExp(`^ {2}-${flag} `, 'm'));
});

it('is a word of the image, which shows the same', async () => {
  const word = await runCommand(['pcapdaemon'], { command: join(BIN, 'init') });
  expect(word).toMatchObject({ code: 0, stdout: (await pcapdaemon('--help')).stdout });
});

it.each([
  [[], /^pcapdaemon: no messages can come: set listen = true/],
  [['-nope'], /^pcapdaemon: -nope: no such flag; -h lists them/],
  [['-config', '/none'], /^pcapdaemon: -config \/none: .*; name a file that can be read/],
])('%s ends with one line and exit code 2', async (words, reason) => {
  const { code, stderr } = await pcapdaemon(...words);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(reason) });
  expect(stderr.trimEnd()).not.toContain('\n');
});

it('names a package that is not installed, and what it is for', async () => {
  const absent = 'a-client-of-nothing';
  await expect(loadOptional(absent, '[redis] listen = true', () => import(/* @vite-ignore */ absent))).rejects.toThrow(
    /^\[redis\] listen = true: the package a-client-of-nothing is not installed, which it takes; npm install a-client-of-nothing/,
  );
});

/** A socket such as /dev/log, which Node.js cannot listen on. */
async function listenLikeSyslog(
  socket: string,
): Promise<{ child: ChildProcess; lines: () => AsyncIterableIterator<string> }> {
  const program = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True: print(s.recv(65536).decode().rstrip(), flush=True)`;
  const child = spawn('python3', ['-c', program, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  async function* lines() {
    for await (const chunk of child.stdout)
      yield* String(chunk)
        .split('\n')
        .filter((line) => line !== '');
  }
  return { child, lines };
}

describe("the system's log", needs('logger', 'python3'), () => {
  const toml = (syslog: string) => `
[general]
writelocal = true
localdir = "OUT"
[redis]
listen = true
host = "127.0.0.1"
port = 1
channel = "capture"
${syslog}`;

  it.each([
    ['priority = 25\ntag = "mytag"\n', /^<25>.* mytag\[\d+\]: /],
    ['', /^<85>.* pcapdaemon\[\d+\]: /],
  ])('gets every line at the priority and under the tag that is set: %j', async (keys, expected) => {
    const socket = join(folder, `log${keys.length}`);
    const log = await listenLikeSyslog(socket);
    const daemon = await startPcapdaemon({ toml: toml(`[syslog]\n${keys}socket = "${socket}"`) });
    onTestFinished(() => daemon.kill());
    for await (const line of log.lines()) {
      expect(line).toMatch(expected);
      expect(line).toMatch(/redis 127\.0\.0\.1:1/);
      break;
    }
    expect(await daemon.stop()).toBe(0);
  });
});
