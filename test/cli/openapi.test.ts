/** `openapi` as a process: the document of NDJSON, of an archive and of a capture file, and what it says where there is none. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { encodeHarEntry } from '../../src/output/file/har.js';
import { encodeNdjson } from '../../src/output/ndjson.js';
import { apiTrace } from '../support/api-trace.js';
import { runCommand } from '../support/command.js';

const directory = mkdtempSync(join(tmpdir(), 'openapi-'));
afterAll(() => rmSync(directory, { recursive: true }));
function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

const TRACES = [1, 2, 3].map((id) =>
  apiTrace({
    target: `/pets/${id}?api_key=abcdefgh12345678`,
    headers: { Authorization: 'Bearer abcdefghijklmnop123456' },
    answer: { id, name: 'Rex', owner: 'rex@example.com' },
  }),
);
const NDJSON = file('traces.ndjson', TRACES.map((trace) => `${encodeNdjson(trace)}\n`).join(''));

it('prints the document of NDJSON and of an archive, without secrets', async () => {
  const har = file(
    'traces.har',
    `{"log":{"version":"1.2","entries":[${TRACES.map((trace) => encodeHarEntry(trace)).join()}]}}`,
  );
  const { stdout, stderr, code } = await runCommand(['openapi', '--read', NDJSON]);
  expect(code).toBe(0);
  const document = parse(stdout);
  expect(Object.keys(document.paths)).toEqual(['/pets/{petId}']);
  expect(document.servers).toEqual([{ url: 'http://api.example.com' }]);
  expect(document.paths['/pets/{petId}'].get.responses['200'].content['application/json'].example).toEqual({
    id: expect.any(Number),
    name: 'Rex',
    owner: 'REDACTED',
  });
  expect(stdout).not.toMatch(/abcdefgh|rex@/);
  expect(stderr).toContain('1 operations of 3 exchanges; 0 went to what was never found');
  const fromHar = await runCommand(['openapi', '--read', har, '--format', 'json', '--no-examples']);
  expect(Object.keys(JSON.parse(fromHar.stdout).paths)).toEqual(['/pets/{petId}']);
  expect(fromHar.stdout).not.toContain('"example"');
});

it('prints a document to its end, however slowly a pipe takes it', async () => {
  const group = (name: string) =>
    Object.fromEntries(
      Array.from('abcdefghijklmnopqrst', (letter) => [`${name}_${letter.repeat(60)}`, { value: 'text', other: 1 }]),
    );
  const answer = Object.fromEntries(Array.from('abcdefghijklmnopqrst', (letter) => [letter, group(letter)]));
  const traces = [1, 2].map((id) => apiTrace({ target: `/groups/${id}`, answer }));
  const many = file('many.ndjson', traces.map((trace) => `${encodeNdjson(trace)}\n`).join(''));
  const { stdout, code } = await runCommand(['openapi', '--read', many, '--format', 'json']);
  expect(stdout.length).toBeGreaterThan(65_536);
  expect([code, JSON.parse(stdout).openapi]).toEqual([0, '3.1.1']);
});

it('takes templates that a person knows, and refuses what are none', async () => {
  const templates = file('templates.yaml', 'templates:\n  - /pets/{name}\n');
  const { stdout } = await runCommand(['openapi', '--read', NDJSON, '--templates', templates]);
  expect(Object.keys(parse(stdout).paths)).toEqual(['/pets/{name}']);
  const wrong = await runCommand([
    'openapi',
    '--read',
    NDJSON,
    '--templates',
    file('wrong.yaml', 'templates: [pets]\n'),
  ]);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('"pets" is no template; write a path such as /users/{name}/posts');
});

it('says what is missing', async () => {
  const none = await runCommand(['openapi']);
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('--read is required')]);
  const host = await runCommand(['openapi', '--read', NDJSON, '--host', 'other.example.com']);
  expect([host.code, host.stdout]).toEqual([1, '']);
  expect(host.stderr).toContain('that requests were for: api.example.com');
  for (const text of ['# Notes\nnone of them of a request', '["GET", "/"]', 'größer als ein Vermerk']) {
    const notes = file('notes.md', text);
    const { code, stderr } = await runCommand(['openapi', '--read', notes]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`--read "${notes}" holds no traces: it begins with `)]);
    expect(stderr).toContain('give what --output ndjson writes, an HTTP Archive or a capture file');
  }
});
