/** What the page copies as curl, run by sh: it sends the request again, to the byte, and does nothing else. */
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import type { Trace } from '../../src/satellite/page/browser/ask.js';
import { curlOf } from '../../src/satellite/page/browser/curl.js';
import { needs } from '../support/needs.js';

const directory = mkdtempSync(join(tmpdir(), 'curl-'));
const run = promisify(execFile);

interface Given {
  readonly method?: string;
  readonly target?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: Buffer;
}

function traceOf(port: number, { method = 'POST', target = '/', headers = [], body = Buffer.alloc(0) }: Given): Trace {
  const isText = Buffer.from(body.toString('utf8')).equals(body);
  return {
    network: { server: { address: '127.0.0.1', port } },
    request: {
      method,
      scheme: 'http',
      authority: `127.0.0.1:${port}`,
      target,
      headers,
      trailers: [],
      body: {
        wireBytes: body.length,
        bytes: body.length,
        truncated: false,
        encoding: isText ? 'utf8' : 'base64',
        content: body.toString(isText ? 'utf8' : 'base64'),
      },
    },
  } as unknown as Trace;
}

const text = (content: string): Buffer => Buffer.from(content);

it.each<[string, Given]>([
  [
    'quotes',
    { body: text(`it's "so" \\'; touch ${directory}/ran; '`), headers: [['X-Quote', `'; touch ${directory}/ran #`]] },
  ],
  [
    'what a shell would expand',
    { target: '/$(id)/`id`/[a-c]{1,2}/../x?a=!!&b=%00&c=~', body: text('$HOME `id` !! \\n \\x41 %s') },
  ],
  ['a file that it is not', { body: text('@/etc/passwd') }],
  ['lines', { body: text('{\n\t"a": 1\n}\n') }],
  [
    'parts with CRLF',
    {
      body: text('--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'),
      headers: [['Content-Type', 'multipart/form-data; boundary=b']],
    },
  ],
  ['control characters', { body: text('a\u0000b\u001b[2Jc\u007f') }],
  [
    'bytes that are no text',
    { body: Buffer.from([0, 255, 254, 10, 13, 39, 34]), headers: [['Content-Type', 'image/png']] },
  ],
  ['letters of all kinds', { body: text('ü€😀') }],
  ['a body and no type', { body: text('a=1') }],
  ['no body', { method: 'DELETE', target: '/orders/1' }],
  ['a method of WebDAV', { method: 'PROPFIND' }],
  ['GET with a body', { method: 'GET', body: text('{"query":1}'), headers: [['Content-Type', 'application/json']] }],
  ['HEAD', { method: 'HEAD' }],
  ['an asterisk', { method: 'OPTIONS', target: '*' }],
  [
    'an empty header',
    {
      headers: [
        ['X-Empty', ''],
        ['Accept', 'text/plain'],
        ['User-Agent', 'shop/1'],
      ],
    },
  ],
])('sends %s again', needs('curl'), async (_, given) => {
  onTestFinished(() => rmSync(join(directory, 'ran'), { force: true }));
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    server.emit('sent', { request, body: Buffer.concat(chunks) });
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const sent = once(server, 'sent');
  const { port } = server.address() as AddressInfo;
  await run('sh', ['-c', curlOf(traceOf(port, given))]);
  const [{ request, body }] = await sent;
  const { method = 'POST', target = '/', headers = [] } = given;
  expect(request.method).toBe(method);
  expect(request.url).toBe(target);
  expect(body.toString('latin1')).toBe((given.body ?? Buffer.alloc(0)).toString('latin1'));
  for (const [name, value] of headers) expect(request.headers[name.toLowerCase()]).toBe(value);
  const own = Object.keys(request.headers).filter((name) => !headers.some(([one]) => one.toLowerCase() === name));
  expect(own.sort()).toEqual(body.length > 0 ? ['content-length', 'host'] : ['host']);
  expect(existsSync(join(directory, 'ran'))).toBe(false);
});

it('has nothing that the shell does beside', () => {
  const line = curlOf(traceOf(1, { target: "/'; echo ran; '", headers: [["X'; echo ran; '", 'a']] }));
  expect(spawnSync('sh', ['-c', line.replace(/^curl/, 'printf %s')], { encoding: 'utf8' }).stdout).not.toMatch(
    /^ran$/m,
  );
  rmSync(directory, { recursive: true });
});
