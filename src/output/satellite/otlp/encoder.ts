/**
 * Traces as OTLP/HTTP JSON, one at a time.
 *
 * in: `Trace` · out: the bytes of its span, and the bytes that stand around a batch's spans
 *
 * The bytes are those of `@opentelemetry/otlp-transformer`, as `@opentelemetry/exporter-trace-otlp-http` sends them (a
 * test holds both side by side). Only the order of work differs: the exporter serialises a batch at the moment it sends
 * it, which stops the capture for the time a megabyte of JSON takes; here each span is serialised as it comes, and a
 * batch is its spans between a constant head and tail. So the queue knows its bytes exactly, and a batch that is sent
 * again, or goes to disk first, is not serialised again. None of the packages is loaded: that would take longer than packets may wait.
 */
import type { Resource } from '@opentelemetry/resources';
import type { Trace } from '../../../trace/trace.js';
import { type EncodingRoom, encodeLarge, LARGE_BODY_BYTES } from '../../large-body.js';
import { type JsonBatchEncoder, jsonFrame } from '../../relay/batch.js';
import { type InstrumentationScope, type Semconv, toReadableSpan } from './span.js';
import { flagsOf, openSpanBytes } from './span-bytes.js';
import { keyValues, spanJson } from './span-json.js';

export type ResourceAttributes = Record<string, string | string[] | number>;

export function createOtlpEncoder(
  attributes: ResourceAttributes,
  scope: InstrumentationScope,
  semconv: Semconv = 'stable',
): JsonBatchEncoder {
  const envelope = envelopeOf(attributes, scope);
  const plain = openSpanBytes();
  const encode = (trace: Trace): Buffer =>
    plain?.encode(trace) ?? Buffer.from(spanJson(toReadableSpan(trace, NO_RESOURCE, scope, semconv), flagsOf(trace)));
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

/** It is in the envelope. */
const NO_RESOURCE = {} as Resource;

/** What surrounds the spans of a batch (opentelemetry/proto/trace/v1/trace.proto, TracesData). */
function envelopeOf(attributes: ResourceAttributes, scope: InstrumentationScope): { head: Buffer; tail: Buffer } {
  const { name, version } = scope;
  const words = JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: keyValues(attributes), droppedAttributesCount: 0 },
        scopeSpans: [{ scope: { name, version }, spans: [] }],
      },
    ],
  });
  const end = words.length - ']}]}]}'.length;
  return { head: Buffer.from(words.slice(0, end)), tail: Buffer.from(words.slice(end)) };
}
