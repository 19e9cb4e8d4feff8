/**
 * Calls from the wire to what leaves: messages, their counts, status and its words, over HTTP/2 and as gRPC-Web over HTTP/1; as JSON
 * where descriptors are known, and redacted by the names of fields.
 */
import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodeNdjson } from '../../src/output/ndjson.js';
import { toReadableSpan } from '../../src/output/satellite/otlp/span.js';
import { createTraceIds } from '../../src/pair/trace-ids.js';
import { createRedactor, type RedactionSettings } from '../../src/redact/redactor.js';
import { openDescriptors } from '../../src/trace/grpc-descriptors.js';
import type { Trace } from '../../src/trace/trace.js';
import { createTraceBuilder } from '../../src/trace/trace-builder.js';
import { client, converse, lost, pause, rst, type Step, server } from '../support/conversation.js';
import { callFrame as frame, greeterDescriptors, note } from '../support/greeter.js';
import { data, END_STREAM, type Field, headers, POST, PREFACE, reset, settings, status } from '../support/h2-frames.js';

const REDACTION: RedactionSettings = {
  defaults: true,
  headers: [],
  queries: [],
  fields: [],
  patterns: [],
  bodies: true,
};
const begin = [client(Buffer.concat([PREFACE, settings])), server(settings)];
const TYPE: Field = ['content-type', 'application/grpc'];
const ask = (path: string, ...more: Field[]) => headers(1, POST(path, TYPE, ...more));
const answer = (...more: Field[]) => headers(1, status(200, TYPE, ...more));
const trailers = (...fields: Field[]) => headers(1, Buffer.concat(fields.map((one) => literalOf(one))), END_STREAM);
const literalOf = ([name, value]: Field) =>
  Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);

interface Made {
  trace: Trace;
  printed: ReturnType<typeof JSON.parse>;
  span: ReturnType<typeof toReadableSpan>;
  unfit: number;
}

async function made(
  steps: (Step | Step[])[],
  { describes = false, redaction = REDACTION }: { describes?: boolean; redaction?: RedactionSettings | null } = {},
): Promise<Made> {
  const { exchanges, counters } = converse(steps);
  expect(exchanges).toHaveLength(1);
  expect(counters.grpc_calls).toBe(1);
  let unfit = 0;
  const build = createTraceBuilder({
    ids: createTraceIds((bytes) => bytes.fill(0xab)),
    bodyBytesMax: 1e6,
    isLocal: () => true,
    describer: describes ? openDescriptors(greeterDescriptors(), 'demo.protoset', () => unfit++) : null,
  });
  const trace = await build(exchanges[0] as never);
  if (redaction !== null) createRedactor(redaction)(trace);
  const span = toReadableSpan(trace, { attributes: {} } as never, { name: 'a', version: '1' }, 'rpc/dup');
  return { trace, printed: JSON.parse(encodeNdjson(trace)), span, unfit };
}

const textOf = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();
const contents = ({ messages = [] }: Trace) =>
  messages.map(({ direction, content, truncated }) => `${direction} ${textOf(content)}${truncated ? '…' : ''}`);

const unary = (request: Buffer, response: Buffer, last: Field[] = [['grpc-status', '0']]) => [
  ...begin,
  client(Buffer.concat([ask('/demo.Greeter/Say'), data(1, request, END_STREAM)])),
  server(Buffer.concat([answer(), data(1, response), trailers(...last)])),
];

