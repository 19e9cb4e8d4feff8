/**
 * A trace as one line of JSON.
 *
 * in: `Trace` · out: a line without its newline · the shape is a contract with every reader: add fields, never rename
 *
 * Written by hand rather than by `JSON.stringify` of a copy: the field order is part of the contract, and a copy of
 * every trace would cost more than encoding it.
 */
import { isUtf8 } from 'node:buffer';
import type { GraphqlOperation } from '../http/graphql/graphql-request.js';
import type { MessageKind } from '../http/stream-message.js';
import type { Endpoint, HeaderPair } from '../pair/exchange.js';
import type { Client } from '../trace/client.js';
import { type Rpc, rpcOf } from '../trace/rpc.js';
import type { Trace, TraceBody, TraceMessage, TracePod } from '../trace/trace.js';

export function encodeNdjson(trace: Trace): string {
  const { request, response } = trace;
  return (
    beforeRequestHeaders(trace) +
    headers(request.headers) +
    beforeBody(request.trailers) +
    `{${content(request.body)}${behindContent(request.body)}` +
    beforeResponseHeaders(response) +
    (response === null
      ? ''
      : `${headers(response.headers)}${beforeBody(response.trailers)}{${content(response.body)}${behindContent(response.body)}`) +
    behindResponse(trace)
  );
}

/** All before the array of the request's headers. */
function beforeRequestHeaders(trace: Trace): string {
  const { request, network, timing } = trace;
  const responseStart = timing.responseStartNano === null ? 'null' : `"${integer(timing.responseStartNano)}"`;
  return (
    `{"traceId":"${trace.traceId}","spanId":"${trace.spanId}","parentSpanId":${
      trace.parentSpanId === null ? 'null' : `"${trace.parentSpanId}"`
    },"kind":"${trace.kind}"` +
    `,"startTimeUnixNano":"${trace.startTimeUnixNano}","durationNano":"${integer(trace.durationNano)}"` +
    `,"timing":{"requestEndNano":"${integer(timing.requestEndNano)}","responseStartNano":${responseStart}}` +
    `,"network":{"interface":${quote(network.interface)},"protocol":${quote(network.protocol)}` +
    `,"client":${endpoint(network.client)},"server":${endpoint(network.server)}${streamFacts(network)}}` +
    (trace.client === undefined ? '' : client(trace.client)) +
    (trace.kubernetes === undefined ? '' : kubernetes(trace.kubernetes)) +
    `,"request":{"method":${quote(request.method)},"scheme":"${request.scheme}"` +
    `,"authority":${quote(request.authority)},"target":${quote(request.target)}` +
    `,"path":${quote(request.path)},"query":${quote(request.query)},"headers":`
  );
}

/** Where and as what a connection was seen, behind its ends. */
export function streamFacts({ leg, streamId, streamError }: Trace['network']): string {
  return (
    (leg === undefined ? '' : `,"leg":"${leg}"`) +
    (streamId === undefined ? '' : `,"streamId":${streamId}`) +
    (streamError === undefined ? '' : `,"streamError":${quote(streamError)}`)
  );
}

/** Between the headers and the body of a message. */
export function beforeBody(trailers: readonly HeaderPair[]): string {
  return `,"trailers":${headers(trailers)},"body":`;
}

/** Between the bodies; all of the response where there is none. */
function beforeResponseHeaders(response: Trace['response']): string {
  if (response === null) return '},"response":null';
  return `},"response":{"status":${response.status},"reason":${quote(response.reason)},"headers":`;
}

/** All behind the body of the response. */
export function behindResponse(trace: Trace): string {
  return (
    `${trace.response === null ? '' : '}'},"marks":${trace.marks.length === 0 ? '[]' : JSON.stringify(trace.marks)}` +
    (trace.route === undefined ? '' : `,"route":${quote(trace.route)}`) +
    (trace.window === undefined ? '' : `,"window":${trace.window}`) +
    (trace.messages === undefined ? '' : `,"messages":[${trace.messages.map(message).join(',')}]`) +
    (trace.messagesSeen === undefined ? '' : `,"messagesSeen":${JSON.stringify(trace.messagesSeen)}`) +
    rpc(rpcOf(trace)) +
    (trace.graphql === undefined ? '' : graphql(trace.graphql)) +
    (trace.adjustedCount === undefined ? '' : `,"adjustedCount":${trace.adjustedCount}`) +
    (trace.watchedShare === undefined ? '' : `,"watchedShare":${trace.watchedShare}`) +
    (trace.redactions === undefined ? '}' : `,"redactions":${JSON.stringify(trace.redactions)}}`)
  );
}

