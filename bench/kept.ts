/**
 * Capture file → NDJSON with every exchange kept and redacted, the whole process, beside gopacket with net/http, which prints
 * nothing, on the same file.
 *
 *     npm run bench:kept [-- --exchanges 200000] [--entry dist/cli/cli.js] [--rounds 3]
 *
 * The median of the rounds by wall time. CPU is of all threads.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SHAPES, type Shape, writeCapture } from './engine/captures.js';
import { printTable } from './table.js';

const { values } = parseArgs({
  options: {
    exchanges: { type: 'string', default: '200000' },
    rounds: { type: 'string', default: '3' },
    entry: { type: 'string', default: join(import.meta.dirname, '../dist/cli/cli.js') },
  },
});
const FILES = ['small', 'json16k', 'body1m', 'reordered'];
/** So that no file is larger than about half a gigabyte. */
const FILE_BYTES_MAX = 2 ** 29;
const TICKS_A_SECOND = 100;
const LOOK_MILLIS = 20;

interface Cost {
  seconds: number;
  cpuSeconds: number;
  mebibytes: number;
}

/** Runs a command to its end; null where it cannot be run. CPU and memory are those of its last look before that. */
async function cost(command: string, words: readonly string[]): Promise<Cost | null> {
  const start = performance.now();
  const child = spawn(command, words, { stdio: ['ignore', 'ignore', 'ignore'] });
  let [ticks, mebibytes] = [0, 0];
  const look = setInterval(() => {
    try {
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ');
      ticks = Number(fields[11]) + Number(fields[12]);
      const high = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
      mebibytes = Math.max(mebibytes, Math.round(Number(high ?? 0) / 1024));
    } catch {
      // It has ended since.
    }
  }, LOOK_MILLIS);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearInterval(look);
  return code === 0
    ? { seconds: (performance.now() - start) / 1000, cpuSeconds: ticks / TICKS_A_SECOND, mebibytes }
    : null;
}

const folder = mkdtempSync(join(tmpdir(), 'bench-kept-'));
try {
  const peer = join(folder, 'peer');
  const built = spawnSync('go', ['build', '-o', peer, '.'], { cwd: join(import.meta.dirname, 'engine/gopacket') });
  const rows = [];
  for (const name of FILES) {
    const shape = SHAPES[name] as Shape;
    const exchanges = Math.round(
      Math.min(Number(values.exchanges), FILE_BYTES_MAX / (shape.responseBytes * 1.05 + 700)),
    );
    const file = join(folder, `${name}.pcap`);
    writeCapture(file, shape, exchanges);
    const out = join(folder, 'out.ndjson');
    const unlimited = ['--rate-limit', '0', '--max-cpu', 'none', '--keep-health-checks'];
    const ours = [resolve(values.entry), 'apidump', '--read', file, '--output', `ndjson:${out}`, ...unlimited];
    const readers: [string, () => Promise<Cost | null>][] = [
      [
        'pcap-sensor, to NDJSON',
        () => cost(process.execPath, ['--max-semi-space-size=2', ...ours, '--output-replace']),
      ],
      ['gopacket + net/http, to nothing', async () => (built.status === 0 ? await cost(peer, [file]) : null)],
    ];
    for (const [reader, read] of readers) {
      const costs = [];
      for (let round = 0; round < Number(values.rounds); round++) costs.push(await read());
      const median = costs.sort((a, b) => (a?.seconds ?? 0) - (b?.seconds ?? 0))[costs.length >> 1];
      const cells = median
        ? [median.seconds.toFixed(2), median.cpuSeconds.toFixed(2), median.mebibytes]
        : ['not there'];
      rows.push([name, exchanges, reader, ...cells]);
    }
    rmSync(file);
  }
  printTable(['file', 'exchanges', 'reader', 'seconds', 'CPU s', 'MiB at most'], rows);
} finally {
  rmSync(folder, { recursive: true });
}
