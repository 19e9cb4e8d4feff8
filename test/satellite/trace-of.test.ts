/** What the sensor sends, read back by the satellite: the same trace, by either protocol, as far as that carries it. */
import * as wire from '@bufbuild/protobuf/wire';
import { expect, it } from 'vitest';
import { createLevoEncoder } from '../../src/output/satellite/levo.js';
import { createOtlpEncoder } from '../../src/output/satellite/otlp/encoder.js';
import { createProtobufEncoder } from '../../src/output/satellite/otlp/protobuf-encoder.js';
import { readOtlpProtobuf } from '../../src/satellite/receive/otlp-protobuf.js';
import { readLevoTraces, readOtlpTraces } from '../../src/satellite/receive/satellite-trace.js';
import { traceOf } from '../../src/satellite/receive/trace-of.js';
import type { Trace } from '../../src/trace/trace.js';
import { sampleTrace } from '../support/trace.js';

const otlp = createOtlpEncoder({ 'service.name': 'shop' }, { name: 'pcap-sensor', version: '0.1.0' });
const levo = createLevoEncoder({ serviceName: 'shop', hostName: 'h', environment: '', sensorVersion: '0.1.0' });

const protobuf = createProtobufEncoder({ 'service.name': 'shop' }, { name: 'pcap-sensor', version: '0.1.0' });

function throughProtobuf(trace: Trace): Trace | undefined {
  const body = readOtlpProtobuf(wire, protobuf.join([protobuf.encode(trace)]), 10_000);
  const [received] = readOtlpTraces(body as never).traces;
  return received === undefined ? undefined : traceOf(received);
}

function throughOtlp(trace: Trace): Trace | undefined {
  const body = Buffer.concat([otlp.head, otlp.encode(trace), otlp.tail]).toString('utf8');
  const [received] = readOtlpTraces(JSON.parse(body)).traces;
  return received === undefined ? undefined : traceOf(received);
}

it.each<[string, Partial<Trace>]>([
  ['an exchange', {}],
  ['one without a response', { response: null, marks: ['no-response'] }],
  ['a client', { kind: 'client' }],
  ['what was redacted', { redactions: [{ where: 'request.header.x-api-key', rule: 'name:api-key' }] }],
  ['what it stands for', { adjustedCount: 2.5 }],
  ['a share that was watched', { watchedShare: 0.5 }],
  ['a GraphQL operation', { graphql: [{ type: 'query', name: 'Hero', persisted: null }] }],
  [
    'messages of a stream',
    {
      messages: [
        {
          direction: 'response',
          kind: 'event',
          offsetNano: 5000,
          wireBytes: 20,
          bytes: 5,
          truncated: false,
          content: Buffer.from('hello'),
          codingError: null,
          event: { event: 'news', id: '7' },
        },
        {
          direction: 'request',
          kind: 'binary',
          offsetNano: 9000,
          wireBytes: 3,
          bytes: 3,
          truncated: true,
          content: Buffer.from([0xff, 0, 1]),
          codingError: null,
        },
      ],
    },
  ],
])('OTLP carries %s', (_what, given) => {
  const trace = sampleTrace(given as never);
  const read = throughOtlp(trace);
  expect(throughProtobuf(trace)).toEqual(read);
  const lower = (pairs: readonly (readonly [string, string])[]) =>
    pairs.map(([name, value]) => [name.toLowerCase(), value]);
  expect(read).toMatchObject({
    traceId: trace.traceId,
    spanId: trace.spanId,
    parentSpanId: trace.parentSpanId,
    kind: trace.kind,
    startTimeUnixNano: trace.startTimeUnixNano,
    durationNano: trace.durationNano,
    timing: trace.timing,
    marks: trace.marks,
    request: { method: trace.request.method, target: trace.request.target, authority: trace.request.authority },
  });
  expect(lower(read?.request.headers ?? []).sort()).toEqual(lower(trace.request.headers).sort());
  expect(read?.response?.status).toBe(trace.response?.status);
  expect(read?.response?.body.content.toString()).toBe(trace.response?.body.content.toString());
  expect(read?.network).toMatchObject({ client: trace.network.client, server: trace.network.server });
  for (const name of ['messages', 'graphql', 'redactions', 'adjustedCount', 'watchedShare'] as const)
    if (name in given) expect(read?.[name]).toEqual(given[name]);
});

it("Levo's protocol carries an exchange", () => {
  const trace = sampleTrace();
  const [received] = readLevoTraces(
    JSON.parse(Buffer.concat([levo.head, levo.encode(trace), levo.tail]).toString()),
  ).traces;
  const read = received === undefined ? undefined : traceOf(received);
  expect(read).toMatchObject({
    traceId: trace.traceId,
    spanId: trace.spanId,
    kind: 'server',
    durationNano: trace.durationNano,
    request: { method: 'GET', target: trace.request.target, path: trace.request.path, query: trace.request.query },
    response: { status: 200 },
  });
  expect(read?.response?.body.content.toString()).toBe(trace.response?.body.content.toString());
});

it.each([
  [
    'values that are none',
    {
      attributes: [
        { key: 'pcap.marks', value: { arrayValue: { values: [null, 7, { stringValue: {} }] } } },
        null,
        { key: 'url.path', value: null },
      ],
    },
  ],
  [
    'events that are none',
    {
      events: [
        null,
        {
          name: 'pcap.message',
          attributes: [{ key: 'pcap.message.size', value: { intValue: 'x' } }],
          timeUnixNano: [],
        },
      ],
    },
  ],
  ['headers that are none', { attributes: [{ key: 'http.request.header.host', value: { arrayValue: {} } }] }],
])('takes %s of a stranger', (_what, members) => {
  const span = {
    traceId: '1'.repeat(32),
    spanId: '2'.repeat(16),
    startTimeUnixNano: '1',
    endTimeUnixNano: '2',
    ...members,
  };
  const [received] = readOtlpTraces({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }).traces;
  expect(received === undefined ? undefined : traceOf(received).traceId).toBe('1'.repeat(32));
});
