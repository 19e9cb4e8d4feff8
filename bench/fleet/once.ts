/**
 * Two real sensors that see the same connections, one of them killed half way: who told of what.
 *
 * in: how many connections, how fast, where the sensors stand · out: what became of each connection, and what the survivor counted
 *
 *      client ──────── veth ──────── server          Sensors capture at both ends of the pair, or both at the server's.
 *         └──── veth ──── hub ──── veth ───┘         The satellite is in the hub, and not on their way.
 *
 * Needs root and iproute2. Everything is in namespaces of its own, which are removed at the end.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNamespace, joinNamespaces, type Namespace, type Program } from '../live/namespace.js';
import { openHub } from './hub.js';

export interface OnceSettings {
  readonly connections: number;
  readonly perSecond: number;
  /** Where the sensors stand; the one that is named last is killed. */
  readonly at: readonly ['client' | 'server', 'client' | 'server'];
  readonly directory: string;
  /** The program `pcap-sensor`. */
  readonly program: string;
}

export interface OnceResult {
  readonly connections: number;
  /** By how often they were told of. */
  readonly toldOf: Readonly<Record<number, number>>;
  /** Connections that nobody told of and that began once the survivor had taken over. */
  readonly lostAfter: number;
  /** What the survivor says that may be lost. */
  readonly counted: number;
  readonly takeoverMillis: number;
  /** What the survivor left to the other one. */
  readonly left: number;
}

const PORT = 8080;
const LEARN_MILLIS_MAX = 90_000;
/** Longer than two heartbeats. */
const TAKEOVER_MILLIS = 12_000;

const SERVER = `require('http').createServer((q, s) => { s.setHeader('Connection', 'close'); s.end('ok'); })
  .listen(${PORT}, '10.79.0.2', () => console.log('listening'))`;
/** \`PATH COUNT PER_SECOND\` a line; says when each began, in milliseconds since 1970. */
const CLIENT = `const http = require('http');
const ask = (path) => new Promise((done) => http.get({ host: '10.79.0.2', port: ${PORT}, path, agent: false }, (r) => r.resume().on('end', done)).on('error', done));
require('readline').createInterface({ input: process.stdin }).on('line', async (line) => {
  const [path, count, perSecond] = line.split(' ');
  const began = []; const open = []; const start = Date.now();
  for (let i = 0; i < Number(count); i++) {
    const due = start + (i * 1000) / Number(perSecond);
    while (Date.now() < due) await new Promise((go) => setTimeout(go, due - Date.now()));
    began.push(Date.now()); open.push(ask(path + i));
    if (i % 100 === 99) console.log('at ' + path + (i + 1));
  }
  await Promise.all(open);
  console.log('done ' + path + ' ' + JSON.stringify(began));
});`;

