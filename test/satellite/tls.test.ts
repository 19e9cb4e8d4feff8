/** The satellite by TLS, as a person starts it: sent to, read with a token, and a cookie that no plain connection carries. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as plainRequest } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, it, onTestFinished } from 'vitest';
import { makeCertificates } from '../support/certificates.js';
import { startCommand } from '../support/command.js';
import { needs } from '../support/needs.js';
import { requestOf, spanOf } from '../support/spans.js';

let ca = '';

async function start(): Promise<{ url: string; port: number }> {
  const { ca: authority, server } = makeCertificates();
  ca = authority;
  const directory = mkdtempSync(join(tmpdir(), 'tls-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const [name, text] of [
    ['cert', server.cert],
    ['key', server.key],
    ['token', 'correct-horse\n'],
  ] as const)
    writeFileSync(join(directory, name), text, { mode: 0o600 });
  const child = startCommand([
    ...['satellite', '--port', '0', '--data', join(directory, 'data'), '--log-format', 'text'],
    ...['--tls-cert', join(directory, 'cert'), '--tls-key', join(directory, 'key')],
    ...['--read-token-file', join(directory, 'token')],
  ]);
  let said = '';
  child.stderr.on('data', (data) => (said += data));
  while (!/satellite at \S+;/.test(said)) await once(child.stderr, 'data');
  const url = /satellite at (https:\S+);/.exec(said)?.[1] ?? said;
  return { url, port: Number(new URL(url).port) };
}

async function ask(url: string, method = 'GET', headers: Record<string, string> = {}, body = '') {
  const asked = request(url, { method, headers, ca });
  asked.end(body);
  const [response] = await once(asked, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode as number, headers: response.headers, text };
}

it('is sent to and read by TLS alone', needs('openssl'), async () => {
  const { url, port } = await start();
  const json = { 'Content-Type': 'application/json' };
  expect(
    (await ask(`${url}/v1/traces`, 'POST', json, JSON.stringify(requestOf([spanOf({ path: '/safe' })])))).status,
  ).toBe(200);
  expect((await ask(`${url}/api/traces`)).status).toBe(401);
  const session = await ask(`${url}/api/session`, 'POST', json, '{"token":"correct-horse"}');
  const [cookie = ''] = session.headers['set-cookie'] ?? [];
  expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\/; Max-Age=\d+; Secure$/);
  const { text } = await ask(`${url}/api/traces`, 'GET', { Cookie: cookie.split(';')[0] ?? '' });
  expect(JSON.parse(text).rows.map(({ path }: { path: string }) => path)).toEqual(['/safe']);

  // Nothing of another kind is answered, and it costs nobody anything.
  const plain = plainRequest({ host: '127.0.0.1', port, path: '/healthz' });
  plain.end();
  await once(plain, 'error');
  const old = connect({ host: '127.0.0.1', port, ca, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' });
  await once(old, 'error');
  expect((await ask(`${url}/healthz`)).status).toBe(200);
});
