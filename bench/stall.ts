/**
 * How long encoding a trace with a large body holds up everything else, by output: the longest time between two turns of the
 * event loop, from handing over the trace until it is out.
 *
 *     node --import ./test/support/run-typescript.js bench/stall.ts [--rounds 30]
 *
 * Prints a Markdown table: the least and the median over the rounds, in milliseconds. A satellite on loopback takes what is
 * sent.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createCounters } from '../src/counters.js';
import { DEFAULT_LIMITS } from '../src/limits.js';
import { createBooks } from '../src/output/books.js';
import { systemClock } from '../src/output/clock.js';
import { harShape, NDJSON_SHAPE, openFileOutput } from '../src/output/file/file-output.js';
import type { TraceOutput } from '../src/output/output.js';
import { openSatelliteRelay } from '../src/output/satellite/satellite-relay.js';
import type { Trace } from '../src/trace/trace.js';
import { recordingLog, satelliteSettings } from '../test/support/relay.js';
import { sampleTrace } from '../test/support/trace.js';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '30' } } });
const rounds = Number(values.rounds);
const directory = mkdtempSync(join(tmpdir(), 'stall-'));
const satellite = createServer((request, response) => {
  request.resume();
  request.on('end', () => response.end('{}'));
});
await new Promise<void>((resolve) => satellite.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(satellite.address() as AddressInfo).port}`;

const counters = createCounters();
const { log } = recordingLog();
const parts = { counters, limits: DEFAULT_LIMITS, log, clock: systemClock };
const relay = (protocol: 'otlp' | 'levo') =>
  openSatelliteRelay(satelliteSettings(url, { protocol, exportIntervalMillis: 20 }), parts);
const file = (format: 'ndjson' | 'har') =>
  openFileOutput({
    ...parts,
    shape: format === 'ndjson' ? NDJSON_SHAPE : harShape('0'),
    name: format,
    path: join(directory, format),
    replace: true,
    read: null,
    books: createBooks(counters),
    isLive: true,
  });

const outputs: [string, TraceOutput][] = [
  ['OTLP', await relay('otlp')],
  ['levo', await relay('levo')],
  ['NDJSON', await file('ndjson')],
  ['HAR', await file('har')],
];
const record = JSON.stringify({ id: 4711, name: 'Zoë "the" Tester', tags: ['a\n', 'b'], price: 12.5 });
const text = (bytes: number): Buffer => Buffer.alloc(bytes, `${record},`);
const bodies: [string, Buffer][] = [
  ['64 KiB of JSON', text(1 << 16)],
  ['1 MiB of JSON', text(1 << 20)],
  ['1 MiB of binary', randomBytes(1 << 20)],
  ['10 MB of JSON', text(10_000_000)],
];
const print = (cells: readonly string[]): void => void process.stdout.write(`| ${cells.join(' | ')} |\n`);
print(['body', ...outputs.map(([name]) => name)]);
print(['---', ...outputs.map(() => '---:')]);
for (const [name, content] of bodies) {
  const cells: string[] = [];
  for (const [, output] of outputs) {
    const stalls: number[] = [];
    for (let i = 0; i < rounds; i++) stalls.push(await longestStall(output, traceWith(content)));
    stalls.sort((a, b) => a - b);
    cells.push(`${stalls[0]?.toFixed(1)}, ${stalls[rounds >> 1]?.toFixed(1)} ms`);
  }
  print([name, ...cells]);
}
for (const [, output] of outputs) await output.close(1000);
satellite.closeAllConnections();
satellite.close();
rmSync(directory, { recursive: true });

function traceWith(content: Buffer): Trace {
  const body = { wireBytes: content.length, bytes: content.length, truncated: false, content, codingError: null };
  const { response } = sampleTrace({});
  if (response === null) throw new Error('the sample has no response');
  return { ...sampleTrace({}), response: { ...response, body } };
}

async function longestStall(output: TraceOutput, trace: Trace): Promise<number> {
  const exported = counters.exchanges_exported;
  let last = performance.now();
  let longest = 0;
  output.accept(trace);
  while (counters.exchanges_exported === exported) {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return Math.max(longest, performance.now() - last);
}
