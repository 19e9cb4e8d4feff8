/**
 * OTLP in protobuf: in meaning what the exporter's own serializers say, read with a decoder of another make, and again as the JSON
 * that the sensor sends.
 */
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import type { Batch, BatchEncoder } from '../../../../src/output/relay/batch.js';
import { bareBatch } from '../../../../src/output/satellite/bare-batch.js';
import { createOtlpEncoder } from '../../../../src/output/satellite/otlp/encoder.js';
import { partialSuccessOf, statusMessageOf } from '../../../../src/output/satellite/otlp/protobuf-batch.js';
import { createProtobufEncoder } from '../../../../src/output/satellite/otlp/protobuf-encoder.js';
import { fieldsOf } from '../../../../src/output/satellite/otlp/protobuf-reader.js';
import { protobufToJson } from '../../../../src/output/satellite/otlp/protobuf-to-json.js';
import { ProtobufWriter } from '../../../../src/output/satellite/otlp/protobuf-writer.js';
import { toReadableSpan } from '../../../../src/output/satellite/otlp/span.js';
import { withoutBodies } from '../../../../src/output/without-bodies.js';
import { createTraceIds } from '../../../../src/pair/trace-ids.js';
import { asData } from '../../../../src/trace/sent-message.js';
import type { Trace } from '../../../../src/trace/trace.js';
import { createDrafter, finishSmall } from '../../../../src/trace/trace-builder.js';
import { client, converse, server } from '../../../support/conversation.js';
import { Random, runSeed } from '../../../support/random.js';
import { randomMessages } from '../../../support/random-messages.js';
import { sampleTrace, traceBody } from '../../../support/trace.js';

const ATTRIBUTES = { 'service.name': 'shop', 'levo.env': 'café', 'process.pid': 17 };
const SCOPE = { name: 'pcap-sensor', version: '0.1.0' };
const PROTOBUF = createProtobufEncoder(ATTRIBUTES, SCOPE);
const JSON_ENCODER = createOtlpEncoder(ATTRIBUTES, SCOPE);
const RESOURCE = resourceFromAttributes(ATTRIBUTES);

/** The messages of opentelemetry-proto that are sent, for a decoder that knows nothing of this project. */
const Request = protobuf
  .parse(
    `syntax = "proto3"; package otlp;
     message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
     message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
     message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
     message ScopeSpans { InstrumentationScope scope = 1; repeated Span spans = 2; string schema_url = 3; }
     message InstrumentationScope { string name = 1; string version = 2; }
     message Span {
       bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
       fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9;
       uint32 dropped_attributes_count = 10; repeated Event events = 11; uint32 dropped_events_count = 12;
       uint32 dropped_links_count = 14; Status status = 15; fixed32 flags = 16; }
     message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4; }
     message Status { string message = 2; int32 code = 3; }
     message KeyValue { string key = 1; AnyValue value = 2; }
     message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
       ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7; } }
     message ArrayValue { repeated AnyValue values = 1; }
     message KeyValueList { repeated KeyValue values = 1; }`,
  )
  .root.lookupType('otlp.ExportTraceServiceRequest');

/** What a request says, by the other decoder. */
const decoded = (payload: Uint8Array): unknown =>
  Request.toObject(Request.decode(payload), { longs: String, bytes: String, defaults: true, oneofs: false });

const batchOf = ({ protocol, join, encode }: BatchEncoder, traces: readonly Trace[]): Batch => ({
  protocol,
  count: traces.length,
  payload: join(traces.map(encode)),
  coding: 'identity',
  recovered: false,
});

