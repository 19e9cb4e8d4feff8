/**
 * Packets a second, what is lost, and what it costs: sensor → receiver → file beside `tcpdump -w FILE` and `tcpdump -w - | socat`
 * over a TCP connection, on the same replayed packets in network namespaces of its own.
 *
 *     npm run bench:packets            as root; PACKETS=500000 SIZES=100,1500 RATES=200000,0 NOISE=0 ONLY=sensor choose otherwise
 *
 * RATES are packets a second; 0 is as fast as tcpreplay can. NOISE=0 has packets of zeros behind their header, which compress to next to
 * nothing. CPU is user and system time of each process, from /proc. Each process
 * is ended behind the one that it reads from, so that what is on its way arrives: what is lost then was lost at that rate.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeVethPair, run, type VethPair } from '../../test/support/namespace.js';

const ROOT = join(import.meta.dirname, '../..');
const PACKETS = Number(process.env.PACKETS ?? 500_000);
const SIZES = (process.env.SIZES ?? '100,1500').split(',').map(Number);
const RATES = (process.env.RATES ?? '0').split(',').map(Number);
/** Only what has this in its name. */
const ONLY = process.env.ONLY ?? '';
const HAS_NOISE = process.env.NOISE !== '0';
const PORT = 18_099;
const HERTZ = 100;
const DISTINCT = 1000;

interface Ran {
  readonly what: string;
  readonly size: number;
  readonly rate: number;
  readonly kept: number;
  /** Microseconds of CPU a packet, by process. */
  readonly cost: string;
  readonly resident: string;
}

/** Packets with headers that resemble each other and noise behind them, half of which can be compressed. */
function makeTraffic(path: string, size: number): void {
  const head = Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex');
  const records = Array.from({ length: DISTINCT }, (_, i) => {
    const record = Buffer.alloc(16 + size);
    record.writeUInt32LE(size, 8);
    record.writeUInt32LE(size, 12);
    record.write('ffffffffffff02000000000188b5', 16, 'hex');
    for (let at = 30; HAS_NOISE && at < 16 + size; at++)
      record[at] = at % 2 === 0 ? (Math.imul(i + 1, at * 2654435761) >>> 13) & 0xff : at & 0xff;
    return record;
  });
  writeFileSync(path, Buffer.concat([head, ...records]));
}

const cpuSeconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / HERTZ;
};
const peakMebibytes = (pid: number): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

function countPackets(path: string): number {
  if (!existsSync(path)) return 0;
  const size = Number(
    /Number of packets:?\s+(\d+)/.exec(spawnSync('capinfos', ['-Mc', path], { encoding: 'utf8' }).stdout)?.[1],
  );
  return size;
}

function replay({ there, inside }: VethPair, path: string, offered: number): number {
  const speed = offered === 0 ? ['-t'] : [`--pps=${offered}`];
  const [command, words] = inside('tcpreplay', '-q', '-K', ...speed, `--loop=${PACKETS / DISTINCT}`, '-i', there, path);
  return Number(/Rated:.*?([\d.]+) pps/s.exec(run(command, ...words))?.[1]);
}

/** Waits until a file has not grown for a while. */
async function settled(path: string): Promise<void> {
  for (let before = -1, same = 0; same < 15; ) {
    const size = existsSync(path) ? statSync(path).size : 0;
    same = size === before ? same + 1 : 0;
    before = size;
    await sleep(200);
  }
}

