import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createCounters, exchangesInFlight } from '../../../src/counters.js';
import { DEFAULT_LIMITS } from '../../../src/limits.js';
import { createBooks, createSideBooks } from '../../../src/output/books.js';
import { openFileOutput } from '../../../src/output/file/file-output.js';
import { joinOutputs } from '../../../src/output/outputs.js';
import { instantClock, recordingLog } from '../../support/relay.js';
import { sampleTrace, traceBody } from '../../support/trace.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'file-output-'));
});
afterEach(() => rm(directory, { recursive: true }));

function parts(path: string, format: 'ndjson' | 'har', keepsBooks = true, queueBytesMax = 1 << 20) {
  const { log, lines } = recordingLog();
  const counters = createCounters();
  const limits = { ...DEFAULT_LIMITS, queue_bytes_max: queueBytesMax };
  return {
    format,
    path,
    books: keepsBooks ? createBooks(counters) : createSideBooks(counters),
    isLive: true,
    sensorVersion: '0.1.0',
    counters,
    limits,
    log,
    lines,
    clock: instantClock(),
  };
}

it('writes a line a trace, for nobody else to read', async () => {
  const path = join(directory, 'traces.ndjson');
  const given = parts(path, 'ndjson');
  const output = await openFileOutput(given);
  given.counters.exchanges_seen = 2;
  output.accept(sampleTrace({ request: { path: '/1' } }));
  output.accept(sampleTrace({ request: { path: '/2' } }));
  await output.close(1000);
  const lines = (await readFile(path, 'utf8')).split('\n');
  expect(lines.pop()).toBe('');
  expect(lines.map((line) => JSON.parse(line).request.path)).toEqual(['/1', '/2']);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(given.counters.exchanges_exported).toBe(2);
  expect(exchangesInFlight(given.counters)).toBe(0);
});

it('keeps a HAR file whole after every write', async () => {
  const path = join(directory, 'traces.har');
  const given = parts(path, 'har');
  const output = await openFileOutput(given);
  for (let i = 1; i <= 3; i++) {
    output.accept(sampleTrace({ request: { path: `/${i}`, target: `/${i}?q=é` } }));
    while (given.counters.exchanges_exported < i) await new Promise((resolve) => setImmediate(resolve));
    const har = JSON.parse(await readFile(path, 'utf8'));
    expect(har.log.entries.length).toBe(i);
    expect(har.log.entries[i - 1].request.url).toBe(`http://api.example:8080/${i}?q=é`);
  }
  await output.close(1000);
  expect(JSON.parse(await readFile(path, 'utf8')).log.entries.length).toBe(3);
});

it.each(['ndjson', 'har'] as const)(
  'encodes large bodies bit by bit, and all of them before it closes: %s',
  async (format) => {
    const path = join(directory, 'large');
    const given = parts(path, format, true, 1 << 20);
    const output = await openFileOutput(given);
    const body = traceBody(`${'xy'.repeat(200_000)}é`);
    given.counters.exchanges_seen = 3;
    for (let i = 0; i < 3; i++) output.accept(sampleTrace({ response: { body } }));
    // The third would take more memory than a queue may.
    expect(given.counters.exchanges_dropped_undeliverable).toBe(1);
    let turns = 0;
    while (given.counters.exchanges_exported < 2 && turns < 1e6) {
      turns++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(turns).toBeGreaterThan(8);
    output.accept(sampleTrace({ response: { body } }));
    given.counters.exchanges_seen++;
    await output.close(1000);
    const text = await readFile(path, 'utf8');
    const bodies =
      format === 'ndjson'
        ? text
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line).response.body.content)
        : JSON.parse(text).log.entries.map((entry: any) => entry.response.content.text);
    const content = Buffer.from(body.content).toString();
    expect(bodies.map((one: string) => one === content)).toEqual([true, true, true]);
    expect(given.counters).toMatchObject({ exchanges_exported: 3, exchanges_dropped_undeliverable: 1 });
    expect(exchangesInFlight(given.counters)).toBe(0);
  },
);

it('writes a whole HAR file without any trace', async () => {
  const path = join(directory, 'empty.har');
  await (await openFileOutput(parts(path, 'har'))).close(1000);
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
    log: { version: '1.2', creator: { name: 'pcap-sensor', version: '0.1.0' }, entries: [] },
  });
});