const KINDS: readonly ((random: Random, trace: Trace) => void)[] = [
  (_, trace) => Object.assign(trace, { kind: 'client' }),
  (random, trace) => Object.assign(trace, { watchedShare: random.pick([1, 0.25]), adjustedCount: 17.5, window: 3 }),
  (_, trace) => Object.assign(trace, { parentSpanId: '00f067aa0ba902b7', marks: ['gap', 'midstream'] }),
  (_, trace) => Object.assign(trace, { redactions: [{ where: 'request.header.x', rule: 'name:é' }] }),
  (_, trace) => Object.assign(trace.network, { streamId: 7, leg: 'outer', streamError: 'CANCEL' }),
  (_, trace) => Object.assign(trace, { graphql: [{ type: 'query', name: 'me', persisted: 'é' }] }),
  (_, trace) =>
    Object.assign(trace, {
      messages: [
        {
          ...{ direction: 'request', kind: 'text', offsetNano: 5, wireBytes: 300, bytes: 300, truncated: true },
          ...{
            content: Buffer.from('a😀'),
            codingError: 'x',
            event: { event: 'e', id: '', retry: 0 },
            closeCode: 1000,
          },
        },
      ],
      messagesSeen: {
        request: { count: 3, bytes: 9, control: 1, lostBytes: 2 },
        response: { count: 0, bytes: 0, control: 0, lostBytes: 0 },
      },
    }),
  (random, trace) =>
    Object.assign(trace.request.body, { content: random.pick([Buffer.from([0xff, 0]), Buffer.from('é')]) }),
  (_, trace) => Object.assign(trace.request.body, { content: Buffer.from('é').subarray(0, 1), truncated: true }),
  (_, trace) =>
    Object.assign(trace, {
      kubernetes: {
        client: null,
        server: { namespace: 'n', workload: { kind: 'Deployment', name: 'd' }, pod: 'p', container: 'c' },
      },
    }),
];

function* randomTraces(random: Random, count: number): Generator<Trace> {
  const draft = createDrafter({ ids: createTraceIds((bytes) => bytes.fill(0xab)), isLocal: () => true });
  for (let made = 0; made < count; ) {
    const steps = Array.from({ length: 6 }, () => randomMessages(random)).flatMap(({ request, response }) =>
      Array.from({ length: random.pick([1, 1, 4]) }, () => [client(request), server(response)]).flat(),
    );
    for (const exchange of converse(steps).exchanges) {
      const trace = finishSmall(draft(exchange), { bodyBytesMax: 1 << 16 });
      if (trace === null) continue;
      if (random.chance(0.2)) trace.request = asData(trace.request);
      if (random.chance(0.3)) random.pick(KINDS)(random, trace);
      made++;
      yield trace;
    }
  }
}

describe('a span in JSON', () => {
  it('is what the exporter’s own serializer makes of it, byte for byte', () => {
    const seed = runSeed();
    for (const trace of randomTraces(new Random(seed), 400)) {
      const own = JsonTraceSerializer.serializeRequest([toReadableSpan(trace, RESOURCE, SCOPE)]) ?? new Uint8Array();
      const sent = batchOf(JSON_ENCODER, [trace]).payload;
      expect(Buffer.from(sent).toString(), `SEED=${seed}`).toBe(Buffer.from(own).toString());
    }
  });
});

describe('a span in protobuf', () => {
  it('says what the exporter’s own protobuf says, to another decoder', () => {
    const seed = runSeed();
    for (const trace of randomTraces(new Random(seed), 400)) {
      const own =
        ProtobufTraceSerializer.serializeRequest([toReadableSpan(trace, RESOURCE, SCOPE)]) ?? new Uint8Array();
      expect(decoded(batchOf(PROTOBUF, [trace]).payload), `SEED=${seed}`).toEqual(decoded(own));
    }
  });

  it('is, read again, the JSON that the exporter sends', () => {
    const seed = runSeed();
    const traces = [...randomTraces(new Random(seed), 400)];
    const json = protobufToJson(batchOf(PROTOBUF, traces));
    expect(json).toMatchObject({ protocol: 'otlp', count: traces.length });
    const own = JsonTraceSerializer.serializeRequest(traces.map((trace) => toReadableSpan(trace, RESOURCE, SCOPE)));
    const lines = (payload: Uint8Array) =>
      Buffer.from(payload).toString().replaceAll('{"traceId"', '\n{"traceId"').split('\n');
    expect(lines(json?.payload ?? Buffer.alloc(0)), `SEED=${seed}`).toEqual(lines(own ?? Buffer.alloc(0)));
  });

  it.each([0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 63, -1, 0.5, 1e300])(
    'has the number %d',
    (number) => {
      const trace = sampleTrace({ adjustedCount: number });
      const json = JSON.parse(protobufToJson(batchOf(PROTOBUF, [trace]))?.payload.toString() ?? '');
      const found = json.resourceSpans[0].scopeSpans[0].spans[0].attributes.find(
        ({ key }: { key: string }) => key === 'pcap_sensor.sampling.adjusted_count',
      );
      const expected = number >= 2 ** 63 && Number.isInteger(number) ? BigInt.asIntN(64, BigInt(number)) : number;
      expect(found.value).toEqual({ [Number.isInteger(number) ? 'intValue' : 'doubleValue']: Number(expected) });
    },
  );

  it('has texts of any length and script', () => {
    for (const length of [0, 1, 95, 96, 97, 127, 128, 129, 5000, 20_000])
      for (const letter of ['a', 'é', '😀']) {
        const value = letter.repeat(length);
        const trace = sampleTrace({ request: { path: value, headers: [['X', value]], body: traceBody(value) } });
        expect(protobufToJson(batchOf(PROTOBUF, [trace]))?.payload.toString()).toBe(
          batchOf(JSON_ENCODER, [trace]).payload.toString(),
        );
      }
  });
});

