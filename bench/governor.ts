/**
 * What the sensor costs beside nginx and wrk flat out, in a network namespace of its own: CPU of the sensor, throughput of
 * the application, and whether what it reports is true (each response carries the target it answers).
 *
 *     npx tsc -p tsconfig.bench.json && sudo node build/bench/bench/governor.js [seconds]
 *
 * There are runs without the sensor before, between and after, since the machine may be busy with other things.
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
const COMMAND = join(import.meta.dirname, '../../../bin/pcap-sensor');
const TICKS_A_SECOND = 100;

const folder = mkdtempSync(join(tmpdir(), 'governor-'));
const inside = (command: string, ...args: string[]): [string, string[]] => [
  'ip',
  ['netns', 'exec', NAMESPACE, command, ...args],
];

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
  const [command, args] = inside(
    'wrk',
    '-t1',
    '-c32',
    `-d${SECONDS}s`,
    '-s',
    join(folder, 'load.lua'),
    `http://127.0.0.1:${PORT}`,
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

async function main(): Promise<void> {
  let nginx: ChildProcess | null = null;
  execFileSync('ip', ['netns', 'add', NAMESPACE]);
  try {
    execFileSync(...inside('ip', 'link', 'set', 'lo', 'up'));
    writeFileSync(
      join(folder, 'nginx.conf'),
      `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
       events { worker_connections 256; }
       http { access_log off; keepalive_requests 100000000; default_type text/plain;
         server { listen 127.0.0.1:${PORT}; location / { return 200 "$request_uri"; } } }`,
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
      results.push(await measure(run, flags));
      process.stdout.write(`${JSON.stringify(results.at(-1))}\n`);
    }
    // biome-ignore lint/suspicious/noConsole: a bench prints its table
    console.table(results);
  } finally {
    nginx?.kill('SIGQUIT');
    await sleep(300);
    execFileSync('ip', ['netns', 'delete', NAMESPACE]);
    rmSync(folder, { recursive: true });
  }
}

const RUNS: [string, readonly string[] | null][] = [
  ['no sensor', null],
  ['--max-cpu 0.1', ['--max-cpu', '0.1']],
  ['no sensor', null],
  ['--rate-limit 1000', []],
  ['--rate-limit 0', ['--rate-limit', '0']],
  ['no sensor', null],
];

await main();
