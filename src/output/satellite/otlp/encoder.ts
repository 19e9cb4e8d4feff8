/**
 * Traces as OTLP/HTTP JSON, one at a time.
 *
 * in: `Trace` · out: the bytes of its span, and the bytes that stand around a batch's spans
 *
 * The bytes are those of `@opentelemetry/otlp-transformer`, as `@opentelemetry/exporter-trace-otlp-http` sends them (a
 * test holds both side by side). Only the order of work differs: the exporter serialises a batch at the moment it sends
 * it, which stops the capture for the time a megabyte of JSON takes; here each span is serialised as it comes, and a
 * batch is its spans between a constant head and tail. So the queue knows its bytes exactly, and a batch that is sent
 * again, or goes to disk first, is not serialised again. Most spans are made without the packages (`span-bytes.ts`).
 */
import { createRequire } from 'node:module';
import { lazy } from '../../../lazy.js';
import type { Trace } from '../../../trace/trace.js';
import { type EncodingRoom, encodeLarge, LARGE_BODY_BYTES } from '../../large-body.js';
import { type JsonBatchEncoder, jsonFrame } from '../../relay/batch.js';
import { type InstrumentationScope, type Semconv, toReadableSpan } from './span.js';
import { openSpanBytes } from './span-bytes.js';

type OtlpTransformer = typeof import('@opentelemetry/otlp-transformer');
type Resources = typeof import('@opentelemetry/resources');

export type ResourceAttributes = Record<string, string | string[] | number>;

export function createOtlpEncoder(
  attributes: ResourceAttributes,
  scope: InstrumentationScope,
  semconv: Semconv = 'stable',
): JsonBatchEncoder {
  const envelope = envelopeOf(attributes, scope);
  const plain = openSpanBytes();
  const rare = lazy(() => ({ encode: openRareSpans(scope, semconv) }));
  const encode = (trace: Trace): Buffer => plain?.encode(trace) ?? rare().encode(trace);
  return Object.assign(
    jsonFrame(() => envelope),
    {
      protocol: 'otlp' as const,
      encode,
      sliced_bytes_min: LARGE_BODY_BYTES,
      encodeSliced: (trace: Trace, room: EncodingRoom) => encodeLarge(trace, encode, room),
    },
  );
}

/**
 * Spans by the OpenTelemetry packages. They take some 8 MiB, and so long to load that packets would be late or lost meanwhile: not
 * before the first span that `span-bytes.ts` leaves to them.
 */
function openRareSpans(scope: InstrumentationScope, semconv: Semconv): (trace: Trace) => Buffer {
  const require = createRequire(import.meta.url);
  const { JsonTraceSerializer } = require('@opentelemetry/otlp-transformer') as OtlpTransformer;
  const { resourceFromAttributes } = require('@opentelemetry/resources') as Resources;
  // The resource is in the envelope; serialising it again with each span would be work thrown away.
  const bare = resourceFromAttributes({});
  const { head, tail } = envelopeOf({}, scope);
  return (trace) => {
    const bytes = JsonTraceSerializer.serializeRequest([toReadableSpan(trace, bare, scope, semconv)]);
    if (bytes === undefined) throw new Error('the OTLP serializer returned nothing');
    return Buffer.from(bytes.buffer, bytes.byteOffset + head.length, bytes.byteLength - head.length - tail.length);
  };
}

/** What surrounds the spans of a batch (opentelemetry/proto/trace/v1/trace.proto, TracesData). */
function envelopeOf(attributes: ResourceAttributes, scope: InstrumentationScope): { head: Buffer; tail: Buffer } {
  const resource = { attributes: pairsOf(attributes), droppedAttributesCount: 0 };
  const { name, version } = scope;
  const words = JSON.stringify({
    resourceSpans: [{ resource, scopeSpans: [{ scope: { name, version }, spans: [] }] }],
  });
  const end = words.length - ']}]}]}'.length;
  return { head: Buffer.from(words.slice(0, end)), tail: Buffer.from(words.slice(end)) };
}

function pairsOf(attributes: ResourceAttributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: Array.isArray(value) ? { arrayValue: { values: value.map(anyValue) } } : anyValue(value),
  }));
}

const anyValue = (value: string | number): object =>
  typeof value === 'string'
    ? { stringValue: value }
    : Number.isInteger(value)
      ? { intValue: value }
      : { doubleValue: value };