it('encodes a HAR entry', async () => {
  const path = join(directory, 'one.har');
  const output = await openFileOutput(parts(path, 'har'));
  output.accept(
    sampleTrace({
      marks: ['gap'],
      request: {
        method: 'POST',
        headers: [
          ['Cookie', 'a=1; b=2'],
          ['Content-Type', 'text/plain'],
        ],
        body: traceBody('abc'),
      },
      response: {
        headers: [
          ['Set-Cookie', 's=t; Path=/'],
          ['Location', '/there'],
        ],
        body: traceBody(Buffer.from([0xff]), { wireBytes: 3, bytes: 9, truncated: true }),
      },
    }),
  );
  await output.close(1000);
  expect(JSON.parse(await readFile(path, 'utf8')).log.entries).toEqual([
    {
      startedDateTime: '2025-07-08T18:40:00.123456Z',
      time: 1.5,
      request: {
        method: 'POST',
        url: 'http://api.example:8080/items?limit=2',
        httpVersion: 'HTTP/1.1',
        cookies: [
          { name: 'a', value: '1' },
          { name: 'b', value: '2' },
        ],
        headers: [
          { name: 'Cookie', value: 'a=1; b=2' },
          { name: 'Content-Type', value: 'text/plain' },
        ],
        queryString: [{ name: 'limit', value: '2' }],
        postData: { mimeType: 'text/plain', params: [], text: 'abc' },
        headersSize: -1,
        bodySize: 3,
      },
      response: {
        status: 200,
        statusText: 'OK',
        httpVersion: 'HTTP/1.1',
        cookies: [{ name: 's', value: 't' }],
        headers: [
          { name: 'Set-Cookie', value: 's=t; Path=/' },
          { name: 'Location', value: '/there' },
        ],
        content: {
          size: 9,
          compression: 6,
          mimeType: 'x-unknown',
          text: '/w==',
          encoding: 'base64',
          comment: 'truncated',
        },
        redirectURL: '/there',
        headersSize: -1,
        bodySize: 3,
      },
      cache: {},
      timings: { blocked: -1, dns: -1, connect: -1, send: 0.001, wait: 1.199, receive: expect.closeTo(0.3), ssl: -1 },
      serverIPAddress: '10.0.0.5',
      connection: '40000',
      comment: 'gap',
      _traceId: '0af7651916cd43dd8448eb211c80319c',
    },
  ]);
});

it('loses the oldest where the file cannot keep up, and says how many', async () => {
  const path = join(directory, 'slow.ndjson');
  const given = parts(path, 'ndjson', true, 5000);
  const output = await openFileOutput(given);
  given.counters.exchanges_seen = 10;
  // Nothing is written before this turn ends: only what fits is left of the ten.
  for (let i = 0; i < 10; i++) output.accept(sampleTrace({ request: { path: `/${i}` } }));
  expect(output.drained()).toBeInstanceOf(Promise);
  await output.drained();
  await output.close(1000);
  const paths = (await readFile(path, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).request.path);
  expect(paths.at(-1)).toBe('/9');
  expect(paths.length).toBeLessThan(10);
  expect(given.counters.exchanges_exported).toBe(paths.length);
  expect(given.counters.exchanges_dropped_undeliverable).toBe(10 - paths.length);
});

it('counts what a full disk does not take', async () => {
  const given = parts('/dev/full', 'ndjson');
  const output = await openFileOutput(given);
  output.accept(sampleTrace());
  await output.close(1000);
  expect(given.counters).toMatchObject({ exchanges_exported: 0, exchanges_dropped_undeliverable: 1 });
  expect(given.lines[0]?.fields).toMatchObject({ reason: 'ENOSPC', path: '/dev/full' });
});

it.each(['ndjson', 'har'] as const)('loses one trace where one cannot be encoded: %s', async (format) => {
  const path = join(directory, 'traces');
  const given = parts(path, format);
  const output = await openFileOutput(given);
  given.counters.exchanges_seen = 2;
  // No time that a date or an integer can be made of.
  output.accept(
    sampleTrace({
      startTimeUnixNano: {
        toString: () => {
          throw new Error('no time');
        },
      } as unknown as bigint,
    }),
  );
  output.accept(sampleTrace());
  await output.close(1000);
  expect(given.counters).toMatchObject({ exchanges_exported: 1, exchanges_dropped_undeliverable: 1 });
});

it('names the file that cannot be opened', async () => {
  await expect(openFileOutput(parts(join(directory, 'no/such/x.ndjson'), 'ndjson'))).rejects.toThrow(
    /--output .*ENOENT/,
  );
});

it('counts an exchange once, however many outputs take it', async () => {
  const books = parts(join(directory, 'a.ndjson'), 'ndjson');
  const other = { ...parts('/dev/full', 'har', false), books: createSideBooks(books.counters) };
  const output = joinOutputs([await openFileOutput(books), await openFileOutput(other)]);
  books.counters.exchanges_seen = 1;
  output.accept(sampleTrace());
  await output.close(1000);
  expect(books.counters).toMatchObject({
    exchanges_exported: 1,
    exchanges_dropped_undeliverable: 0,
    output_traces_lost: 1,
  });
  expect(exchangesInFlight(books.counters)).toBe(0);
});

it('loses nothing uncounted when the reader of a pipe goes away', async () => {
  const path = join(directory, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = spawn('head', ['-n', '1', path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const given = parts(path, 'ndjson');
  const output = await openFileOutput(given);
  const gone = new Promise((resolve) => reader.once('exit', resolve));
  output.accept(sampleTrace());
  await gone;
  for (let i = 0; i < 5; i++) output.accept(sampleTrace());
  await output.close(1000);
  const { exchanges_exported, exchanges_dropped_undeliverable } = given.counters;
  expect([exchanges_exported, exchanges_dropped_undeliverable]).toEqual([1, 5]);
  expect(given.lines.map((line) => line.fields.reason)).toEqual(['EPIPE']);
});
