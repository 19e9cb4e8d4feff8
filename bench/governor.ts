/**
 * What the sensor costs beside nginx and wrk flat out, in a network namespace of its own: CPU of the sensor, throughput of
 * the application, and whether what it reports is true (each response carries the target it answers).
 *
 *     npx tsc -p tsconfig.bench.json && sudo node build/bench/bench/governor.js [seconds] [veth]
 *
 * With `veth` wrk is in another namespace and its packets cross a veth pair, as from a load balancer; else all is on
 * loopback. tcpdump is beside it in the same table. There are runs without the sensor before, between and after, since the machine may be busy with other things.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createReadStream, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const SECONDS = Number(process.argv[2] ?? 30);
const PORT = 8080;
const NAMESPACE = `governor-${process.pid}`;
const CLIENT = process.argv[3] === 'veth' ? `${NAMESPACE}-client` : NAMESPACE;
const HOST = CLIENT === NAMESPACE ? '127.0.0.1' : '10.77.0.1';
const COMMAND = join(import.meta.dirname, '../../../bin/pcap-sensor');
const TICKS_A_SECOND = 100;

const folder = mkdtempSync(join(tmpdir(), 'governor-'));
const within = (namespace: string, command: string, ...args: string[]): [string, string[]] => [
  'ip',
  ['netns', 'exec', namespace, command, ...args],
];
const inside = (command: string, ...args: string[]) => within(NAMESPACE, command, ...args);

interface Result {
  run: string;
  'requests/s': number;
  'sensor cores': number | null;
  traces: number | null;
  partial: number | null;
  untrue: number | null;
  watched: string | null;
}

/** CPU time of a process, its threads included, in seconds (proc(5), fields 14 and 15 of stat). */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

/** Runs wrk for `SECONDS`; requests a second. */
async function load(): Promise<number> {
  const [command, args] = within(
    CLIENT,
    'wrk',
    '-t1',
    '-c32',
    `-d${SECONDS}s`,
    '-s',
    join(folder, 'load.lua'),
    `http://${HOST}:${PORT}`,
  );
  const wrk = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of wrk.stdout) text += chunk;
  return Number(/Requests\/sec:\s*([\d.]+)/.exec(text)?.[1]);
}

async function measure(run: string, flags: readonly string[] | null): Promise<Result> {
  if (flags === null) {
    return {
      run,
      'requests/s': Math.round(await load()),
      'sensor cores': null,
      traces: null,
      partial: null,
      untrue: null,
      watched: null,
    };
  }
  const output = join(folder, 'traces.ndjson');
  const log = join(folder, 'sensor.log');
  // `ip netns exec` becomes the sensor, so that its process is the one measured.
  const sensor = spawn(...inside(COMMAND, 'apidump', '--output', 'ndjson', '--log-format', 'json', ...flags), {
    stdio: ['ignore', openSync(output, 'w'), openSync(log, 'w')],
  });
  await sleep(2500);
  const before = cpuSeconds(sensor.pid as number);
  const start = performance.now();
  const rate = await load();
  const cores = ((cpuSeconds(sensor.pid as number) - before) / (performance.now() - start)) * 1000;
  const gone = new Promise((resolve) => sensor.on('exit', resolve));
  sensor.kill('SIGTERM');
  await gone;
  const { traces, partial, untrue } = await check(output);
  const summary = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.includes('watched_millis'))
    .at(-1);
  const counters = summary === undefined ? null : JSON.parse(summary).counters;
  const all = (counters?.watched_millis ?? 0) + (counters?.unwatched_millis ?? 0);
  const watched = all === 0 ? null : `${((100 * counters.watched_millis) / all).toFixed(1)} %`;
  return {
    run,
    'requests/s': Math.round(rate),
    'sensor cores': Number(cores.toFixed(3)),
    traces,
    partial,
    untrue,
    watched,
  };
}

