/**
 * A trace as an OpenTelemetry span, by the stable HTTP conventions
 * (https://opentelemetry.io/docs/specs/semconv/http/http-spans/).
 *
 * in: `Trace` and the resource it comes under · out: `ReadableSpan`, as the SDK's exporters take it; no tracer in between
 *
 * Beyond the conventions, so that a span says all a trace says: `http.{request,response}.body.content` (text as a string,
 * binary as bytes), `….body.truncated` and `….body.coding_error` where they apply, `pcap.marks`,
 * `pcap.interface`, `pcap.watched_share`.
 */
import type { Attributes, AttributeValue, HrTime, SpanKind, SpanStatus, SpanStatusCode } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { HeaderPair } from '../../../pair/exchange.js';
import type { Trace, TraceBody } from '../../../trace/trace.js';
import { textOf } from '../../ndjson.js';
import { splitAuthority } from '../authority.js';
import { clientOf } from '../forwarded.js';

// Written out: importing them as values would load the whole of @opentelemetry/api for five numbers. The compiler checks
// that each is a member of its enum, and a test that it is the right one.
const SERVER: SpanKind.SERVER = 1;
const CLIENT: SpanKind.CLIENT = 2;
const UNSET: SpanStatusCode.UNSET = 0;
const ERROR: SpanStatusCode.ERROR = 2;
/** W3C trace flags (https://www.w3.org/TR/trace-context/#trace-flags). */
const SAMPLED = 1;

export interface InstrumentationScope {
  readonly name: string;
  readonly version: string;
}

export function toReadableSpan(trace: Trace, resource: Resource, scope: InstrumentationScope): ReadableSpan {
  const start = trace.startTimeUnixNano;
  const duration = BigInt(Math.max(0, Math.round(trace.durationNano)));
  const span: ReadableSpan = {
    name: KNOWN_METHODS.has(trace.request.method) ? trace.request.method : 'HTTP',
    kind: trace.kind === 'server' ? SERVER : CLIENT,
    spanContext: () => ({ traceId: trace.traceId, spanId: trace.spanId, traceFlags: SAMPLED }),
    startTime: hrTime(start),
    endTime: hrTime(start + duration),
    duration: hrTime(duration),
    status: statusOf(trace),
    attributes: attributesOf(trace),
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
  if (trace.parentSpanId === null) return span;
  return {
    ...span,
    parentSpanContext: {
      traceId: trace.traceId,
      spanId: trace.parentSpanId,
      traceFlags: SAMPLED,
      isRemote: true,
    },
  };
}

/** RFC 9110 §9.3 and RFC 5789; any other name is `_OTHER`, so that nothing on the wire chooses a span's name. */
const KNOWN_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);

const NANOS_PER_SECOND = 1_000_000_000n;

function hrTime(nanos: bigint): HrTime {
  return [Number(nanos / NANOS_PER_SECOND), Number(nanos % NANOS_PER_SECOND)];
}

/** The low-cardinality reason of a failure, or undefined: 5xx for both kinds, 4xx only where the task was the client. */
function errorTypeOf({ kind, response }: Trace): string | undefined {
  if (response === null) return 'no_response';
  return response.status >= 500 || (response.status >= 400 && kind === 'client') ? String(response.status) : undefined;
}

function statusOf(trace: Trace): SpanStatus {
  return { code: errorTypeOf(trace) === undefined ? UNSET : ERROR };
}

function attributesOf(trace: Trace): Attributes {
  const { request, response, network } = trace;
  const known = KNOWN_METHODS.has(request.method);
  const attributes: Attributes = { 'http.request.method': known ? request.method : '_OTHER' };
  if (!known) attributes['http.request.method_original'] = request.method;

  attributes['url.scheme'] = request.scheme;
  attributes['url.path'] = request.path;
  if (request.query !== '') attributes['url.query'] = request.query;
  if (trace.kind === 'client') attributes['url.full'] = fullUrl(trace);

  const server = splitAuthority(request.authority, network.server);
  attributes['server.address'] = server.address;
  attributes['server.port'] = server.port;
  const client = clientOf(request.headers, network.client);
  attributes['client.address'] = client.address;
  if (client.port !== null) attributes['client.port'] = client.port;

  const [peer, local] = trace.kind === 'server' ? [network.client, network.server] : [network.server, network.client];
  attributes['network.peer.address'] = peer.address;
  attributes['network.peer.port'] = peer.port;
  attributes['network.local.address'] = local.address;
  attributes['network.local.port'] = local.port;
  attributes['network.protocol.version'] = network.protocol;

  if (response !== null) attributes['http.response.status_code'] = response.status;
  const errorType = errorTypeOf(trace);
  if (errorType !== undefined) attributes['error.type'] = errorType;

  addHeaders(attributes, 'http.request.header.', request.headers);
  const userAgent = attributes['http.request.header.user-agent'];
  if (Array.isArray(userAgent)) attributes['user_agent.original'] = userAgent[0] as string;
  addBody(attributes, 'http.request.body.', request.body);
  if (response !== null) {
    addHeaders(attributes, 'http.response.header.', response.headers);
    addBody(attributes, 'http.response.body.', response.body);
  }
  attributes['pcap.interface'] = network.interface;
  if (trace.marks.length > 0) attributes['pcap.marks'] = trace.marks;
  if (trace.watchedShare !== undefined) attributes['pcap.watched_share'] = trace.watchedShare;
  return attributes;
}

/** Credentials never leave in a URL, as the conventions demand of `url.full`. */
function fullUrl({ request }: Trace): string {
  const absolute = /^[a-z][a-z0-9+.-]*:\/\//i.test(request.target);
  const url = absolute ? request.target : `${request.scheme}://${request.authority}${request.path}`;
  const whole = absolute || request.query === '' ? url : `${url}?${request.query}`;
  return whole.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#@]*@/i, '$1REDACTED:REDACTED@');
}

function addHeaders(attributes: Attributes, prefix: string, headers: readonly HeaderPair[]): void {
  for (const [name, value] of headers) {
    const key = prefix + name.toLowerCase();
    const values = attributes[key];
    if (values === undefined) attributes[key] = [value];
    else (values as string[]).push(value);
  }
}

function addBody(attributes: Attributes, prefix: string, body: TraceBody): void {
  attributes[`${prefix}size`] = body.wireBytes;
  if (body.content.length > 0) {
    // OTLP has byte values and the transformer encodes them; the API's `AttributeValue` does not name them yet.
    attributes[`${prefix}content`] =
      textOf(body.content, body.truncated) ?? (body.content as unknown as AttributeValue);
  }
  if (body.truncated) attributes[`${prefix}truncated`] = true;
  if (body.codingError !== null) attributes[`${prefix}coding_error`] = body.codingError;
}
