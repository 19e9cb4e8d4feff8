/**
 * Active response against real servers and clients: `npm run bench:response`, or with how many connections are to be left alone behind it.
 *
 * Prints two tables: for each server and client how long connections that match went on, and what was sent where nothing may be. Exits
 * with 1 where one that matches went on for longer than 100 ms, another was touched, or a reset was sent that must not be.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitOnSignals } from '../live/namespace.js';
import { type Cell, printTable } from '../table.js';
import { CASES, curl, type Outcome, orderedSockets, shortOnes, untouched } from './cases.js';
import { openPlace, type Place, type Sensor } from './place.js';

const OTHERS = 3 * Math.ceil(Number(process.argv[2] ?? 100_000) / 3);
const OTHERS_PER_SECOND = 1200;
const PAUSE_MILLIS = 1000;
const COUNT = 20;
const MILLIS_MAX = 100;
const RULE = ['--active-response-rule', 'path=^/admin'];
const ON = ['--active-response', ...RULE, '--active-response-per-minute', '6000'];

exitOnSignals();
const directory = mkdtempSync(join(tmpdir(), 'response-'));
const place = await openPlace(directory);
try {
  await matching(place);
  await nothing(place);
} finally {
  await place.remove();
  rmSync(directory, { recursive: true });
}

async function matching({ servers }: Place): Promise<void> {
  const sensor = await place.startSensor(ON);
  const rows: Cell[][] = [];
  const note = (what: string, { asked, atClient, atServer }: Outcome): void => {
    const late = [...atClient, ...atServer].filter((millis) => millis > MILLIS_MAX).length;
    rows.push([what, asked, atClient.length, ...spanOf(atClient), atServer.length, ...spanOf(atServer), late]);
    const ends = [atClient, ...(atServer.length === 0 ? [] : [atServer])];
    if (late > 0 || ends.some(({ length }) => length < asked)) process.exitCode = 1;
  };
  for (const server of servers)
    for (const [name, run] of Object.entries(CASES))
      if (name !== 'a WebSocket' || server.sockets !== null)
        note(`${server.name}, ${name}`, await run(place, server, COUNT));
  for (const server of servers)
    if (server.sockets !== null)
      note(`${server.name}, WebSockets before the order`, await orderedSockets(place, sensor, server, COUNT));
  const left = await besideOthers(place, note);
  const { response_resets = 0, packets_seen = 0, gaps = 0 } = await sensor.stop();
  const at = (where: string): string[] => [`ended at ${where}`, 'p50 ms', 'max ms'];
  printTable(['server, client', 'match', ...at('the client'), ...at('the server'), `over ${MILLIS_MAX} ms`], rows);
  process.stdout.write(
    `\n${left} of ${OTHERS} connections that do not match had their answer, ${OTHERS_PER_SECOND} a second. The sensor reset ${response_resets}, and saw ${packets_seen} packets with ${gaps} gaps.\n\n`,
  );
  if (left !== OTHERS) process.exitCode = 1;
}

/** Connections that match, one after the other, while there are many that do not. Out: how many of those had their answer. */
async function besideOthers(given: Place, note: (what: string, outcome: Outcome) => void): Promise<number> {
  const { servers } = given;
  const connections = OTHERS / servers.length;
  const perSecond = OTHERS_PER_SECOND / servers.length;
  let isOver = false;
  const others = Promise.all(servers.map((server) => untouched(given, server, { connections, perSecond }))).finally(
    () => (isOver = true),
  );
  const sums = new Map(
    servers.map(({ name }) => [name, { asked: 0, atClient: [] as number[], atServer: [] as number[] }]),
  );
  while (!isOver)
    for (const server of servers) {
      const { asked, atClient, atServer } = await curl(given, server, COUNT);
      const sum = sums.get(server.name);
      if (sum === undefined) continue;
      sum.asked += asked;
      sum.atClient.push(...atClient);
      sum.atServer.push(...atServer);
      await sleep(PAUSE_MILLIS);
    }
  for (const [name, sum] of sums) note(`${name}, curl beside the others`, sum);
  return (await others).reduce((all, one) => all + one, 0);
}

/** Where nothing may be sent. */
async function nothing({ servers, hub }: Place): Promise<void> {
  const rows: Cell[][] = [];
  const attempt = async (what: string, options: readonly string[], enrols: boolean): Promise<void> => {
    const sensor: Sensor = await place.startSensor(options, enrols);
    for (const server of servers) await shortOnes(place, server);
    const { response_packets = 0, response_dry_runs = 0, exchanges_seen = 0 } = await sensor.stop();
    const seen = sensor.resets().length;
    if (seen > 0) process.stderr.write(`${what}:\n${sensor.resets().join('\n')}\n`);
    rows.push([what, exchanges_seen, response_dry_runs, response_packets, seen]);
    if (seen > 0 || response_packets > 0) process.exitCode = 1;
  };
  await attempt('a dry run, by a rule', ['--active-response=dry-run', ...RULE], true);
  await attempt('a rule, without --active-response', RULE, true);
  await attempt('--active-response, without a rule or an order', ['--active-response'], true);
  hub.ask('/api/fleet/orders', 'PUT', { id: 'standing', match: 'path=^/admin', seconds: 600 });
  await attempt('a dry run, by an order', ['--active-response=dry-run'], true);
  await attempt('an order, without --active-response', [], true);
  await attempt('--active-response, and an order that is not signed', ['--active-response'], false);
  printTable(['nothing may be sent', 'exchanges', 'dry runs', 'sent', 'resets seen'], rows);
}

function spanOf(times: readonly number[]): [number | string, number | string] {
  const sorted = [...times].sort((a, b) => a - b);
  return [sorted[Math.floor(sorted.length / 2)] ?? '', sorted.at(-1) ?? ''];
}
