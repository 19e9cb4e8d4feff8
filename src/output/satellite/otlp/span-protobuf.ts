/**
 * A trace as a span of OTLP in protobuf, made of the bytes that came: most are written field by field, without a `ReadableSpan`.
 *
 *     ScopeSpans { repeated Span spans = 2; }
 *     Span       { trace_id = 1; span_id = 2; parent_span_id = 4; name = 5; kind = 6; start_time_unix_nano = 7;
 *                  end_time_unix_nano = 8; attributes = 9; events = 11; dropped_events_count = 12; status = 15; flags = 16; }
 *     Event      { time_unix_nano = 1; name = 2; attributes = 3; }
 *     Status     { code = 3; }
 *
 * in: `Trace` · out: the field `spans` of a `ScopeSpans`, in meaning what `toReadableSpan` says (a test holds both side by side)
 *
 * https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
 */
import { isUtf8 } from 'node:buffer';
import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { HeadShape } from '../../../trace/head-shape.js';
import { type SentHead, sentHeadOf } from '../../../trace/sent-message.js';
import type { Trace, TraceBody, TraceRequest, TraceResponse } from '../../../trace/trace.js';
import { wholeCharacters } from '../../ndjson.js';
import { splitAuthority } from '../authority.js';
import { type Key, keyField, ProtobufWriter, varintBytes, Wire } from './protobuf-writer.js';
import { errorTypeOf, fullUrl, KNOWN_METHODS, nameOf, type Semconv, toReadableSpan } from './span.js';
import { isPlain, userAgentOf } from './span-bytes.js';

const SPANS = 2;
const ATTRIBUTES = 9;
const EVENT_ATTRIBUTES = 3;
/** Room in front of a span for its tag and its length. */
const FRONT_BYTES = 8;
/** Sampled, and the parent is known to be remote or not (SpanFlags). */
const FLAGS = 0x101;
const REMOTE_FLAGS = 0x301;
const STATUS_ERROR = 2;
/** The attributes of a head are kept where they are no longer. */
const KNOWN_HEAD_BYTES = 4096;

const KEYS = keysOf([
  'http.request.method',
  'http.request.method_original',
  'url.scheme',
  'url.path',
  'url.query',
  'url.full',
  'server.address',
  'server.port',
  'client.address',
  'client.port',
  'network.peer.address',
  'network.peer.port',
  'network.local.address',
  'network.local.port',
  'network.protocol.version',
  'http.response.status_code',
  'http.route',
  'url.template',
  'error.type',
  'user_agent.original',
  'pcap.request_end',
  'pcap.response_start',
  'pcap.interface',
  'pcap.stream_id',
  'pcap.leg',
  'pcap.marks',
  'pcap.window',
  'pcap_sensor.sampling.adjusted_count',
  'pcap.watched_share',
  'pcap.redactions',
] as const);
const REQUEST_BODY = bodyKeys('http.request.body.');
const RESPONSE_BODY = bodyKeys('http.response.body.');

export class SpanProtobuf {
  readonly #writer = new ProtobufWriter();
  readonly #semconv: Semconv;
  readonly #requests = new HeadKeys('http.request.header.');
  readonly #responses = new HeadKeys('http.response.header.');

  constructor(semconv: Semconv) {
    this.#semconv = semconv;
  }

  encode(trace: Trace): Buffer {
    this.#writer.at = FRONT_BYTES;
    if (isPlain(trace)) this.#addPlain(trace);
    else this.#addSpan(toReadableSpan(trace, NO_RESOURCE, NO_SCOPE, this.#semconv));
    return this.#framed();
  }

