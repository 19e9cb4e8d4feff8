/** `satellite mcp` as an agent meets it: a client of the protocol's SDK starts it, and asks a satellite through it. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Satellite, startSatellite } from '../../src/satellite/satellite.js';
import { COMMAND, runCommand } from '../support/command.js';
import { sendSpans, spanOf } from '../support/spans.js';

let satellite: Satellite;
const client = new Client({ name: 'test', version: '1' });
const directory = mkdtempSync(join(tmpdir(), 'mcp-'));

beforeAll(async () => {
  satellite = await startSatellite({
    host: '127.0.0.1',
    port: 0,
    traces_max: 10,
    readToken: 'correct-horse',
    store: { directory: null, retention: { millis: 1e12, bytes: 1e12 } },
  });
  await sendSpans(satellite.url, [
    spanOf({ path: '/1', answered: '{"a":1}' }),
    spanOf({ path: '/2', status: 503 }),
    spanOf({ path: '/large', answered: 'x'.repeat(100_000) }),
  ]);
  writeFileSync(join(directory, 'token'), 'correct-horse\n');
  await client.connect(
    new StdioClientTransport({
      command: COMMAND,
      args: ['satellite', 'mcp', '--url', satellite.url, '--token-file', join(directory, 'token')],
    }),
  );
});
afterAll(async () => {
  await client.close();
  await satellite.close();
  rmSync(directory, { recursive: true });
});

const call = async (name: string, given: Record<string, unknown> = {}) => {
  const { content, isError } = await client.callTool({ name, arguments: given });
  return { text: (content as { text: string }[])[0]?.text ?? '', isError };
};

it('offers queries alone', async () => {
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name).sort()).toEqual([
    'find_drift',
    'find_traces',
    'get_openapi',
    'get_rates',
    'get_trace',
    'list_endpoints',
    'list_sensors',
    'list_values',
  ]);
  expect(tools.every(({ annotations }) => annotations?.readOnlyHint === true)).toBe(true);
});

it('finds traces by the language of the page, and gives one', async () => {
  const { rows } = JSON.parse((await call('find_traces', { filter: 'status>=500' })).text);
  expect(rows.map(({ path }: { path: string }) => path)).toEqual(['/2']);
  const whole = JSON.parse((await call('get_trace', { seq: 1 })).text);
  expect(whole.trace.response.body.content).toBe('{"a":1}');
  expect(JSON.parse((await call('list_sensors')).text)[0].service).toBe('shop');
  const endpoints = JSON.parse((await call('list_endpoints', { service: 'shop' })).text);
  expect(endpoints.map(({ template }: { template: string }) => template)).toEqual(['/{id}']);
  expect(JSON.parse((await call('get_openapi')).text).openapi).toMatch(/^3\.1/);
  expect(JSON.parse((await call('find_drift')).text)).toMatchObject({ since: null, findings: [] });
  expect(JSON.parse((await call('find_drift', { from: 'document' })).text)).toMatchObject({ title: null });
});

it('says what is wrong, and where an answer is cut off', async () => {
  const wrong = await call('find_traces', { filter: 'stauts:1' });
  expect([wrong.isError, wrong.text]).toEqual([true, expect.stringContaining('did you mean status?')]);
  expect((await call('get_trace', { seq: 3 })).text).toMatch(/… \d+ more characters; ask for less$/);
  expect((await call('find_traces', { limit: 100_000 })).isError).toBe(true);
});

it('refuses an address that is none', async () => {
  const { code, stderr } = await runCommand(['satellite', 'mcp', '--url', 'nonsense']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('is no address')]);
});
