/** Traces as a person sees them, line by line: at every width, in colour or not, and with what strangers may put in. */
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { columnsOf, cutToColumns } from '../../../src/output/text/columns.js';
import { encodeText, type TextView, traceLine } from '../../../src/output/text/trace-line.js';
import { sampleTrace, traceBody } from '../../support/trace.js';

const FIELDS: TextView = { verbosity: 0, colour: false, columns: () => null, dates: false };
const wide = (columns: number, more: Partial<TextView> = {}): TextView => ({
  ...FIELDS,
  columns: () => columns,
  ...more,
});

describe('off a terminal', () => {
  it('is fields with one space between them', () => {
    expect(traceLine(sampleTrace({ marks: ['gap', 'aborted'] }), FIELDS)).toBe(
      '2025-07-08T18:40:00.123Z 192.0.2.7:40000 GET api.example:8080/items?limit=2 200 1.50ms ↑0B ↓8B gap,aborted',
    );
  });

  it('has a dash for what did not come, and no space within a field', () => {
    const trace = sampleTrace({ response: null, request: { method: '', target: '/a b' }, marks: ['no-response'] });
    expect(traceLine(trace, FIELDS)).toBe(
      '2025-07-08T18:40:00.123Z 192.0.2.7:40000 - api.example:8080/a%20b - 1.50ms ↑0B ↓0B no-response',
    );
  });

  it('names the client behind trusted proxies, with a port where that is known', () => {
    const named = (port: number | null) =>
      traceLine(sampleTrace({ client: { address: '203.0.113.9', port, source: 'forwarded' } }), FIELDS).split(' ')[1];
    expect([named(null), named(4711)]).toEqual(['203.0.113.9', '203.0.113.9:4711']);
  });

  it('has IPv6 in brackets', () => {
    const { network } = sampleTrace();
    const trace = sampleTrace({ network: { ...network, client: { address: '2001:db8::1', port: 1 } } });
    expect(traceLine(trace, FIELDS)).toContain(' [2001:db8::1]:1 GET ');
  });

  it.each([
    ['GET', '/a?b', 'h', 'h/a?b'],
    ['GET', 'http://h/a', 'h', 'http://h/a'],
    ['CONNECT', 'db.example:5432', 'db.example:5432', 'db.example:5432'],
    ['OPTIONS', '*', 'h', 'h%20*'],
    ['GET', '', '', '-'],
  ])('%s %s of %s is %s', (method, target, authority, shown) => {
    expect(traceLine(sampleTrace({ request: { method, target, authority } }), FIELDS).split(' ')[3]).toBe(shown);
  });
});

describe('on a terminal', () => {
  const trace = sampleTrace({ marks: ['gap'] });

  it.each([
    [
      140,
      '18:40:00.123 192.0.2.7:40000       GET    api.example:8080/items?limit=2                                      200  1.50ms ↑0B ↓8B        gap',
    ],
    [100, '18:40:00.123 192.0.2.7:40000       GET    api.example:8080/items?limit=2             200  1.50ms gap'],
    [80, '18:40:00.123 GET    api.example:8080/items?limit=2               200  1.50ms gap'],
    [60, 'GET    api.example:8080/items?limit=2        200  1.50ms gap'],
    [40, 'GET    api.example:8080… 200  1.50ms gap'],
  ])('of %i columns', (columns, line) => {
    expect(traceLine(trace, wide(columns))).toBe(line);
    expect(columnsOf(line)).toBeLessThanOrEqual(columns);
  });

  it('never wraps, down to what the fixed parts take', () => {
    for (let columns = 28; columns < 200; columns++) {
      expect(columnsOf(traceLine(trace, wide(columns))), String(columns)).toBeLessThanOrEqual(columns);
    }
  });

  it('has dates where a file is read', () => {
    expect(traceLine(trace, wide(140, { dates: true }))).toMatch(/^2025-07-08 18:40:00\.123 192/);
  });

  it('lines up what follows wide characters', () => {
    const plain = traceLine(sampleTrace({ request: { target: '/aabb' } }), wide(100));
    const kanji = traceLine(sampleTrace({ request: { target: '/漢字' } }), wide(100));
    expect(columnsOf(kanji.slice(0, kanji.indexOf(' 200 ')))).toBe(columnsOf(plain.slice(0, plain.indexOf(' 200 '))));
  });

  it('has colours, by status', () => {
    const colour = (status: number | null) =>
      traceLine(sampleTrace({ response: status === null ? null : { status } }), wide(140, { colour: true }));
    expect(colour(204)).toContain('\x1b[32m204\x1b[0m');
    expect(colour(302)).toContain('\x1b[36m302\x1b[0m');
    expect(colour(404)).toContain('\x1b[33m404\x1b[0m');
    expect(colour(503)).toContain('\x1b[31m503\x1b[0m');
    expect(colour(null)).toContain('\x1b[31m---\x1b[0m');
    expect(stripVTControlCharacters(colour(204)).trimEnd()).toBe(
      traceLine(sampleTrace({ response: { status: 204 } }), wide(140)),
    );
  });
});