describe('a call', () => {
  it('has its messages, each way, and how many there were', async () => {
    const { printed } = await made([
      ...begin,
      client(
        Buffer.concat([ask('/demo.Greeter/Chat'), data(1, frame(0, 'one')), data(1, frame(0, 'two').subarray(0, 6))]),
      ),
      server(Buffer.concat([answer(), data(1, Buffer.concat([frame(0, 'ein'), frame(0, 'zwei')]))])),
      client(data(1, Buffer.concat([frame(0, 'two').subarray(6), frame(0, '')]), END_STREAM)),
      server(trailers(['grpc-status', '0'])),
    ]);
    expect(printed.messages.map((one: Record<string, unknown>) => [one.direction, one.kind, one.content])).toEqual([
      ['request', 'message', 'one'],
      ['response', 'message', 'ein'],
      ['response', 'message', 'zwei'],
      ['request', 'message', 'two'],
      ['request', 'message', ''],
    ]);
    expect(printed.messagesSeen).toMatchObject({ request: { count: 3, bytes: 6 }, response: { count: 2, bytes: 7 } });
    expect(printed.rpc).toEqual({ system: 'grpc', service: 'demo.Greeter', method: 'Chat', status: 'OK' });
  });

  it('that has only trailers says its status there, and the words of it decoded', async () => {
    const { printed, span } = await made([
      ...begin,
      client(Buffer.concat([ask('/demo.Greeter/Say'), data(1, frame(0, 'a'), END_STREAM)])),
      server(headers(1, status(200, TYPE, ['grpc-status', '5'], ['grpc-message', 'no%20such %C3%A9%zz']), END_STREAM)),
    ]);
    expect(printed.rpc).toMatchObject({ status: 'NOT_FOUND', message: 'no such é%zz' });
    expect(span.attributes).toMatchObject({
      'rpc.system.name': 'grpc',
      'rpc.method': 'demo.Greeter/Say',
      'rpc.status_code': 'NOT_FOUND',
      'rpc.system': 'grpc',
      'rpc.service': 'demo.Greeter',
      'rpc.response.status_code': 'NOT_FOUND',
      'rpc.grpc.status_code': 5,
      'pcap.rpc.status_message': 'no such é%zz',
    });
    // To a server that is no failure of its own.
    expect(span.attributes['error.type']).toBeUndefined();
  });

  it('hides what the words of its status hide in percent-encoding', async () => {
    const secret = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a';
    const encoded = [...secret].map((one) => `%${one.charCodeAt(0).toString(16)}`).join('');
    const { printed } = await made(
      unary(frame(0, 'a'), frame(0, 'b'), [
        ['grpc-status', '13'],
        ['grpc-message', encoded],
      ]),
    );
    expect(printed.rpc.message).toBe('REDACTED');
  });

  it('has messages without their compression, and a body of them', async () => {
    const { trace } = await made([
      ...begin,
      client(Buffer.concat([ask('/a.B/C', ['grpc-encoding', 'gzip']), data(1, frame(1, gzipSync('one')), END_STREAM)])),
      server(
        Buffer.concat([
          answer(['grpc-encoding', 'deflate']),
          data(1, Buffer.concat([frame(1, deflateSync('two')), frame(0, 'three')])),
        ]),
      ),
      server(trailers(['grpc-status', '0'])),
    ]);
    expect(contents(trace)).toEqual(['request one', 'response two', 'response three']);
    expect(textOf(trace.request.body.content)).toBe(frame(0, 'one').toString());
    expect(textOf(trace.response?.body.content)).toBe(Buffer.concat([frame(0, 'two'), frame(0, 'three')]).toString());
    expect(trace.request.body).toMatchObject({
      wireBytes: frame(1, gzipSync('one')).length,
      bytes: 8,
      codingError: null,
    });
  });

  it('sends no body that could not be decoded', async () => {
    const packed = Buffer.from([0xff, 6, 0, 0, 0x73]);
    const steps = [
      ...begin,
      client(Buffer.concat([ask('/a.B/C', ['grpc-encoding', 'snappy']), data(1, frame(1, packed), END_STREAM)])),
      server(Buffer.concat([answer(), trailers(['grpc-status', '0'])])),
    ];
    const { trace } = await made(steps);
    expect(trace.request.body).toMatchObject({
      omitted: expect.stringContaining('snappy'),
      content: new Uint8Array(0),
    });
    expect(trace.messages).toMatchObject([{ omitted: expect.stringContaining('snappy') }]);
    const kept = await made(steps, { redaction: { ...REDACTION, opaqueBodies: 'keep' } });
    expect(kept.trace.messages?.[0]?.content).toEqual(packed);
  });

  it('of which bytes were lost has the messages that are certain', async () => {
    const big = frame(0, 'x'.repeat(40));
    const framed = data(1, Buffer.concat([big, frame(0, 'next')]));
    const { trace } = await made([
      ...begin,
      client(ask('/a.B/C')),
      client(framed.subarray(0, 20)),
      lost(client(framed.subarray(20, 30))),
      client(framed.subarray(30)),
      client(data(1, frame(0, 'last'), END_STREAM)),
      server(Buffer.concat([answer(), trailers(['grpc-status', '0'])])),
    ]);
    expect(contents(trace)).toEqual([`request ${'x'.repeat(6)}…`, 'request next', 'request last']);
    expect(trace.messagesSeen?.request).toMatchObject({ count: 3, lostBytes: 10 });
    expect(trace.marks).toContain('gap');
  });

  it.each<[string, Step]>([
    ['is cancelled', client(reset(1, 8))],
    ['loses its connection', rst('server')],
  ])('that %s has what came of it', async (_what, end) => {
    const { trace } = await made([
      ...begin,
      client(Buffer.concat([ask('/a.B/C'), data(1, frame(0, 'one'))])),
      server(Buffer.concat([answer(), data(1, Buffer.concat([frame(0, 'two'), frame(0, 'half').subarray(0, 7)]))])),
      end,
    ]);
    expect(contents(trace)).toEqual(['request one', 'response two']);
    expect(trace.marks).toContain('aborted');
  });
});

