/** `--packets-on`: the connection of an exchange as a capture file by its trace id, where a rule asks for it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  createRuleMatcher,
  mayBePushed,
  parsePacketRule,
  parsePushedRule,
  type RuleFacts,
} from '../../src/policy/packet-rule.js';
import { startSatellite } from '../../src/satellite/satellite.js';
import { captureFile, conversation } from '../support/capture-file.js';
import { runCommand } from '../support/command.js';
import { readPcap } from '../support/pcap-records.js';
import { startScriptedSatellite } from '../support/relay.js';

const folder = mkdtempSync(join(tmpdir(), 'packets-on-'));
afterAll(() => rmSync(folder, { recursive: true }));

const exchange = (path: string, status: string) =>
  [
    ['client', `GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`],
    ['server', `HTTP/1.1 ${status}\r\nContent-Length: 2\r\n\r\nok`],
  ] as const;

/** Two connections side by side, so that the packets of one lie among those of the other. */
const failing = conversation([...exchange('/pay/1', '503 Unavailable')], { client: 40_001, server: 8080 });
const fine = conversation([...exchange('/list', '200 OK')], { client: 40_002, server: 8080 });
const CAPTURE = join(folder, 'capture.pcap');
const mixed = fine.flatMap((packet, i) => [packet, ...(failing[i] === undefined ? [] : [failing[i]])]);
writeFileSync(CAPTURE, captureFile(mixed));

let runs = 0;
async function run(...words: string[]) {
  const directory = mkdtempSync(join(folder, `run${runs++}-`));
  const base = ['apidump', '--read', CAPTURE, '--output', 'ndjson', '--log-format', 'json', '--packets-dir', directory];
  const result = await runCommand([...base, ...words]);
  const traces = result.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  return { ...result, directory, files: readdirSync(directory), traces };
}

it('writes exactly the packets of the connection, under the id of its trace, and says so', async () => {
  const { code, stderr, directory, files, traces } = await run('--packets-on', 'status>=500');
  expect(code).toBe(0);
  expect(stderr).toContain('with all secrets in them');
  const trace = traces.find(({ response }) => response.status === 503);
  expect(files).toEqual([`${trace.traceId}.pcap`]);
  const path = join(directory, files[0] ?? '');
  expect(readPcap(readFileSync(path)).records.map(({ hex }) => hex)).toEqual(
    failing.map((packet) => packet.toString('hex')),
  );
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(stderr).toContain('"packet_files_written":1');
});

it('writes nothing without a rule that fits, and only what fits one of several', async () => {
  expect((await run('--packets-on', 'status=404')).files).toEqual([]);
  expect((await run('--packets-on', 'status=404', '--packets-on', 'path~^/list$')).files).toHaveLength(1);
  expect((await run('--packets-on', 'path~^/ and status<300')).files).toHaveLength(1);
});

it('writes what a satellite asks for where a rule says so, and nothing where it asks for nothing', async () => {
  expect((await run('--packets-on', 'pushed')).files).toEqual([]);
  const rules = [parsePacketRule('pushed and status>=500')];
  const facts = { status: 503, durationNano: 1, marks: [], path: '/pay/1' };
  const asked = createRuleMatcher([parsePushedRule('path~^/pay/')]);
  const fits = createRuleMatcher(rules, asked);
  expect([fits(facts), fits({ ...facts, path: '/list' }), fits({ ...facts, status: 200 })]).toEqual([
    true,
    false,
    false,
  ]);
  expect([createRuleMatcher(rules)(facts), mayBePushed(rules), mayBePushed([parsePacketRule('status>=500')])]).toEqual([
    false,
    true,
    false,
  ]);
  expect(() => parsePushedRule('status>=500 and pushed')).toThrow('is for the sensor to say');
});

it('stops at its bytes, counts what it did not write, and ends with a loss', async () => {
  const big = join(folder, 'big.pcap');
  const bodies = Array.from({ length: 40 }, (_, i) =>
    conversation(
      [
        ['client', `GET /${i} HTTP/1.1\r\nHost: a\r\n\r\n`],
        ['server', `HTTP/1.1 500 E\r\nContent-Length: 4000\r\n\r\n${'x'.repeat(4000)}`],
      ],
      { client: 41_000 + i, server: 80 },
    ),
  );
  writeFileSync(big, captureFile(bodies.flat()));
  const { code, stderr, files } = await run(
    '--read',
    big,
    '--packets-on',
    'status>=500',
    '--packets-max-bytes',
    '64KiB',
  );
  expect(code).toBe(1);
  expect(files.length).toBeGreaterThan(5);
  expect(files.length).toBeLessThan(20);
  expect(stderr).toContain(`"packet_files_lost":${40 - files.length}`);
  expect(stderr.match(/no further file is/g)).toHaveLength(1);
});