/** Most texts need no escapes, and finding that out costs less than a call out of JavaScript. */
export function quote(text: string): string {
  return text.length > QUOTE_LOOK_MAX || NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what RFC 8259 §7 wants escaped, and lone surrogates
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;
const QUOTE_LOOK_MAX = 256;

/** Nanoseconds are integers; a float64 sum may have picked up a fraction. */
const integer = (nanos: number): string => Math.round(nanos).toString();

const endpoint = ({ address, port }: Endpoint): string => `{"address":"${address}","port":${port}}`;

export const client = ({ address, port, source }: Client): string =>
  `,"client":{"address":"${address}","port":${port},"source":"${source}"}`;

export function kubernetes({ client, server }: NonNullable<Trace['kubernetes']>): string {
  return `,"kubernetes":{"client":${pod(client)},"server":${pod(server)}}`;
}

function pod(one: TracePod | null): string {
  if (one === null) return 'null';
  const { namespace, workload, pod: name, container } = one;
  const owner = workload === null ? 'null' : `{"kind":${quote(workload.kind)},"name":${quote(workload.name)}}`;
  return `{"namespace":${quote(namespace)},"workload":${owner},"pod":${quote(name)},"container":${nullable(container)}}`;
}

function rpc(call: Rpc | null): string {
  if (call === null) return '';
  const { system, service, method, status, message: said } = call;
  return `,"rpc":{"system":"${system}","service":${nullable(service)},"method":${nullable(method)},"status":${nullable(status)}${said === null ? '' : `,"message":${quote(said)}`}}`;
}

function graphql(operations: readonly GraphqlOperation[]): string {
  const each = operations.map(
    ({ type, name, persisted }) =>
      `{"type":${nullable(type)},"name":${nullable(name)}${persisted === null ? '' : `,"persistedQuery":${quote(persisted)}`}}`,
  );
  return `,"graphql":{"operations":[${each.join(',')}]}`;
}

const nullable = (text: string | null): string => (text === null ? 'null' : quote(text));

/** The contract wants an array of arrays, and one call for all of them costs least. */
export function headers(pairs: readonly HeaderPair[]): string {
  return pairs.length === 0 ? '[]' : JSON.stringify(pairs);
}

/** What a body and a message of a stream have in common, without the braces around it. */
function content(encoded: Content): string {
  const { content: kept, truncated } = encoded;
  const text = textOf(kept, truncated);
  return (
    (text === null
      ? `${beforeContent(encoded, 'base64')}"${asBuffer(kept).toString('base64')}"`
      : `${beforeContent(encoded, 'utf8')}${quote(text)}`) + whyNot(encoded)
  );
}

/** What is said of a body or a message before its content. */
export function beforeContent({ wireBytes, bytes, truncated }: Content, encoding: 'utf8' | 'base64'): string {
  return `"wireBytes":${wireBytes},"bytes":${bytes},"truncated":${truncated},"encoding":"${encoding}","content":`;
}

type Content = Omit<TraceBody, 'unlabelledCoding'>;

/** Why a content is not what was sent. */
export function whyNot({ codingError, omitted }: Content): string {
  return (
    (codingError === null ? '' : `,"codingError":${quote(codingError)}`) +
    (omitted === undefined ? '' : `,"omitted":${quote(omitted)}`)
  );
}

/** What is said of a body behind that. */
export function behindContent({ unlabelledCoding }: TraceBody): string {
  return unlabelledCoding === undefined ? '}' : `,"unlabelledCoding":${quote(unlabelledCoding)}}`;
}

function message(one: TraceMessage): string {
  const { direction, kind, offsetNano, event, closeCode } = one;
  const opcode = OPCODES[kind];
  return (
    `{"direction":"${direction}","kind":"${kind}",` +
    (opcode === undefined ? '' : `"opcode":${opcode},`) +
    `"offsetNano":"${integer(offsetNano)}",${content(one)}` +
    (closeCode === undefined ? '' : `,"closeCode":${closeCode}`) +
    (event === undefined ? '}' : `,${JSON.stringify(event).slice(1)}`)
  );
}

/** Of the frames of a WebSocket (RFC 6455 §11.8). */
export const OPCODES: Readonly<Partial<Record<MessageKind, number>>> = {
  text: 1,
  binary: 2,
  close: 8,
  ping: 9,
  pong: 10,
};

/**
 * A body as text, or null where it is not valid UTF-8. The last character of a truncated body may be cut in two; its bytes
 * are then left off, so that text stays text.
 */
export function textOf(content: Uint8Array, truncated: boolean): string | null {
  if (content.length === 0) return '';
  if (isUtf8(content)) return asBuffer(content).toString('utf8');
  if (!truncated) return null;
  const whole = content.subarray(0, wholeCharacters(content));
  return whole.length > 0 && whole.length < content.length && isUtf8(whole) ? asBuffer(whole).toString('utf8') : null;
}

/** Length of `content` without a last character whose bytes are not all there (RFC 3629 §3). */
export function wholeCharacters(content: Uint8Array): number {
  const { length } = content;
  for (let back = 1; back <= 3 && back <= length; back++) {
    const byte = content[length - back] as number;
    if (byte >= 0xc0) return length - back;
    if (byte < 0x80) return length;
  }
  return length;
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