describe.each([
  [0, '0µs'],
  [999_400, '999µs'],
  [999_500, '1.00ms'],
  [12_345_678, '12.3ms'],
  [999_400_000, '999ms'],
  [1_234_000_000, '1.23s'],
  [100e9, '100s'],
  [3600e9, '60min'],
])('%i ns', (durationNano, shown) => {
  it(`is ${shown}`, () => expect(traceLine(sampleTrace({ durationNano }), FIELDS).split(' ')[5]).toBe(shown));
});

it.each([
  [999, '↓999B'],
  [1000, '↓1.00kB'],
  [12_345, '↓12.3kB'],
  [999_499, '↓999kB'],
  [999_500, '↓1.00MB'],
  [2_500_000_000, '↓2.50GB'],
])('%i bytes are %s', (wireBytes, shown) => {
  expect(traceLine(sampleTrace({ response: { body: traceBody('', { wireBytes }) } }), FIELDS)).toContain(shown);
});

describe('what strangers put in', () => {
  const hostile = '\x1b[2J\x1b]0;owned\x07\r\n\u202e\u0085';
  const trace = sampleTrace({
    request: {
      method: hostile,
      target: `/${hostile}`,
      authority: hostile,
      headers: [[hostile, hostile]],
      trailers: [[hostile, hostile]],
      body: traceBody(`a${hostile}b`),
    },
    response: { reason: hostile, body: traceBody(Buffer.from([0, 255, 27]), { codingError: hostile }) },
  });

  it.each([0, 1, 2])('moves no cursor and makes no line of its own, with verbosity %i', (verbosity) => {
    for (const columns of [null, 40, 200]) {
      const text = encodeText(trace, { ...FIELDS, verbosity, columns: () => columns });
      expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Cf}/u);
      const [, ...below] = text.trimEnd().split('\n');
      expect(below.filter((line) => !line.startsWith('    '))).toEqual([]);
    }
  });

  it('is bounded', () => {
    const long = 'x'.repeat(1_000_000);
    const big = sampleTrace({ request: { target: `/${long}`, headers: [['a', long]], body: traceBody(long) } });
    expect(encodeText(big, { ...FIELDS, verbosity: 2 }).length).toBeLessThan(50_000);
  });
});

