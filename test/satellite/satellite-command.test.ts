/**
 * `satellite` as a process: what it says at its start, and what it refuses.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { runCommand, startCommand } from '../support/command.js';

const directory = mkdtempSync(join(tmpdir(), 'satellite-'));
afterAll(() => rmSync(directory, { recursive: true }));
const TOKEN_FILE = join(directory, 'token');
writeFileSync(TOKEN_FILE, 'from-the-file\n');

/** Its log until it listens and has said what there is to say; the port. */
async function started(...args: string[]): Promise<{ said: string; port: number }> {
  const child = startCommand(['satellite', '--port', '0', '--log-format', 'text', ...args]);
  let said = '';
  for await (const chunk of child.stderr) {
    said += chunk;
    if (args.includes('0.0.0.0') ? said.includes('may send traces') : said.includes('satellite at')) break;
  }
  return { said, port: Number(/:(\d+); the traces/.exec(said)?.[1]) };
}

const read = async (port: number, token: string): Promise<number> => {
  const headers = { Authorization: `Bearer ${token}` };
  return (await fetch(`http://127.0.0.1:${port}/traces`, { headers })).status;
};

it('takes the token from a file, and says who may send and who may read', async () => {
  const { said, port } = await started('--host', '0.0.0.0', '--read-token-file', TOKEN_FILE);
  expect(said).toMatch(/INFO {2}whoever reaches 0\.0\.0\.0 port \d+ may send traces; reading them takes the token\n/);
  expect(said).not.toContain('from-the-file');
  expect(await read(port, 'from-the-file')).toBe(200);
  expect(await read(port, 'from-the-file\n'.trim().slice(1))).toBe(401);
});

it('warns where nobody can read', async () => {
  const { said, port } = await started('--host', '0.0.0.0');
  expect(said).toMatch(/WARN {2}whoever reaches .* may send traces, and nobody may read them: --read-token or /);
  expect(await read(port, '')).toBe(401);
});

it('needs no token on loopback', async () => {
  const { said, port } = await started();
  expect(said).not.toContain('may send');
  expect(await read(port, '')).toBe(200);
});

it('refuses a secret that signs nothing', async () => {
  const { code, stderr } = await runCommand(['satellite', '--port', '0', '--notify-secret-file', TOKEN_FILE]);
  expect([code, stderr]).toEqual([2, expect.stringContaining('has no meaning without --notify')]);
});

it.each([
  [['--read-token', 'secret-one', '--read-token-file', TOKEN_FILE], 'leave one of them out'],
  [['--read-token', 'secret one'], '--read-token "…" is no token'],
  [['--read-token-file', join(directory, 'missing')], 'does not exist'],
  [['--read-token-file', directory], 'is a directory'],
  [['--read-token-file', join(import.meta.dirname, '../../tsconfig.build.json')], 'holds no token'],
  [['--read-token-file', join(import.meta.dirname, '../../package-lock.json')], 'is too long'],
  [['--public-host', 'http://h'], 'is no host name'],
  [['--traces-max-bytes', '1'], 'out of range'],
  [['--spec', join(import.meta.dirname, '../../package.json')], 'this is no OpenAPI 3 document with paths; give an'],
  [['--notify', 'hooks.example/secret'], '--notify "…" is no URL'],
  [['--notify', 'ftp://hooks.example/secret'], '--notify "…" is no URL'],
  [['--notify', 'https://user:secret@hooks.example/'], 'has a user in it'],
  [['--notify', 'https://hooks.example/secret', '--notify-format', 'teams'], '--notify-format'],
])('refuses %j', async (args, says) => {
  const { code, stderr } = await runCommand(['satellite', '--port', '0', ...args]);
  expect(code).toBe(2);
  expect(stderr).toContain(says);
  expect(stderr).not.toContain('secret');
});
