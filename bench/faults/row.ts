/**
 * One row of the fault matrix: an application under steady requests, the sensor of `dist/` beside it, and a satellite with a
 * fault, all real processes.
 *
 *     row.ts FAULT SPOOL|'' SATELLITE-NAMESPACE SECONDS RATE
 *
 * Runs inside the task's namespace. The sensor has its defaults, so that it must distinguish its own traffic from the
 * application's by itself, but for the rate limit (none) and a memory budget small enough for the queue to overflow.
 * out: a `RowResult` as JSON on stdout
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Counters, createCounters, exchangesInFlight } from '../../src/counters.js';
import { makeCertificates } from '../../test/support/certificates.js';
import { FAULTS, SATELLITE_ADDRESSES, type Stage } from './faults.js';
import { KNOWN_NAME } from './known-name.js';
import { blackHole } from './namespaces.js';
import type { SatelliteCharacter } from './satellite.js';
import type { LoadReport } from './traffic.js';

export interface RowResult {
  readonly load: LoadReport;
  readonly counters: Counters;
  /** Spans the satellite took, each id once, and those it took again. */
  readonly received: number;
  readonly receivedAgain: number;
  readonly peakResidentBytes: number;
  readonly loopDelayP99Millis: number;
  readonly warnings: readonly string[];
  /** What is wrong. */
  readonly wrong: readonly string[];
}

const API_PORT = 8080;
const HEALTH_PORT = 9464;
const SATELLITE_PORT = 4318;
const MAX_MEMORY = 64 << 20;
/** What Node.js itself takes with the packages loaded and its heap warm, besides what the budget counts. */
const RESIDENT_MAX = MAX_MEMORY + (100 << 20);
/** Longer than the longest pause between two attempts, and than a name server may take. */
const DELIVERY_MILLIS = 120_000;

const CLI = join(import.meta.dirname, '../../dist/cli/cli.js');
const processes: ChildProcess[] = [];

const [, , faultName = '', withSpool, satelliteNamespace = '', seconds, rate] = process.argv;
const fault = FAULTS.find(({ name }) => name === faultName);
if (fault === undefined) throw new Error(`no fault is called ${faultName}`);
const millis = Number(seconds) * 1000;
const WARM_UP_MILLIS = Math.min(5000, millis);
const BEFORE_MILLIS = Math.min(15_000, millis);
const AFTER_MILLIS = Math.min(5000, millis);
const directory = mkdtempSync(join(tmpdir(), 'fault-'));
try {
  process.stdout.write(JSON.stringify(await runRow()));
} finally {
  for (const child of processes) child.kill('SIGKILL');
  rmSync(directory, { recursive: true });
}