describe('below the line', () => {
  const below = (trace: Parameters<typeof encodeText>[0], verbosity: number) =>
    encodeText(trace, { ...FIELDS, verbosity })
      .split('\n')
      .slice(1)
      .join('\n');

  it('are the heads, with -v', () => {
    expect(below(sampleTrace({ response: { headers: [['Content-Type', 'text/plain']] } }), 1)).toBe(
      [
        '    > GET /items?limit=2 HTTP/1.1',
        '    > Host: api.example:8080',
        '    > Accept: application/json',
        '    > Accept: text/plain',
        '    > User-Agent: curl/7.88.1',
        '    < HTTP/1.1 200 OK',
        '    < Content-Type: text/plain',
        '',
      ].join('\n'),
    );
  });

  it('are the bodies, with -vv, between heads and trailers', () => {
    const trace = sampleTrace({
      request: { headers: [], body: traceBody('{"a":1}\r\n\tb\n') },
      response: {
        headers: [],
        trailers: [['Digest', 'x']],
        body: traceBody(Buffer.from([0xff, 0xfe, 0x41]), { codingError: 'gzip: incorrect header check' }),
      },
    });
    expect(below(trace, 2)).toBe(
      [
        '    > GET /items?limit=2 HTTP/1.1',
        '      {"a":1}',
        '          b',
        '      ',
        '    < HTTP/1.1 200 OK',
        '      00000000  ff fe 41                                         ..A',
        '      (its content coding could not be undone: gzip: incorrect header check)',
        '    < (trailer) Digest: x',
        '',
      ].join('\n'),
    );
  });

  it('are the messages of a stream, with -vv, in their order, in place of the body they are in', () => {
    const message = (
      direction: 'request' | 'response',
      kind: 'event' | 'text' | 'close',
      content: string,
      more = {},
    ) => ({
      ...{ direction, kind, offsetNano: 1.2e9, ...traceBody(content) },
      ...more,
    });
    const seen = { count: 1, bytes: 1, control: 0, lostBytes: 0 };
    const trace = sampleTrace({
      request: { headers: [], body: traceBody('asked') },
      response: { headers: [], trailers: [['Digest', 'x']], body: traceBody('data: one\n\n') },
      messages: [
        message('response', 'event', 'one\ntwo', { event: { event: 'delta\u001b[2J', id: '7' } }),
        message('response', 'text', 'x'.repeat(3000)),
        message('response', 'close', 'bye', { closeCode: 1000, offsetNano: 5e6 }),
        message('response', 'event', '', { omitted: 'an archive', bytes: 9 }),
      ],
      messagesSeen: { request: { ...seen, count: 0 }, response: { ...seen, count: 10, control: 1, lostBytes: 5 } },
    });
    expect(below(trace, 2)).toBe(
      [
        '    > GET /items?limit=2 HTTP/1.1',
        '      asked',
        '    < HTTP/1.1 200 OK',
        '    < event delta\\u{1b}[2J id 7, 1.20s',
        '      one',
        '      two',
        '    < text, 1.20s',
        `      ${'x'.repeat(2048)}`,
        '      (2.05kB of 3.00kB shown)',
        '    < close 1000, 5.00ms',
        '      bye',
        '    < event, 1.20s',
        '      (9B, left out: an archive)',
        '    < (7 more messages, not kept)',
        '    < (5B without messages that can be told)',
        '    < (trailer) Digest: x',
        '',
      ].join('\n'),
    );
    expect(below(trace, 1)).not.toContain('event');
  });

  it('say how much of a body they leave out', () => {
    const long = sampleTrace({ request: { headers: [], body: traceBody('é'.repeat(20_000)) }, response: null });
    const lines = below(long, 2).trimEnd().split('\n');
    expect(lines.at(-1)).toBe('      (16.4kB of 40.0kB shown)');
    const cut = sampleTrace({
      request: { headers: [], body: traceBody('abc', { bytes: 10, truncated: true }) },
      response: null,
    });
    expect(below(cut, 2)).toContain('      abc\n      (3B of 10B shown)\n');
    const gone = sampleTrace({
      request: { headers: [], body: traceBody('', { bytes: 10, truncated: true }) },
      response: null,
    });
    expect(below(gone, 2)).toContain('      (10B, not kept)\n');
    const binary = sampleTrace({ request: { headers: [], body: traceBody(Buffer.alloc(1000, 0xff)) }, response: null });
    expect(below(binary, 2)).toContain('(256B of 1.00kB shown)');
  });
});

it('cuts between characters', () => {
  expect(cutToColumns('abcdef', 6)).toBe('abcdef');
  expect(cutToColumns('abcdefg', 6)).toBe('abcde…');
  expect(cutToColumns('漢字漢字', 6)).toBe('漢字…');
  expect(cutToColumns('e\u0301e\u0301e\u0301', 3)).toBe('e\u0301e\u0301e\u0301');
});
