/**
 * Random streams of server-sent events and of JSON lines, over HTTP/1 and HTTP/2.
 *
 * However they are cut into segments and reordered, what is told of is what a reader of the whole text is told. With losses each
 * message is one of those, in their order, and nothing is marked as lost that was not. Beside them go other exchanges, whole.
 */
import { describe, expect, it } from 'vitest';
import type { StreamMessage } from '../../src/http/stream-message.js';
import { type Exchange, Mark } from '../../src/pair/exchange.js';
import { client, converse, fin, late, lost, pause, type Step, server, twice } from '../support/conversation.js';
import { data, END_STREAM, GET, headers, PREFACE, settings, status } from '../support/h2-frames.js';
import { Random, runSeed } from '../support/random.js';

const CASES = Number(process.env.CASES ?? 100);
const seed = runSeed();

type Kind = 'event' | 'line';
type Framing = 'chunked' | 'to the end' | 'HTTP/2';

interface Talk {
  readonly kind: Kind;
  readonly framing: Framing;
  readonly text: Buffer;
  readonly told: readonly string[];
}

const TYPES = { event: 'text/event-stream', line: 'application/x-ndjson' };
const ENDS = ['\n', '\r\n', '\r'];
const WORDS = ['{"a":1}', 'data', ':', ' ', 'ü€', 'event: x', '0', '[DONE]', 'x'.repeat(300), '\u0000', 'retry:1'];

function randomTalk(random: Random): Talk {
  const kind = random.pick(['event', 'line'] as const);
  const framing = random.pick(['chunked', 'to the end', 'HTTP/2'] as const);
  const words = (most: number) => Array.from({ length: random.between(0, most) }, () => random.pick(WORDS)).join('');
  let text = kind === 'event' && random.chance(0.1) ? '\ufeff' : '';
  for (let i = random.between(0, 25); i > 0; i--) {
    const end = () => random.pick(kind === 'event' ? ENDS : ENDS.slice(0, 2));
    if (kind === 'line') text += `${words(6)}${end()}`;
    else {
      for (let n = random.between(0, 4); n > 0; n--) {
        const name = random.pick(['data', 'data', 'data', 'event', 'id', 'retry', '', 'other']);
        text += `${name}${random.pick([':', ': ', ':  ', ''])}${random.chance(0.8) ? words(6) : random.between(0, 9999)}${end()}`;
      }
      text += end();
    }
  }
  text += words(3);
  const told =
    kind === 'event'
      ? eventsOf(text)
      : text
          .split('\n')
          .map(withoutCr)
          .filter((one) => one !== '');
  return { kind, framing, text: Buffer.from(text), told };
}

const withoutCr = (text: string) => (text.endsWith('\r') ? text.slice(0, -1) : text);

/** As the HTML Standard says it, §9.2.6, but for the last event's id, which is told with the event alone that has it. */
function eventsOf(text: string): string[] {
  const told: string[] = [];
  let event: string | undefined;
  let id: string | undefined;
  let retry: number | undefined;
  let lines: string[] = [];
  // What has no end is no line.
  for (const one of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\r|\n/)
    .slice(0, -1)) {
    if (one === '') {
      if (lines.length > 0) told.push(textOf(lines.join('\n'), { event, id, retry }));
      [event, id, retry, lines] = [undefined, undefined, undefined, []];
      continue;
    }
    const colon = one.indexOf(':');
    const name = colon < 0 ? one : one.slice(0, colon);
    const value = colon < 0 ? '' : one.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') lines.push(value);
    if (name === 'event') event = value;
    if (name === 'id' && !value.includes('\0')) id = value;
    if (name === 'retry' && /^\d{1,15}$/.test(value)) retry = Number(value);
  }
  return told;
}

interface Fields {
  readonly event?: string | undefined;
  readonly id?: string | undefined;
  readonly retry?: number | undefined;
}

/** Fields beside the data are told of up to some length; so they are compared here. */
function textOf(content: string, { event, id, retry }: Fields): string {
  const beginning = (text: string | undefined) =>
    text === undefined ? null : Buffer.from(text).subarray(0, 200).toString('latin1');
  return JSON.stringify([content, beginning(event), beginning(id), retry ?? null]);
}

function told({ kind, content, event }: StreamMessage): string {
  const text = Buffer.from(content).toString();
  return kind === 'line' ? text : textOf(text, event ?? {});
}

/** Its bytes as a sender writes them, cut anywhere. */
function pieces(random: Random, bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  const most = random.pick([1, 4, 30, 400, 1400]);
  for (let at = 0; at < bytes.length; ) {
    const size = random.between(1, most);
    found.push(bytes.subarray(at, at + size));
    at += size;
  }
  return found;
}

const get = (target: string) => client(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
const beside = (target: string) => [get(target), server('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell')];
const chunk = (bytes: Buffer) =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);

