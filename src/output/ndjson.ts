/**
 * A trace as one line of JSON.
 *
 * in: `Trace` · out: a line without its newline · the shape is a contract with every reader: add fields, never rename
 *
 * Written by hand rather than by `JSON.stringify` of a copy: the field order is part of the contract, and a copy of
 * every trace would cost more than encoding it.
 */
import { isUtf8 } from 'node:buffer';
import type { Endpoint, HeaderPair } from '../pair/exchange.js';
import type { Trace, TraceBody } from '../trace/trace.js';

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
    `,"client":${endpoint(network.client)},"server":${endpoint(network.server)}}` +
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
    (trace.watchedShare === undefined ? '}' : `,"watchedShare":${trace.watchedShare}}`)
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

/** The contract wants an array of arrays, and one call for all of them costs least. */
function headers(pairs: readonly HeaderPair[]): string {
  return pairs.length === 0 ? '[]' : JSON.stringify(pairs);
}

function body({ wireBytes, bytes, truncated, content, codingError }: TraceBody): string {
  const text = textOf(content, truncated);
  return (
    `{"wireBytes":${wireBytes},"bytes":${bytes},"truncated":${truncated},` +
    (text === null
      ? `"encoding":"base64","content":"${asBuffer(content).toString('base64')}"`
      : `"encoding":"utf8","content":${quote(text)}`) +
    (codingError === null ? '}' : `,"codingError":${quote(codingError)}}`)
  );
}

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
