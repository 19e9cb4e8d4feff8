/**
 * What leaves of exchanges that are kept, byte by byte: heads and bodies that go into a line as they came, against the same
 * trace as plain data, which takes the long way.
 */
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { describe, expect, it } from 'vitest';
import { encodeNdjson } from '../../src/output/ndjson.js';
import { openNdjsonBytes } from '../../src/output/ndjson-bytes.js';
import { createOtlpEncoder } from '../../src/output/satellite/otlp/encoder.js';
import { toReadableSpan } from '../../src/output/satellite/otlp/span.js';
import { openSpanBytes } from '../../src/output/satellite/otlp/span-bytes.js';
import type { Exchange } from '../../src/pair/exchange.js';
import { createTraceIds } from '../../src/pair/trace-ids.js';
import { createRedactor, type RedactionSettings } from '../../src/redact/redactor.js';
import { Routes } from '../../src/trace/route.js';
import { asData, sentHeadOf } from '../../src/trace/sent-message.js';
import type { Trace } from '../../src/trace/trace.js';
import { createDrafter, finishSmall } from '../../src/trace/trace-builder.js';
import { client, converse, server } from '../support/conversation.js';
import { Random, runSeed } from '../support/random.js';
import { randomMessages } from '../support/random-messages.js';

const DEFAULTS: RedactionSettings = {
  defaults: true,
  headers: [],
  queries: [],
  fields: [],
  patterns: [],
  bodies: true,
};
const SETTINGS: readonly (readonly [string, RedactionSettings])[] = [
  ['as it ships', DEFAULTS],
  [
    'with names and patterns of the user',
    { ...DEFAULTS, headers: ['x-served-by', 'host'], queries: ['page'], patterns: ['node-\\d'] },
  ],
  ['without the rules that are built in', { ...DEFAULTS, defaults: false, fields: ['title'] }],
  ['with what names people, explained', { ...DEFAULTS, pii: true, explains: true }],
];
const CASES = Number(process.env.KEPT_CASES ?? 160);
const EXCHANGES = 8;

/** Some are repeated, so that later messages share the heads of earlier ones. */
function exchanges(random: Random): readonly Exchange[] {
  const steps = Array.from({ length: EXCHANGES }, () => randomMessages(random)).flatMap(({ request, response }) =>
    Array.from({ length: random.pick([1, 1, 4]) }, () => [client(request), server(response)]).flat(),
  );
  return converse(steps).exchanges;
}

function makerOf(settings: RedactionSettings) {
  const draft = createDrafter({ ids: createTraceIds((bytes) => bytes.fill(0xab)), isLocal: () => true });
  const redact = createRedactor(settings);
  const routes = new Routes(100);
  return (exchange: Exchange, isData: boolean): Trace => {
    const trace = finishSmall(draft(exchange), { bodyBytesMax: 1 << 16 });
    if (trace === null) throw new Error('it takes long');
    if (isData) {
      trace.request = asData(trace.request);
      if (trace.response !== null) trace.response = asData(trace.response);
    }
    redact(trace);
    const route = routes.of(trace);
    if (route !== null) trace.route = route;
    return trace;
  };
}

describe('a kept exchange', () => {
  const encoder = openNdjsonBytes();

  function bytesOf(trace: Trace): string | null {
    const length = encoder?.encode(trace) ?? -1;
    if (length < 0) return null;
    const line = Buffer.alloc(length);
    encoder?.copy(line, 0, length);
    return line.toString();
  }

  it.each(SETTINGS)('is redacted and written the same, as it was sent and as data, %s', (_, settings) => {
    const random = new Random(runSeed());
    const [sent, data] = [makerOf(settings), makerOf(settings)];
    let quick = 0;
    let count = 0;
    while (count < CASES)
      for (const exchange of exchanges(random)) {
        const expected = data(exchange, true);
        const trace = sent(exchange, false);
        const line = bytesOf(trace);
        if (line !== null) quick++;
        count++;
        expect(line ?? `${encodeNdjson(trace)}\n`).toBe(`${encodeNdjson(expected)}\n`);
        expect(trace.replacements).toEqual(expected.replacements);
      }
    // Most can be written so, though these are made to be odd.
    expect(quick).toBeGreaterThan(count / 4);
  });

  it('is the span that the exporter’s own serializer makes of it', () => {
    const random = new Random(runSeed());
    const make = makerOf(DEFAULTS);
    const scope = { name: 'pcap-sensor', version: '0.1.0' };
    const resource = resourceFromAttributes({});
    const { head, tail } = createOtlpEncoder({}, scope);
    const spans = openSpanBytes();
    let quick = 0;
    let count = 0;
    while (count < CASES)
      for (const exchange of exchanges(random)) {
        for (const isData of [false, true]) {
          const trace = make(exchange, isData);
          if (random.chance(0.1)) trace.kind = 'client';
          if (random.chance(0.1)) trace.watchedShare = random.pick([1, 0.25]);
          const span = spans?.encode(trace) ?? null;
          count++;
          if (span === null) continue;
          quick++;
          const expected = JsonTraceSerializer.serializeRequest([toReadableSpan(trace, resource, scope)]);
          expect(`${head}${span}${tail}`).toBe(Buffer.from(expected ?? []).toString());
        }
      }
    expect(quick).toBeGreaterThan(count / 4);
  });

  it('of a service makes no pairs of its headers, and no strings of its body', () => {
    const [exchange] = converse([
      client('GET /items/1?page=2 HTTP/1.1\r\nHost: h\r\nX-Served-By: a\r\nAuthorization: Bearer abc\r\n\r\n'),
      server('HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Type: application/json\r\n\r\n{"a":"\n"}'),
    ]).exchanges;
    const trace = makerOf(DEFAULTS)(exchange as Exchange, false);
    const line = bytesOf(trace);
    expect(sentHeadOf(trace.request)).not.toBeNull();
    expect(line).toContain('["Authorization","Bearer REDACTED"]]');
    expect(line).toContain('"content":"{\\"a\\":\\"\\n\\"}"');
    expect(trace.redactions).toEqual([{ where: 'request.header.authorization', rule: 'name:authorization' }]);
  });
});
