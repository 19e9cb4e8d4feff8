/**
 * Packets that the satellite asks for, from its order to the files: a satellite, a sensor, an application, and tcpdump beside them, each a
 * process or a socket of its own. What is kept is what tcpdump saw of that connection, byte for byte, and nothing where nothing is asked.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { startCommand } from '../support/command.js';
import { needs } from '../support/needs.js';
import { type PcapRecord, readPcap } from '../support/pcap-records.js';

const folder = mkdtempSync(join(tmpdir(), 'pushed-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Row {
  readonly seq: number;
  readonly traceId: string;
  readonly path: string;
}

/** Waits until the stream has said it, from its beginning. Out: all that it said. */
function follow(stream: NodeJS.ReadableStream): (wanted: string | RegExp, times?: number) => Promise<string> {
  let text = '';
  stream.on('data', (piece) => {
    text += piece;
  });
  return async (wanted, times = 1) => {
    while (text.split(wanted).length <= times) await once(stream, 'data');
    return text;
  };
}

/** Answers by its path, 503 below /fail; each request has a connection of its own. */
async function startApplication(): Promise<{ port: number; ask(path: string): Promise<number> }> {
  const server = createServer((asked, response) => {
    response.writeHead(asked.url?.startsWith('/fail') ? 503 : 200, { 'Content-Length': 2 }).end('ok');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async ask(path) {
      const asking = request({ host: '127.0.0.1', port, path, agent: false }).end();
      const [response] = await once(asking, 'response');
      const client = (response.socket as { localPort: number }).localPort;
      await once(response.resume(), 'close');
      return client;
    },
  };
}

async function startTcpdump(port: number): Promise<{ path: string; stop(): Promise<void> }> {
  const path = join(folder, 'seen.pcap');
  const dump = spawn('tcpdump', ['-i', 'lo', '-U', '-s', '0', '-w', path, `tcp port ${port}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void dump.kill('SIGKILL'));
  await follow(dump.stderr)('listening on');
  return {
    path,
    async stop() {
      dump.kill('SIGINT');
      await once(dump, 'exit');
    },
  };
}

const portsOf = ({ hex }: PcapRecord): number[] =>
  [hex.slice(68, 72), hex.slice(72, 76)].map((one) => Number(`0x${one}`));

it('keeps the packets of what the satellite asks for, here and there, and of nothing else', {
  ...needs('capture', 'tcpdump'),
  timeout: 60_000,
}, async () => {
  const { port, ask } = await startApplication();
  const keys = join(folder, 'fleet.keys');
  writeFileSync(keys, 'a-key-of-the-whole-fleet\n');
  const enrolled = ['--enrolment-key-file', keys];
  const satellite = startCommand(['satellite', '--port', '0', '--packets-max-bytes', '1MiB', ...enrolled]);
  const [, url = ''] = /satellite at (http:\/\/[^;"\s]+)/.exec(await follow(satellite.stderr)('satellite at')) ?? [];
  const api = async (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`${url}${path}`, { headers: { 'Content-Type': 'application/json' }, ...init });
  const push = (configuration: object): Promise<Response> =>
    api('/api/fleet/configurations', { method: 'PUT', body: JSON.stringify({ configurations: [{ configuration }] }) });

  const directory = mkdtempSync(join(folder, 'packets-'));
  const dump = await startTcpdump(port);
  const sensor = startCommand([
    ...['apidump', '--interfaces', 'lo', '--filter', `tcp port ${port}`, '--log-format', 'json', ...enrolled],
    ...['--satellite-url', url, '--trace-export-interval', '0.1'],
    ...['--packets-on', 'pushed', '--packets-dir', directory, '--packets-to-satellite'],
  ]);
  const said = follow(sensor.stderr);
  await said('the OpAMP server answers');
  await ask('/fail/before');
  await push({ 'packets-on': ['status>=500'] });
  await said('what the server asks for is in force');
  await ask('/fine');
  const client = await ask('/fail/asked');
  const rows = async (): Promise<Row[]> => ((await (await api('/api/traces')).json()) as { rows: Row[] }).rows;
  await expect
    .poll(async () => (await rows()).some(({ path }) => path === '/fail/asked'), { timeout: 20_000 })
    .toBe(true);
  await push({});
  await said('what the server asks for is in force', 2);
  await ask('/fail/after');
  sensor.kill('SIGINT');
  await once(sensor, 'close');
  await dump.stop();

  const all = await rows();
  expect(all.map(({ path }) => path).sort()).toEqual(['/fail/after', '/fail/asked', '/fail/before', '/fine']);
  const asked = all.find(({ path }) => path === '/fail/asked') as Row;
  expect(readdirSync(directory)).toEqual([`${asked.traceId}.pcap`]);
  const file = readFileSync(join(directory, `${asked.traceId}.pcap`));
  const seen = readPcap(readFileSync(dump.path)).records.filter((record) => portsOf(record).includes(client));
  const kept = readPcap(file).records.map(({ hex }) => hex);
  // It is written once the exchange is over, and what the connection's end says then may come behind.
  expect(kept).toEqual(seen.slice(0, kept.length).map(({ hex }) => hex));
  const text = Buffer.from(kept.join(''), 'hex').toString('latin1');
  expect(text).toContain('GET /fail/asked ');
  expect(text).toContain('HTTP/1.1 503 ');
  for (const { seq, path } of all) {
    const offered = await api(`/api/packets/${seq}`);
    expect([path, offered.status]).toEqual([path, path === '/fail/asked' ? 200 : 404]);
    if (offered.status === 200) expect(Buffer.from(await offered.arrayBuffer()).equals(file)).toBe(true);
  }
});
