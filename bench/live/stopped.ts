/**
 * How long the ring bridges a sensor that is stopped (SIGSTOP) and continued, by what passes meanwhile.
 *
 *     bench/live/install
 *     node --import ./test/support/run-typescript.js bench/live/stopped.ts [--sensor dist/cli/cli.js] [--ring-size 8]
 *
 * Prints a table of Markdown: packets lost by the kernel, of those there were, for each kind of traffic and length of the stop.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createNamespace, exitOnSignals } from './namespace.js';
import { GO, PROGRAMS, SENSOR } from './places.js';
import { makeSite } from './plan.js';
import { createScratch } from './scratch.js';
import { startSensor } from './sensor.js';

const { values } = parseArgs({
  options: { sensor: { type: 'string', default: SENSOR }, 'ring-size': { type: 'string', default: '8' } },
});
const PORT = 8080;
const STOPS_MILLIS = [300, 600, 1000, 1500, 1800, 3000, 20_000];
/** Of one connection each: requests for `path`, `pause` before each. */
const TRAFFIC = [
  { name: '1 small exchange a second', path: '/hello', connections: 1, pause: 1000 },
  { name: '20 small exchanges a second', path: '/hello', connections: 2, pause: 100 },
  { name: '500 small exchanges a second', path: '/hello', connections: 25, pause: 50 },
  { name: '400 of 20 KB a second', path: '/page.txt', connections: 20, pause: 50 },
] as const;

exitOnSignals();
const print = (text: string): void => void process.stdout.write(`${text}\n`);
print(`| traffic | ${STOPS_MILLIS.map((millis) => `${millis / 1000} s`).join(' | ')} |`);
print(`| --- |${' ---: |'.repeat(STOPS_MILLIS.length)}`);
for (const traffic of TRAFFIC) {
  const cells: string[] = [];
  for (const millis of STOPS_MILLIS) cells.push(await lostWhileStopped(traffic, millis));
  print(`| ${traffic.name} | ${cells.join(' | ')} |`);
}

async function lostWhileStopped(
  { path, connections, pause }: (typeof TRAFFIC)[number],
  millis: number,
): Promise<string> {
  const { path: directory, remove } = createScratch();
  const namespace = createNamespace('stopped');
  try {
    const { page } = makeSite(directory);
    const server = [process.execPath, join(PROGRAMS, 'node/server.js'), String(PORT)];
    await namespace
      .start('server', server, { directory, env: { LIVE_PAGE: page, LIVE_LOG: join(directory, 'log') } })
      .listening(PORT);
    const sensor = await startSensor(namespace, {
      entry: resolve(values.sensor),
      directory,
      options: ['--ring-size', values['ring-size']],
    });
    const count = Math.ceil(((millis + 1500) / pause) * connections);
    const item = { method: 'GET', headers: [], body: null, isChunked: false, isFollowed: false, isClosing: false };
    const plan = Array.from({ length: count }, (_, i) => ({ ...item, id: `s${i}`, target: `${path}?id=s${i}` }));
    const planFile = join(directory, 'plan');
    writeFileSync(planFile, plan.map((one) => `${JSON.stringify(one)}\n`).join(''));
    const to = `http://127.0.0.1:${PORT}`;
    const command = [GO, 'client', to, planFile, directory, String(connections), `${pause}ms`];
    const client = namespace.start('client', command, { directory });
    await sleep(700);
    await sensor.pause(millis);
    await client.ended(60_000 + millis);
    await sensor.settled(count, 1000);
    await sensor.stop();
    const log = sensor.log();
    const lost = /lo, lost by the kernel +(\d+)/.exec(log)?.[1];
    const all = /packets seen +(\d+)/.exec(log)?.[1];
    if (lost === undefined || all === undefined) throw new Error(readFileSync(join(directory, 'sensor.err'), 'utf8'));
    return lost === '0' ? '0' : `${lost} of ${Number(all) + Number(lost)}`;
  } finally {
    await namespace.remove();
    remove();
  }
}
