/** Secrets that are cut over the lines of an event, over events, and over messages of a stream. */
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../src/redact/redactor.js';
import type { TraceMessage } from '../../src/trace/trace.js';
import { Random, runSeed } from '../support/random.js';
import { sampleTrace, traceBody } from '../support/trace.js';

const redact = createRedactor({ defaults: true, headers: [], queries: [], fields: [], patterns: [], bodies: true });
const seed = runSeed();

function body(contentType: string, text: string): string {
  const trace = sampleTrace({ response: { headers: [['Content-Type', contentType]], body: traceBody(text) } });
  redact(trace);
  return Buffer.from(trace.response?.body.content ?? '').toString();
}

const message = (content: string, direction: TraceMessage['direction'] = 'response'): TraceMessage => ({
  direction,
  kind: 'text',
  offsetNano: 0,
  ...traceBody(content),
});

function messages(...contents: (string | TraceMessage)[]): string[] {
  const trace = sampleTrace({ messages: contents.map((one) => (typeof one === 'string' ? message(one) : one)) });
  redact(trace);
  return (trace.messages ?? []).map(({ content }) => Buffer.from(content).toString());
}

const TOKEN = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a';

describe('an event', () => {
  it.each([
    ['between a name and its value', 'data: {"user":"ann","password":\ndata: "hunter2xyz"}\n\n'],
    ['before the colon', 'data: {"password"\r\ndata: : "hunter2xyz","a":[1,\r\ndata: 2]}\r\n\r\n'],
    ['in an array', 'data: {"tokens":[\ndata:"hunter2xyz98765432",\ndata: "zzzdefgh12345678"]}\n\n'],
    ['where it ends with the stream', 'data: {"password":\ndata: "hunter2xyz"'],
  ])('whose JSON is cut %s hides what it would hide whole', (_, text) => {
    const redacted = body('text/event-stream; charset=utf-8', text);
    expect(redacted).not.toContain('hunter2');
    expect(redacted).toContain('REDACTED');
    expect(redacted.split(/\r?\n/)).toHaveLength(text.split(/\r?\n/).length);
  });

  it('that holds nothing stays as it was sent', () => {
    const text = ': hi\nid: 7\ndata: {"a":\ndata: 1}\n\ndata: {"content":"Hello"}\n\ndata: {"content":" world"}\n\n';
    expect(body('text/event-stream', text)).toBe(text);
  });
});

describe('a secret', () => {
  const cuts = (random: Random, text: string) => {
    const at = Array.from({ length: random.between(1, 5) }, () => random.between(1, text.length - 1)).sort(
      (a, b) => a - b,
    );
    return [0, ...at].map((start, i) => text.slice(start, at[i] ?? text.length));
  };
  const isShown = (texts: readonly string[]) =>
    // Of so many of its characters in a row.
    Array.from({ length: TOKEN.length - 7 }, (_, i) => TOKEN.slice(i, i + 8)).some((part) =>
      texts.join('').includes(part),
    );

  it(`cut at random over events, lines and messages is not shown (SEED=${seed})`, () => {
    for (let i = 0; i < 300; i++) {
      const random = new Random(seed + i);
      const parts = cuts(random, `the token is ${TOKEN} , take it`);
      const json = parts.map((part) => JSON.stringify({ choices: [{ delta: { content: part } }] }));
      const events = json.map((one) => `data: ${one}\n\n`).join('');
      const what = `seed ${seed + i}: ${parts.join('|')}`;
      expect(isShown([body('text/event-stream', events)]), what).toBe(false);
      expect(isShown([body('application/x-ndjson', `${json.join('\n')}\n`)]), what).toBe(false);
      expect(isShown(messages(...json)), what).toBe(false);
      expect(isShown(messages(...parts)), what).toBe(false);
    }
  });

  it('whose name is in the message before is not shown, and messages of the other side are none of it', () => {
    expect(messages('password=hun', 'ter2xyz more')).toEqual(['password=REDACTED', 'REDACTED more']);
    expect(messages(message('password=', 'request'), 'is what I asked for')).toEqual([
      'password=',
      'is what I asked for',
    ]);
  });

  it.each([
    ['{"user":"ann","password":', '"hunter2xyz"}'],
    ['{"user":"ann","pass', 'word":"hunter2xyz"}'],
    ['{"user":"ann","password":"hun', 'ter2xyz"}'],
    ['[{"note":"}","user":{"password"', ':', '"hunter2xyz"', '}}]'],
    ['{"password":', message('ping', 'request'), { ...message('beat'), kind: 'ping' as const }, '"hunter2xyz"}'],
  ])('whose JSON goes on in the next message is not shown: %j', (...parts) => {
    const texts = messages('{"before":1}', ...parts, '{"behind":"all of it"}');
    expect(texts.join('')).not.toMatch(/hunter2xyz|ter2xyz|"hun/);
    expect(texts.at(0)).toBe('{"before":1}');
    expect(texts.at(-1)).toBe('{"behind":"all of it"}');
  });

  it('that begins in the last message that was kept is not shown', () => {
    const parts = ['see', ' ghp_16C7e42F', '292c'].map((content) => message(content));
    const seen = { count: 3, bytes: 0, control: 0, lostBytes: 0 };
    const told = (count: number) => {
      const messagesSeen = { request: { ...seen, count: 0 }, response: { ...seen, count } };
      const trace = sampleTrace({ messages: parts.map((one) => ({ ...one })), messagesSeen });
      redact(trace);
      return (trace.messages ?? []).map(({ content }) => Buffer.from(content).toString()).join('');
    };
    expect(told(4)).not.toContain('16C7');
    expect(told(3)).toBe('see ghp_16C7e42F292c');
  });

  it('in a login of MQTT leaves with the rest of it', () => {
    const login = (flags: number) =>
      Buffer.from(
        `\x10\x1e\0\x04MQTT\x04${String.fromCharCode(flags)}\0\x3c\0\x03dev\0\x03ann\0\x0ahunter2xyz`,
        'latin1',
      );
    const trace = sampleTrace({
      messages: [0xc2, 0x02].map((flags) => ({
        ...message(''),
        ...traceBody(''),
        kind: 'binary',
        content: login(flags),
      })),
    });
    redact(trace);
    expect(trace.messages?.map(({ content, omitted }) => [content.length, omitted])).toEqual([
      [0, 'a login of MQTT'],
      [login(0x02).length, undefined],
    ]);
  });

  it('is not made of what only stands in a row', () => {
    const ids = Array.from({ length: 20 }, (_, i) =>
      JSON.stringify({ id: `a${i}b${i * 7}c${i * 3}`, price: 41_111 + i }),
    );
    expect(messages(...ids)).toEqual(ids);
  });

  it('takes time by the length of the stream', () => {
    const events = Array.from({ length: 20_000 }, (_, i) => `data: {"content":"word ${i}"}\n\n`).join('');
    expect(body('text/event-stream', events)).toBe(events);
  });
});
