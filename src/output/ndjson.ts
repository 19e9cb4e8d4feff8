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
  const { request, response, network, timing } = trace;
  const responseStart = timing.responseStartNano === null ? 'null' : `"${integer(timing.responseStartNano)}"`;
  return (
    `{"traceId":"${trace.traceId}","spanId":"${trace.spanId}","parentSpanId":${
      trace.parentSpanId === null ? 'null' : `"${trace.parentSpanId}"`
    },"kind":"${trace.kind}"` +
    `,"startTimeUnixNano":"${trace.startTimeUnixNano}","durationNano":"${integer(trace.durationNano)}"` +
    `,"timing":{"requestEndNano":"${integer(timing.requestEndNano)}","responseStartNano":${responseStart}}` +
    `,"network":{"interface":${quote(network.interface)},"protocol":${quote(network.protocol)}` +
    `,"client":${endpoint(network.client)},"server":${endpoint(network.server)}` +
    (network.leg === undefined ? '' : `,"leg":"${network.leg}"`) +
    (network.streamId === undefined ? '' : `,"streamId":${network.streamId}`) +
    (network.streamError === undefined ? '}' : `,"streamError":${quote(network.streamError)}}`) +
    (trace.client === undefined ? '' : client(trace.client)) +
    (trace.kubernetes === undefined ? '' : kubernetes(trace.kubernetes)) +
    `,"request":{"method":${quote(request.method)},"scheme":"${request.scheme}"` +
    `,"authority":${quote(request.authority)},"target":${quote(request.target)}` +
    `,"path":${quote(request.path)},"query":${quote(request.query)}` +
    `,"headers":${headers(request.headers)},"trailers":${headers(request.trailers)},"body":${body(request.body)}}` +
    `,"response":${
      response === null
        ? 'null'
        : `{"status":${response.status},"reason":${quote(response.reason)}` +
          `,"headers":${headers(response.headers)},"trailers":${headers(response.trailers)}` +
          `,"body":${body(response.body)}}`
    },"marks":${JSON.stringify(trace.marks)}` +
    (trace.route === undefined ? '' : `,"route":${quote(trace.route)}`) +
    (trace.window === undefined ? '' : `,"window":${trace.window}`) +
    (trace.messages === undefined ? '' : `,"messages":[${trace.messages.map(message).join(',')}]`) +
    (trace.messagesSeen === undefined ? '' : `,"messagesSeen":${JSON.stringify(trace.messagesSeen)}`) +
    rpc(rpcOf(trace)) +
    (trace.graphql === undefined ? '' : graphql(trace.graphql)) +
    (trace.watchedShare === undefined ? '' : `,"watchedShare":${trace.watchedShare}`) +
    (trace.redactions === undefined ? '}' : `,"redactions":${JSON.stringify(trace.redactions)}}`)
  );
}

/** Most texts need no escapes, and finding that out costs less than a call out of JavaScript. */
function quote(text: string): string {
  return text.length > QUOTE_LOOK_MAX || NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what RFC 8259 §7 wants escaped, and lone surrogates
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;
const QUOTE_LOOK_MAX = 256;

/** Nanoseconds are integers; a float64 sum may have picked up a fraction. */
const integer = (nanos: number): string => Math.round(nanos).toString();

const endpoint = ({ address, port }: Endpoint): string => `{"address":${quote(address)},"port":${port}}`;

const client = ({ address, port, source }: Client): string =>
  `,"client":{"address":${quote(address)},"port":${port},"source":"${source}"}`;

function kubernetes({ client, server }: NonNullable<Trace['kubernetes']>): string {
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
function headers(pairs: readonly HeaderPair[]): string {
  return pairs.length === 0 ? '[]' : JSON.stringify(pairs);
}

function body(encoded: TraceBody): string {
  const { unlabelledCoding } = encoded;
  const unlabelled = unlabelledCoding === undefined ? '' : `,"unlabelledCoding":${quote(unlabelledCoding)}`;
  return `{${content(encoded)}${unlabelled}}`;
}

/** What a body and a message of a stream have in common, without the braces around it. */
function content(encoded: Omit<TraceBody, 'unlabelledCoding'>): string {
  const { wireBytes, bytes, truncated, content: kept, codingError, omitted } = encoded;
  const text = textOf(kept, truncated);
  return (
    `"wireBytes":${wireBytes},"bytes":${bytes},"truncated":${truncated},` +
    (text === null
      ? `"encoding":"base64","content":"${asBuffer(kept).toString('base64')}"`
      : `"encoding":"utf8","content":${quote(text)}`) +
    (codingError === null ? '' : `,"codingError":${quote(codingError)}`) +
    (omitted === undefined ? '' : `,"omitted":${quote(omitted)}`)
  );
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
