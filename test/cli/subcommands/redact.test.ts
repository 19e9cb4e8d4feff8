/** `redact --explain` over each kind of file: what it prints says where and why, and holds nothing of a value. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeHarEntry, HAR_TAIL, harHead } from '../../../src/output/file/har.js';
import { encodeNdjson } from '../../../src/output/ndjson.js';
import { makeTrace } from '../../redact/make-trace.js';
import { captureFile, conversation } from '../../support/capture-file.js';
import { runCommand } from '../../support/command.js';

const folder = mkdtempSync(join(tmpdir(), 'redact-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const BODY = '{"user":{"password":"hunter2!"},"card":"4111 1111 1111 1111","email":"ann@example.com"}';
const SECRETS = ['s3cr3tQuery', 'c00k1e', 'hunter2!', '4111 1111'];

function trace() {
  const made = makeTrace({
    target: '/login?token=s3cr3tQuery',
    requestHeaders: [
      ['Cookie', 'theme=; sid=c00k1e'],
      ['Content-Type', 'application/json'],
    ],
    body: Buffer.from(BODY),
  });
  return made;
}

const EXPECTED = [
  '1 POST /login  request.query.token  name:token  11 bytes of letters and digits',
  '1 POST /login  request.header.cookie  name:cookie  6 bytes of letters and digits',
  '1 POST /login  request.body.password  name:password  8 bytes of letters, digits and marks',
  '1 POST /login  request.body.card  looks:card  19 bytes of digits and spaces',
];

const FILES: readonly [kind: string, path: string][] = [
  ['NDJSON', file('a.ndjson', `${encodeNdjson(trace())}\n`)],
  ['HAR', file('a.har', `${harHead('0')}${encodeHarEntry(trace())}${HAR_TAIL}`)],
  ['HAR in one line', file('b.har', `${harHead('0')}${encodeHarEntry(trace())}${HAR_TAIL}`.replaceAll('\n', ''))],
  [
    'a capture file',
    file(
      'a.pcap',
      captureFile(
        conversation([
          [
            'client',
            `POST /login?token=s3cr3tQuery HTTP/1.1\r\nHost: x\r\nCookie: theme=; sid=c00k1e\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
          ],
          ['server', 'HTTP/1.1 204 No Content\r\n\r\n'],
        ]),
      ),
    ),
  ],
];

describe('redact --explain', () => {
  it.each(FILES)('says of %s what would be replaced, where, and by which rule', async (_, path) => {
    const { code, stdout, stderr } = await runCommand(['redact', '--explain', path]);
    expect(stdout.split('\n')).toEqual([...EXPECTED, '']);
    expect(stderr).toContain('4 values would be replaced, in 1 of 1 exchanges');
    expect(code).toBe(0);
    for (const secret of SECRETS) expect(stdout + stderr).not.toContain(secret);
  });

  it.each(FILES)('says it of %s in JSON', async (_, path) => {
    const { code, stdout } = await runCommand([
      'redact',
      '--explain',
      path,
      '--output',
      'json',
      '--log-level',
      'error',
    ]);
    expect(code).toBe(0);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(4);
    expect(lines[2]).toMatchObject({
      exchange: 1,
      method: 'POST',
      path: '/login',
      where: 'request.body.password',
      rule: 'name:password',
      bytes: 8,
      looks: 'letters, digits and marks',
    });
  });

  it.each(FILES)('goes by the options of redaction in %s', async (_, path) => {
    const options = ['--redact-field', 'email', '--redact-allow', 'password', '--redact-pattern', 'log(in)'];
    const { stdout } = await runCommand(['redact', '--explain', path, ...options]);
    expect(stdout).toContain('request.body.email  name:yours  15 bytes of letters and marks');
    expect(stdout).not.toContain('name:password');
    expect(stdout).toContain('1 POST /logREDACTED  request.path  pattern:1  2 bytes of letters');
    const none = await runCommand(['redact', '--explain', path, '--no-default-redaction']);
    expect(none).toMatchObject({ code: 0, stdout: '' });
  });

  it.each(FILES)('reads %s from standard input', async (_, path) => {
    const { code, stdout } = await runCommand(['redact', '--explain', '-'], { stdin: readFileSync(path) });
    expect(stdout.split('\n')).toEqual([...EXPECTED, '']);
    expect(code).toBe(0);
  });

  it('goes by what the configuration file of a sensor says of redaction', async () => {
    const config = file('sensor.yaml', 'rate-limit: 10\nredact-field: [email]\nredact-allow: [password]\n');
    const { code, stdout } = await runCommand(['redact', '--explain', FILES[0]?.[1] ?? '', '--config', config]);
    expect(stdout).toContain('request.body.email  name:yours');
    expect(stdout).not.toContain('name:password');
    expect(code).toBe(0);
  });

  it('says of a body that nobody can look into that it would be left out', async () => {
    const archive = trace();
    archive.request.body.content = Buffer.from('PK\x03\x04\x00\x00');
    const { stdout } = await runCommand(['redact', '--explain', file('zip.ndjson', encodeNdjson(archive))]);
    expect(stdout).toMatch(/^1 POST \/login {2}request\.body {2}opaque-body {2}\S.*$/m);
  });

  it('says what it could not read, and ends with 1', async () => {
    const path = file('torn.ndjson', `${encodeNdjson(trace())}\n{"traceId":"a","req`);
    const { code, stdout, stderr } = await runCommand(['redact', '--explain', path]);
    expect(stdout.split('\n')).toHaveLength(5);
    expect(stderr).toContain('1 of its traces could not be read');
    expect(code).toBe(1);
  });

  it('lets no control character of a trace reach the terminal', async () => {
    const odd = trace();
    odd.request.path = '/a\u001b[31m';
    odd.request.target = `${odd.request.path}?token=s3cr3tQuery`;
    const { stdout } = await runCommand(['redact', '--explain', file('odd.ndjson', encodeNdjson(odd))]);
    expect(stdout).toContain('1 POST /a\\u{1b}[31m  request.query.token');
    expect(stdout).not.toContain('\u001b');
  });

  it.each([
    [[], '--explain is required'],
    [['--explain', '-', '--config', '-'], 'both want standard input'],
    [['--explain', '/dev/null'], '--explain "/dev/null" is no file'],
    [['--explain', folder], 'is a directory'],
    [['--explain', join(folder, 'none')], 'does not exist'],
    [['--explain', FILES[0]?.[1] ?? '', '--output', 'xml'], '--output "xml"'],
    [['--explain', FILES[0]?.[1] ?? '', '--redact-pattern', '(a'], '--redact-pattern "(a"'],
  ])('refuses %j', async (args, message) => {
    const { code, stdout, stderr } = await runCommand(['redact', ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});
