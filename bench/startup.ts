/**
 * What a sensor costs before it does anything: time from its start to the first packet it has, memory and CPU when idle.
 *
 *     npm run bench:startup [-- --runs 9] [--idle 60]
 *
 * Runs in a network namespace of its own, so that no other traffic disturbs; needs root and iproute2. A server answers a
 * request every 5 ms. The satellite, in this process, notes the earliest start of a trace: the kernel's time of a packet,
 * which is compared with the time of `spawn`. Memory and CPU are those of a sensor that sees no packet: its resident,
 * proportional and private memory 10 s after the start, and its CPU and wake-ups from then on. Bare Node.js is measured
 * beside it.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { printTable } from './table.js';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '9' },
    idle: { type: 'string', default: '30' },
    inside: { type: 'boolean' },
  },
});
const command = join(dirname(import.meta.dirname), 'bin/pcap-sensor');
const IDLE_AFTER_MILLIS = 10_000;

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  if (child.exitCode === null) await once(child, 'exit');
}

function startSensor(satellite: number, ...options: string[]): ChildProcess {
  const url = `http://127.0.0.1:${satellite}`;
  return spawn(command, ['apidump', '--satellite-url', url, '--log-level', 'error', ...options], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Milliseconds from `spawn` to the first packet of the first exchange. */
async function startMillis(): Promise<number> {
  let report: (nanos: bigint) => void;
  const first = new Promise<bigint>((resolve) => {
    report = resolve;
  });
  const satellite = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text) => {
      body += text;
    });
    request.on('end', () => {
      // Of equal length, so that the least is the first in order.
      const [earliest] = [...body.matchAll(/"startTimeUnixNano":"(\d+)"/g)].map(([, nanos]) => nanos ?? '').sort();
      if (earliest !== undefined) report(BigInt(earliest));
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });
  const server = createServer((_request, response) => void response.end('ok'));
  const [satellitePort, port] = [await listen(satellite), await listen(server)];
  const traffic = setInterval(() => {
    get({ port, host: '127.0.0.1', agent: false }, (response) => response.resume()).on('error', () => {});
  }, 5);
  const before = Date.now();
  const child = startSensor(satellitePort, '--trace-export-interval', '0.5', '--compression', 'none');
  const nanos = await Promise.race([first, once(child, 'exit').then(() => null)]);
  clearInterval(traffic);
  await end(child);
  for (const open of [satellite, server]) open.close().closeAllConnections();
  if (nanos === null) throw new Error('the sensor ended before it sent a trace');
  return Number(nanos / 1000n) / 1000 - before;
}

/** MiB by the kernel's own sum, and since the process began its CPU time in milliseconds and its wake-ups. */
function usage(pid: number) {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mebibytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1]) / 1024;
  let cpu = 0;
  let wakes = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const of = (file: string) => readFileSync(`/proc/${pid}/task/${thread}/${file}`, 'utf8');
    cpu += Number(of('schedstat').split(' ')[0]) / 1e6;
    wakes += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(of('status'))?.[1]);
  }
  return { rss: mebibytes('Rss'), pss: mebibytes('Pss'), private: mebibytes('Private_Dirty'), cpu, wakes };
}

async function idle(name: string, child: ChildProcess): Promise<string[]> {
  const pid = child.pid ?? 0;
  await sleep(IDLE_AFTER_MILLIS);
  const before = usage(pid);
  const seconds = Number(values.idle);
  await sleep(seconds * 1000);
  const after = usage(pid);
  await end(child);
  return [
    name,
    ...[before.rss, before.pss, before.private].map((mebibytes) => mebibytes.toFixed(1)),
    (((after.cpu - before.cpu) / seconds) * 60).toFixed(0),
    ((after.wakes - before.wakes) / seconds).toFixed(1),
  ];
}

async function measure(): Promise<void> {
  const times: number[] = [];
  for (let run = 0; run < Number(values.runs); run++) times.push(await startMillis());
  times.sort((a, b) => a - b);
  const of = (place: number) => times[Math.min(times.length - 1, Math.floor(times.length * place))]?.toFixed(0);
  printTable(['start to the first packet, ms: median', 'least', 'most'], [[of(0.5), of(0), of(1)]]);
  process.stdout.write('\n');
  const bare = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 1e9)'], { stdio: 'ignore' });
  const rows = [await idle('bare Node.js', bare)];
  const satellite = createServer();
  rows.push(await idle('the sensor', startSensor(await listen(satellite))));
  satellite.close();
  printTable(['idle', 'RSS MiB', 'PSS MiB', 'private MiB', 'CPU ms a minute', 'wake-ups a second'], rows);
}

if (values.inside) {
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  await measure();
} else {
  const again = [process.execPath, ...process.execArgv, import.meta.filename, ...process.argv.slice(2), '--inside'];
  const child = spawn('unshare', ['--net', ...again], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
}