it('says that a directory is missing, without a packet written', async () => {
  const { code, stderr } = await runCommand([
    'apidump',
    '--read',
    CAPTURE,
    '--output',
    'ndjson',
    '--packets-on',
    'status>=500',
  ]);
  expect(code).toBe(0);
  expect(stderr).toMatch(
    /packets are written where both --packets-on and --packets-dir are given, or --packets-to-satellite/,
  );
});

it('refuses a directory that is not there', async () => {
  const { code, stderr } = await runCommand([
    'apidump',
    '--read',
    CAPTURE,
    '--output',
    'ndjson',
    '--packets-on',
    'status>=500',
    '--packets-dir',
    join(folder, 'none'),
  ]);
  expect({ code, stderr }).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/--packets-dir .*none: no such directory; make it/),
  });
});

describe('to the satellite', () => {
  const send = (url: string, ...words: string[]) =>
    runCommand([
      ...['apidump', '--read', CAPTURE, '--satellite-url', url, '--log-format', 'json'],
      ...['--packets-on', 'status>=500', '--packets-to-satellite', ...words],
    ]);

  it('are sent, and offered there beside the trace', async () => {
    const retention = { millis: 1e12, bytes: 1e12 };
    const satellite = await startSatellite({
      ...{ host: '127.0.0.1', port: 0, traces_max: 10, store: { directory: null, retention } },
    });
    const { code, stderr } = await send(satellite.url);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('packets are sent as they were captured, with all secrets in them');
    expect(stderr).toContain('"packet_files_sent":1');
    const { rows } = (await (await fetch(`${satellite.url}/api/traces?filter=status>=500`)).json()) as any;
    const file = Buffer.from(await (await fetch(`${satellite.url}/api/packets/${rows[0].seq}`)).arrayBuffer());
    await satellite.close();
    expect(rows).toHaveLength(1);
    expect(readPcap(file).records.map(({ hex }) => hex)).toEqual(failing.map((packet) => packet.toString('hex')));
  });

  it('that takes none are counted, and said once', async () => {
    const satellite = await startScriptedSatellite(
      () => (request, response) => void response.writeHead(request.url.includes('packets') ? 404 : 200).end('{}'),
    );
    const { code, stderr } = await send(satellite.url, '--packets-on', 'path~.');
    await satellite.close();
    expect(code).toBe(1);
    expect(stderr.match(/this satellite takes no packets/g)).toHaveLength(1);
    expect(satellite.requests.filter(({ url }) => url.includes('/packets/'))).toHaveLength(1);
    expect(stderr).toContain('"packet_files_lost":2');
  });

  it('take one to send to, and a rule', async () => {
    const words = ['apidump', '--read', CAPTURE, '--output', 'ndjson', '--packets-to-satellite'];
    const { code, stderr } = await runCommand([...words, '--packets-on', 'status>=500']);
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('no trace goes to a satellite'),
    });
    expect((await runCommand(words)).stderr).toContain('no packets are asked for without --packets-on');
  });
});

it('looks for all that waits at once, several exchanges of a connection and several connections', async () => {
  const many = join(folder, 'many.pcap');
  const path = (i: number) => exchange(`/${i}`, '500 Error');
  const one = conversation(Array.from({ length: 20 }, (_, i) => path(i)).flat(), { client: 42_001, server: 80 });
  const others = Array.from({ length: 20 }, (_, i) => conversation([...path(i)], { client: 42_100 + i, server: 80 }));
  writeFileSync(many, captureFile([...one, ...others.flat()]));
  const { files, traces, directory } = await run('--read', many, '--packets-on', 'status=500');
  expect(files).toHaveLength(40);
  const records = (traceId: string) =>
    readPcap(readFileSync(join(directory, `${traceId}.pcap`))).records.map(({ hex }) => hex);
  for (const { traceId, network } of traces) {
    const { port } = network.client;
    const expected = port === 42_001 ? one : others[port - 42_100];
    expect(records(traceId)).toEqual(expected?.map((packet) => packet.toString('hex')));
  }
});

describe('a rule', () => {
  const FACTS: RuleFacts = { status: 503, durationNano: 300e6, marks: ['gap'], path: '/pay/1' };
  const fits = (text: string, facts: Partial<RuleFacts> = {}) =>
    createRuleMatcher([parsePacketRule(text)])({ ...FACTS, ...facts });

  it.each([
    ['status>=500', true],
    ['status>503', false],
    ['status=503', true],
    ['status < 600', true],
    ['latency>250ms', true],
    ['latency>=0.3s', true],
    ['latency<1m', true],
    ['latency>300000us', false],
    ['mark=gap', true],
    ['mark=aborted', false],
    ['path~^/pay/', true],
    ['path~^/list', false],
    ['status>=500 and path~^/pay/ and latency>1ms', true],
    ['status>=500 and path~^/list', false],
  ])('%s: %s', (text, expected) => {
    expect(fits(text)).toBe(expected);
  });

  it('about a status never fits an exchange without a response', () => {
    expect(fits('status<600', { status: 0 })).toBe(false);
  });
});