/** Segments of the body, and what is in front of and behind them. */
function stepsOf(random: Random, { kind, framing, text }: Talk): { before: Step[]; body: Step[]; after: Step[] } {
  const type = TYPES[kind];
  if (framing === 'HTTP/2') {
    const body = pieces(random, text).flatMap((piece) => {
      const other = random.chance(0.05) ? [data(3, '')] : [];
      return [...other, data(1, piece)];
    });
    return {
      before: [
        client(Buffer.concat([PREFACE, settings])),
        server(settings),
        client(Buffer.concat([headers(1, GET('/stream'), END_STREAM), headers(3, GET('/beside'), END_STREAM)])),
        server(Buffer.concat([headers(3, status(200)), headers(1, status(200, ['content-type', type]))])),
      ],
      body: pieces(random, Buffer.concat(body)).map((piece) => server(piece)),
      after: [server(data(1, '', END_STREAM)), server(data(3, 'well', END_STREAM))],
    };
  }
  const isChunked = framing === 'chunked';
  const coding = isChunked ? 'Transfer-Encoding: chunked\r\n' : '';
  const bytes = isChunked ? Buffer.concat([...pieces(random, text).map(chunk), Buffer.from('0\r\n\r\n')]) : text;
  return {
    before: [...beside('/beside'), get('/stream'), server(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n${coding}\r\n`)],
    body: pieces(random, bytes).map((piece) => server(piece)),
    after: isChunked ? beside('/beside') : [],
  };
}

const LIMITS = { stream_messages_max: 1000 };
const ended = [fin('server'), fin('client')];

const isStream = ({ request }: Exchange) => request.target === '/stream';

function expectBeside(exchanges: readonly Exchange[], what: string): void {
  for (const { request, response, marks } of exchanges.filter((one) => !isStream(one)))
    expect([request.target, response?.status, response?.body.wireBytes, marks], what).toEqual(['/beside', 200, 4, 0]);
}

describe(`random streams of events and lines (SEED=${seed})`, () => {
  it('are told of as they were, in whatever segments they come', () => {
    for (let i = 0; i < CASES; i++) {
      const random = new Random(seed + i);
      const talk = randomTalk(random);
      const { before, body, after } = stepsOf(random, talk);
      const disorder = body.map((step) =>
        random.chance(0.1) ? late(step, random.between(1, 3)) : random.chance(0.1) ? twice(step) : step,
      );
      const { exchanges } = converse([before, disorder, after, ended], { limits: LIMITS });
      const what = `seed ${seed + i}: ${talk.kind}, ${talk.framing}`;
      const streams = exchanges.filter(isStream);
      expect(
        streams.map(({ marks }) => marks),
        what,
      ).toEqual([0]);
      const log = streams[0]?.messages;
      expect(log?.kept.map(told), what).toEqual(talk.told);
      expect(log?.response, what).toMatchObject({ count: talk.told.length, lostBytes: 0 });
      expect(
        log?.kept.some(({ truncated }) => truncated),
        what,
      ).toBe(false);
      expectBeside(exchanges, what);
    }
  });

  it('are told of as they were in windows too, whose books add up', () => {
    for (let i = 0; i < CASES; i++) {
      const random = new Random(seed + i);
      const talk = randomTalk(random);
      const { before, body, after } = stepsOf(random, talk);
      const slow = body.map((step) => (random.chance(0.2) ? pause(random.between(1, 9), step) : step));
      const { exchanges, counters } = converse([before, slow, after, ended], {
        limits: { ...LIMITS, stream_window_nanos: 5e9 },
      });
      const what = `seed ${seed + i}: ${talk.kind}, ${talk.framing}`;
      const windows = exchanges.filter(isStream);
      expect(
        windows.flatMap(({ messages }) => messages?.kept.map(told) ?? []),
        what,
      ).toEqual(talk.told);
      expect(
        windows.map(({ marks }) => marks),
        what,
      ).toEqual(windows.map((_, n) => (n + 1 < windows.length ? Mark.continues : 0)));
      expect(
        windows.map(({ window }) => window?.index ?? 0),
        what,
      ).toEqual(windows.map((_, n) => n));
      expect(counters.exchanges_seen, what).toBe(counters.requests_seen + counters.stream_windows);
      for (const { startTime, endTime, messages } of windows) {
        expect(endTime, what).toBeGreaterThanOrEqual(startTime);
        for (const { time } of messages?.kept ?? []) {
          expect(time, what).toBeGreaterThanOrEqual(startTime);
          expect(time, what).toBeLessThanOrEqual(endTime);
        }
      }
    }
  });

  it('with losses are told of in part, and of nothing else', () => {
    let whole = 0;
    for (let i = 0; i < CASES; i++) {
      const random = new Random(seed + i);
      const talk = randomTalk(random);
      const { before, body, after } = stepsOf(random, talk);
      const share = random.next() / 4;
      const some = body.map((step) => (random.chance(share) ? lost(step) : step));
      const { exchanges } = converse([before, some, after, ended], { limits: LIMITS });
      const what = `seed ${seed + i}: ${talk.kind}, ${talk.framing}`;
      const streams = exchanges.filter(isStream);
      expect(streams, what).toHaveLength(1);
      const isLost = some.some((step) => step.lost);
      if (!isLost) expect(streams[0]?.marks, what).toBe(0);
      let next = 0;
      for (const message of streams[0]?.messages?.kept ?? []) {
        const at = talk.told.indexOf(told(message), next);
        expect(at, `${what}: ${told(message).slice(0, 200)}`).toBeGreaterThanOrEqual(0);
        next = at + 1;
        whole++;
      }
      if (next < talk.told.length) expect((streams[0]?.marks ?? 0) & Mark.gap, what).not.toBe(0);
    }
    expect(whole).toBeGreaterThan(CASES);
  });
});
