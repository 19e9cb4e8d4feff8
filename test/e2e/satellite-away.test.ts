/**
 * The whole sensor under faults of its satellite: real requests to a real server on loopback, captured live. The application's
 * answers are right and on time in every row, the sensor's books add up, and what the satellite got is what was asked for.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, createServer, get, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { type Satellite, startSatellite } from '../../src/satellite/satellite.js';
import { startCommand } from '../support/command.js';
import { needs } from '../support/needs.js';

const REQUESTS = 400;

let application: Server;
let satellite: Satellite | null = null;
const directories: string[] = [];

afterEach(async () => {
  application.close();
  await satellite?.close();
  satellite = null;
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true });
});

interface Row {
  name: string;
  options: readonly string[];
  /** From before the first request to after the last. */
  satelliteLife: (port: number, sent: () => number) => Promise<void>;
  signalAfter?: () => Promise<void>;
}

const ROWS: readonly Row[] = [
  { name: 'is there all the time', options: [], satelliteLife: listen },
  {
    name: 'comes late',
    options: [],
    async satelliteLife(port, sent) {
      while (sent() < REQUESTS / 2) await delay(10);
      await listen(port);
    },
  },
  {
    name: 'is killed and comes back, with a spool',
    options: ['--spool-dir', 'SPOOL'],
    async satelliteLife(port, sent) {
      await listen(port);
      while (sent() < REQUESTS / 4) await delay(10);
      await satellite?.close();
      while (sent() < (REQUESTS * 3) / 4) await delay(10);
      await listen(port);
    },
  },
];

const received = new Set<string>();

async function listen(port: number): Promise<void> {
  satellite = await startSatellite({
    host: '127.0.0.1',
    port,
    traces_max: 1,
    onTrace: (trace) => received.add(trace.target),
  });
}

it.each(ROWS)('a satellite that $name', needs('capture'), async ({ options, satelliteLife }) => {
  received.clear();
  const port = await applicationPort();
  const satellitePort = await freePort();
  const spool = await mkdtemp(join(tmpdir(), 'e2e-spool-'));
  directories.push(spool);
  let sent = 0;
  const life = satelliteLife(satellitePort, () => sent);

  const sensor = startCommand([
    ...['apidump', '--interfaces', 'lo', '--filter', `tcp port ${port}`, '--rate-limit', '0', '--log-format', 'json'],
    ...['--satellite-url', `http://127.0.0.1:${satellitePort}`, '--trace-export-interval', '0.1', '--health-port', '0'],
    ...options.map((option) => (option === 'SPOOL' ? spool : option)),
  ]);
  let log = '';
  sensor.stderr.on('data', (text) => {
    log += text;
  });
  while (!log.includes('health and metrics are served')) await once(sensor.stderr, 'data');
  const healthPort = JSON.parse(log.split('\n').find((line) => line.includes('health and metrics'))!).port;

  const agent = new Agent({ keepAlive: true, maxSockets: 2 });
  for (; sent < REQUESTS; sent++) {
    const path = `/item/${sent}`;
    expect(await fetchText(agent, port, path)).toBe(`you asked for ${path}`);
    if (sent % 100 === 50) {
      const health = await Promise.all(
        ['/healthz', '/readyz'].map((page) => fetch(`http://127.0.0.1:${healthPort}${page}`)),
      );
      expect(health.map(({ status }) => status)).toEqual([200, 200]);
    }
  }
  await life;
  agent.destroy();
  while (received.size < REQUESTS) await delay(20);
  const metrics = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
  expect(metrics).toMatch(new RegExp(`^pcap_sensor_exchanges_seen_total ${REQUESTS}$`, 'm'));

  sensor.kill('SIGTERM');
  await once(sensor, 'close');
  const summary = log
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .find(({ msg }) => msg === 'summary');
  expect(summary.counters).toMatchObject({
    exchanges_seen: REQUESTS,
    exchanges_exported: REQUESTS,
  });
  // The record has no zeros.
  for (const name of ['exchanges_dropped_undeliverable', 'queue_traces', 'spool_traces'])
    expect(summary.counters).not.toHaveProperty(name);
  expect([...received].sort()).toEqual(Array.from({ length: REQUESTS }, (_, i) => `/item/${i}`).sort());
});

