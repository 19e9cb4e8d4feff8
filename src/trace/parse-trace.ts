/**
 * Traces from what they were written as: a line of NDJSON, an entry of an HTTP Archive (HAR 1.2).
 *
 * in: a value of JSON, of whatever shape · out: a `Trace`, or null where it is none · pure
 *
 * What the form does not hold, such as addresses in a HAR of a browser, is empty. Bodies are as they were written.
 */

import type { MessageKind } from '../http/stream-message.js';
import type { HeaderPair } from '../pair/exchange.js';
import type { Trace, TraceBody, TraceMessage, TraceRequest, TraceResponse } from './trace.js';

type Members = Readonly<Record<string, unknown>>;

/** A line of `--output ndjson`. */
export function traceOfNdjson(value: unknown): Trace | null {
  const { traceId, spanId, request, response, marks, messages, ...about } = membersOf(value);
  const { method, scheme, authority, target, path, query, ...sent } = membersOf(request);
  if (typeof method !== 'string' || typeof target !== 'string') return null;
  return {
    ...EMPTY_TRACE,
    ...circumstancesOfNdjson(about),
    traceId: textOf(traceId),
    spanId: textOf(spanId),
    request: {
      method,
      scheme: scheme === 'https' ? 'https' : 'http',
      authority: textOf(authority),
      target,
      path: textOf(path),
      query: textOf(query),
      ...partsOfNdjson(sent),
    },
    response: response === null || response === undefined ? null : responseOfNdjson(membersOf(response)),
    marks: listOf(marks).map(textOf),
    ...(messages === undefined ? {} : { messages: listOf(messages).map((one) => messageOfNdjson(membersOf(one))) }),
  };
}

/** When, how long, between whom; what was redacted. */
function circumstancesOfNdjson(about: Members) {
  const { kind, startTimeUnixNano, durationNano, network, client, adjustedCount, redactions } = about;
  const { address, port, source } = membersOf(client);
  return {
    kind: kind === 'client' ? ('client' as const) : ('server' as const),
    startTimeUnixNano: nanosOf(startTimeUnixNano),
    durationNano: Number(nanosOf(durationNano)),
    network: {
      ...EMPTY_TRACE.network,
      protocol: textOf(membersOf(network).protocol),
      client: endpointOf(membersOf(network).client),
      server: endpointOf(membersOf(network).server),
    },
    ...(typeof address === 'string' && typeof source === 'string'
      ? {
          client: {
            address,
            port: typeof port === 'number' ? port : null,
            source: source as NonNullable<Trace['client']>['source'],
          },
        }
      : {}),
    ...(numberOf(adjustedCount) > 1 ? { adjustedCount: numberOf(adjustedCount) } : {}),
    ...(Array.isArray(redactions)
      ? {
          redactions: redactions.map((one) => ({
            where: textOf(membersOf(one).where),
            rule: textOf(membersOf(one).rule),
          })),
        }
      : {}),
  };
}

function nanosOf(value: unknown): bigint {
  return typeof value === 'string' && /^\d{1,20}$/.test(value) ? BigInt(value) : 0n;
}

function endpointOf(value: unknown): { address: string; port: number } {
  const { address, port } = membersOf(value);
  return { address: textOf(address), port: numberOf(port) };
}

function messageOfNdjson({ direction, kind, event, id, retry, ...body }: Members): TraceMessage {
  const isEvent = typeof event === 'string' || typeof id === 'string' || typeof retry === 'number';
  return {
    direction: direction === 'request' ? 'request' : 'response',
    kind: MESSAGE_KINDS.find((one) => one === kind) ?? 'message',
    offsetNano: 0,
    ...bodyOfNdjson(body),
    ...(isEvent
      ? {
          event: {
            ...(typeof event === 'string' ? { event } : {}),
            ...(typeof id === 'string' ? { id } : {}),
            ...(typeof retry === 'number' ? { retry } : {}),
          },
        }
      : {}),
  };
}

function responseOfNdjson({ status, reason, ...received }: Members): TraceResponse {
  return { status: numberOf(status), reason: textOf(reason), ...partsOfNdjson(received) };
}

function partsOfNdjson({ headers, trailers, body }: Members): Pick<TraceRequest, 'headers' | 'trailers' | 'body'> {
  return { headers: pairsOf(headers), trailers: pairsOf(trailers), body: bodyOfNdjson(membersOf(body)) };
}