export async function runOnce({ connections, perSecond, at, directory, program }: OnceSettings): Promise<OnceResult> {
  const [client, server] = [createNamespace('client'), createNamespace('server')];
  const spaces = { client: { namespace: client, spoke: 0 }, server: { namespace: server, spoke: 1 } };
  const hub = await openHub({ spokes: [client, server], directory, program });
  try {
    joinNamespaces(
      { namespace: client, device: 'wire', address: '10.79.0.1/30' },
      { namespace: server, device: 'wire', address: '10.79.0.2/30' },
    );
    server.start('http-server', [process.execPath, '-e', SERVER], { directory });
    const traffic = startTraffic(client, directory);
    const sensors = at.map((where, index) =>
      spaces[where].namespace.start(
        `sensor${index}`,
        [
          ...[
            program,
            'apidump',
            '--interfaces',
            'wire',
            '--filter',
            `tcp port ${PORT}`,
            '--satellite-url',
            hub.urlFor(spaces[where].spoke),
          ],
          ...['--enrolment-key-file', hub.keyFile, '--rate-limit', '0', '--max-cpu', 'none', '--log-format', 'json'],
          ...['--service-name', where, '--trace-export-interval', '1'],
        ],
        { directory },
      ),
    );
    const [survivor, victim] = sensors as [Program, Program];
    await Promise.all(sensors.map((one) => one.said('the OpAMP server answers')));
    await learn(traffic, sensors);
    const began = traffic.run('/c/', connections, perSecond);
    await traffic.said(`at /c/${Math.ceil(connections / 200) * 100}\n`);
    victim.child.kill('SIGKILL');
    const killedAt = Date.now();
    await survivor.said('another sensor has gone');
    const takenOverAt = timeOf(survivor, 'another sensor has gone');
    const times = await began;
    await sleep(Math.max(3000, killedAt + TAKEOVER_MILLIS - Date.now()));
    await survivor.stop('SIGINT', 20_000);
    const told = toldOf(hub.ask('/api/export.ndjson?filter=path%3A%5E%2Fc%2F&count=1000000'));
    const counters = summaryOf(survivor);
    const counts: Record<number, number> = {};
    let lostAfter = 0;
    for (const [index, time] of times.entries()) {
      const times = told.get(`/c/${index}`) ?? 0;
      counts[times] = (counts[times] ?? 0) + 1;
      if (times === 0 && time > takenOverAt) lostAfter++;
    }
    return {
      ...{ connections, toldOf: counts, lostAfter, takeoverMillis: takenOverAt - killedAt },
      counted: counters.elsewhere_lost ?? 0,
      left: counters.exchanges_dropped_elsewhere ?? 0,
    };
  } finally {
    for (const one of [client, server, hub]) await one.remove();
  }
}

interface Traffic {
  /** When each connection began. */
  run(path: string, count: number, perSecond: number): Promise<readonly number[]>;
  said(text: string): Promise<void>;
}

function startTraffic(client: Namespace, directory: string): Traffic {
  const orders = join(directory, 'orders');
  execFileSync('mkfifo', [orders]);
  // Opened for both, so that it does not end with the first line.
  const program = client.start('traffic', ['sh', '-c', `exec "$0" -e "$1" <>"$2"`, process.execPath, CLIENT, orders], {
    directory,
  });
  return {
    async run(path, count, perSecond) {
      writeFileSync(orders, `${path} ${count} ${perSecond}\n`);
      for (;;) {
        const line = readFileSync(program.output, 'utf8')
          .split('\n')
          .slice(0, -1)
          .find((one) => one.startsWith(`done ${path} `));
        if (line !== undefined) return JSON.parse(line.slice(`done ${path} `.length)) as number[];
        await sleep(50);
      }
    },
    said: (text) => program.said(text),
  };
}

/** Until the satellite has found out that both see the same, and both know. */
async function learn(traffic: Traffic, sensors: readonly Program[]): Promise<void> {
  const latest = Date.now() + LEARN_MILLIS_MAX;
  const knows = (one: Program): boolean => readFileSync(one.errors, 'utf8').includes('each is told of once');
  for (let round = 0; !sensors.every(knows); round++) {
    if (Date.now() > latest) throw new Error('the sensors were not found to see the same');
    await traffic.run(`/learn/${round}/`, 40, 40);
  }
}

function toldOf(ndjson: string): ReadonlyMap<string, number> {
  const told = new Map<string, number>();
  for (const line of ndjson.split('\n').filter(Boolean)) {
    const { path } = (JSON.parse(line) as { request: { path: string } }).request;
    told.set(path, (told.get(path) ?? 0) + 1);
  }
  return told;
}

function lineOf({ errors }: Program, text: string): Readonly<Record<string, unknown>> {
  const line = readFileSync(errors, 'utf8')
    .split('\n')
    .find((one) => one.includes(text));
  return JSON.parse(line ?? '{}') as Readonly<Record<string, unknown>>;
}

function timeOf(program: Program, text: string): number {
  const { time } = lineOf(program, text);
  return typeof time === 'number' ? time : Date.parse(String(time));
}

function summaryOf(program: Program): Readonly<Record<string, number>> {
  return (lineOf(program, '"msg":"summary"').counters ?? {}) as Readonly<Record<string, number>>;
}
