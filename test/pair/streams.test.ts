/** Exchanges that go on after their heads: their messages, and the windows in which they are told of. */
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { DropReason } from '../../src/counters.js';
import { type Exchange, markNames } from '../../src/pair/exchange.js';
import { client, converse, fin, lost, pause, type Step, server, split } from '../support/conversation.js';
import { line } from '../support/run-packets.js';

const get = (target: string) => client(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
const EVENTS = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n';
const chunk = (text: string) => server(`${text.length.toString(16)}\r\n${text}\r\n`);
const ends: Step[] = [fin('server'), fin('client')];

/** `event "data" (name id)`, with `…` where it was cut. */
function messages({ messages: log }: Exchange): string[] {
  return (log?.kept ?? []).map(({ isRequest, kind, content, truncated, bytes, event }) =>
    [
      isRequest ? '↑' : '↓',
      kind,
      `"${Buffer.from(content)}"${truncated ? `… of ${bytes}` : ''}`,
      ...(event === undefined ? [] : [JSON.stringify(event)]),
    ].join(' '),
  );
}

const stream = (...steps: (Step | Step[])[]) => converse([get('/events'), server(EVENTS), ...steps, ...ends]);
const only = (exchanges: readonly Exchange[]): Exchange => {
  expect(exchanges).toHaveLength(1);
  return exchanges[0] as Exchange;
};

describe('server-sent events', () => {
  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ] as const)('are split in a body coded with %s, up to a gap', (coding, compress) => {
    const events = Array.from({ length: 50 }, (_, n) => `data: event ${n} of ${Math.imul(n + 1, 0x9e37_79b1)}\n\n`);
    const coded = compress(events.join(''));
    const headers = `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: ${coding}\r\n`;
    const head = server(`${headers}Content-Length: ${coded.length}\r\n\r\n`);
    const whole = only(converse([get('/events'), head, split(server(coded), 100)]).exchanges);
    expect(whole.messages?.response).toMatchObject({ count: 50, lostBytes: 0 });
    expect(messages(whole)[31]).toBe(`↓ event "event 31 of ${Math.imul(32, 0x9e37_79b1)}"`);
    const pieces = split(server(coded), 100).map((step, n) => (n === 2 ? lost(step) : step));
    const cut = only(converse([get('/events'), head, pieces, ...ends]).exchanges);
    const seen = cut.messages?.response.count ?? 0;
    expect(messages(cut)).toEqual(messages(whole).slice(0, seen));
    expect(seen).toBeLessThan(50);
    expect(cut.messages?.response.lostBytes).toBeGreaterThanOrEqual(coded.length - 200);
  });

  it.each([
    ['LF', '\n'],
    ['CR LF', '\r\n'],
    ['CR', '\r'],
  ])('are read as a browser reads them, with lines that end in %s', (_, end) => {
    const text = [
      ': a comment',
      'data: one',
      '',
      'event: delta',
      'id: 7',
      'data:two',
      'data:  three',
      '',
      'retry: 5000',
      'data',
      '',
      'event: without data',
      '',
      'data:',
      'unknown: field',
      'id: 8',
      '',
      'data: unfinished',
    ].join(end);
    for (const size of [1, 2, 3, 7, 1000]) {
      const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_n, i) =>
        server(text.slice(i * size, (i + 1) * size)),
      );
      const exchange = only(stream(pieces).exchanges);
      expect(messages(exchange)).toEqual([
        '↓ event "one"',
        '↓ event "two\n three" {"event":"delta","id":"7"}',
        '↓ event "" {"retry":5000}',
        '↓ event "" {"id":"8"}',
      ]);
      expect(exchange.messages?.response).toEqual({ count: 4, bytes: 13, control: 0, lostBytes: 0 });
    }
  });

  it('are counted where there are more than are kept, and cut where they are long', () => {
    const many = Array.from({ length: 5 }, (_, i) => server(`data: ${'x'.repeat(i + 1)}\n\n`));
    const limits = { stream_messages_max: 3, stream_message_bytes_max: 2 };
    const { exchanges } = converse([get('/events'), server(EVENTS), many, ...ends], { limits });
    const exchange = only(exchanges);
    expect(messages(exchange)).toEqual(['↓ event "x"', '↓ event "xx"', '↓ event "xx"… of 3']);
    expect(exchange.messages?.response).toMatchObject({ count: 5, bytes: 15 });
  });

  it('behind a loss are read from the next event on', () => {
    const { exchanges } = stream(
      server('data: one\n\ndata: t'),
      lost(server('wo\n\ndata: thr')),
      server('ee\ndata: 3\n\ndata: four\n\n'),
    );
    const exchange = only(exchanges);
    expect(messages(exchange)).toEqual(['↓ event "one"', '↓ event "four"']);
    expect(exchange.messages?.response.lostBytes).toBe(7 + 13 + 3 + 8 + 1);
  });
});