function bodyOfNdjson({ content, encoding, bytes, wireBytes, truncated, codingError }: Members): TraceBody {
  return {
    wireBytes: numberOf(wireBytes),
    bytes: numberOf(bytes),
    truncated: truncated === true,
    content: Buffer.from(textOf(content), encoding === 'base64' ? 'base64' : 'utf8'),
    codingError: typeof codingError === 'string' ? codingError : null,
  };
}

/** An element of `log.entries`. */
export function traceOfHar(value: unknown): Trace | null {
  const about = membersOf(value);
  const { request, response, _traceId, _webSocketMessages, _events, startedDateTime, time, serverIPAddress } = about;
  const messages = [...listOf(_webSocketMessages), ...listOf(_events)];
  const { method, url, headers, postData } = membersOf(request);
  if (typeof method !== 'string' || typeof url !== 'string') return null;
  const parts = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?]*)(?:\?(.*))?$/is.exec(url);
  const [, scheme = 'http', authority = '', path = url, query] = parts ?? [];
  const { status, statusText, headers: received, content } = membersOf(response);
  return {
    ...EMPTY_TRACE,
    traceId: textOf(_traceId),
    startTimeUnixNano: BigInt(Math.max(0, Date.parse(textOf(startedDateTime)) || 0)) * 1_000_000n,
    durationNano: Math.max(0, Math.round(numberOf(time) * 1e6)),
    network: { ...EMPTY_TRACE.network, server: { address: textOf(serverIPAddress), port: 0 } },
    request: {
      method,
      scheme: /^(?:https|wss)$/i.test(scheme) ? 'https' : 'http',
      authority,
      target: query === undefined ? path : `${path}?${query}`,
      path,
      query: query ?? '',
      headers: namedPairsOf(headers),
      trailers: [],
      body: bodyOfHar(membersOf(postData)),
    },
    response:
      numberOf(status) === 0
        ? null
        : {
            status: numberOf(status),
            reason: textOf(statusText),
            headers: namedPairsOf(received),
            trailers: [],
            body: bodyOfHar(membersOf(content)),
          },
    ...(messages.length === 0 ? {} : { messages: messages.map((one) => messageOfHar(membersOf(one))) }),
  };
}

function messageOfHar({ type, opcode, data, encoding }: Members): TraceMessage {
  const isBinary = opcode === 2 || encoding === 'base64';
  return {
    direction: type === 'send' ? 'request' : 'response',
    kind: opcode === undefined ? 'event' : isBinary ? 'binary' : 'text',
    offsetNano: 0,
    ...bodyOfHar({ text: data, ...(isBinary ? { encoding: 'base64' } : {}) }),
  };
}

/** `postData` and `content`: a text, or the fields of a form. */
function bodyOfHar({ text, encoding, _encoding, params, comment }: Members): TraceBody {
  const isBase64 = encoding === 'base64' || _encoding === 'base64';
  const given =
    typeof text === 'string'
      ? text
      : namedPairsOf(params)
          .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
          .join('&');
  const content = Buffer.from(given, isBase64 ? 'base64' : 'utf8');
  const { length } = content;
  return { wireBytes: length, bytes: length, truncated: comment === 'truncated', content, codingError: null };
}

/** The entries of an archive, or null where it is none. */
export function harEntries(value: unknown): readonly unknown[] | null {
  const { entries } = membersOf(membersOf(value).log);
  return Array.isArray(entries) ? entries : null;
}

const MESSAGE_KINDS: readonly MessageKind[] = ['text', 'binary', 'ping', 'pong', 'close', 'event', 'line', 'message'];
const NOWHERE = { address: '', port: 0 };
const EMPTY_TRACE = {
  traceId: '',
  spanId: '',
  parentSpanId: null,
  kind: 'server',
  startTimeUnixNano: 0n,
  durationNano: 0,
  timing: { requestEndNano: 0, responseStartNano: null },
  network: { interface: '', protocol: '', client: NOWHERE, server: NOWHERE },
  marks: [] as string[],
} satisfies Omit<Trace, 'request' | 'response'>;

function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function pairsOf(value: unknown): HeaderPair[] {
  return listOf(value).map((pair): HeaderPair => {
    const [name, text] = listOf(pair);
    return [textOf(name), textOf(text)];
  });
}

function namedPairsOf(value: unknown): HeaderPair[] {
  return listOf(value).map((pair): HeaderPair => {
    const { name, value: text } = membersOf(pair);
    return [textOf(name), textOf(text)];
  });
}
