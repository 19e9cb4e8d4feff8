/**
 * Capture file → exchanges: this engine, gopacket's tcpassembly with net/http or x/net/http2, and tshark, on the same files in
 * one run.
 *
 *     npm run bench:engine [-- EXCHANGES]
 *
 * Makes its files in a temporary directory; builds the Go peers through the Go module proxy if Go is there. Prints a table for
 * HTTP/1, one for HTTP/2 and one for how cost grows.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SHAPES, type Shape, writeCapture } from './captures.js';
import { H2_SHAPES, type H2Shape, writeH2Capture } from './h2-captures.js';

interface Result {
  exchanges: number;
  seconds: number;
  cpuSeconds: number;
  /** Null where the tool does not say. */
  peakMebibytes: number | null;
  packets?: number;
}

type Reader = (file: string, mode?: string) => Result | null;

const directory = mkdtempSync(join(tmpdir(), 'bench-engine-'));
const scale = Number(process.argv[2] ?? 200_000);
const here = import.meta.dirname;
const sources = join(here, '../../../../bench/engine');

const ours: Reader = (file, mode = '') =>
  JSON.parse(execFileSync(process.execPath, [join(here, 'ours.js'), file, mode], { encoding: 'utf8' }));
const readers: [name: string, read: Reader][] = [
  ['pcap-sensor', ours],
  ['gopacket + net/http', goPeer('gopacket')],
  ['tshark', tshark],
];
const H2_WORK: readonly (readonly [work: string, ownMode: string, peerMode: string])[] = [
  ['kept in pairs', '', 'kept'],
  ['counted', 'dropped', ''],
];

const h2Peer = goPeer('http2peer');

try {
  print('| file | MiB | reader | exchanges found | exchanges/s | CPU s | peak MiB | times slower |');
  print('| --- | --- | --- | --- | --- | --- | --- | --- |');
  for (const [name, shape] of Object.entries(SHAPES)) compare(name, shape, exchangesOf(shape));
  print(
    '\n| file of HTTP/2 | MiB | reader | exchanges found | exchanges/s | ns a packet | CPU s | peak MiB | times slower |',
  );
  print('| --- | --- | --- | --- | --- | --- | --- | --- | --- |');
  for (const [name, shape] of Object.entries(H2_SHAPES)) await compareH2(name, shape);
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
  let first = 0;
  for (const [reader, read] of readers) {
    const result = read(file);
    if (result === null) {
      print(`| ${name} | ${mebibytes} | ${reader} | not there | | | | |`);
      continue;
    }
    const rate = result.exchanges / result.seconds;
    if (first === 0) first = rate;
    print(
      `| ${name} | ${mebibytes} | ${reader} | ${result.exchanges} of ${exchanges} | ${Math.round(rate)} | ` +
        `${result.cpuSeconds.toFixed(2)} | ${result.peakMebibytes ?? ''} | ${(first / rate).toFixed(1)} |`,
    );
  }
  rmSync(file);
}

/**
 * Each reader twice: with messages kept in pairs, fields and bodies, and with streams only counted, as exchanges are that policy
 * drops. How many times slower a peer is goes by the same work.
 */
async function compareH2(name: string, shape: H2Shape): Promise<void> {
  const file = join(directory, `${name}.pcap`);
  const most = 2 ** 29 / (shape.responseBytes + shape.requestBytes + 500);
  const { packets, exchanges } = await writeH2Capture(file, shape, Math.min(scale, most));
  const mebibytes = Math.round(statSync(file).size / 2 ** 20);
  for (const [work, ownMode, peerMode] of H2_WORK) {
    const found = ours(file, ownMode);
    if (found === null) return;
    const rate = found.exchanges / found.seconds;
    const row = (reader: string, { exchanges: count, seconds, cpuSeconds, peakMebibytes }: Result) =>
      print(
        `| ${name} | ${mebibytes} | ${reader}, ${work} | ${count} of ${exchanges} | ${Math.round(count / seconds)} | ` +
          `${Math.round((seconds / packets) * 1e9)} | ${cpuSeconds.toFixed(2)} | ${peakMebibytes ?? ''} | ` +
          `${(rate / (count / seconds)).toFixed(2)} |`,
      );
    row('pcap-sensor', found);
    const peer = h2Peer(file, peerMode);
    if (peer === null) print(`| ${name} | ${mebibytes} | gopacket + x/net/http2 | not there | | | | | |`);
    else row('gopacket + x/net/http2', peer);
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

function goPeer(name: string): Reader {
  const peer = join(directory, `${name}-peer`);
  const built = spawnSync('go', ['build', '-o', peer, '.'], { cwd: join(sources, name), encoding: 'utf8' });
  if (built.status !== 0) return () => null;
  return (file, mode = '') => JSON.parse(execFileSync(peer, mode === '' ? [file] : [file, mode], { encoding: 'utf8' }));
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
