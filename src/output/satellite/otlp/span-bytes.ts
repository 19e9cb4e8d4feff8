/**
 * A trace as a span of OTLP JSON, made of the bytes that came: neither a `ReadableSpan` nor strings of heads and bodies are made.
 *
 * in: `Trace` · out: the bytes that `@opentelemetry/otlp-transformer` makes of its `toReadableSpan` (a test holds both side by side),
 * or null for what is rare: calls, streams, GraphQL, pods, heads and bodies that are no text
 */
import { rpcOf } from '../../../trace/rpc.js';
import { sentHeadOf } from '../../../trace/sent-message.js';
import type { Trace, TraceBody, TraceRequest, TraceResponse } from '../../../trace/trace.js';
import { Assembly, Templates, type TemplateTexts } from '../../assembly.js';
import { quote } from '../../ndjson.js';
import { splitAuthority } from '../authority.js';
import { errorTypeOf, fullUrl, KNOWN_METHODS, nameOf } from './span.js';

/** Null where the processor has no vectors. */
export function openSpanBytes(): SpanBytes | null {
  try {
    return new SpanBytes();
  } catch {
    return null;
  }
}

/** Sampled, and the parent is known to be remote or not (opentelemetry/proto/trace/v1/trace.proto, SpanFlags). */
const FLAGS = 0x101;
const REMOTE_FLAGS = 0x301;

export const flagsOf = ({ parentSpanId }: Trace): number => (parentSpanId === null ? FLAGS : REMOTE_FLAGS);

export class SpanBytes {
  readonly #assembly = new Assembly();
  readonly #requests = new Templates(headerTexts('http.request.header.'));
  readonly #responses = new Templates(headerTexts('http.response.header.'));

  encode(trace: Trace): Buffer | null {
    if (!isPlain(trace)) return null;
    const assembly = this.#assembly;
    assembly.begin();
    const { request, response } = trace;
    assembly.addWords(beforeHeaders(trace));
    this.#addHeaders(request, this.#requests, 'http.request.header.');
    assembly.addWords(userAgent(request));
    this.#addBody('http.request.body.', request.body);
    if (response !== null) {
      this.#addHeaders(response, this.#responses, 'http.response.header.');
      this.#addBody('http.response.body.', response.body);
    }
    assembly.addWords(behindBodies(trace));
    const length = assembly.finish();
    if (length < 0) return null;
    // Small ones share their memory with others, which are sent with them.
    const bytes = Buffer.allocUnsafe(length);
    assembly.copy(bytes, 0, length);
    return bytes;
  }

  /** Values of a name that comes several times are one attribute. */
  #addHeaders(message: TraceRequest | TraceResponse, templates: Templates, prefix: string): void {
    const head = sentHeadOf(message);
    if (head !== null && !head.shape.hasRepeats) {
      this.#assembly.addHead(head, templates);
      return;
    }
    const byName = new Map<string, string>();
    for (const [name, value] of message.headers) {
      const lower = name.toLowerCase();
      const before = byName.get(lower);
      byName.set(lower, `${before === undefined ? '' : `${before},`}{"stringValue":${quote(value)}}`);
    }
    let words = '';
    for (const [name, values] of byName)
      words += `,{"key":${quote(prefix + name)},"value":{"arrayValue":{"values":[${values}]}}}`;
    this.#assembly.addWords(words);
  }

  #addBody(prefix: string, body: TraceBody): void {
    const { wireBytes, content, truncated, codingError, unlabelledCoding, omitted } = body;
    let words = int(`${prefix}size`, wireBytes);
    if (content.length > 0) {
      this.#assembly.addWords(`${words},{"key":"${prefix}content","value":{"stringValue":"`);
      this.#assembly.addContent(content);
      words = '"}}';
    }
    if (truncated) words += `,{"key":"${prefix}truncated","value":{"boolValue":true}}`;
    if (codingError !== null) words += text(`${prefix}coding_error`, codingError);
    if (unlabelledCoding !== undefined) words += text(`${prefix}unlabelled_coding`, unlabelledCoding);
    if (omitted !== undefined) words += text(`${prefix}omitted`, omitted);
    this.#assembly.addWords(words);
  }
}

function headerTexts(prefix: string): TemplateTexts {
  return ({ lowercase }) => [
    ...lowercase.map(
      (name, i) =>
        `${i === 0 ? '' : '"}]}}}'},{"key":"${prefix}${name}","value":{"arrayValue":{"values":[{"stringValue":"`,
    ),
    lowercase.length === 0 ? '' : '"}]}}}',
  ];
}

/** Whether it says nothing that is rare. */
export function isPlain(trace: Trace): boolean {
  const { messages, messagesSeen, graphql, kubernetes, network } = trace;
  return (
    messages === undefined &&
    messagesSeen === undefined &&
    graphql === undefined &&
    kubernetes === undefined &&
    network.streamError === undefined &&
    rpcOf(trace) === null
  );
}