  /** The span behind its tag and its length. */
  #framed(): Buffer {
    const writer = this.#writer;
    const end = writer.at;
    const length = end - FRONT_BYTES;
    const start = FRONT_BYTES - 1 - varintBytes(length);
    writer.at = start;
    writer.tag(SPANS, Wire.delimited);
    writer.varint(length);
    writer.at = end;
    return writer.take(start);
  }

  /** In the order of `toReadableSpan`. */
  #addPlain(trace: Trace): void {
    const { request, response, kind, parentSpanId, startTimeUnixNano } = trace;
    const writer = this.#writer;
    writer.hex(1, trace.traceId);
    writer.hex(2, trace.spanId);
    if (parentSpanId !== null) writer.hex(4, parentSpanId);
    writer.text(5, nameOf(trace, null));
    writer.tag(6, Wire.varint);
    writer.varint(kind === 'server' ? 2 : 3);
    writer.fixed64(7, startTimeUnixNano);
    writer.fixed64(8, startTimeUnixNano + BigInt(Math.max(0, Math.round(trace.durationNano))));
    this.#addFacts(trace);
    this.#addHeaders(request, this.#requests);
    const userAgent = userAgentOf(request);
    if (userAgent !== undefined) this.#text(KEYS['user_agent.original'], userAgent);
    this.#addBody(REQUEST_BODY, request.body);
    if (response !== null) {
      this.#addHeaders(response, this.#responses);
      this.#addBody(RESPONSE_BODY, response.body);
    }
    this.#addLast(trace);
    this.#addEnd(errorTypeOf(trace, null) !== undefined, parentSpanId !== null);
  }

  #addFacts(trace: Trace): void {
    const { request, response, network, kind, route } = trace;
    const { method } = request;
    const isKnown = KNOWN_METHODS.has(method);
    this.#text(KEYS['http.request.method'], isKnown ? method : '_OTHER');
    if (!isKnown) this.#text(KEYS['http.request.method_original'], method);
    this.#text(KEYS['url.scheme'], request.scheme);
    this.#text(KEYS['url.path'], request.path);
    if (request.query !== '') this.#text(KEYS['url.query'], request.query);
    if (kind === 'client') this.#text(KEYS['url.full'], fullUrl(trace));
    const server = splitAuthority(request.authority, network.server);
    this.#text(KEYS['server.address'], server.address);
    this.#number(KEYS['server.port'], server.port);
    const client = trace.client ?? network.client;
    this.#text(KEYS['client.address'], client.address);
    if (client.port !== null) this.#number(KEYS['client.port'], client.port);
    const [peer, local] = kind === 'server' ? [network.client, network.server] : [network.server, network.client];
    this.#text(KEYS['network.peer.address'], peer.address);
    this.#number(KEYS['network.peer.port'], peer.port);
    this.#text(KEYS['network.local.address'], local.address);
    this.#number(KEYS['network.local.port'], local.port);
    this.#text(KEYS['network.protocol.version'], network.protocol);
    if (response !== null && response.status > 0) this.#number(KEYS['http.response.status_code'], response.status);
    if (route !== undefined) this.#text(KEYS[kind === 'server' ? 'http.route' : 'url.template'], route);
    const errorType = errorTypeOf(trace, null);
    if (errorType !== undefined) this.#text(KEYS['error.type'], errorType);
  }

  #addHeaders(message: TraceRequest | TraceResponse, keys: HeadKeys): void {
    const head = sentHeadOf(message);
    if (head !== null && !head.shape.hasRepeats) {
      this.#addHead(head, keys);
      return;
    }
    const byName = new Map<string, string[]>();
    for (const [name, value] of message.headers) {
      const lower = name.toLowerCase();
      const values = byName.get(lower);
      if (values === undefined) byName.set(lower, [value]);
      else values.push(value);
    }
    for (const [name, values] of byName) this.#writer.listAttribute(ATTRIBUTES, keyField(keys.prefix + name), values);
  }

  #addHead(head: SentHead, keys: HeadKeys): void {
    const writer = this.#writer;
    const { identity } = head;
    const known = identity === null ? undefined : keys.heads.get(identity);
    if (known !== undefined) {
      writer.reserve(known.length);
      writer.raw(known);
      return;
    }
    const start = writer.at;
    const names = keys.of(head.shape);
    for (let i = 0; i < names.length; i++) writer.headerAttribute(ATTRIBUTES, names[i] as Key, head.value(i));
    if (identity !== null && writer.at - start <= KNOWN_HEAD_BYTES) keys.heads.set(identity, writer.take(start));
  }

  #addBody(keys: BodyKeys, body: TraceBody): void {
    const { wireBytes, content, truncated, codingError, unlabelledCoding, omitted } = body;
    const writer = this.#writer;
    this.#number(keys.size, wireBytes);
    if (content.length > 0) {
      const text = textBytes(content, truncated);
      writer.contentAttribute(ATTRIBUTES, keys.content, text ?? content, text !== null);
    }
    if (truncated) writer.boolAttribute(ATTRIBUTES, keys.truncated, true);
    if (codingError !== null) this.#text(keys.codingError, codingError);
    if (unlabelledCoding !== undefined) this.#text(keys.unlabelledCoding, unlabelledCoding);
    if (omitted !== undefined) this.#text(keys.omitted, omitted);
  }

  #addLast({ timing, network, marks, window, adjustedCount, watchedShare, redactions }: Trace): void {
    const writer = this.#writer;
    this.#number(KEYS['pcap.request_end'], Math.round(timing.requestEndNano));
    if (timing.responseStartNano !== null)
      this.#number(KEYS['pcap.response_start'], Math.round(timing.responseStartNano));
    this.#text(KEYS['pcap.interface'], network.interface);
    if (network.streamId !== undefined) this.#number(KEYS['pcap.stream_id'], network.streamId);
    if (network.leg !== undefined) this.#text(KEYS['pcap.leg'], network.leg);
    if (marks.length > 0) writer.listAttribute(ATTRIBUTES, KEYS['pcap.marks'], marks);
    if (window !== undefined) this.#number(KEYS['pcap.window'], window);
    if (adjustedCount !== undefined) this.#number(KEYS['pcap_sensor.sampling.adjusted_count'], adjustedCount);
    if (watchedShare !== undefined) this.#number(KEYS['pcap.watched_share'], watchedShare);
    if (redactions !== undefined) {
      const told = redactions.map(({ where, rule }) => `${where} ${rule}`);
      writer.listAttribute(ATTRIBUTES, KEYS['pcap.redactions'], told);
    }
  }

  #addEnd(isError: boolean, hasParent: boolean): void {
    const writer = this.#writer;
    // The code of what is not known to be wrong is the default, which has no bytes; the status is there all the same.
    writer.delimited(15, isError ? ERROR_STATUS : NO_BYTES);
    writer.fixed32(16, hasParent ? REMOTE_FLAGS : FLAGS);
  }

  /** Of any trace. */
  #addSpan(span: ReadableSpan): void {
    const writer = this.#writer;
    const { traceId, spanId } = span.spanContext();
    writer.hex(1, traceId);
    writer.hex(2, spanId);
    if (span.parentSpanContext !== undefined) writer.hex(4, span.parentSpanContext.spanId);
    writer.text(5, span.name);
    writer.tag(6, Wire.varint);
    writer.varint(span.kind + 1);
    writer.fixed64(7, nanosOf(span.startTime));
    writer.fixed64(8, nanosOf(span.endTime));
    addAttributes(writer, ATTRIBUTES, span.attributes);
    for (const { name, time, attributes = {} } of span.events) {
      const event = new ProtobufWriter();
      event.fixed64(1, nanosOf(time));
      event.text(2, name);
      addAttributes(event, EVENT_ATTRIBUTES, attributes);
      writer.delimited(11, event.bytes.subarray(0, event.at));
    }
    if (span.droppedEventsCount > 0) {
      writer.reserve(FRONT_BYTES + 10);
      writer.tag(12, Wire.varint);
      writer.varint(span.droppedEventsCount);
    }
    this.#addEnd(span.status.code === STATUS_ERROR, span.parentSpanContext !== undefined);
  }

  #text(key: Key, value: string): void {
    this.#writer.textAttribute(ATTRIBUTES, key, value);
  }

  #number(key: Key, value: number): void {
    this.#writer.numberAttribute(ATTRIBUTES, key, value);
  }
}

