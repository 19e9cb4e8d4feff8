/**
 * A trace as an OpenTelemetry span, by the stable conventions of HTTP, and of RPC beside them where it is a call
 * (https://opentelemetry.io/docs/specs/semconv/http/http-spans/).
 *
 * in: `Trace` and the resource it comes under · out: `ReadableSpan`, as the SDK's exporters take it; no tracer in between
 *
 * Beyond the conventions, so that a span says all a trace says: `http.{request,response}.body.content` (text as a string,
 * binary as bytes), `….body.truncated` and `….body.coding_error` where they apply, `pcap.marks`,
 * `pcap.request_end` and `pcap.response_start` (nanoseconds from the start), `pcap.interface`, `pcap.leg`, `pcap.stream_id`,
 * `pcap.watched_share`; of GraphQL the operations of a batch and the names of persisted queries, `pcap.graphql.operations` and
 * `pcap.graphql.persisted_queries`; of a stream `pcap.window`, `pcap.messages.…` and an event `pcap.message` for each message that was kept.
 */
import type { Attributes, AttributeValue, HrTime, SpanKind, SpanStatus, SpanStatusCode } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace-base';
import type { GraphqlOperation } from '../../../http/graphql/graphql-request.js';
import type { HeaderPair } from '../../../pair/exchange.js';
import { type Rpc, rpcOf, statusNumber } from '../../../trace/rpc.js';
import type { Trace, TraceBody, TraceMessage, TracePod } from '../../../trace/trace.js';
import { textOf } from '../../ndjson.js';
import { splitAuthority } from '../authority.js';

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

/** Which names of the conventions a span has: the stable ones, or those that came before as well. */
export type Semconv = 'stable' | 'rpc/dup';

