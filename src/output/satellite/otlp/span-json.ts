/**
 * A span as OTLP JSON: those that say what is rare, and are not made from the bytes that came (`span-bytes.ts`).
 *
 * in: a `ReadableSpan` · out: the text that `@opentelemetry/otlp-transformer` makes of it (a test holds both side by side)
 *
 * That package takes longer to load than a packet may wait, in the turn of the first such span.
 */
import type { Attributes, HrTime } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

/** A value as `AnyValue` (opentelemetry/proto/common/v1/common.proto); an integer is a number, as the exporter writes it. */
export function anyValue(value: unknown): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: value } : { doubleValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') };
  return {};
}

export function keyValues(attributes: Attributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

/** What is undefined is left out. */
export function spanJson(span: ReadableSpan, flags: number): string {
  const { traceId, spanId } = span.spanContext();
  const { name, kind, startTime, endTime, attributes, events, status, parentSpanContext } = span;
  return JSON.stringify({
    traceId,
    spanId,
    parentSpanId: parentSpanContext?.spanId,
    name,
    // OTLP has a value for none in front of them.
    kind: kind + 1,
    startTimeUnixNano: nanosOf(startTime),
    endTimeUnixNano: nanosOf(endTime),
    attributes: keyValues(attributes),
    droppedAttributesCount: 0,
    events: events.map((event) => ({
      attributes: keyValues(event.attributes ?? {}),
      name: event.name,
      timeUnixNano: nanosOf(event.time),
      droppedAttributesCount: 0,
    })),
    droppedEventsCount: span.droppedEventsCount,
    status: { code: status.code },
    links: [],
    droppedLinksCount: 0,
    flags,
  });
}

/** A string, as 64 bits are written in JSON. */
const nanosOf = ([seconds, nanos]: HrTime): string => String(BigInt(seconds) * 1_000_000_000n + BigInt(nanos));