it('a satellite that never comes: what is lost is counted, and the end is not held up beyond its time', {
  ...needs('capture'),
}, async () => {
  const port = await applicationPort();
  const sensor = startCommand([
    ...['apidump', '--interfaces', 'lo', '--filter', `tcp port ${port}`, '--rate-limit', '0', '--log-format', 'json'],
    ...['--satellite-url', `http://127.0.0.1:${await freePort()}`, '--shutdown-timeout', '0.5', '--health-port', '0'],
  ]);
  let log = '';
  sensor.stderr.on('data', (text) => {
    log += text;
  });
  while (!log.includes('health and metrics are served')) await once(sensor.stderr, 'data');
  const healthPort = JSON.parse(log.split('\n').find((line) => line.includes('health and metrics'))!).port;
  const agent = new Agent({ keepAlive: true });
  for (let i = 0; i < 20; i++) await fetchText(agent, port, `/${i}`);
  agent.destroy();
  for (let metrics = ''; !metrics.includes('pcap_sensor_exchanges_seen_total 20'); )
    metrics = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
  sensor.kill('SIGTERM');
  await once(sensor, 'close');
  // What was kept is lost.
  expect(sensor.exitCode).toBe(1);
  expect(log).toMatch(/"level":"warn"[^\n]*"msg":"lost: 20 traces that could not be delivered; --spool-dir keeps/);
  const summary = log
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .find(({ msg }) => msg === 'summary');
  expect(summary.counters).toMatchObject({
    exchanges_seen: 20,
    exchanges_dropped_undeliverable: 20,
  });
  expect(summary.counters).not.toHaveProperty('exchanges_exported');
});

it('a sensor that is killed while its spool holds batches: the next one delivers every trace of them', {
  ...needs('capture'),
}, async () => {
  received.clear();
  const port = await applicationPort();
  const satellitePort = await freePort();
  const spool = await mkdtemp(join(tmpdir(), 'e2e-spool-'));
  directories.push(spool);
  const start = async () => {
    const sensor = startCommand([
      ...['apidump', '--interfaces', 'lo', '--filter', `tcp port ${port}`, '--rate-limit', '0', '--log-format', 'json'],
      ...['--satellite-url', `http://127.0.0.1:${satellitePort}`, '--satellite-protocol', 'otlp', '--spool-dir', spool],
      ...['--trace-export-interval', '0.05', '--health-port', '0'],
    ]);
    let log = '';
    sensor.stderr.on('data', (text) => {
      log += text;
    });
    while (!log.includes('health and metrics are served')) await once(sensor.stderr, 'data');
    const healthPort = JSON.parse(log.split('\n').find((line) => line.includes('health and metrics'))!).port;
    const metric = async (name: string): Promise<number> => {
      const text = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
      return Number(new RegExp(`^pcap_sensor_${name} (\\d+)$`, 'm').exec(text)?.[1]);
    };
    return { sensor, metric };
  };
  const first = await start();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < 100; i++) await fetchText(agent, port, `/item/${i}`);
  agent.destroy();
  while ((await first.metric('spool_traces')) < 100) await delay(20);
  first.sensor.kill('SIGKILL');
  await once(first.sensor, 'close');
  await listen(satellitePort);
  const second = await start();
  while ((await second.metric('recovered_traces_exported_total')) < 100) await delay(20);
  expect([...received].sort()).toEqual(Array.from({ length: 100 }, (_, i) => `/item/${i}`).sort());
  expect(await second.metric('spool_records_torn_total')).toBe(0);
  second.sensor.kill('SIGTERM');
  await once(second.sensor, 'close');
});

async function applicationPort(): Promise<number> {
  application = createServer((request, response) => response.end(`you asked for ${request.url}`));
  await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
  return (application.address() as AddressInfo).port;
}

function fetchText(agent: Agent, port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ agent, host: '127.0.0.1', port, path }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createTcpServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
