/**
 * What may be on the wire to hurt a sensor, beside the steady requests of honest clients, on the whole sensor in a memory
 * control group: with the low-resource profile in its 200 MiB, and as it ships in 512 MiB.
 *
 *     npm run bench:attacks -- [--only 'NAME;…'] [--sensor bin/pcap-sensor] [--in '^200'] [--rate 100] [--log] [--list]
 *
 * First each attack on a sensor of its own without a rate limit and a CPU budget, which has to deliver every honest exchange;
 * then all of them on one sensor with the limits of its own, which has to deliver all that they admit. Prints a row of Markdown
 * for each; exits with 1 where a sensor died, lost packets, exchanges or its books, or kept its event loop busy for long:
 * `turn` is how long an event has to wait for it on a machine without neighbours (`turns/turns.c`), `loop` what it says itself.
 *
 * --only names attacks, --in is a pattern for the second column, --log prints what each sensor logged. Needs root, tcpreplay and gcc, and takes a quarter of an hour; the traffic stays in a network namespace of its own.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ATTACKS } from './attacks.js';
import { type Load, type Satellite, startApplication, startLoad, startSatellite } from './honest.js';
import { type RunningSensor, type SensorEnd, startSensor } from './sensor-process.js';
import type { Attack } from './speak.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    in: { type: 'string', default: '' },
    sensor: { type: 'string', default: 'bin/pcap-sensor' },
    rate: { type: 'string', default: '100' },
    list: { type: 'boolean', default: false },
    log: { type: 'boolean', default: false },
  },
});
const ROOT = join(import.meta.dirname, '../..');
const INSIDE = 'PCAP_SENSOR_ATTACKS_INSIDE';
const APP_PORT = 18_080;
const HEALTH_PORT = 19_464;
/** Honest requests by which a sensor is warm before an attack, as one is that has run for a while. */
const WARMING_REQUESTS = 500;
/** Honest requests alone, before an attack and behind it. */
const BESIDE_MILLIS = 800;
/** How long the sensor may take to deliver what it has. */
const AFTER_MILLIS = 30_000;
const TURN_MILLIS_MAX = 20;

interface Place {
  readonly name: string;
  readonly mebibytes: number;
  readonly flags: readonly string[];
  readonly isUnlimited: boolean;
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);
if (values.list) {
  for (const { name } of ATTACKS) print(name);
} else if (process.env[INSIDE] === undefined) {
  const command = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const { status } = spawnSync('unshare', ['-n', ...command], {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: '1' },
  });
  process.exitCode = status ?? 1;
} else {
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  process.exitCode = (await runAll()) === 0 ? 0 : 1;
}

async function runAll(): Promise<number> {
  const asked = values.only.split(';').filter((name) => name !== '');
  const attacks = ATTACKS.filter(({ name }) => asked.length === 0 || asked.includes(name));
  print('| attack | in | peak memory | turn p99, max | loop p99, max | packets lost | honest delivered | exit | |');
  print(`| --- | --- |${' ---: |'.repeat(6)} --- |`);
  let failed = 0;
  for (const attack of attacks) for (const place of places(true)) failed += await runSome(attack.name, [attack], place);
  for (const place of places(false)) failed += await runSome('all of them', attacks, place);
  print(failed === 0 ? '\nEvery bar holds.' : `\n${failed} rows do not hold.`);
  return failed;
}

function places(isUnlimited: boolean): Place[] {
  const asked = new RegExp(values.in);
  return allPlaces(isUnlimited).filter(({ name }) => asked.test(name));
}

function allPlaces(isUnlimited: boolean): Place[] {
  const unlimited = isUnlimited ? ['--rate-limit', '0', '--max-cpu', 'none'] : [];
  const profile = JSON.parse(readFileSync(join(ROOT, 'task-definitions/low-resource.json'), 'utf8')) as {
    entryPoint: string[];
    memory: number;
  };
  const own = profile.entryPoint.slice(2);
  // Its own address, names and port are set below.
  const flags: string[] = [];
  for (let i = 0; i < own.length; i += 2)
    if (!/^--(satellite-url|levo|health-port|trace-export)/.test(own[i] ?? ''))
      if (!isUnlimited || !/^--(rate-limit|max-cpu)/.test(own[i] ?? '')) flags.push(...own.slice(i, i + 2));
  const limits = isUnlimited ? '' : ', its own limits';
  return [
    {
      name: `${profile.memory} MiB, low-resource${limits}`,
      mebibytes: profile.memory,
      flags: [...flags, ...unlimited],
      isUnlimited,
    },
    { name: `512 MiB, as it ships${limits}`, mebibytes: 512, flags: unlimited, isUnlimited },
  ];
}

