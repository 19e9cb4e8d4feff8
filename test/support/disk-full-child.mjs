// Writes traces to a file on a small disk, which is full at every place of a trace in turn, and has room again at the end.
// argv: the disk's directory, ndjson or har. Prints what the sensor counted, and what of it can be read.
import { readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCounters } from '../../dist/counters.js';
import { DEFAULT_LIMITS } from '../../dist/limits.js';
import { createBooks } from '../../dist/output/books.js';
import { systemClock } from '../../dist/output/clock.js';
import { harShape, NDJSON_SHAPE, openFileOutput } from '../../dist/output/file/file-output.js';

const [, , disk, format] = process.argv;
const path = join(disk, 'traces');
const ballast = join(disk, 'ballast');
const silent = () => {};
const counters = createCounters();
const output = await openFileOutput({
  shape: format === 'har' ? harShape('0.1.0') : NDJSON_SHAPE,
  name: format,
  path,
  replace: false,
  read: null,
  isLive: false,
  books: createBooks(counters),
  limits: DEFAULT_LIMITS,
  log: { debug: silent, info: silent, warn: silent, error: silent },
  clock: systemClock,
});
const endpoint = { address: '127.0.0.1', port: 1 };
const nothing = { wireBytes: 0, bytes: 0, truncated: false, content: Buffer.alloc(0), codingError: null };
let accepted = 0;

async function accept(count, bytes) {
  for (let i = 0; i < count; i++) {
    const content = Buffer.alloc(bytes, 'x');
    output.accept({
      traceId: String(accepted++).padStart(32, '0'),
      spanId: '0'.repeat(16),
      parentSpanId: null,
      kind: 'server',
      startTimeUnixNano: 1n,
      durationNano: 1,
      timing: { requestEndNano: 0, responseStartNano: null },
      network: { interface: 'lo', protocol: '1.1', client: endpoint, server: endpoint },
      request: {
        ...{
          method: 'GET',
          scheme: 'http',
          authority: 'h',
          target: '/',
          path: '/',
          query: '',
          headers: [],
          trailers: [],
        },
        body: { ...nothing, wireBytes: bytes, bytes, content },
      },
      response: null,
      marks: [],
    });
  }
  const { exchanges_exported, exchanges_dropped_undeliverable } = counters;
  const before = exchanges_exported + exchanges_dropped_undeliverable;
  while (counters.exchanges_exported + counters.exchanges_dropped_undeliverable < before + count)
    await new Promise((resolve) => setImmediate(resolve));
}

/** Fills the disk but for so many pages. */
function leave(pages) {
  rmSync(ballast, { force: true });
  const { bavail, bsize } = statfsSync(disk);
  try {
    writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail - pages) * bsize));
  } catch {
    // It is as full as it can be.
  }
}

for (let round = 0; round < 24; round++) {
  leave(round % 3);
  await accept(1 + (round % 5), 37 + ((round * 977) % 3000));
}
rmSync(ballast, { force: true });
const before = counters.exchanges_exported;
await accept(3, 10);
await output.close(1000);

const text = readFileSync(path, 'utf8');
const readable = [];
const unreadable = [];
if (format === 'har') for (const entry of JSON.parse(text).log.entries) readable.push(entry._traceId);
else {
  for (const line of text.trimEnd().split('\n')) {
    try {
      readable.push(JSON.parse(line).traceId);
    } catch {
      unreadable.push(line.slice(0, 80));
    }
  }
}
process.stdout.write(
  JSON.stringify({
    accepted,
    exported: counters.exchanges_exported,
    lost: counters.exchanges_dropped_undeliverable,
    exportedLater: counters.exchanges_exported - before,
    readable,
    unreadable,
  }),
);