async function runRow(): Promise<RowResult> {
  const right = makeCertificates(SATELLITE_ADDRESSES[0]);
  const wrong = makeCertificates(SATELLITE_ADDRESSES[0]);
  const received = new Map<string, number>();
  let satellite: ChildProcess | null = null;
  const names = await startChild(insideSatellite('name-server.ts', SATELLITE_ADDRESSES[0], SATELLITE_ADDRESSES[0]));

  const stage: Stage = {
    millis,
    async killSatellite() {
      const dying = satellite;
      satellite = null;
      if (dying === null) return;
      // What it reported before it died still counts.
      const gone = Promise.all([once(dying, 'exit'), once(dying, 'disconnect')]);
      dying.kill('SIGKILL');
      await gone;
    },
    async startSatellite({ certificate = 'right' } = {}) {
      const character: SatelliteCharacter = {
        address: '0.0.0.0',
        port: SATELLITE_PORT,
        certificate: fault?.tls ? (certificate === 'right' ? right : wrong).server : null,
      };
      const child = insideSatellite('satellite.ts', JSON.stringify(character));
      child.on('message', (message: { spans?: string[] }) => {
        for (const id of message.spans ?? []) received.set(id, (received.get(id) ?? 0) + 1);
      });
      satellite = await startChild(child);
    },
    behave: (what) => void satellite?.send({ fault: what }),
    resolveTo: (answer) => void names.send({ answer }),
    blackHole: (isOn) => blackHole(satelliteNamespace, isOn),
  };

  await stage.startSatellite();
  await startChild(fork(script('traffic.ts'), ['api', `${API_PORT}`]));
  const host = fault?.named ? KNOWN_NAME : SATELLITE_ADDRESSES[0];
  writeFileSync(join(directory, 'ca.pem'), right.ca);
  const sensor = spawn(
    process.execPath,
    [
      ...[CLI, 'apidump', '--satellite-url', `${fault?.tls ? 'https' : 'http'}://${host}:${SATELLITE_PORT}`],
      ...['--satellite-protocol', 'otlp', '--trace-export-interval', '1', '--rate-limit', '0', '--max-cpu', 'none'],
      ...['--max-memory', `${MAX_MEMORY}`, '--health-port', `${HEALTH_PORT}`, '--log-format', 'json'],
      ...(fault?.tls ? ['--satellite-ca', join(directory, 'ca.pem')] : []),
      ...(withSpool ? ['--spool-dir', join(directory, 'spool'), '--spool-max-bytes', '1GiB'] : []),
    ],
    { stdio: ['ignore', 'inherit', 'pipe'], env: { PATH: process.env.PATH } },
  );
  processes.push(sensor);
  let log = '';
  sensor.stderr.on('data', (text) => {
    log += text;
  });
  while (!log.includes('health and metrics are served')) await once(sensor.stderr, 'data');

  const load = fork(script('traffic.ts'), ['load', `${API_PORT}`, `${rate}`]);
  processes.push(load);
  load.send({ phase: 'warm-up' });
  await delay(WARM_UP_MILLIS);
  load.send({ phase: 'before' });
  await delay(BEFORE_MILLIS);
  load.send({ phase: 'during' });
  await fault?.during(stage);
  load.send({ phase: 'after' });
  await delay(AFTER_MILLIS);
  const [report] = (await Promise.all([once(load, 'message'), load.send({ stop: true })]))[0] as [LoadReport];

  // Until everything has an outcome, or the sensor's time is over.
  const until = performance.now() + DELIVERY_MILLIS;
  let metrics = await scrape();
  const left = (): number => value(metrics, 'exchanges_in_flight') + value(metrics, 'spool_traces');
  while ((value(metrics, 'exchanges_seen_total') < report.done || left() > 0) && performance.now() < until) {
    await delay(500);
    metrics = await scrape();
  }
  const peakResidentBytes =
    1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${sensor.pid}/status`, 'utf8'))?.[1]);
  const loopDelayP99Millis = 1000 * value(metrics, 'event_loop_delay_seconds{quantile="0.99"}');
  const closed = once(sensor, 'close');
  sensor.kill('SIGTERM');
  await closed;
  await stage.killSatellite();

  const lines = log
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  // The record leaves out what is zero.
  const counters: Counters = { ...createCounters(), ...lines.find(({ msg }) => msg === 'summary')?.counters };
  const result = {
    load: report,
    counters,
    received: received.size,
    receivedAgain: [...received.values()].reduce((sum, times) => sum + times - 1, 0),
    peakResidentBytes,
    loopDelayP99Millis,
    warnings: lines.filter(({ level }) => level >= 40 || level === 'warn').map(({ msg }) => msg),
  };
  return { ...result, wrong: judge(result) };
}

/** What does not add up. */
function judge({ load, counters, received, peakResidentBytes }: Omit<RowResult, 'wrong'>): string[] {
  const wrong: string[] = [];
  const want = (what: string, right: boolean): void => {
    if (!right) wrong.push(what);
  };
  const { exchanges_seen, exchanges_exported, exchanges_dropped_undeliverable: lost } = counters;
  want(`${load.failed} requests of the application failed`, load.failed === 0);
  want(`seen ${exchanges_seen}, not ${load.done}`, exchanges_seen === load.done);
  want(`${exchangesInFlight(counters)} still in flight`, exchangesInFlight(counters) === 0);
  want(`exported ${exchanges_exported} + lost ${lost} is not seen`, exchanges_exported + lost === exchanges_seen);
  want(`received ${received}, exported ${exchanges_exported}`, received === exchanges_exported);
  want('lost something in spite of the spool', !withSpool || fault?.isFinal === true || lost === 0);
  want('resident memory out of bounds', peakResidentBytes <= RESIDENT_MAX);
  return wrong;
}

function script(name: string): string {
  return join(import.meta.dirname, name);
}

/** Our own script in the satellite's namespace. */
function insideSatellite(name: string, ...args: string[]): ChildProcess {
  const command = [process.execPath, ...process.execArgv, script(name), ...args];
  return spawn('ip', ['netns', 'exec', satelliteNamespace, ...command], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

/** Resolves when it has said that it listens. */
async function startChild(child: ChildProcess): Promise<ChildProcess> {
  processes.push(child);
  await once(child, 'message');
  return child;
}

async function scrape(): Promise<string> {
  return (await fetch(`http://127.0.0.1:${HEALTH_PORT}/metrics`)).text();
}

function value(metrics: string, name: string): number {
  const line = metrics.split('\n').find((one) => one.startsWith(`pcap_sensor_${name} `));
  return Number(line?.slice(line.lastIndexOf(' ')));
}
