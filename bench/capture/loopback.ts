/**
 * What capturing costs and loses: nginx and wrk flat out on the loopback of a namespace of their own, captured in
 * turn by nothing, tcpdump, the ring alone, the ring and the engine, the whole sensor, bare `cap` and the cap backend.
 *
 *     npm run build && node --import ./test/support/run-typescript.js bench/capture/loopback.ts [--seconds 5] [--rounds 3]
 *
 * Needs root, nginx, wrk, tcpdump, iproute2. Packets offered are those that the kernel counted on the interface while a
 * tool captured; CPU is the tool's own, user and system, over that time, for each packet it saw. It includes the start of the
 * just-in-time compiler, so that longer runs come out lower.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { printTable } from '../table.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '32' },
    rate: { type: 'string', default: '' },
    'ring-size': { type: 'string', default: '8' },
    only: { type: 'string', default: '' },
  },
});
// The reader of the rows has gone, but the namespace and nginx must still be taken down.
process.stdout.on('error', () => {});
const directory = mkdtempSync(join(tmpdir(), 'sensor-bench-'));
const namespace = `bench-${process.pid}`;
const inside = ['netns', 'exec', namespace];
const port = 8080;
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK']));
const root = dirname(dirname(import.meta.dirname));
const typescript = ['--import', join(root, 'test/support/run-typescript.js')];
const count = join(import.meta.dirname, 'count.ts');

interface Tool {
  name: string;
  /** Empty for none. */
  command: string[];
  /** What it saw and dropped, from what it printed. */
  read(out: string, err: string): { packets: number | null; dropped: number | null; note?: string };
}

const json = (out: string) => JSON.parse(out) as { packets: number; dropped: number | null; note?: string };
const number = (text: string, pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? Number.NaN);
const ring = values['ring-size'];

/** The whole pipeline, to ndjson. */
function sensor(name: string, options: string[]): Tool {
  return {
    name,
    command: [
      process.execPath,
      join(root, 'dist/cli/cli.js'),
      ...[
        'apidump',
        '--interfaces',
        'lo',
        '--output',
        'ndjson',
        '--ring-size',
        ring,
        '--log-format',
        'text',
        '--max-cpu',
        'none',
        ...options,
      ],
    ],
    read: (_out, err) => ({
      packets: number(err, /packets seen +(\d+)/),
      dropped: number(err, /lost by the kernel +(\d+)/),
      note: `${number(err, /exchanges seen +(\d+)/)} exchanges seen, ${number(err, /exported +(\d+)/)} exported`,
    }),
  };
}

const tools: Tool[] = [
  { name: 'nothing', command: [], read: () => ({ packets: null, dropped: null }) },
  {
    name: 'tcpdump -w /dev/null',
    command: ['tcpdump', '-i', 'lo', '-n', '-s', '262144', '-B', String(Number(ring) * 1024), '-w', '/dev/null', 'tcp'],
    read: (_out, err) => ({
      packets: number(err, /(\d+) packets captured/),
      dropped: number(err, /(\d+) packets dropped/),
    }),
  },
  { name: 'ring, counting', command: [process.execPath, ...typescript, count, 'ring', ring], read: json },
  { name: 'ring, exchanges', command: [process.execPath, ...typescript, count, 'exchanges', ring], read: json },
  sensor('sensor, as it ships', []),
  sensor('sensor, every exchange', ['--rate-limit', '0']),
  { name: 'bare cap, counting', command: [process.execPath, ...typescript, count, 'bare-cap', ring], read: json },
  { name: 'cap backend, counting', command: [process.execPath, ...typescript, count, 'cap', ring], read: json },
];

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function residentMebibytes(pid: number): number {
  return Math.round(number(readFileSync(`/proc/${pid}/status`, 'utf8'), /VmHWM:\s+(\d+)/) / 1024);
}

function packetsOnLoopback(): number {
  return number(execFileSync('ip', [...inside, 'cat', '/proc/net/dev'], { encoding: 'utf8' }), /lo:\s*\d+\s+(\d+)/);
}

function finished(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => (child.exitCode === null ? child.on('exit', () => resolve()) : resolve()));
}

