/** `drift` as a process: what it prints, and its exit codes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { encodeNdjson } from '../../src/output/ndjson.js';
import { type ApiExchange, apiTrace } from '../support/api-trace.js';
import { runCommand } from '../support/command.js';

const directory = mkdtempSync(join(tmpdir(), 'drift-'));
afterAll(() => rmSync(directory, { recursive: true }));
function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}
const traces = (name: string, exchanges: readonly ApiExchange[]) =>
  file(name, exchanges.map((exchange) => `${encodeNdjson(apiTrace(exchange))}\n`).join(''));

const SAME = traces(
  'same.ndjson',
  Array.from({ length: 30 }, (_, id) => ({ target: `/pets/${id}`, answer: { id, name: 'Rex' } })),
);
const OTHER = traces(
  'other.ndjson',
  Array.from({ length: 6 }, () => [
    { target: '/pets/4', answer: { id: '4', name: 'Rex' } },
    { target: '/owners', answer: [] },
  ]).flat(),
);

it('exits with 0 for traffic that the document describes, and with 1 for drift, which it prints', async () => {
  const spec = file('openapi.yaml', (await runCommand(['openapi', '--read', SAME])).stdout);
  const same = await runCommand(['drift', '--spec', spec, '--read', SAME]);
  expect([same.code, same.stdout]).toEqual([0, '']);
  const other = await runCommand(['drift', '--spec', spec, '--read', OTHER]);
  expect(other.code).toBe(1);
  expect(other.stdout.split('\n')).toEqual([
    'new-endpoint  GET /owners  is not in the document  6 of 12  trace 0af7651916cd43dd8448eb211c80319c',
    'other-type  GET /pets/{petId}  response 200 application/json .id  is string where integer was described  6 of 6  trace 0af7651916cd43dd8448eb211c80319c',
    '',
  ]);
  const json = await runCommand(['drift', '--spec', spec, '--read', OTHER, '--format', 'json']);
  expect(JSON.parse(json.stdout.split('\n')[0] as string)).toMatchObject({
    kind: 'new-endpoint',
    isDrift: true,
    count: 6,
    held: 30,
    chance: expect.any(Number),
  });
});

it('says what is missing or no document, with exit code 2', async () => {
  for (const [flags, said] of [
    [[], '--spec is required'],
    [['--spec', file('list.yaml', '- a\n'), '--read', SAME], 'is no OpenAPI 3 document with paths'],
    [['--spec', file('swagger.yaml', 'swagger: "2.0"\npaths: {}\n'), '--read', SAME], 'is no OpenAPI 3 document'],
    [['--spec', file('broken.yaml', '{"openapi": '), '--read', SAME], 'is neither YAML nor JSON'],
  ] as const) {
    const { code, stderr } = await runCommand(['drift', ...flags]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(said)]);
  }
});
