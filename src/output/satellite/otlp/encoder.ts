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
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
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
  let made: SpanEncoder | null = null;
  const spans = (): SpanEncoder => {
    made ??= createSpanEncoder(attributes, scope, semconv);
    return made;
  };
  const encode = (trace: Trace): Buffer => spans().encode(trace);
  // What stands around the spans is asked for when there are some: not before are the packages loaded.
  return Object.assign(jsonFrame(spans), {
    protocol: 'otlp' as const,
    encode,
    sliced_bytes_min: LARGE_BODY_BYTES,
    encodeSliced: (trace: Trace, room: EncodingRoom) => encodeLarge(trace, encode, room),
  });
}

type SpanEncoder = Pick<JsonBatchEncoder, 'head' | 'tail' | 'encode'>;

/** Loads the OpenTelemetry packages, some 8 MiB: not before the first trace, as an idle sensor needs none of them. */
function createSpanEncoder(attributes: ResourceAttributes, scope: InstrumentationScope, semconv: Semconv): SpanEncoder {
  const require = createRequire(import.meta.url);
  const { JsonTraceSerializer } = require('@opentelemetry/otlp-transformer') as OtlpTransformer;
  const { resourceFromAttributes } = require('@opentelemetry/resources') as Resources;
  const serialize = (spans: ReadableSpan[]): Buffer => {
    const bytes = JsonTraceSerializer.serializeRequest(spans);
    if (bytes === undefined) throw new Error('the OTLP serializer returned nothing');
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  // The resource is in the envelope; serialising it again with each span would be work thrown away.
  const bare = resourceFromAttributes({});
  const { head, tail } = envelopeOf(serialize, bare, scope);
  const plain = openSpanBytes();
  return {
    ...envelopeOf(serialize, resourceFromAttributes(attributes), scope),
    encode(trace) {
      const quick = plain?.encode(trace) ?? null;
      if (quick !== null) return quick;
      const bytes = serialize([toReadableSpan(trace, bare, scope, semconv)]);
      return bytes.subarray(head.length, bytes.length - tail.length);
    },
  };
}

/** What surrounds the spans: whatever one span and two of the same have in common before and after it. */
function envelopeOf(
  serialize: (spans: ReadableSpan[]) => Buffer,
  resource: Resource,
  scope: InstrumentationScope,
): { head: Buffer; tail: Buffer } {
  const span = toReadableSpan(PROBE, resource, scope);
  const one = serialize([span]);
  const two = serialize([span, span]);
  const spanLength = two.length - one.length - 1;
  // A quote inside a JSON string is escaped, so the first occurrence is the key itself.
  const start = one.indexOf('"spans":[') + '"spans":['.length;
  return { head: Buffer.from(one.subarray(0, start)), tail: Buffer.from(one.subarray(start + spanLength)) };
}

const NO_BODY = { wireBytes: 0, bytes: 0, truncated: false, content: new Uint8Array(0), codingError: null };

const PROBE: Trace = {
  traceId: '1'.repeat(32),
  spanId: '1'.repeat(16),
  parentSpanId: null,
  kind: 'server',
  startTimeUnixNano: 0n,
  durationNano: 0,
  timing: { requestEndNano: 0, responseStartNano: null },
  network: { interface: '', protocol: '', client: { address: '', port: 0 }, server: { address: '', port: 0 } },
  request: {
    method: '',
    scheme: 'http',
    authority: '',
    target: '',
    path: '',
    query: '',
    headers: [],
    trailers: [],
    body: NO_BODY,
  },
  response: null,
  marks: [],
};