describe('gRPC-Web', () => {
  const web = (type: string, body: Buffer, response: Buffer) => [
    client(
      Buffer.concat([
        Buffer.from(
          `POST /demo.Greeter/Say HTTP/1.1\r\nHost: h\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`,
        ),
        body,
      ]),
    ),
    server(
      Buffer.concat([
        Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: ${response.length}\r\n\r\n`),
        response,
      ]),
    ),
  ];
  const last = 'grpc-status: 16\r\ngrpc-message: no%20entry\r\nx-api-key: abcdefgh\r\n';

  it.each<[string, (frames: Buffer[]) => Buffer]>([
    ['application/grpc-web+proto', (frames) => Buffer.concat(frames)],
    ['application/grpc-web-text', (frames) => Buffer.from(frames.map((one) => one.toString('base64')).join(''))],
  ])('%s has its status, and trailers that are redacted like headers', async (type, coded) => {
    const steps = web(type, coded([frame(0, 'one')]), coded([frame(0, 'two'), frame(0x80, last)]));
    const { trace, printed } = await made(steps);
    expect(printed.rpc).toMatchObject({ method: 'Say', status: 'UNAUTHENTICATED', message: 'no entry' });
    expect(printed.response.trailers).toEqual([
      ['grpc-status', '16'],
      ['grpc-message', 'no%20entry'],
      ['x-api-key', 'REDACTED'],
    ]);
    expect(contents(trace)).toEqual(['request one', 'response two']);
    expect(textOf(trace.response?.body.content)).toBe(frame(0, 'two').toString());
  });

  it('over HTTP/2 as well', async () => {
    const type: Field = ['content-type', 'application/grpc-web'];
    const { printed } = await made([
      ...begin,
      client(Buffer.concat([headers(1, POST('/a.B/C', type)), data(1, frame(0, 'one'), END_STREAM)])),
      server(
        Buffer.concat([
          headers(1, status(200, type)),
          data(1, Buffer.concat([frame(0, 'x'), frame(0x80, last)]), END_STREAM),
        ]),
      ),
    ]);
    expect(printed.rpc.status).toBe('UNAUTHENTICATED');
  });
});

describe('descriptors', () => {
  const describes = true;

  it('make messages JSON, redacted by the names of fields', async () => {
    const { printed, unfit } = await made(
      unary(
        frame(
          0,
          note({
            text: 'hi',
            password: 'hunter2',
            big: '9007199254740993',
            kind: 'LOUD',
            notes: [{ password: 'x1y2' }],
          }),
        ),
        frame(0, note({ blob: Buffer.from('abc').toString('base64') })),
      ),
      { describes },
    );
    const request = {
      text: 'hi',
      password: 'REDACTED',
      big: '9007199254740993',
      notes: [{ password: 'REDACTED' }],
      kind: 'LOUD',
    };
    expect(JSON.parse(printed.request.body.content)).toEqual(request);
    expect(JSON.parse(printed.messages[0].content)).toEqual(request);
    expect(JSON.parse(printed.response.body.content)).toEqual({ blob: 'YWJj' });
    expect(printed.redactions).toContainEqual({ where: 'request.body.password', rule: expect.any(String) });
    expect(unfit).toBe(0);
  });

  it('make a line of each message of a stream, also of one without anything in it', async () => {
    const two = Buffer.concat([frame(0, note({ text: 'a' })), frame(0, ''), frame(0, note({ password: 'p4ssw0rd' }))]);
    const { printed } = await made(unary(two, frame(0, '')), { describes });
    expect(printed.request.body.content).toBe('{"text":"a"}\n{}\n{"password":"REDACTED"}');
    expect(printed.messages.map(({ content }: { content: string }) => content)).toEqual([
      '{"text":"a"}',
      '{}',
      '{"password":"REDACTED"}',
      '{}',
    ]);
  });

  it('leave what they do not fit as it is, and count it', async () => {
    const other = Buffer.from([0x0a, 0x7f, 1]);
    const { printed, unfit } = await made(unary(frame(0, other), frame(0, note({ text: 'a' }))), { describes });
    expect(Buffer.from(printed.request.body.content, 'utf8').length).toBeGreaterThan(0);
    expect(printed.request.body.content).not.toContain('{');
    expect(printed.response.body.content).toBe('{"text":"a"}');
    expect(unfit).toBe(1);
    // A field that nobody has described, alone: nothing is known of that message.
    expect((await made(unary(frame(0, Buffer.from([0xa2, 0x06, 1, 0x61])), frame(0, '')), { describes })).unfit).toBe(
      1,
    );
  });

  it('say where a message has fields that they do not know', async () => {
    const more = Buffer.concat([note({ text: 'a' }), Buffer.from([0xa2, 0x06, 1, 0x61])]);
    const { printed, unfit } = await made(unary(frame(0, more), frame(0, '')), { describes });
    expect(printed.request.body).toMatchObject({ content: '{"text":"a"}', truncated: true });
    expect(unfit).toBe(0);
  });

  it('are not undone by messages that nest without end', async () => {
    let deep = note({ text: 'a' });
    for (let i = 0; i < 4000; i++) {
      const length: number[] = [];
      for (let rest = deep.length; ; rest >>= 7) {
        length.push(rest > 127 ? 0x80 | (rest & 127) : rest);
        if (rest <= 127) break;
      }
      deep = Buffer.concat([Buffer.from([0x2a, ...length]), deep]);
    }
    const { trace } = await made(unary(frame(0, deep), frame(0, '')), { describes });
    expect(trace.request.body.content.length).toBeGreaterThan(0);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['a text', Buffer.from('syntax = "proto3";'), /is no set of descriptors that could be read/],
    ['nothing', new Uint8Array(0), /describes no method of a service; give a file that protoc --include_imports/],
    ['bytes', Buffer.from([0xff, 0xff, 0xff]), /is no set of descriptors/],
  ])('are not made of %s', (_what, set, expected) => {
    expect(() => openDescriptors(set, 'x.protoset', () => {})).toThrow(expected);
  });
});

describe('a call that lasts', () => {
  const minute = 60;
  const ends = server(trailers(['grpc-status', '0']));
  const traces = async (steps: (Step | Step[])[], limits = {}) => {
    const { exchanges } = converse(steps, { limits });
    const build = createTraceBuilder({ ids: createTraceIds((b) => b.fill(1)), bodyBytesMax: 1e6, isLocal: () => true });
    const built: Trace[] = [];
    for (const exchange of exchanges) built.push(await build(exchange));
    return built.map((trace) => ({ contents: contents(trace), marks: trace.marks, seen: trace.messagesSeen }));
  };

  it('is told of in windows, with the messages of each', async () => {
    const all = await traces([
      ...begin,
      client(Buffer.concat([ask('/a.B/C'), data(1, frame(0, 'one'))])),
      server(Buffer.concat([answer(), data(1, frame(0, 'two'))])),
      pause(2 * minute, client(data(1, frame(0, 'three')))),
      server(data(1, frame(0, 'four'))),
      ends,
      client(data(1, '', END_STREAM)),
    ]);
    expect(all.map(({ contents: each }) => each)).toEqual([
      ['request one', 'response two'],
      ['request three', 'response four'],
    ]);
    expect(all.map(({ marks }) => marks.includes('continues'))).toEqual([true, false]);
  });

  it('is told of when its window is over, though nothing comes', async () => {
    const steps = [
      ...begin,
      client(Buffer.concat([ask('/a.B/C'), data(1, frame(0, 'one'))])),
      server(answer()),
      // Another call, which shows that time passes.
      pause(90, client(Buffer.concat([headers(3, POST('/a.B/D', TYPE), END_STREAM)]))),
    ];
    const [first] = await traces(steps);
    expect(first).toMatchObject({ contents: ['request one'], marks: ['early-response', 'continues'] });
  });

  it('or is long has all its messages counted, and those kept that there is room for', async () => {
    const big = frame(0, 'x'.repeat(10_000));
    const many = Buffer.concat(Array.from({ length: 40 }, () => frame(0, 'y')));
    const [only] = await traces([
      ...begin,
      client(Buffer.concat([ask('/a.B/C'), data(1, big), data(1, big)])),
      client(Buffer.concat([data(1, big), data(1, big), data(1, many, END_STREAM)])),
      server(Buffer.concat([answer(), trailers(['grpc-status', '0'])])),
    ]);
    expect(only?.contents).toHaveLength(32);
    expect(only?.contents.slice(0, 5).map((one) => one.length)).toEqual([10_008, 10_008, 10_008, 10_008, 9]);
    expect(only?.seen?.request).toMatchObject({ count: 44, bytes: 40_040, lostBytes: 0 });
  });

  it('has its messages in the order in which they ended, whether it was split at once or not', async () => {
    const steps = [
      ...begin,
      client(Buffer.concat([ask('/a.B/C'), data(1, frame(0, 'a'))])),
      server(Buffer.concat([answer(), data(1, frame(0, 'b'))])),
      client(data(1, frame(0, 'c'))),
      server(data(1, frame(0, 'd'))),
      client(data(1, frame(0, 'e'), END_STREAM)),
      ends,
    ];
    const expected = ['request a', 'response b', 'request c', 'response d', 'request e'];
    expect((await traces(steps))[0]?.contents).toEqual(expected);
    // Bodies that may not wait are split as they come.
    expect((await traces(steps, { body_bytes_max: 14 }))[0]?.contents).toEqual(expected);
  });
});
