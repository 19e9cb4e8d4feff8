import { execFileSync, spawn } from 'node:child_process';
import { link, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCounters, exchangesInFlight } from '../../../src/counters.js';
import { DEFAULT_LIMITS } from '../../../src/limits.js';
import { createBooks, createSideBooks } from '../../../src/output/books.js';
import { harShape, NDJSON_SHAPE, openFileOutput } from '../../../src/output/file/file-output.js';
import { joinOutputs } from '../../../src/output/outputs.js';
import { needs } from '../../support/needs.js';
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
    shape: format === 'ndjson' ? NDJSON_SHAPE : harShape('0.1.0'),
    name: format,
    path,
    replace: false,
    read: null as string | null,
    books: keepsBooks ? createBooks(counters) : createSideBooks(counters),
    isLive: true,
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

it.each([true, false])('reports an exchange whose body is larger than its queue, live: %s', async (isLive) => {
  const path = join(directory, 'larger');
  const given = { ...parts(path, 'ndjson', true, 100_000), isLive };
  const output = await openFileOutput(given);
  const body = traceBody(Buffer.alloc(150_000, 0xff));
  const trace = sampleTrace({ response: { body } });
  output.accept(trace);
  await output.close(1000);
  const { response, marks } = JSON.parse(await readFile(path, 'utf8'));
  expect(response.body).toMatchObject({ wireBytes: body.wireBytes, truncated: true, encoding: 'base64' });
  // As much as fits.
  expect(response.body.content.length).toBeGreaterThan(98_000);
  expect(marks).toContain('shed');
  expect(given.counters).toMatchObject({ exchanges_exported: 1, exchanges_dropped_undeliverable: 0 });
  // Another output still has it.
  expect(trace.response?.body.content).toHaveLength(150_000);
  expect(trace.marks).not.toContain('shed');
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
    let turns = 0;
    while (given.counters.exchanges_exported < 3 && turns < 1e6) {
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
    // The third would take more memory than a queue may: it comes without its body, and before the others.
    expect(bodies.map((one?: string) => (one === content ? 'whole' : (one ?? '')))).toEqual([
      '',
      'whole',
      'whole',
      'whole',
    ]);
    expect(given.counters).toMatchObject({ exchanges_exported: 4, exchanges_dropped_undeliverable: 0 });
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

describe('what is there already', () => {
  it('is appended to as lines', async () => {
    const path = join(directory, 'a.ndjson');
    await writeFile(path, '{"precious":1}\n');
    const output = await openFileOutput(parts(path, 'ndjson'));
    output.accept(sampleTrace());
    await output.close(1000);
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).precious)).toEqual([1, undefined]);
  });

  it('is left on a line of its own where its last one is torn, and that is said', async () => {
    const path = join(directory, 'a.ndjson');
    await writeFile(path, '{"torn":');
    const given = parts(path, 'ndjson');
    const output = await openFileOutput(given);
    output.accept(sampleTrace());
    await output.close(1000);
    const [torn, whole, rest] = (await readFile(path, 'utf8')).split('\n');
    expect([torn, JSON.parse(whole ?? '').kind, rest]).toEqual(['{"torn":', 'server', '']);
    expect(given.lines[0]?.message).toMatch(/ends in the middle of a line/);
  });

  it('is not overwritten by a HAR file', async () => {
    const path = join(directory, 'a.har');
    await writeFile(path, 'precious');
    await expect(openFileOutput(parts(path, 'har'))).rejects.toMatchObject({
      exitCode: 2,
      message: `--output har:${path}: holds 8 bytes already; name a new file, or let it be replaced with --output-replace`,
    });
    expect(await readFile(path, 'utf8')).toBe('precious');
  });

  it.each(['ndjson', 'har'] as const)('goes where that is asked for: %s', async (format) => {
    const path = join(directory, 'a');
    await writeFile(path, 'old '.repeat(10_000));
    const output = await openFileOutput({ ...parts(path, format), replace: true });
    output.accept(sampleTrace());
    await output.close(1000);
    const text = await readFile(path, 'utf8');
    expect(() => JSON.parse(text)).not.toThrow();
  });

  it.each(['ndjson', 'har'] as const)(
    'stays where it is the file that is read, by whatever name: %s',
    async (format) => {
      const read = join(directory, 'capture.pcap');
      const path = join(directory, 'other-name');
      await writeFile(read, '');
      await link(read, path);
      for (const replace of [false, true])
        await expect(openFileOutput({ ...parts(path, format), read, replace })).rejects.toThrow(
          /is the file that --read/,
        );
    },
  );

  it.each(['ndjson', 'har'] as const)('stays where a link leads to it: %s', async (format) => {
    const victim = join(directory, 'victim');
    const path = join(directory, 'link');
    await symlink(victim, path);
    const refused = openFileOutput({ ...parts(path, format), replace: true });
    await expect(refused).rejects.toThrow(
      `--output ${format}:${path}: is a symbolic link to ${victim}, and links are not followed; name the file itself`,
    );
    await expect(stat(victim)).rejects.toThrow(/ENOENT/);
    await writeFile(victim, 'precious');
    await expect(openFileOutput({ ...parts(path, format), replace: true })).rejects.toThrow(/links are not followed/);
    expect(await readFile(victim, 'utf8')).toBe('precious');
  });
});