const text = (key: string, value: string): string => `,{"key":"${key}","value":{"stringValue":${quote(value)}}}`;
const int = (key: string, value: number): string => `,{"key":"${key}","value":{"intValue":${value}}}`;

/** In the order of `attributesOf`. */
function beforeHeaders(trace: Trace): string {
  const { request, response, network, kind, parentSpanId } = trace;
  const start = trace.startTimeUnixNano;
  const end = start + BigInt(Math.max(0, Math.round(trace.durationNano)));
  const isKnown = KNOWN_METHODS.has(request.method);
  const server = splitAuthority(request.authority, network.server);
  const client = trace.client ?? network.client;
  const [peer, local] = kind === 'server' ? [network.client, network.server] : [network.server, network.client];
  const errorType = errorTypeOf(trace, null);
  return (
    `{"traceId":"${trace.traceId}","spanId":"${trace.spanId}"` +
    (parentSpanId === null ? '' : `,"parentSpanId":"${parentSpanId}"`) +
    `,"name":${quote(nameOf(trace, null))},"kind":${kind === 'server' ? 2 : 3}` +
    `,"startTimeUnixNano":"${start}","endTimeUnixNano":"${end}"` +
    `,"attributes":[{"key":"http.request.method","value":{"stringValue":"${isKnown ? request.method : '_OTHER'}"}}` +
    (isKnown ? '' : text('http.request.method_original', request.method)) +
    text('url.scheme', request.scheme) +
    text('url.path', request.path) +
    (request.query === '' ? '' : text('url.query', request.query)) +
    (kind === 'client' ? text('url.full', fullUrl(trace)) : '') +
    text('server.address', server.address) +
    int('server.port', server.port) +
    text('client.address', client.address) +
    (client.port === null ? '' : int('client.port', client.port)) +
    text('network.peer.address', peer.address) +
    int('network.peer.port', peer.port) +
    text('network.local.address', local.address) +
    int('network.local.port', local.port) +
    text('network.protocol.version', network.protocol) +
    (response === null || response.status === 0 ? '' : int('http.response.status_code', response.status)) +
    (trace.route === undefined ? '' : text(kind === 'server' ? 'http.route' : 'url.template', trace.route)) +
    (errorType === undefined ? '' : text('error.type', errorType))
  );
}

function userAgent(request: TraceRequest): string {
  const value = userAgentOf(request);
  return value === undefined ? '' : text('user_agent.original', value);
}

/** The first of its headers `User-Agent`. */
export function userAgentOf(request: TraceRequest): string | undefined {
  const head = sentHeadOf(request);
  if (head === null) return request.headers.find(([name]) => name.toLowerCase() === 'user-agent')?.[1];
  const at = head.shape.lowercase.indexOf('user-agent');
  return at < 0 ? undefined : head.value(at);
}

function behindBodies(trace: Trace): string {
  const { timing, network, marks, window, adjustedCount, watchedShare, redactions } = trace;
  const code = errorTypeOf(trace, null) === undefined ? 0 : 2;
  return (
    int('pcap.request_end', Math.round(timing.requestEndNano)) +
    (timing.responseStartNano === null ? '' : int('pcap.response_start', Math.round(timing.responseStartNano))) +
    text('pcap.interface', network.interface) +
    (network.streamId === undefined ? '' : int('pcap.stream_id', network.streamId)) +
    (network.leg === undefined ? '' : text('pcap.leg', network.leg)) +
    (marks.length === 0 ? '' : list('pcap.marks', marks)) +
    (window === undefined ? '' : int('pcap.window', window)) +
    (adjustedCount === undefined ? '' : number('pcap_sensor.sampling.adjusted_count', adjustedCount)) +
    (watchedShare === undefined ? '' : number('pcap.watched_share', watchedShare)) +
    (redactions === undefined
      ? ''
      : list(
          'pcap.redactions',
          redactions.map(({ where, rule }) => `${where} ${rule}`),
        )) +
    `],"droppedAttributesCount":0,"events":[],"droppedEventsCount":0,"status":{"code":${code}},"links":[],` +
    `"droppedLinksCount":0,"flags":${flagsOf(trace)}}`
  );
}

function list(key: string, values: readonly string[]): string {
  const each = values.map((value) => `{"stringValue":${quote(value)}}`).join(',');
  return `,{"key":"${key}","value":{"arrayValue":{"values":[${each}]}}}`;
}

function number(key: string, value: number): string {
  const kind = Number.isInteger(value) ? 'intValue' : 'doubleValue';
  return `,{"key":"${key}","value":{"${kind}":${value}}}`;
}
