/**
 * SIGHUP: a sensor reads its `--config` again, with traffic on a connection that stays open. One without a file drains and ends.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { startCommand } from '../support/command.js';
import { needs } from '../support/needs.js';

const directory = mkdtempSync(join(tmpdir(), 'reload-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** A body this long is finished in a thread of its own. */
const LARGE = JSON.stringify({ card: 'plain', filler: 'x'.repeat(200_000) });

async function startApi(): Promise<{ port: number; ask: (path: string, body?: string) => Promise<void> }> {
  const server = createServer((incoming, response) => {
    incoming.resume();
    incoming.on('end', () => response.end('ok'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => {
    agent.destroy();
    server.close();
  });
  return {
    port,
    async ask(path, body = '') {
      const headers = { 'content-type': 'application/json', 'x-batch': 'b-17' };
      const outgoing = request({ agent, host: '127.0.0.1', port, path, method: 'POST', headers });
      outgoing.end(body);
      const [response] = await once(outgoing, 'response');
      response.resume();
      await once(response, 'end');
    },
  };
}

function startSensor(...args: string[]) {
  const child = startCommand(['apidump', '--interfaces', 'lo', '--output', 'ndjson', '--log-format', 'json', ...args]);
  const closed = once(child, 'close');
  let log = '';
  let out = '';
  child.stderr.on('data', (text) => {
    log += text;
  });
  child.stdout.on('data', (text) => {
    out += text;
  });
  const lines = () =>
    log
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as { level: string; msg: string; counters?: Record<string, number> });
  const traces = () =>
    out
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  return {
    child,
    closed,
    lines,
    traces,
    targets: () => traces().map((trace) => trace.request.target),
    async logged(text: string) {
      while (!log.includes(text)) await once(child.stderr, 'data');
    },
    async traced(target: string) {
      while (!out.includes(`"target":"${target}"`)) await once(child.stdout, 'data');
    },
  };
}

it('takes over rules, rates and redaction without losing a flow, and names what it cannot take over', {
  ...needs('capture'),
  timeout: 120_000,
}, async () => {
  const { port, ask } = await startApi();
  const file = join(directory, 'sensor.yaml');
  const write = (...lines: string[]) =>
    writeFileSync(file, [`filter: tcp port ${port}`, 'rate-limit: 0', ...lines, ''].join('\n'));
  write('path-exclusions: [^/quiet]', 'ring-size: 8');
  const sensor = startSensor('--config', file);
  await sensor.logged('capturing on lo');
  const reload = async (said: string): Promise<void> => {
    sensor.child.kill('SIGHUP');
    await sensor.logged(said);
  };

  await ask('/one', LARGE);
  await sensor.traced('/one');
  await ask('/quiet');
  await ask('/mark');
  await sensor.traced('/mark');

  write('path-exclusions: [^/loud]', 'redact-header: [x-batch]', 'redact-field: [card]', 'ring-size: 16');
  await reload('is read again');
  await ask('/loud');
  await ask('/quiet');
  await ask('/two', LARGE);
  await sensor.traced('/two');

  // A file that is wrong changes nothing, not even by what is right in it.
  write('path-exclusions: [^/none]', 'sample-rate: 7');
  await reload('the settings stay as they were');
  await ask('/loud');
  await ask('/three');
  await sensor.traced('/three');

  rmSync(file);
  await reload('does not exist');
  write('path-exclusions: [^/loud]', 'redact-header: [x-batch]', 'redact-field: [card]', 'ring-size: 8');
  await reload('nothing changes');
  write('path-exclusions: []', 'log-level: warn');
  await reload('--redact-header was \\"x-batch');
  await ask('/loud');
  await sensor.traced('/loud');

  sensor.child.kill('SIGTERM');
  const [code] = await sensor.closed;
  expect(code).toBe(0);
  expect(sensor.targets()).toEqual(['/one', '/mark', '/quiet', '/two', '/three', '/loud']);
  // One connection all along, read from its beginning to its end.
  expect(new Set(sensor.traces().map(({ network }) => network.client.port)).size).toBe(1);
  expect(sensor.traces().flatMap(({ marks }) => marks)).toEqual([]);
  const batches = sensor
    .traces()
    .map(({ request: { headers } }) => headers.find(([name]: [string]) => name === 'x-batch')?.[1]);
  expect(batches).toEqual(['b-17', 'b-17', 'REDACTED', 'REDACTED', 'REDACTED', 'b-17']);
  const cards = sensor.traces().map((trace) => /"card":"(\w+)"/.exec(trace.request.body.content)?.[1]);
  expect(cards).toEqual(['plain', undefined, undefined, 'REDACTED', undefined, undefined]);

  const said = sensor.lines().filter(({ msg }) => msg.startsWith('SIGHUP'));
  expect(said.map(({ level, msg }) => `${level} ${msg.replaceAll(directory, '')}`)).toEqual([
    'warn SIGHUP: --ring-size cannot change while the sensor runs: it stays 8; restart it for 16',
    'info SIGHUP: --config "/sensor.yaml" is read again: --path-exclusions was "^/quiet" and is "^/loud"; ' +
      '--redact-header was none and is "x-batch"; --redact-field was none and is "card"',
    'error SIGHUP: the settings stay as they were: --sample-rate "7" (from /sensor.yaml) is out of range 0 to 1; give the share of exchanges kept, 0 to 1',
    'error SIGHUP: the settings stay as they were: --config "/sensor.yaml" does not exist; give the path of a file',
    'info SIGHUP: --config "/sensor.yaml" is read again: nothing changes',
    'info SIGHUP: --config "/sensor.yaml" is read again: --path-exclusions was "^/loud" and is none; ' +
      '--redact-header was "x-batch" and is none; --redact-field was "card" and is none; --log-level was info and is "warn"',
  ]);
});

it('without a file, drains and ends as at SIGTERM', { ...needs('capture') }, async () => {
  const { port, ask } = await startApi();
  const sensor = startSensor('--filter', `tcp port ${port}`);
  await sensor.logged('capturing on lo');
  await ask('/one');
  await sensor.traced('/one');
  sensor.child.kill('SIGHUP');
  const [code] = await sensor.closed;
  expect(code).toBe(0);
  expect(sensor.lines().at(-1)?.counters).toMatchObject({ exchanges_seen: 1, exchanges_exported: 1 });
});