async function measure(tool: Tool) {
  let child: ChildProcess | null = null;
  let out = '';
  let err = '';
  if (tool.command.length > 0) {
    // The sensor's traces go where tcpdump's packets do.
    const stdout = tool.name.startsWith('sensor') ? openSync('/dev/null', 'w') : 'pipe';
    child = spawn('ip', [...inside, ...tool.command], { stdio: ['ignore', stdout, 'pipe'] });
    child.stdout?.on('data', (text) => (out += text));
    child.stderr?.on('data', (text) => (err += text));
    if (tool.name.startsWith('sensor')) await sleep(1500);
    else while (!err.includes('listening')) await sleep(20);
  }
  const pid = child?.pid ?? 0; // `ip netns exec` becomes the command
  const cpuBefore = pid === 0 ? 0 : cpuSeconds(pid);
  const offeredBefore = packetsOnLoopback();
  const wrk = ['wrk', '-t1', `-c${values.connections}`, `-d${values.seconds}s`, `http://127.0.0.1:${port}/`];
  const load = execFileSync('ip', [...inside, ...wrk], { encoding: 'utf8' });
  await sleep(500);
  if (child !== null && child.exitCode !== null) throw new Error(`${tool.name} ended: ${err}`);
  const offered = packetsOnLoopback() - offeredBefore;
  const cpu = pid === 0 ? 0 : cpuSeconds(pid) - cpuBefore;
  const resident = pid === 0 ? 0 : residentMebibytes(pid);
  if (child !== null) {
    child.kill('SIGINT');
    await finished(child);
  }
  const { packets, dropped, note } = tool.read(out, err);
  const requests = number(load, /(\d+) requests in/);
  const rate = number(load, /Requests\/sec:\s+([\d.]+)/);
  return { tool: tool.name, offered, packets, dropped, cpu, rate, requests, resident, note: note ?? '' };
}

const config = `
daemon off; worker_processes 1; error_log stderr crit; pid ${directory}/pid;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 100000000;
  server {
    listen 127.0.0.1:${port};
    location / { default_type application/json; return 200 '{"id":42,"name":"an answer of usual size","tags":["a","b"]}'; }
  }
}
`;
writeFileSync(join(directory, 'nginx.conf'), config);
execFileSync('ip', ['netns', 'add', namespace]);
let nginx: ChildProcess | null = null;
try {
  execFileSync('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
  nginx = spawn('ip', [...inside, 'nginx', '-p', directory, '-c', join(directory, 'nginx.conf')], { stdio: 'ignore' });
  await sleep(500);
  const rows: Awaited<ReturnType<typeof measure>>[] = [];
  const chosen = tools.filter(({ name }) => name.includes(values.only));
  for (let round = 1; round <= Number(values.rounds); round++) {
    for (const tool of chosen) {
      const row = await measure(tool);
      rows.push(row);
      const lost = row.packets === null ? '' : row.offered - row.packets;
      const perPacket = row.packets === null ? '' : ((row.cpu / row.packets) * 1e9).toFixed(0);
      process.stderr.write(
        `${[
          String(round).padEnd(2),
          row.tool.padEnd(22),
          `offered ${String(row.offered).padStart(8)}`,
          `lost ${String(lost).padStart(8)}`,
          `reported ${String(row.dropped ?? '?').padStart(8)}`,
          `ns/packet ${perPacket.padStart(5)}`,
          `requests/s ${row.rate.toFixed(0).padStart(7)}`,
          `MiB ${String(row.resident).padStart(4)}`,
          `wrk ${row.requests} ${row.note}`,
        ].join('  ')}\n`,
      );
    }
  }
  const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
  const of = (name: string) => rows.filter((row) => row.tool === name);
  const alone = median(of('nothing').map(({ rate }) => rate));
  const summary = chosen.map(({ name }) => {
    const mine = of(name);
    const seen = mine.flatMap(({ packets, offered, cpu, resident }) =>
      packets === null ? [] : [{ lost: (offered - packets) / offered, cost: (cpu / packets) * 1e9, resident }],
    );
    const rate = median(mine.map((row) => row.rate));
    const ofSeen = (what: 'lost' | 'cost' | 'resident') => median(seen.map((one) => one[what]));
    return [
      name,
      ...(seen.length === 0
        ? [null, null, null]
        : [ofSeen('cost').toFixed(0), `${(ofSeen('lost') * 100).toFixed(2)} %`, ofSeen('resident')]),
      rate.toFixed(0),
      `${((rate / alone) * 100).toFixed(0)} %`,
    ];
  });
  printTable(['capturing', 'ns of CPU a packet', 'lost', 'MiB', 'requests/s', 'of alone'], summary);
} finally {
  nginx?.kill('SIGTERM');
  if (nginx !== null) await finished(nginx);
  execFileSync('ip', ['netns', 'del', namespace]);
  rmSync(directory, { recursive: true });
}