const started: ChildProcess[] = [];
function start(command: string, words: readonly string[]): ChildProcess {
  const child = spawn(command, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  started.push(child);
  return child;
}

interface Asked {
  readonly what: string;
  readonly size: number;
  /** Packets a second; 0 for as many as there can be. */
  readonly offered: number;
}

async function measure({ what, size, offered }: Asked, veth: VethPair, folder: string): Promise<Ran> {
  const out = join(folder, `${what.replace(/\W+/g, '-')}-${size}.pcap`);
  const traffic = join(folder, `traffic-${size}.pcap`);
  if (!existsSync(traffic)) makeTraffic(traffic, size);
  const processes = await begin(what, veth, folder, out);
  const before = processes.map(({ pid }) => cpuSeconds(pid as number));
  const rate = replay(veth, traffic, offered);
  await settled(out);
  const cost = processes.map(({ pid }, i) =>
    (((cpuSeconds(pid as number) - (before[i] as number)) / PACKETS) * 1e6).toFixed(2),
  );
  const resident = processes.map(({ pid }) => peakMebibytes(pid as number).toFixed(0));
  for (const [i, child] of processes.entries()) {
    // One that reads a pipe ends by itself when it has written all of it.
    if (i > 0 && child.exitCode === null) await Promise.race([once(child, 'exit'), sleep(500)]);
    child.kill('SIGINT');
    if (child.exitCode === null) await once(child, 'exit');
  }
  const kept = countPackets(out);
  rmSync(out, { force: true });
  return { what, size, rate, kept, cost: cost.join(' + '), resident: resident.join(' + ') };
}

async function begin(what: string, veth: VethPair, folder: string, out: string): Promise<ChildProcess[]> {
  if (what === 'tcpdump -w FILE') {
    const dump = start('tcpdump', ['-i', veth.here, '-B', '8192', '-w', out]);
    await once(dump.stderr as NodeJS.ReadableStream, 'data');
    return [dump];
  }
  if (what === 'tcpdump -w -, socat') {
    const sink = start('socat', ['-u', `TCP-LISTEN:${PORT},bind=127.0.0.1,reuseaddr`, `OPEN:${out},creat,trunc`]);
    await sleep(300);
    const dump = spawn('tcpdump', ['-i', veth.here, '-B', '8192', '-w', '-'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const sending = spawn('socat', ['-u', 'STDIN', `TCP:127.0.0.1:${PORT}`], {
      stdio: [dump.stdout, 'ignore', 'ignore'],
    });
    started.push(dump, sending);
    await sleep(1000);
    return [dump, sending, sink];
  }
  const program = join(ROOT, 'bin/packetstreamer');
  const receiver = join(folder, 'receiver.yaml');
  const sensor = join(folder, 'sensor.yaml');
  writeFileSync(receiver, `input: {address: 127.0.0.1, port: ${PORT}}\noutput: {file: {path: ${out}}}\n`);
  writeFileSync(
    sensor,
    `output: {server: {address: 127.0.0.1, port: ${PORT}}}\npcapMode: allow\ncaptureInterfacesPorts: {${veth.here}: []}\n`,
  );
  const taking = start(program, ['receiver', '--config', receiver]);
  await once(taking.stderr as NodeJS.ReadableStream, 'data');
  const sending = start(program, ['sensor', '--config', sensor]);
  let said = '';
  for await (const piece of sending.stderr as AsyncIterable<Buffer>) {
    said += piece.toString();
    if (said.includes('connected to')) break;
  }
  return [sending, taking];
}

const folder = mkdtempSync(join(tmpdir(), 'bench-packets-'));
const veth = makeVethPair();
try {
  const rows: Ran[] = [];
  for (const size of SIZES)
    for (const offered of RATES)
      for (const what of ['sensor → receiver → file', 'tcpdump -w FILE', 'tcpdump -w -, socat'])
        if (what.includes(ONLY)) rows.push(await measure({ what, size, offered }, veth, folder));
  const print = (line: string) => process.stdout.write(`${line}\n`);
  print(`load ${readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 2).join(', ')}; ${PACKETS} packets each`);
  print(
    '| what | bytes | packets/s offered | kept | lost | µs of CPU a packet | MiB at most |\n| --- | --- | --- | --- | --- | --- | --- |',
  );
  for (const { what, size, rate, kept, cost, resident } of rows)
    print(
      `| ${what} | ${size} | ${rate.toFixed(0)} | ${((100 * kept) / PACKETS).toFixed(2)} % | ${PACKETS - kept} | ${cost} | ${resident} |`,
    );
} finally {
  for (const child of started) child.kill('SIGKILL');
  veth.remove();
  rmSync(folder, { recursive: true, force: true });
}
