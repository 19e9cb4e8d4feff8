/**
 * A trace as rows of the tables, and back.
 *
 * in: a `SatelliteTrace` · out: what is listed; what is shown; and bodies, which are taken out of the span, so that no list and no look at a
 * trace's head reads them · pure
 */
import type { Trace, TraceBody } from '../../../trace/trace.js';
import type { SatelliteTrace } from '../../receive/satellite-trace.js';
import { readBack, traceOf } from '../../receive/trace-of.js';
import { contentTypeOf, searchedText, spanIdOf, textOfJson, traceIdOf } from '../trace-columns.js';
import { millisOf } from './sequence.js';

/** A trace before it has a number. */
export interface Prepared {
  readonly received: SatelliteTrace;
  readonly trace: Trace;
  readonly traceId: string;
  readonly spanId: string;
  readonly payload: { readonly Form: string; readonly Span: string; readonly Resource: string };
  readonly bodies: { readonly Request: string; readonly Response: string; readonly Cut: number } | null;
  /** About as much as it takes. */
  readonly bytes: number;
}

/** Which bodies were taken out of the span, in `Cut`: bits. */
const REQUEST = 1;
const RESPONSE = 2;
const KEYS: Readonly<Record<string, number>> = {
  'http.request.body.content': REQUEST,
  'http.response.body.content': RESPONSE,
};

interface Attribute {
  readonly key?: unknown;
  readonly value?: { readonly stringValue?: unknown };
}

export function prepare(received: SatelliteTrace): Prepared {
  const trace = traceOf(received);
  const resource = textOfJson(received.resource) || 'null';
  const { span, texts, cut } = withoutBodies(received);
  const text = (bit: number, body: TraceBody | undefined): string =>
    (cut & bit) !== 0 ? (texts[bit] ?? '') : body === undefined ? '' : searchedText(body);
  const sent = text(REQUEST, trace.request.body);
  const answered = text(RESPONSE, trace.response?.body);
  const spanText = textOfJson(span);
  return {
    received,
    trace,
    traceId: traceIdOf(received, trace.traceId),
    spanId: spanIdOf(received, trace.spanId),
    payload: { Form: received.protocol, Span: spanText, Resource: resource },
    bodies:
      sent === '' && answered === '' ? null : { Request: wellFormed(sent), Response: wellFormed(answered), Cut: cut },
    bytes: spanText.length + sent.length + answered.length + 1000,
  };
}

/** Bodies that are texts, taken out of the attributes of a span. */
function withoutBodies({ protocol, span }: SatelliteTrace): {
  span: unknown;
  texts: Record<number, string>;
  cut: number;
} {
  const { attributes } = span as { attributes?: unknown };
  const texts: Record<number, string> = {};
  let cut = 0;
  if (protocol !== 'otlp' || !Array.isArray(attributes)) return { span, texts, cut };
  const left = (attributes as readonly Attribute[]).map((one) => {
    const bit = typeof one?.key === 'string' && Object.hasOwn(KEYS, one.key) ? (KEYS[one.key] ?? 0) : 0;
    const text = one?.value?.stringValue;
    if (bit === 0 || (cut & bit) !== 0 || typeof text !== 'string' || text === '' || !text.isWellFormed()) return one;
    cut |= bit;
    texts[bit] = text;
    return { ...one, value: { ...one.value, stringValue: '' } };
  });
  return { span: cut === 0 ? span : { ...(span as object), attributes: left }, texts, cut };
}

/** Without halves of surrogate pairs, which UTF-8 has no bytes for. */
const wellFormed = (text: string): string => text.toWellFormed();

export interface KeptBodies {
  readonly request: string;
  readonly response: string;
  readonly cut: number;
}

/** What was kept of a trace, as it was received; undefined where it cannot be read. */
export function restore(
  form: string,
  span: string,
  resource: string,
  bodies: KeptBodies | undefined,
): { readonly received: SatelliteTrace; readonly span: string } | undefined {
  const text = bodies === undefined || bodies.cut === 0 ? span : withBodies(span, bodies);
  const received = readBack(form, text, resource);
  return received === undefined ? undefined : { received, span: text };
}

function withBodies(span: string, { request, response, cut }: KeptBodies): string {
  const value = JSON.parse(span) as { attributes: Attribute[] };
  let left = cut;
  value.attributes = value.attributes.map((one) => {
    const bit = typeof one?.key === 'string' && Object.hasOwn(KEYS, one.key) ? (KEYS[one.key] ?? 0) : 0;
    if ((left & bit) === 0 || one.value?.stringValue !== '') return one;
    left &= ~bit;
    return { ...one, value: { ...one.value, stringValue: bit === REQUEST ? request : response } };
  });
  return JSON.stringify(value);
}

export interface Keys {
  readonly Organisation: string;
  readonly Seq: number;
  /** Seconds since 1970. */
  readonly Arrival: number;
}

export const keysOf = (Organisation: string, Seq: number): Keys => ({
  Organisation,
  Seq,
  Arrival: Math.floor(millisOf(Seq) / 1000),
});

const UINT16_MAX = 65_535;
const bounded = (value: number): number => Math.min(Math.max(0, Math.round(value)), Number.MAX_SAFE_INTEGER);

export function traceRow(keys: Keys, { received, trace, traceId, spanId }: Prepared): object {
  const { request, response, network } = trace;
  return {
    ...keys,
    Timestamp: timestamp(trace.startTimeUnixNano),
    TraceId: traceId,
    SpanId: spanId,
    SpanKind: trace.kind,
    Duration: bounded(trace.durationNano),
    ServiceName: wellFormed(received.serviceName),
    Environment: wellFormed(received.environment),
    Method: wellFormed(request.method),
    Host: wellFormed(request.authority),
    Path: wellFormed(request.path),
    Query: wellFormed(request.query),
    Status: Math.min(bounded(received.status ?? 0), UINT16_MAX),
    RequestBytes: bounded(request.body.wireBytes),
    ResponseBytes: bounded(response?.body.wireBytes ?? 0),
    ContentType: wellFormed(contentTypeOf(trace)),
    Protocol: wellFormed(network.protocol),
    Client: wellFormed(trace.client?.address ?? network.client.address),
    Marks: trace.marks,
    Redactions: trace.redactions?.length ?? 0,
  };
}

/** A `DateTime64(9)` ends in 2262. */
const NANOS_MAX = 9_000_000_000_000_000_000n;

/** As a server of any settings reads it. */
function timestamp(nanos: bigint): string {
  const within = nanos < 0n ? 0n : nanos > NANOS_MAX ? NANOS_MAX : nanos;
  const digits = String(within).padStart(10, '0');
  const seconds = new Date(Number(digits.slice(0, -9)) * 1000).toISOString();
  return `${seconds.slice(0, 10)} ${seconds.slice(11, 19)}.${digits.slice(-9)}`;
}