const NO_BYTES = new Uint8Array(0);
const ERROR_STATUS = Uint8Array.of((3 << 3) | Wire.varint, STATUS_ERROR);
/** What a span says of them stands around it. */
const NO_RESOURCE = {} as ReadableSpan['resource'];
const NO_SCOPE = { name: '', version: '' };

/** Attributes of the kinds that spans and resources have here. */
export function addAttributes(writer: ProtobufWriter, field: number, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    const key = keyField(name);
    if (typeof value === 'string') writer.textAttribute(field, key, value);
    else if (typeof value === 'number') writer.numberAttribute(field, key, value);
    else if (typeof value === 'boolean') writer.boolAttribute(field, key, value);
    else if (value instanceof Uint8Array) writer.contentAttribute(field, key, value, false);
    else if (Array.isArray(value)) writer.listAttribute(field, key, value.map(String));
  }
}

function nanosOf([seconds, nanos]: ReadableSpan['startTime']): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
}

/** The bytes of a content as far as they are text, as `textOf` has it; null where they are none. */
function textBytes(content: Uint8Array, truncated: boolean): Uint8Array | null {
  if (isUtf8(content)) return content;
  if (!truncated) return null;
  const end = wholeCharacters(content);
  const whole = content.subarray(0, end);
  return end > 0 && end < content.length && isUtf8(whole) ? whole : null;
}

/** The keys of headers, and the attributes of heads that come again. */
class HeadKeys {
  readonly prefix: string;
  readonly heads = new WeakMap<object, Buffer>();
  readonly #keys = new WeakMap<HeadShape, readonly Key[]>();

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  of(shape: HeadShape): readonly Key[] {
    let keys = this.#keys.get(shape);
    if (keys === undefined) {
      keys = shape.lowercase.map((name) => keyField(this.prefix + name));
      this.#keys.set(shape, keys);
    }
    return keys;
  }
}

type BodyKeys = ReturnType<typeof bodyKeys>;

function bodyKeys(prefix: string) {
  return {
    size: keyField(`${prefix}size`),
    content: keyField(`${prefix}content`),
    truncated: keyField(`${prefix}truncated`),
    codingError: keyField(`${prefix}coding_error`),
    unlabelledCoding: keyField(`${prefix}unlabelled_coding`),
    omitted: keyField(`${prefix}omitted`),
  };
}

function keysOf<Name extends string>(names: readonly Name[]): Readonly<Record<Name, Key>> {
  return Object.fromEntries(names.map((name) => [name, keyField(name)])) as Record<Name, Key>;
}