export function toReadableSpan(
  trace: Trace,
  resource: Resource,
  scope: InstrumentationScope,
  semconv: Semconv = 'stable',
): ReadableSpan {
  const start = trace.startTimeUnixNano;
  const rpc = rpcOf(trace);
  const duration = BigInt(Math.max(0, Math.round(trace.durationNano)));
  const span: ReadableSpan = {
    name: nameOf(trace, rpc),
    kind: trace.kind === 'server' ? SERVER : CLIENT,
    spanContext: () => ({ traceId: trace.traceId, spanId: trace.spanId, traceFlags: SAMPLED }),
    startTime: hrTime(start),
    endTime: hrTime(start + duration),
    duration: hrTime(duration),
    status: statusOf(trace, rpc),
    attributes: attributesOf(trace, rpc, semconv),
    links: [],
    events: (trace.messages ?? []).map((message) => eventOf(message, start)),
    ended: true,
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: eventsLeftOut(trace),
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
export const KNOWN_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);

const NANOS_PER_SECOND = 1_000_000_000n;

function hrTime(nanos: bigint): HrTime {
  return [Number(nanos / NANOS_PER_SECOND), Number(nanos % NANOS_PER_SECOND)];
}

/**
 * The low-cardinality reason of a failure, or undefined: the error code that gave the stream up, by name; 5xx for both kinds, 4xx
 * only where the task was the client.
 */
export function errorTypeOf({ kind, network, response }: Trace, rpc: Rpc | null): string | undefined {
  if (network.streamError !== undefined) return network.streamError;
  if (rpc !== null && rpc.status !== null) return rpcErrorOf(kind, rpc.status);
  if (response === null) return 'no_response';
  return response.status >= 500 || (response.status >= 400 && kind === 'client') ? String(response.status) : undefined;
}

/** There is no convention for messages of a stream: names and attributes are those of NDJSON, under `pcap.message`. */
function eventOf(message: TraceMessage, start: bigint): TimedEvent {
  const { direction, kind, offsetNano, wireBytes, bytes, truncated, content, codingError, omitted, event } = message;
  const attributes: Attributes = {
    'pcap.message.direction': direction,
    'pcap.message.kind': kind,
    'pcap.message.wire_size': wireBytes,
    'pcap.message.size': bytes,
  };
  if (content.length > 0)
    attributes['pcap.message.content'] = textOf(content, truncated) ?? (content as unknown as AttributeValue);
  if (truncated) attributes['pcap.message.truncated'] = true;
  if (codingError !== null) attributes['pcap.message.coding_error'] = codingError;
  if (omitted !== undefined) attributes['pcap.message.omitted'] = omitted;
  if (message.closeCode !== undefined) attributes['pcap.message.close_code'] = message.closeCode;
  if (event?.event !== undefined) attributes['pcap.message.event'] = event.event;
  if (event?.id !== undefined) attributes['pcap.message.id'] = event.id;
  if (event?.retry !== undefined) attributes['pcap.message.retry'] = event.retry;
  return { name: 'pcap.message', time: hrTime(start + BigInt(Math.round(offsetNano))), attributes };
}

/** Messages that were only counted. */
function eventsLeftOut({ messages, messagesSeen }: Trace): number {
  if (messages === undefined || messagesSeen === undefined) return 0;
  const { request, response } = messagesSeen;
  return Math.max(0, request.count + request.control + response.count + response.control - messages.length);
}

function addMessagesSeen(attributes: Attributes, { request, response }: NonNullable<Trace['messagesSeen']>): void {
  for (const [side, { count, bytes, control, lostBytes }] of [
    ['request', request],
    ['response', response],
  ] as const) {
    attributes[`pcap.messages.${side}.count`] = count;
    attributes[`pcap.messages.${side}.size`] = bytes;
    if (control > 0) attributes[`pcap.messages.${side}.control`] = control;
    if (lostBytes > 0) attributes[`pcap.messages.${side}.lost_size`] = lostBytes;
  }
}

function statusOf(trace: Trace, rpc: Rpc | null): SpanStatus {
  return { code: errorTypeOf(trace, rpc) === undefined ? UNSET : ERROR };
}

function attributesOf(trace: Trace, rpc: Rpc | null, semconv: Semconv): Attributes {
  const { request, response, network, timing } = trace;
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
  const client = trace.client ?? network.client;
  attributes['client.address'] = client.address;
  if (client.port !== null) attributes['client.port'] = client.port;

  const [peer, local] = trace.kind === 'server' ? [network.client, network.server] : [network.server, network.client];
  attributes['network.peer.address'] = peer.address;
  attributes['network.peer.port'] = peer.port;
  attributes['network.local.address'] = local.address;
  attributes['network.local.port'] = local.port;
  attributes['network.protocol.version'] = network.protocol;

  // 0: not known.
  if (response !== null && response.status > 0) attributes['http.response.status_code'] = response.status;
  if (rpc !== null) {
    addRpc(attributes, rpc);
    if (semconv === 'rpc/dup') addFormerRpc(attributes, rpc);
    addPairs(attributes, 'rpc.response.trailer.', response?.trailers ?? []);
  }
  if (trace.graphql !== undefined) addGraphql(attributes, trace.graphql);
  if (trace.route !== undefined) attributes[trace.kind === 'server' ? 'http.route' : 'url.template'] = trace.route;
  const errorType = errorTypeOf(trace, rpc);
  if (errorType !== undefined) attributes['error.type'] = errorType;

  addPairs(attributes, 'http.request.header.', request.headers);
  const userAgent = attributes['http.request.header.user-agent'];
  if (Array.isArray(userAgent)) attributes['user_agent.original'] = userAgent[0] as string;
  addBody(attributes, 'http.request.body.', request.body);
  if (response !== null) {
    addPairs(attributes, 'http.response.header.', response.headers);
    addBody(attributes, 'http.response.body.', response.body);
  }
  attributes['pcap.request_end'] = Math.round(timing.requestEndNano);
  if (timing.responseStartNano !== null) attributes['pcap.response_start'] = Math.round(timing.responseStartNano);
  attributes['pcap.interface'] = network.interface;
  if (network.streamId !== undefined) attributes['pcap.stream_id'] = network.streamId;
  if (network.leg !== undefined) attributes['pcap.leg'] = network.leg;
  if (trace.kubernetes !== undefined) addPods(attributes, trace.kind, trace.kubernetes);
  if (trace.marks.length > 0) attributes['pcap.marks'] = trace.marks;
  if (trace.window !== undefined) attributes['pcap.window'] = trace.window;
  if (trace.messagesSeen !== undefined) addMessagesSeen(attributes, trace.messagesSeen);
  if (trace.adjustedCount !== undefined) attributes['pcap_sensor.sampling.adjusted_count'] = trace.adjustedCount;
  if (trace.watchedShare !== undefined) attributes['pcap.watched_share'] = trace.watchedShare;
  if (trace.redactions !== undefined)
    attributes['pcap.redactions'] = trace.redactions.map(({ where, rule }) => `${where} ${rule}`);
  return attributes;
}

/**
 * By https://opentelemetry.io/docs/specs/semconv/resource/k8s/, of the pod whose span it is: the server's, unless the span is the
 * client's. What is known of the other one is under `pcap.peer`.
 */
function addPods(
  attributes: Attributes,
  kind: Trace['kind'],
  { client, server }: NonNullable<Trace['kubernetes']>,
): void {
  const [own, peer] = kind === 'server' ? [server, client] : [client, server];
  addPod(attributes, '', own);
  addPod(attributes, 'pcap.peer.', peer);
}

function addPod(attributes: Attributes, prefix: string, one: TracePod | null): void {
  if (one === null) return;
  attributes[`${prefix}k8s.namespace.name`] = one.namespace;
  attributes[`${prefix}k8s.pod.name`] = one.pod;
  if (one.workload !== null) attributes[`${prefix}k8s.${one.workload.kind.toLowerCase()}.name`] = one.workload.name;
  if (one.container !== null) attributes[`${prefix}k8s.container.name`] = one.container;
}

/**
 * By the stable RPC conventions (https://opentelemetry.io/docs/specs/semconv/rpc/). A method that the server does not know may be
 * anything, so it is `_OTHER`, and names no span.
 */
function addRpc(attributes: Attributes, rpc: Rpc): void {
  const method = methodOf(rpc);
  attributes['rpc.system.name'] = rpc.system;
  attributes['rpc.method'] = method ?? '_OTHER';
  if (method === null && rpc.service !== null) attributes['rpc.method_original'] = `${rpc.service}/${rpc.method}`;
  if (rpc.status !== null) attributes['rpc.status_code'] = rpc.status;
  if (rpc.message !== null) attributes['pcap.rpc.status_message'] = rpc.message;
}

/** What the conventions called it before 1.45; `rpc.method` was the method alone, and cannot be both. */
function addFormerRpc(attributes: Attributes, { system, service, status }: Rpc): void {
  attributes['rpc.system'] = system;
  if (service !== null) attributes['rpc.service'] = service;
  if (status === null) return;
  attributes['rpc.response.status_code'] = status;
  attributes['rpc.grpc.status_code'] = statusNumber(status);
}

/** By https://opentelemetry.io/docs/specs/semconv/graphql/; of a batch, what all have in common, and each for itself beside it. */
function addGraphql(attributes: Attributes, operations: readonly GraphqlOperation[]): void {
  const [first] = operations as [GraphqlOperation];
  if (first.type !== null && operations.every(({ type }) => type === first.type))
    attributes['graphql.operation.type'] = first.type;
  if (first.name !== null && operations.every(({ name }) => name === first.name))
    attributes['graphql.operation.name'] = first.name;
  if (operations.length > 1)
    attributes['pcap.graphql.operations'] = operations.map(({ type, name }) => [type, name].filter(Boolean).join(' '));
  const persisted = operations.flatMap(({ persisted: one }) => (one === null ? [] : [one]));
  if (persisted.length > 0) attributes['pcap.graphql.persisted_queries'] = persisted;
}

/** Null where no server has shown that it has such a method. */
function methodOf({ service, method, status }: Rpc): string | null {
  return service === null || status === null || status === 'UNIMPLEMENTED' ? null : `${service}/${method}`;
}

export function nameOf({ request, route }: Trace, rpc: Rpc | null): string {
  if (rpc !== null) return methodOf(rpc) ?? rpc.system;
  const method = KNOWN_METHODS.has(request.method) ? request.method : 'HTTP';
  return route === undefined ? method : `${method} ${route}`;
}

/** What is a failure of the server's, by docs/rpc/grpc.md of the conventions; to the client all but OK is one. */
const SERVER_ERRORS = new Set([
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
]);

function rpcErrorOf(kind: Trace['kind'], status: string): string | undefined {
  return status !== 'OK' && (kind === 'client' || SERVER_ERRORS.has(status)) ? status : undefined;
}

/** Credentials never leave in a URL, as the conventions demand of `url.full`. */
export function fullUrl({ request }: Trace): string {
  const absolute = /^[a-z][a-z0-9+.-]*:\/\//i.test(request.target);
  const url = absolute ? request.target : `${request.scheme}://${request.authority}${request.path}`;
  const whole = absolute || request.query === '' ? url : `${url}?${request.query}`;
  return whole.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#@]*@/i, '$1REDACTED:REDACTED@');
}

function addPairs(attributes: Attributes, prefix: string, pairs: readonly HeaderPair[]): void {
  for (const [name, value] of pairs) {
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
  if (body.unlabelledCoding !== undefined) attributes[`${prefix}unlabelled_coding`] = body.unlabelledCoding;
  if (body.omitted !== undefined) attributes[`${prefix}omitted`] = body.omitted;
}
