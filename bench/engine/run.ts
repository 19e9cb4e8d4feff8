/**
 * Capture file → exchanges: this engine, gopacket's tcpassembly with net/http, and tshark, on the same files in one run.
 *
 *     npm run bench:engine [-- EXCHANGES]
 *
 * Makes its files in a temporary directory; builds the Go peer through the Go module proxy if Go is there. Prints a table
 * per shape and one for how cost grows.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SHAPES, type Shape, writeCapture } from './captures.js';

interface Result {
  exchanges: number;
  seconds: number;
  cpuSeconds: number;
  /** Null where the tool does not say. */
  peakMebibytes: number | null;
}

type Reader = (file: string) => Result | null;

const directory = mkdtempSync(join(tmpdir(), 'bench-engine-'));
const scale = Number(process.argv[2] ?? 200_000);
const here = import.meta.dirname;
const sources = join(here, '../../../../bench/engine');

const readers: [name: string, read: Reader][] = [
  [
    'pcap-sensor',
    (file) => JSON.parse(execFileSync(process.execPath, [join(here, 'ours.js'), file], { encoding: 'utf8' })),
  ],
  ['gopacket + net/http', gopacket()],
  ['tshark', tshark],
];

try {
  print('| file | MiB | reader | exchanges found | exchanges/s | CPU s | peak MiB | times slower |');
  print('| --- | --- | --- | --- | --- | --- | --- | --- |');
  for (const [name, shape] of Object.entries(SHAPES)) compare(name, shape, exchangesOf(shape));
  print('\n| exchanges | seconds | µs an exchange | peak MiB |');
  print('| --- | --- | --- | --- |');
  for (const exchanges of [10_000, 100_000, 1_000_000]) grow(exchanges);
} finally {
  rmSync(directory, { recursive: true });
}

/** So that no file is larger than about a gigabyte. */
function exchangesOf(shape: Shape): number {
  return Math.round(Math.min(scale, 2 ** 30 / (shape.responseBytes * 1.05 + 700)));
}

function compare(name: string, shape: Shape, exchanges: number): void {
  const file = join(directory, `${name}.pcap`);
  writeCapture(file, shape, exchanges);
  const mebibytes = Math.round(statSync(file).size / 2 ** 20);
  let ours = 0;
  for (const [reader, read] of readers) {
    const result = read(file);
    if (result === null) {
      print(`| ${name} | ${mebibytes} | ${reader} | not there | | | | |`);
      continue;
    }
    const rate = result.exchanges / result.seconds;
    if (ours === 0) ours = rate;
    print(
      `| ${name} | ${mebibytes} | ${reader} | ${result.exchanges} of ${exchanges} | ${Math.round(rate)} | ` +
        `${result.cpuSeconds.toFixed(2)} | ${result.peakMebibytes ?? ''} | ${(ours / rate).toFixed(1)} |`,
    );
  }
  rmSync(file);
}

function grow(exchanges: number): void {
  const file = join(directory, `grow.pcap`);
  writeCapture(file, SHAPES.small as Shape, exchanges);
  const result = readers[0]?.[1](file);
  rmSync(file);
  if (!result) return;
  const each = (result.seconds / exchanges) * 1e6;
  print(`| ${exchanges} | ${result.seconds.toFixed(2)} | ${each.toFixed(2)} | ${result.peakMebibytes} |`);
}

function gopacket(): Reader {
  const peer = join(directory, 'gopacket-peer');
  const built = spawnSync('go', ['build', '-o', peer, '.'], { cwd: join(sources, 'gopacket'), encoding: 'utf8' });
  if (built.status !== 0) return () => null;
  return (file) => JSON.parse(execFileSync(peer, [file], { encoding: 'utf8' }));
}

/** Two passes, as its exchanges are paired in the second. */
function tshark(file: string): Result | null {
  const script =
    `TIMEFORMAT='%R %U %S'; time tshark -2 -r "$1" -Y http.response ` +
    `-T fields -e http.request_in 2>/dev/null | grep -c .`;
  const begun = spawnSync('bash', ['-c', script, 'bash', file], { encoding: 'utf8' });
  const [seconds, user, system] = begun.stderr.trim().split(/\s+/).map(Number);
  const exchanges = Number(begun.stdout);
  if (!exchanges || seconds === undefined) return null;
  return { exchanges, seconds, cpuSeconds: (user ?? 0) + (system ?? 0), peakMebibytes: null };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
