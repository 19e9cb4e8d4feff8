/**
 * What the sensor costs beside nginx and wrk flat out, in a network namespace of its own: the application's throughput and its
 * latency at half of that load, the CPU of the sensor, and whether what it reports is true (each response carries the target
 * that it answers).
 *
 *     npm run bench:governor [-- --seconds 30] [--veth] [--only WORDS]
 *
 * With `--veth` wrk is in another namespace and its packets cross a veth pair, as from a load balancer; else all is on loopback.
 * tcpdump is beside it in the same table, and GoReplay where bench/peers/install brought it. Before and after each run there is one with
 * nothing beside the application, and a run's share is of the mean of these two, since the machine may be busy with other things.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createReadStream, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    veth: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});
const SECONDS = Number(values.seconds);
/** Of each connection between a response and the next request, for about half of the load. */
const HALF_LOAD_DELAY_MILLIS = 1;
const PORT = 8080;
const NAMESPACE = `governor-${process.pid}`;
const CLIENT = values.veth ? `${NAMESPACE}-client` : NAMESPACE;
const HOST = CLIENT === NAMESPACE ? '127.0.0.1' : '10.77.0.1';
const ROOT = join(import.meta.dirname, '../../..');
const COMMAND = join(ROOT, 'bin/pcap-sensor');
const GOREPLAY = join(ROOT, 'build/peers/goreplay');
const TICKS_A_SECOND = 100;

const folder = mkdtempSync(join(tmpdir(), 'governor-'));
const within = (namespace: string, command: string, ...args: string[]): [string, string[]] => [
  'ip',
  ['netns', 'exec', namespace, command, ...args],
];
const inside = (command: string, ...args: string[]) => within(NAMESPACE, command, ...args);

/** What stands beside the application, and how it is told what it did. */
interface Tool {
  readonly name: string;
  /** Null for nothing. */
  readonly command: readonly string[] | null;
  readonly isSensor: boolean;
}

/** Requests a second, and the 99th percentile of the latency at half of the load in milliseconds. */
interface Load {
  rate: number;
  halfLoadP99: number;
}

interface Row extends Load {
  tool: string;
  cores: number | null;
  /** Of what the sensor printed: exchanges, those that say that they are not whole, and those that are not what was said. */
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

async function load(): Promise<Load> {
  const flatOut = await wrk('load.lua', SECONDS);
  const half = await wrk('half.lua', Math.max(2, SECONDS / 4));
  const [, value = '', unit = ''] = /99%\s+([\d.]+)(us|ms|s)/.exec(half) ?? [];
  const millis = { us: 1e-3, ms: 1, s: 1e3 }[unit] ?? Number.NaN;
  return { rate: Number(/Requests\/sec:\s*([\d.]+)/.exec(flatOut)?.[1]), halfLoadP99: Number(value) * millis };
}

async function wrk(script: string, seconds: number): Promise<string> {
  const options = ['-t1', '-c32', `-d${Math.ceil(seconds)}s`, '--latency', '-s', join(folder, script)];
  const child = spawn(...within(CLIENT, 'wrk', ...options, `http://${HOST}:${PORT}`), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  return text;
}

const NOTHING = { cores: null, traces: null, partial: null, untrue: null, watched: null };

async function measure({ name, command, isSensor }: Tool): Promise<Row> {
  if (command === null) return { tool: name, ...(await load()), ...NOTHING };
  const output = join(folder, 'traces.ndjson');
  const log = join(folder, 'tool.log');
  // `ip netns exec` becomes the tool, so that its process is the one measured.
  const child = spawn(...inside(...(command as [string, ...string[]])), {
    stdio: ['ignore', openSync(output, 'w'), openSync(log, 'w')],
  });
  await sleep(2500);
  const before = cpuSeconds(child.pid as number);
  const start = performance.now();
  const measured = await load();
  const cores = ((cpuSeconds(child.pid as number) - before) / (performance.now() - start)) * 1000;
  const gone = new Promise((resolve) => child.on('exit', resolve));
  child.kill('SIGTERM');
  await gone;
  const row = { tool: name, ...measured, ...NOTHING, cores };
  return isSensor ? { ...row, ...(await check(output)), watched: watchedShare(log) } : row;
}

/** From the counters that the sensor prints at its end. */
function watchedShare(log: string): string | null {
  const summary = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.includes('watched_millis'))
    .at(-1);
  const counters = summary === undefined ? null : JSON.parse(summary).counters;
  const all = (counters?.watched_millis ?? 0) + (counters?.unwatched_millis ?? 0);
  return all === 0 ? null : `${((100 * counters.watched_millis) / all).toFixed(0)} %`;
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
    const delay = `function delay() return ${HALF_LOAD_DELAY_MILLIS} end`;
    writeFileSync(join(folder, 'half.lua'), `${readFileSync(join(folder, 'load.lua'), 'utf8')}\n${delay}`);
    nginx = spawn(...inside('nginx', '-c', join(folder, 'nginx.conf')), { stdio: 'ignore' });
    await sleep(500);
    process.stdout.write(
      '| beside the application | requests/s | of alone | p99 at half load, ms | its cores | traces | partial | untrue | watched |\n',
    );
    process.stdout.write(`| --- |${' ---: |'.repeat(8)}\n`);
    let before = await measure(ALONE);
    print(before, null);
    for (const tool of TOOLS.filter(({ name }) => name.includes(values.only))) {
      const row = await measure(tool);
      const after = await measure(ALONE);
      print(row, row.rate / ((before.rate + after.rate) / 2));
      print(after, null);
      before = after;
    }
  } finally {
    nginx?.kill('SIGQUIT');
    await sleep(300);
    for (const one of new Set([NAMESPACE, CLIENT])) execFileSync('ip', ['netns', 'delete', one]);
    rmSync(folder, { recursive: true });
  }
}

function print(row: Row, share: number | null): void {
  const cells = [
    row.tool,
    Math.round(row.rate),
    share === null ? '' : `${(share * 100).toFixed(0)} %`,
    row.halfLoadP99.toFixed(2),
    row.cores?.toFixed(3) ?? '',
    ...[row.traces, row.partial, row.untrue, row.watched].map((value) => value ?? ''),
  ];
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}

const ALONE: Tool = { name: 'nothing', command: null, isSensor: false };

const sensor = (name: string, ...flags: string[]): Tool => ({
  name,
  command: [COMMAND, 'apidump', '--output', 'ndjson', '--log-format', 'json', ...flags],
  isSensor: true,
});

const TOOLS: readonly Tool[] = [
  sensor('the sensor as it ships'),
  { name: 'tcpdump -w /dev/null', command: ['tcpdump', '-i', 'any', '-w', '/dev/null', 'tcp'], isSensor: false },
  ...(existsSync(GOREPLAY)
    ? [
        {
          name: 'GoReplay',
          command: [GOREPLAY, '--input-raw', `:${PORT}`, '--input-raw-track-response', '--output-null'],
          isSensor: false,
        },
      ]
    : []),
  sensor('its gate shut (--max-cpu 0.001)', '--max-cpu', '0.001'),
  sensor('--max-cpu 0.1', '--max-cpu', '0.1'),
  sensor('--max-cpu none', '--max-cpu', 'none'),
  sensor('--max-cpu none --rate-limit 0', '--max-cpu', 'none', '--rate-limit', '0'),
];

await main();