/** One sensor under those attacks, one after the other; 1 where it does not hold, else 0. */
async function runSome(name: string, attacks: readonly Attack[], place: Place): Promise<number> {
  const application = await startApplication(APP_PORT);
  const satellite = await startSatellite();
  const sensor = await startSensor({
    program: values.sensor,
    mebibytes: place.mebibytes,
    readyWhen: 'health and metrics are served',
    flags: [
      ...['--satellite-url', satellite.url, '--satellite-protocol', 'otlp', '--trace-export-interval', '1'],
      ...['--interfaces', 'lo', '--health-port', `${HEALTH_PORT}`],
      ...place.flags,
    ],
  });
  const load = startLoad(APP_PORT, Number(values.rate), WARMING_REQUESTS);
  await delay(BESIDE_MILLIS);
  sensor.beginTurns();
  for (const attack of attacks) await attack.run(APP_PORT);
  const sent = await settle(load, satellite, sensor, place);
  sensor.endTurns();
  const loop = await loopDelay();
  const end = await sensor.stop();
  application.close();
  satellite.close();
  return printRow(name, place, { end, loop, sent, delivered: satellite.delivered.size });
}

/** Until all that was sent is delivered, or is not going to be; how many that is. */
async function settle(load: Load, satellite: Satellite, sensor: RunningSensor, place: Place): Promise<number> {
  await delay(BESIDE_MILLIS);
  const sent = await load.stop();
  const until = performance.now() + (place.isUnlimited ? AFTER_MILLIS : 3000);
  while (satellite.delivered.size < sent && sensor.isRunning && performance.now() < until) await delay(100);
  return sent;
}

/** What `/metrics` says of it, in milliseconds. */
async function loopDelay(): Promise<{ p99: number; max: number }> {
  const metrics = await fetch(`http://127.0.0.1:${HEALTH_PORT}/metrics`).then(
    (reply) => reply.text(),
    () => '',
  );
  const of = (quantile: string): number =>
    1000 *
    Number(new RegExp(`event_loop_delay_seconds\\{quantile="${quantile}"\\} (\\S+)`).exec(metrics)?.[1] ?? Number.NaN);
  return { p99: of('0.99'), max: of('1') };
}

interface Seen {
  readonly end: SensorEnd;
  readonly loop: { readonly p99: number; readonly max: number };
  readonly sent: number;
  readonly delivered: number;
}

function printRow(name: string, place: Place, { end, loop, sent, delivered }: Seen): number {
  const turns = [...end.turnMillis].sort((a, b) => a - b);
  const turn = { p99: turns[Math.ceil(turns.length * 0.99) - 1] ?? Number.NaN, max: turns.at(-1) ?? Number.NaN };
  const lost = end.summary?.interfaces.reduce((sum, { dropped }) => sum + (dropped ?? 0), 0) ?? Number.NaN;
  const counters = end.summary?.counters ?? {};
  const undeliverable = counters.exchanges_dropped_undeliverable ?? 0;
  const wrong = [
    end.exitCode === 0 ? '' : 'it did not end well',
    lost === 0 ? '' : 'packets lost',
    turn.p99 <= TURN_MILLIS_MAX ? '' : 'long turns',
    !place.isUnlimited || delivered >= sent ? '' : 'honest exchanges lost',
    undeliverable === 0 ? '' : `${undeliverable} undeliverable`,
    booksBalance(counters) ? '' : 'the books do not balance',
  ].filter((text) => text !== '');
  const cells = [
    `${end.peakMebibytes} MiB`,
    `${turn.p99.toFixed(1)}, ${turn.max.toFixed(0)} ms`,
    `${loop.p99.toFixed(0)}, ${loop.max.toFixed(0)} ms`,
    lost,
    `${delivered} of ${sent}`,
    end.exitCode,
    wrong.join(', '),
  ];
  print(`| ${[name, place.name, ...cells].join(' | ')} |`);
  if (values.log) print(end.log);
  return wrong.length === 0 ? 0 : 1;
}

/** Each exchange that was seen has one outcome. */
function booksBalance(counters: Readonly<Record<string, number>>): boolean {
  const outcomes = Object.entries(counters).filter(([name]) => /^exchanges_(exported|dropped_)/.test(name));
  return outcomes.reduce((sum, [, count]) => sum + count, 0) === counters.exchanges_seen;
}
