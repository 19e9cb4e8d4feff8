/** The messages of a stream in each form that a trace leaves in, and without their secrets. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { encodeHarEntry } from '../../src/output/file/har.js';
import { encodeNdjson } from '../../src/output/ndjson.js';
import { createLevoEncoder } from '../../src/output/satellite/levo.js';
import { toReadableSpan } from '../../src/output/satellite/otlp/span.js';
import { createRedactor } from '../../src/redact/redactor.js';
import { traceOfHar, traceOfNdjson } from '../../src/trace/parse-trace.js';
import type { Trace, TraceMessage } from '../../src/trace/trace.js';
import { sampleTrace, traceBody } from '../support/trace.js';
import { traceSchema } from '../support/trace-schema.js';

const message = (
  direction: TraceMessage['direction'],
  kind: TraceMessage['kind'],
  content: string | Uint8Array,
  more: Partial<TraceMessage> = {},
): TraceMessage => ({ direction, kind, offsetNano: 2_000_000, ...traceBody(content), ...more });

const SEEN = { count: 2, bytes: 9, control: 1, lostBytes: 0 };
const streamTrace = (messages: TraceMessage[]): Trace =>
  sampleTrace({
    messages,
    messagesSeen: { request: { ...SEEN, control: 0, lostBytes: 5 }, response: { ...SEEN } },
    window: 1,
    response: { body: traceBody('') },
  });

const socket = () =>
  streamTrace([
    message('request', 'text', '{"a":1}'),
    message('response', 'binary', Buffer.from([0, 255])),
    message('response', 'ping', ''),
  ]);
const events = () =>
  streamTrace([
    message('response', 'event', 'one', { event: { event: 'delta', id: '7', retry: 10 }, truncated: true, bytes: 9 }),
  ]);

describe('messages of a stream', () => {
  it('stand in NDJSON as the schema says', () => {
    const validate = new Ajv2020({ strict: false }).compile(traceSchema());
    for (const trace of [socket(), events()]) {
      const written = JSON.parse(encodeNdjson(trace));
      expect(validate(written), JSON.stringify(validate.errors)).toBe(true);
      expect(traceOfNdjson(written)?.messages?.map(({ content }) => content.toString())).toEqual(
        trace.messages?.map(({ content }) => content.toString()),
      );
    }
    expect(JSON.parse(encodeNdjson(socket()))).toMatchObject({
      window: 1,
      messages: [
        { direction: 'request', kind: 'text', opcode: 1, offsetNano: '2000000', encoding: 'utf8', content: '{"a":1}' },
        { direction: 'response', kind: 'binary', opcode: 2, encoding: 'base64', content: 'AP8=' },
        { direction: 'response', kind: 'ping', opcode: 9, bytes: 0, content: '' },
      ],
      messagesSeen: { request: { count: 2, bytes: 9, lostBytes: 5 }, response: { count: 2, control: 1 } },
    });
    expect(JSON.parse(encodeNdjson(events())).messages).toEqual([
      {
        direction: 'response',
        kind: 'event',
        offsetNano: '2000000',
        wireBytes: 3,
        bytes: 9,
        truncated: true,
        encoding: 'utf8',
        content: 'one',
        event: 'delta',
        id: '7',
        retry: 10,
      },
    ]);
  });

  it('are events of a span, and what was only counted is their dropped ones', () => {
    const span = toReadableSpan(socket(), { attributes: {} } as never, { name: 'a', version: '1' });
    expect(span.events.map(({ name, attributes }) => [name, attributes?.['pcap.message.content']])).toEqual([
      ['pcap.message', '{"a":1}'],
      ['pcap.message', Buffer.from([0, 255])],
      ['pcap.message', undefined],
    ]);
    expect(span.events[0]?.time).toEqual([1_752_000_000, 125_456_789]);
    expect(span.droppedEventsCount).toBe(2);
    expect(span.attributes).toMatchObject({
      'pcap.window': 1,
      'pcap.messages.request.count': 2,
      'pcap.messages.request.lost_size': 5,
      'pcap.messages.response.control': 1,
    });
  });

  it('stand in HAR as browsers write them', () => {
    const entry = JSON.parse(encodeHarEntry(socket()));
    expect(entry).toMatchObject({
      _resourceType: 'websocket',
      _webSocketMessages: [
        { type: 'send', opcode: 1, data: '{"a":1}' },
        { type: 'receive', opcode: 2, data: 'AP8=' },
        { type: 'receive', opcode: 9, data: '' },
      ],
    });
    expect(entry._webSocketMessages[0].time).toBeCloseTo(1_752_000_000.125, 2);
    expect(traceOfHar(entry)?.messages?.map(({ kind }) => kind)).toEqual(['text', 'binary', 'text']);
    expect(JSON.parse(encodeHarEntry(events()))._events).toEqual([
      { type: 'receive', time: 2, eventName: 'delta', eventId: '7', data: 'one' },
    ]);
  });

  it('are the bodies of a levo entry, which knows no messages', () => {
    const encoder = createLevoEncoder({ serviceName: 's', hostName: 'h', environment: 'e', sensorVersion: '1' });
    const { request, response } = JSON.parse(encoder.encode(socket()).toString());
    expect([request, response].map(({ body }) => Buffer.from(body, 'base64'))).toEqual([
      Buffer.from('{"a":1}'),
      Buffer.from([0, 255]),
    ]);
  });

  it('are redacted like bodies', () => {
    const redact = createRedactor({ defaults: true, headers: [], queries: [], fields: [], patterns: [], bodies: true });
    const trace = streamTrace([
      message('request', 'text', '{"password":"hunter2-hunter2"}'),
      message('response', 'event', '{"token":"abcdef123456"}', { event: { id: 'Bearer abcdef0123456789abcdef0123' } }),
      message('response', 'binary', Buffer.from('\x1f\x8bgzip', 'latin1')),
    ]);
    redact(trace);
    const written = encodeNdjson(trace);
    expect(written).not.toMatch(/hunter2|abcdef/);
    expect(trace.messages?.[2]).toMatchObject({ omitted: 'gzip that no header names' });
    expect(trace.redactions).toEqual(
      expect.arrayContaining([
        { where: 'request.message.password', rule: 'name:password' },
        { where: 'response.message.token', rule: 'name:token' },
      ]),
    );
  });

  it('leave without contents where bodies do', () => {
    const redact = createRedactor({
      defaults: true,
      headers: [],
      queries: [],
      fields: [],
      patterns: [],
      bodies: false,
    });
    const trace = socket();
    redact(trace);
    expect(trace.messages?.map(({ content, truncated }) => [content.length, truncated])).toEqual([
      [0, true],
      [0, true],
      [0, false],
    ]);
  });
});
