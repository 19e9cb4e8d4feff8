/**
 * Real sensors under one budget beside the simulation of the same: each in a namespace of its own, with an application and its clients, at
 * the rates that the simulation drew.
 *
 * in: how many, for how long · out: what was kept in total, by service and in the worst minute, of both
 *
 *     namespace 0: clients → application on lo, sensor ──veth── hub: satellite --fleet-rate
 *     namespace 1: …                                   ──veth──┘
 *
 * Needs root and iproute2.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Fleet, type FleetSensor } from '../../test/simulation/fleet.js';
import { Random } from '../../test/support/random.js';
import { createNamespace } from '../live/namespace.js';
import { openHub } from './hub.js';

export interface BudgetSettings {
  readonly sensors: number;
  readonly services: number;
  /** Traces a minute of the budget. */
  readonly perMinute: number;
  readonly seenPerMinute: number;
  readonly ownPerMinute: number;
  /** How long what is kept is counted, after `settleSeconds`. */
  readonly seconds: number;
  readonly seed: number;
  readonly directory: string;
  readonly program: string;
}

export interface Tally {
  /** Traces a minute, of all and by service. */
  readonly keptPerMinute: number;
  readonly byService: Readonly<Record<string, number>>;
  /** The most in any minute. */
  readonly worstMinute: number;
}

export interface RealTally extends Tally {
  /** What the traces stand for, in a minute. */
  readonly standsFor: number;
}

const SETTLE_SECONDS = 60;
const PORT = 8080;
const READY_MILLIS_MAX = 180_000;

/** Requests at random times, as many a second as it is told, to an application of its own. */
const TRAFFIC = `const http = require('http');
const [host, load, endpoints] = JSON.parse(process.argv[1]);
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
http.createServer((q, s) => s.end('ok')).listen(${PORT}, '127.0.0.1', () => console.log('listening'));
let asked = 0;
const ask = () => {
  let at = Math.random() * endpoints.reduce((sum, one) => sum + one.weight, 0);
  const { path } = endpoints.find((one) => (at -= one.weight) < 0) ?? endpoints[0];
  http.get({ host: '127.0.0.1', port: ${PORT}, path, agent, headers: { Host: host } }, (r) => r.resume()).on('error', () => {});
  asked++;
  setTimeout(ask, (-Math.log(1 - Math.random()) * 1000) / load);
};
process.stdin.once('data', () => { console.log('began'); ask(); setInterval(() => console.log('asked ' + asked), 1000); });`;

/** What the real code does under a virtual clock. */
export async function simulate(settings: BudgetSettings): Promise<{ tally: Tally; sensors: readonly FleetSensor[] }> {
  const fleet = new Fleet(settings, new Random(settings.seed));
  await fleet.join(settings.sensors, 1000);
  await fleet.run(SETTLE_SECONDS);
  const before = new Map(fleet.sensors.map((sensor) => [sensor, sensor.kept]));
  const from = Math.floor(fleet.seconds);
  await fleet.run(settings.seconds);
  const byService: Record<string, number> = {};
  for (const sensor of fleet.sensors) {
    const kept = (sensor.kept - (before.get(sensor) ?? 0)) * (60 / settings.seconds);
    byService[sensor.service.name] = (byService[sensor.service.name] ?? 0) + kept;
  }
  const seconds = fleet.keptBySecond.slice(from, from + settings.seconds);
  return { tally: talliedOf(byService, seconds), sensors: fleet.sensors };
}

/** Traffic like that of `sensors`, and real ones in their place. */
export async function runReal(settings: BudgetSettings, sensors: readonly FleetSensor[]): Promise<RealTally> {
  const { directory, program, perMinute, ownPerMinute, seconds } = settings;
  const spaces = sensors.map((_, index) => createNamespace(`task${index}`));
  const hub = await openHub({ spokes: spaces, directory, program, options: ['--fleet-rate', String(perMinute)] });
  try {
    const programs = [];
    for (const [index, { service, load }] of sensors.entries()) {
      const words = JSON.stringify([service.name, load, service.endpoints]);
      const traffic = spaces[index]?.start(`traffic${index}`, [process.execPath, '-e', TRAFFIC, words], {
        directory,
        stdin: 'pipe',
      });
      const sensor = spaces[index]?.start(
        `sensor${index}`,
        [
          ...[program, 'apidump', '--interfaces', 'lo', '--filter', `tcp port ${PORT}`, '--log-format', 'json'],
          ...['--satellite-url', hub.urlFor(index), '--enrolment-key-file', hub.keyFile, '--max-cpu', 'none'],
          ...['--rate-limit', String(ownPerMinute), '--service-name', service.name, '--trace-export-interval', '2'],
        ],
        { directory },
      );
      if (traffic !== undefined && sensor !== undefined) programs.push({ traffic, sensor });
    }
    const ready = programs.map(async ({ traffic, sensor }) => {
      await traffic.said('listening');
      await sensor.said('the OpAMP server answers', READY_MILLIS_MAX);
    });
    await Promise.all(ready);
    for (const { traffic } of programs) traffic.child.stdin?.write('go\n');
    await sleep((SETTLE_SECONDS + seconds) * 1000);
    const until = Date.now() - 5000;
    // The last batches are on their way.
    await sleep(10_000);
    return tallyOf(hub.ask('/api/export.ndjson?count=1000000'), { from: until - seconds * 1000, until });
  } finally {
    for (const space of spaces) await space.remove();
    await hub.remove();
  }
}

interface Window {
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly until: number;
}

function tallyOf(ndjson: string, { from, until }: Window): RealTally {
  const byService: Record<string, number> = {};
  const seconds: number[] = [];
  let standsFor = 0;
  const perMinute = 60_000 / (until - from);
  for (const line of ndjson.split('\n').filter(Boolean)) {
    const {
      startTimeUnixNano,
      request,
      adjustedCount = 1,
    } = JSON.parse(line) as {
      startTimeUnixNano: string;
      request: { authority: string };
      adjustedCount?: number;
    };
    const start = Number(BigInt(startTimeUnixNano) / 1_000_000n);
    if (start < from || start >= until) continue;
    const { authority } = request;
    byService[authority] = (byService[authority] ?? 0) + perMinute;
    const second = Math.floor((start - from) / 1000);
    seconds[second] = (seconds[second] ?? 0) + 1;
    standsFor += adjustedCount;
  }
  return { ...talliedOf(byService, seconds), standsFor: Math.round(standsFor * perMinute) };
}

function talliedOf(byService: Readonly<Record<string, number>>, seconds: readonly number[]): Tally {
  let worstMinute = 0;
  for (let at = 0; at + 60 <= seconds.length; at++) {
    let sum = 0;
    for (let second = at; second < at + 60; second++) sum += seconds[second] ?? 0;
    worstMinute = Math.max(worstMinute, sum);
  }
  const rounded = Object.entries(byService).map(([name, kept]): [string, number] => [name, Math.round(kept)]);
  const keptPerMinute = Math.round(Object.values(byService).reduce((sum, one) => sum + one, 0));
  return { keptPerMinute, byService: Object.fromEntries(rounded.sort()), worstMinute };
}
