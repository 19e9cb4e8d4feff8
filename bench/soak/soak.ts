/**
 * A day's traffic in twenty minutes: 24 hours at the default limit of 1000 traces a minute are 1.44 million exchanges.
 *
 *     npm run build && npx tsc -p tsconfig.bench.json
 *     node build/bench/bench/soak/soak.js [minutes] [exchanges a second]
 *
 * A sample API, a local satellite, the sensor on loopback with no rate limit and a spool, and steady requests, each in a
 * process of its own. The satellite is killed for half a minute in the middle. Prints a line every ten seconds, and at the
 * end whether memory and descriptors stayed where they were and whether the books add up; needs CAP_NET_RAW.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const SELF = fileURLToPath(import.meta.url);
const CLI = fileURLToPath(new URL('../../../../dist/cli/cli.js', import.meta.url));
const API_PORT = 18_480;
const SATELLITE_PORT = 18_481;
const HEALTH_PORT = 18_482;
const SAMPLE_MILLIS = 10_000;
const AWAY_MILLIS = 30_000;

type Sample = Map<string, number>;

if (process.argv[2] === 'api') serveApi();
else if (process.argv[2] === 'load') await makeLoad(Number(process.argv[3]));
else process.exitCode = await soak(Number(process.argv[2] ?? 20), Number(process.argv[3] ?? 1200));

async function soak(minutes: number, rate: number): Promise<number> {
  const spool = mkdtempSync(join(tmpdir(), 'soak-'));
  const children: ChildProcess[] = [];
  const start = (child: ChildProcess): ChildProcess => {
    children.push(child);
    return child;
  };
  const startSatellite = (): ChildProcess =>
    start(spawn(process.execPath, [CLI, 'satellite', '--port', `${SATELLITE_PORT}`], { stdio: 'ignore' }));
  try {
    start(fork(SELF, ['api']));
    let satellite = startSatellite();
    await delay(1000);
    const sensor = start(
      spawn(
        process.execPath,
        [
          ...[
            CLI,
            'apidump',
            '--interfaces',
            'lo',
            '--filter',
            `tcp port ${API_PORT}`,
            '--rate-limit',
            '0',
            '--max-cpu',
            'none',
          ],
          ...['--satellite-url', `http://127.0.0.1:${SATELLITE_PORT}`, '--trace-export-interval', '1'],
          ...['--spool-dir', spool, '--health-port', `${HEALTH_PORT}`, '--log-format', 'text'],
        ],
        { stdio: ['ignore', 'inherit', 'inherit'] },
      ),
    );
    const ended = new Promise((resolve) => sensor.once('exit', resolve));
    await delay(2000);
    start(fork(SELF, ['load', `${rate}`]));

    const samples: Sample[] = [];
    const end = Date.now() + minutes * 60_000;
    const awayAt = Date.now() + minutes * 30_000;
    let wasAway = false;
    while (Date.now() < end) {
      await delay(SAMPLE_MILLIS);
      const sample = await scrape();
      samples.push(sample);
      process.stdout.write(`${line(sample)}\n`);
      if (!wasAway && Date.now() > awayAt) {
        wasAway = true;
        satellite.kill('SIGKILL');
        await delay(AWAY_MILLIS);
        satellite = startSatellite();
      }
    }
    sensor.kill('SIGTERM');
    await ended;
    return verdict(samples);
  } finally {
    for (const child of children) child.kill('SIGKILL');
    rmSync(spool, { recursive: true, force: true });
  }
}

/** Compares the median of the second tenth with that of the last: growth without end shows, warming up does not. */
function verdict(samples: readonly Sample[]): number {
  const tenth = Math.max(1, Math.floor(samples.length / 10));
  const middle = (from: number, name: string): number => {
    const values = samples.slice(from, from + tenth).map((sample) => sample.get(name) ?? 0);
    return values.sort((a, b) => a - b)[values.length >> 1] ?? 0;
  };
  let failed = 0;
  for (const [name, slack] of [
    ['process_resident_memory_bytes', 1.2],
    ['process_open_fds', 1.1],
  ] as const) {
    const early = middle(tenth, name);
    const late = middle(samples.length - tenth, name);
    const flat = late <= early * slack + 2;
    if (!flat) failed++;
    process.stdout.write(`${name}: ${early} early, ${late} late: ${flat ? 'flat' : 'GROWS'}\n`);
  }
  return failed === 0 ? 0 : 1;
}

function line(sample: Sample): string {
  const of = (name: string): number => sample.get(name) ?? 0;
  return [
    `seen ${of('pcap_sensor_exchanges_seen_total')}`,
    `exported ${of('pcap_sensor_exchanges_total{outcome="exported"}')}`,
    `undeliverable ${of('pcap_sensor_exchanges_total{outcome="undeliverable"}')}`,
    `in flight ${of('pcap_sensor_exchanges_in_flight')}`,
    `spooled ${of('pcap_sensor_spool_traces')}`,
    `lost packets ${of('pcap_sensor_interface_dropped_total{interface="lo"}')}`,
    `rss ${(of('process_resident_memory_bytes') / 2 ** 20).toFixed(0)} MiB`,
    `fds ${of('process_open_fds')}`,
    `cpu ${of('process_cpu_seconds_total').toFixed(1)} s`,
    `loop p99 ${(of('pcap_sensor_event_loop_delay_seconds{quantile="0.99"}') * 1000).toFixed(1)} ms`,
    `max ${(of('pcap_sensor_event_loop_delay_seconds{quantile="1"}') * 1000).toFixed(1)} ms`,
  ].join(' · ');
}

async function scrape(): Promise<Sample> {
  const text = await (await fetch(`http://127.0.0.1:${HEALTH_PORT}/metrics`)).text();
  const sample: Sample = new Map();
  for (const one of text.split('\n')) {
    const space = one.lastIndexOf(' ');
    if (one !== '' && !one.startsWith('#')) sample.set(one.slice(0, space), Number(one.slice(space + 1)));
  }
  return sample;
}

function serveApi(): void {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ path: request.url, items: Array.from({ length: 20 }, (_, i) => ({ id: i })) }));
    });
  });
  server.listen(API_PORT, '127.0.0.1');
}

/** `rate` requests a second for ever; prints the application's latency every minute, which the sensor must not change. */
async function makeLoad(rate: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  let latencies: number[] = [];
  let sent = 0;
  const began = Date.now();
  setInterval(() => {
    for (const due = ((Date.now() - began) / 1000) * rate; sent < due; sent++) {
      const from = performance.now();
      get({ agent, host: '127.0.0.1', port: API_PORT, path: `/items/${sent % 1000}?page=${sent}` }, (response) => {
        response.resume();
        response.on('end', () => latencies.push(performance.now() - from));
      }).on('error', () => {});
    }
  }, 10);
  for (;;) {
    await delay(60_000);
    const sorted = latencies.sort((a, b) => a - b);
    latencies = [];
    const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(2);
    process.stdout.write(`application: ${sorted.length} requests, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms\n`);
  }
}