describe('a batch in protobuf', () => {
  it('of one trace has its bodies taken away', () => {
    for (const trace of randomTraces(new Random(runSeed()), 100)) {
      const bare = bareBatch(batchOf(PROTOBUF, [trace]));
      const json = bareBatch(batchOf(JSON_ENCODER, [trace]));
      expect(bare === null).toBe(json === null);
      if (bare === null || trace.messages !== undefined) continue;
      const sorted = (batch: Batch | null) => JSON.parse(batch?.payload.toString() ?? 'null', byKey);
      expect(sorted(protobufToJson(bare))).toEqual(sorted(batchOf(JSON_ENCODER, [withoutBodies(trace)])));
    }
  });

  it('is cut to the room that there is', async () => {
    const trace = sampleTrace({
      request: { body: traceBody('é'.repeat(30_000)) },
      response: { body: traceBody('a'.repeat(80_000)) },
    });
    const measured: number[] = [];
    const room = (freeBytes: number) => ({
      queueBytes: 1e9,
      freeBytes,
      onMeasured: (bytes: number) => measured.push(bytes),
    });
    const { encode, encodeSliced, join } = PROTOBUF;
    expect(await encodeSliced(trace, room(1e9))).toEqual(encode(trace));
    for (const free of [0, 1000, 50_000, 100_001]) {
      const encoded = await encodeSliced(trace, room(free));
      expect(encoded.length).toBeLessThanOrEqual(Math.max(free, 2000));
      const json = protobufToJson({ ...batchOf(PROTOBUF, []), payload: join([encoded]) })?.payload.toString() ?? '';
      expect(json).toContain('{"key":"http.response.body.truncated","value":{"boolValue":true}}');
      expect(json).toContain('"shed"');
      expect(json).not.toContain('\ufffd');
    }
    expect(measured).toHaveLength(5);
  });

  it.each(['', '0a', '0aff', '08', '0a03120101', 'ffffffffffffffffffffff', '0b', '02'])('is none of %s', (hex) => {
    const batch = { ...batchOf(PROTOBUF, []), count: 1, payload: Buffer.from(hex, 'hex') };
    expect(bareBatch(batch)).toBeNull();
    const json = protobufToJson(batch);
    if (json !== null) expect(JSON.parse(json.payload.toString())).toHaveProperty('resourceSpans');
  });
});

describe('an answer in protobuf', () => {
  it('says how many were rejected, and why', () => {
    const inner = new ProtobufWriter();
    inner.tag(1, 0);
    inner.varint(3);
    inner.text(2, 'too old');
    const outer = new ProtobufWriter();
    outer.delimited(1, inner.take(0));
    expect(partialSuccessOf(outer.take(0))).toEqual({ rejectedSpans: 3, errorMessage: 'too old' });
    expect(partialSuccessOf(Buffer.alloc(0))).toEqual({ rejectedSpans: 0, errorMessage: '' });
    expect(partialSuccessOf(Buffer.from('<html>'))).toEqual({ rejectedSpans: 0, errorMessage: '' });
  });

  it('says why it refuses', () => {
    const status = new ProtobufWriter();
    status.text(2, 'no room');
    expect(statusMessageOf(status.take(0))).toBe('no room');
    expect(statusMessageOf(Buffer.from('plain text'))).toBe('plain text');
  });

  it('ends, whatever its bytes', () => {
    const random = new Random(runSeed());
    for (let i = 0; i < 2000; i++) {
      const bytes = Buffer.from(Array.from({ length: random.between(0, 40) }, () => random.between(0, 255)));
      let count = 0;
      try {
        for (const _ of fieldsOf(bytes)) count++;
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
      expect(count).toBeLessThanOrEqual(bytes.length);
      partialSuccessOf(bytes);
      statusMessageOf(bytes);
    }
  });
});

function byKey(key: string, value: unknown): unknown {
  return key === 'attributes' && Array.isArray(value)
    ? Object.fromEntries(value.map((one: { key: string }) => [one.key, one]))
    : value;
}