it.each(['/dev/null', '/dev/stdout', '/proc/self/fd/1', '/dev/fd/1'])(
  'writes to what is no file: %s',
  async (device) => {
    const code = `
    import { openTarget } from '${join(import.meta.dirname, '../../../dist/output/file/open-target.js')}';
    const { handle, isFile } = await openTarget({ option: '', path: process.argv[1], appends: true, replace: false, read: null });
    await handle.write(isFile + '\\n');`;
    const run = (command: string) =>
      execFileSync('sh', ['-c', command, 'sh', process.execPath, code, device], { encoding: 'utf8' });
    expect(run('"$1" --input-type=module -e "$2" "$3" | cat')).toBe(device === '/dev/null' ? '' : 'false\n');
    const file = join(directory, 'out');
    await writeFile(file, 'before\n');
    run(`"$1" --input-type=module -e "$2" "$3" >> ${file}`);
    expect(await readFile(file, 'utf8')).toBe(device === '/dev/null' ? 'before\n' : 'before\ntrue\n');
  },
);

it('is a HAR file through a pipe as well', async () => {
  const path = join(directory, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  reader.stdout.on('data', (chunk) => {
    text += chunk;
  });
  const output = await openFileOutput(parts(path, 'har'));
  const gone = new Promise((resolve) => reader.stdout.once('end', resolve));
  for (let i = 0; i < 2; i++) output.accept(sampleTrace());
  await output.close(1000);
  await gone;
  expect(JSON.parse(text).log.entries.length).toBe(2);
});

/** A disk that fills up and has room again, in a process of its own: it ends with what the sensor counted. */
describe('on a disk that is full', needs('namespaces', 'unshare'), () => {
  it.each(['ndjson', 'har'] as const)(
    'counts each readable trace as exported, and every other as lost: %s',
    (format) => {
      const disk = join(directory, 'disk');
      const child = join(import.meta.dirname, '../../support/disk-full-child.mjs');
      const out = execFileSync(
        'unshare',
        [
          '-m',
          'sh',
          '-c',
          'mkdir "$1" && mount -t tmpfs -o size=96k none "$1" && exec "$2" "$3" "$1" "$4"',
          'sh',
          disk,
          process.execPath,
          child,
          format,
        ],
        { encoding: 'utf8' },
      );
      const { accepted, exported, lost, readable, unreadable, exportedLater } = JSON.parse(out);
      expect({ exported: readable.length, lost, unreadable }).toEqual({
        exported,
        lost: accepted - exported,
        unreadable: [],
      });
      expect([new Set(readable).size, lost > 0, exported > 0, exportedLater > 0]).toEqual([exported, true, true, true]);
    },
  );
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