describe('lines of JSON', () => {
  const type = 'HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n';

  it('are a message each, the last one too where the body ends as it should', () => {
    const { exchanges } = converse([
      get('/log'),
      server(type),
      chunk('{"a":1}\n{"a"'),
      chunk(':2}\r\n\n'),
      chunk('{"a":3}'),
      server('0\r\n\r\n'),
    ]);
    expect(messages(only(exchanges))).toEqual(['↓ line "{"a":1}"', '↓ line "{"a":2}"', '↓ line "{"a":3}"']);
  });

  it('behind a loss are read from the next line on', () => {
    const { exchanges } = converse([
      get('/log'),
      server('HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n'),
      server('{"a":1}\n{"a"'),
      lost(server(':2}\n{"a":')),
      server('3}\n{"a":4}\n'),
      ...ends,
    ]);
    const exchange = only(exchanges);
    expect(messages(exchange)).toEqual(['↓ line "{"a":1}"', '↓ line "{"a":4}"']);
    expect(exchange.messages?.response).toMatchObject({ count: 2, lostBytes: 4 + 9 + 3 });
  });
});

describe('a stream that goes on', () => {
  const beats = (count: number, seconds: number) =>
    Array.from({ length: count }, (_, i) => pause(seconds, server(`data: ${i}\n\n`)));

  it('leaves in windows, the later ones without bodies and each with what came in it', () => {
    const { exchanges, counters } = stream(beats(5, 25));
    expect(exchanges.map(messages)).toEqual([
      ['↓ event "0"', '↓ event "1"'],
      ['↓ event "2"', '↓ event "3"', '↓ event "4"'],
    ]);
    expect(exchanges.map(line)).toEqual([
      'GET /events → 200 "data: 0\n\ndata: 1\n\n"… of 18 {continues}',
      'GET /events → 200 ""… of 27',
    ]);
    expect(exchanges.map(({ window }) => window?.index)).toEqual([0, 1]);
    expect(exchanges[0]?.window?.span).toBe(exchanges[1]?.window?.span);
    expect(counters).toMatchObject({ requests_seen: 1, exchanges_seen: 2, stream_windows: 1 });
  });

  it('leaves after its time though nothing comes, and has no windows in which nothing does', () => {
    const { exchanges, emittedAt } = converse([
      get('/events'),
      server(EVENTS),
      beats(1, 1),
      ...Array.from({ length: 40 }, () => [pause(10, client(''))]).flat(),
      beats(1, 1),
      ...ends,
    ]);
    expect(exchanges.map(messages)).toEqual([['↓ event "0"'], ['↓ event "0"']]);
    expect(emittedAt[0]).toBeGreaterThan(60e9);
    expect(emittedAt[0]).toBeLessThan(75e9);
    expect(exchanges[1]?.startTime).toBeGreaterThan(400e9);
  });

  it('tells of what was lost between its windows in the next one', () => {
    const quiet = Array.from({ length: 8 }, () => pause(10, client('')));
    const { exchanges } = stream(beats(1, 1), quiet, lost(server('data: lost\n\n')), server('data: 2\n\ndata: 3\n\n'));
    expect(exchanges.map((one) => [messages(one), markNames(one.marks), one.messages?.response.lostBytes])).toEqual([
      [['↓ event "0"'], ['continues'], 0],
      [['↓ event "3"'], ['gap'], 12 + 8 + 1],
    ]);
  });

  it('tells of its end in the last window, whatever came in it', () => {
    const { exchanges } = stream(beats(1, 1), [pause(100, client(''))], [pause(100, client(''))]);
    expect(exchanges.map((one) => [messages(one), markNames(one.marks)])).toEqual([
      [['↓ event "0"'], ['continues']],
      [[], []],
    ]);
  });

  it('asks for each window whether it is to be kept', () => {
    let asked = 0;
    const { exchanges, counters } = converse([get('/events'), server(EVENTS), beats(14, 10), ...ends], {
      admit: () => (++asked === 2 ? DropReason.rateLimited : DropReason.none),
    });
    expect(exchanges.map(messages)).toEqual([
      [0, 1, 2, 3, 4].map((i) => `↓ event "${i}"`),
      [11, 12, 13].map((i) => `↓ event "${i}"`),
    ]);
    expect(counters).toMatchObject({ exchanges_seen: 3, exchanges_dropped_rate_limited: 1, stream_windows: 2 });
  });

  it('is a download too, of which later windows are counted', () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nTransfer-Encoding: chunked\r\n\r\n';
    const parts = Array.from({ length: 5 }, () => pause(25, chunk('abcd')));
    const { exchanges } = converse([
      get('/v'),
      server(head),
      parts,
      server('0\r\n\r\n'),
      get('/2'),
      server('HTTP/1.1 204 No\r\n\r\n'),
    ]);
    expect(exchanges.map(line)).toEqual([
      'GET /v → 200 "abcdabcd"… of 8 {continues}',
      'GET /v → 200 ""… of 12',
      'GET /2 → 204',
    ]);
    expect(exchanges[0]?.messages).toBeUndefined();
  });

  it('with a known length is no stream, however long it takes', () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n';
    const { lines } = converse([get('/v'), server(head), Array.from({ length: 5 }, () => pause(25, server('abcd')))]);
    expect(lines).toEqual([`GET /v → 200 "${'abcd'.repeat(5)}"`]);
  });

  it('gives its messages up where memory runs short, and counts on', () => {
    const { exchanges, counters } = converse(
      [get('/events'), server(EVENTS), server(`data: ${'x'.repeat(40_000)}\n\n`), server('data: y\n\n'), ...ends],
      { limits: { memory_bytes_max: 60_000 } },
    );
    const exchange = only(exchanges);
    expect(exchange.messages?.response).toMatchObject({ count: 2, bytes: 40_001 });
    expect(markNames(exchange.marks)).toContain('shed');
    expect(counters.body_bytes_shed).toBeGreaterThan(0);
  });
});