/** Counts the traces, those that say they are not whole, and among the others those with another request's response. */
async function check(path: string): Promise<{ traces: number; partial: number; untrue: number }> {
  let traces = 0;
  let partial = 0;
  let untrue = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const { request, response, marks } = JSON.parse(line);
    traces++;
    if (marks.some((mark: string) => mark !== 'midstream' && mark !== 'drops')) partial++;
    else if (response?.status !== 200 || response.body.content !== request.target) untrue++;
  }
  return { traces, partial, untrue };
}

/** A namespace for wrk at the other end of a veth pair. */
function joinClient(): void {
  execFileSync('ip', ['netns', 'add', CLIENT]);
  const peer = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', CLIENT];
  execFileSync('ip', ['link', 'add', 'eth0', 'netns', NAMESPACE, ...peer]);
  for (const [namespace, address] of [
    [NAMESPACE, '10.77.0.1/24'],
    [CLIENT, '10.77.0.2/24'],
  ] as const) {
    execFileSync(...within(namespace, 'ip', 'address', 'add', address, 'dev', 'eth0'));
    execFileSync(...within(namespace, 'ip', 'link', 'set', 'eth0', 'up'));
  }
}

/** The throughput beside tcpdump, which writes what it sees to nowhere. */
async function besideTcpdump(run: string): Promise<Result> {
  const tcpdump = spawn(...inside('tcpdump', '-i', 'any', '-w', '/dev/null', 'tcp'), { stdio: 'ignore' });
  await sleep(1000);
  const before = cpuSeconds(tcpdump.pid as number);
  const start = performance.now();
  const rate = await load();
  const cores = ((cpuSeconds(tcpdump.pid as number) - before) / (performance.now() - start)) * 1000;
  const gone = new Promise((resolve) => tcpdump.on('exit', resolve));
  tcpdump.kill('SIGTERM');
  await gone;
  const nothing = { traces: null, partial: null, untrue: null, watched: null };
  return { run, 'requests/s': Math.round(rate), 'sensor cores': Number(cores.toFixed(3)), ...nothing };
}

async function main(): Promise<void> {
  let nginx: ChildProcess | null = null;
  execFileSync('ip', ['netns', 'add', NAMESPACE]);
  try {
    execFileSync(...inside('ip', 'link', 'set', 'lo', 'up'));
    if (CLIENT !== NAMESPACE) joinClient();
    writeFileSync(
      join(folder, 'nginx.conf'),
      `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
       events { worker_connections 256; }
       http { access_log off; keepalive_requests 100000000; default_type text/plain;
         server { listen ${HOST}:${PORT}; location / { return 200 "$request_uri"; } } }`,
    );
    writeFileSync(
      join(folder, 'load.lua'),
      `local n = 0
       request = function() n = n + 1; return wrk.format("GET", "/items/" .. n .. "?page=" .. n % 7) end`,
    );
    nginx = spawn(...inside('nginx', '-c', join(folder, 'nginx.conf')), { stdio: 'ignore' });
    await sleep(500);
    const results: Result[] = [];
    for (const [run, flags] of RUNS) {
      results.push(flags === 'tcpdump' ? await besideTcpdump(run) : await measure(run, flags));
      process.stdout.write(`${JSON.stringify(results.at(-1))}\n`);
    }
    // biome-ignore lint/suspicious/noConsole: a bench prints its table
    console.table(results);
  } finally {
    nginx?.kill('SIGQUIT');
    await sleep(300);
    for (const one of new Set([NAMESPACE, CLIENT])) execFileSync('ip', ['netns', 'delete', one]);
    rmSync(folder, { recursive: true });
  }
}

const RUNS: [string, readonly string[] | 'tcpdump' | null][] = [
  ['no sensor', null],
  ['as it ships', []],
  ['no sensor', null],
  ['tcpdump', 'tcpdump'],
  ['the gate shut (--max-cpu 0.001)', ['--max-cpu', '0.001']],
  ['no sensor', null],
  ['--max-cpu 0.1', ['--max-cpu', '0.1']],
  ['--max-cpu none', ['--max-cpu', 'none']],
  ['--max-cpu none --rate-limit 0', ['--max-cpu', 'none', '--rate-limit', '0']],
  ['no sensor', null],
];

await main();
