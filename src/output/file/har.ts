/**
 * A trace as an entry of an HTTP Archive, HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/).
 *
 * in: `Trace` · out: an element of `log.entries` · times in milliseconds, -1 where not known or not applicable
 */
import type { HeaderPair } from '../../pair/exchange.js';
import type { Trace, TraceBody } from '../../trace/trace.js';
import { asBuffer, OPCODES, textOf } from '../ndjson.js';

export function harHead(version: string): string {
  return `{"log":{"version":"1.2","creator":{"name":"pcap-sensor","version":${JSON.stringify(version)}},"entries":[\n`;
}

export const HAR_TAIL = '\n]}}\n';

export function encodeHarEntry(trace: Trace): string {
  const { request, response, timing, network } = trace;
  const start = timing.responseStartNano;
  const send = timing.requestEndNano / 1e6;
  const wait = start === null ? 0 : Math.max(0, start - timing.requestEndNano) / 1e6;
  const receive = start === null ? 0 : Math.max(0, trace.durationNano - start) / 1e6;
  return JSON.stringify({
    startedDateTime: dateTime(trace.startTimeUnixNano),
    // The sum of the timings that apply, as the format demands.
    time: send + wait + receive,
    request: {
      method: request.method,
      url: /^[a-z][a-z0-9+.-]*:\/\//i.test(request.target)
        ? request.target
        : `${request.scheme}://${request.authority}${request.target}`,
      httpVersion: `HTTP/${network.protocol}`,
      cookies: cookies(request.headers, 'cookie'),
      headers: nameValues(request.headers),
      queryString: queryString(request.query),
      ...(request.body.content.length === 0 ? {} : { postData: postData(request.body, request.headers) }),
      headersSize: -1,
      bodySize: request.body.wireBytes,
    },
    response:
      response === null
        ? {
            status: 0,
            statusText: '',
            httpVersion: '',
            cookies: [],
            headers: [],
            content: { size: 0, mimeType: 'x-unknown' },
            redirectURL: '',
            headersSize: -1,
            bodySize: -1,
            _error: 'no response',
          }
        : {
            status: response.status,
            statusText: response.reason,
            httpVersion: `HTTP/${network.protocol}`,
            cookies: cookies(response.headers, 'set-cookie'),
            headers: nameValues(response.headers),
            content: content(response.body, response.headers),
            redirectURL: headerOf(response.headers, 'location') ?? '',
            headersSize: -1,
            bodySize: response.body.wireBytes,
          },
    cache: {},
    timings: { blocked: -1, dns: -1, connect: -1, send, wait, receive, ssl: -1 },
    serverIPAddress: network.server.address,
    connection: String(network.client.port),
    ...(trace.marks.length === 0 ? {} : { comment: trace.marks.join(', ') }),
    _traceId: trace.traceId,
    ...messagesOf(trace),
  });
}

/**
 * As Chromium writes them: `_webSocketMessages` with times in seconds since the epoch, and binary ones as base64; `_events` of
 * server-sent events, with times in milliseconds from the start, as browsers' developer tools do. Other messages go with those.
 */
function messagesOf({ messages, startTimeUnixNano }: Trace): object {
  if (messages === undefined) return {};
  const isWebSocket = messages.some(({ kind }) => OPCODES[kind] !== undefined);
  if (isWebSocket)
    return {
      _resourceType: 'websocket',
      _webSocketMessages: messages.map(({ direction, kind, offsetNano, content, truncated }) => ({
        type: direction === 'request' ? 'send' : 'receive',
        time: (Number(startTimeUnixNano) + offsetNano) / 1e9,
        opcode: OPCODES[kind],
        data: (kind === 'binary' ? null : textOf(content, truncated)) ?? asBuffer(content).toString('base64'),
      })),
    };
  return {
    _events: messages.map(({ direction, kind, offsetNano, content, truncated, event }) => {
      const text = textOf(content, truncated);
      return {
        type: direction === 'request' ? 'send' : 'receive',
        time: offsetNano / 1e6,
        ...(kind === 'event' ? { eventName: event?.event ?? 'message' } : {}),
        ...(event?.id === undefined ? {} : { eventId: event.id }),
        data: text ?? asBuffer(content).toString('base64'),
        ...(text === null ? { encoding: 'base64' } : {}),
      };
    }),
  };
}

/** ISO 8601 with the microseconds that a `Date` would drop. */
function dateTime(unixNano: bigint): string {
  const seconds = new Date(Number(unixNano / 1_000_000n)).toISOString().slice(0, 20);
  return `${seconds}${String((unixNano / 1000n) % 1_000_000n).padStart(6, '0')}Z`;
}

const nameValues = (pairs: readonly HeaderPair[]): object[] => pairs.map(([name, value]) => ({ name, value }));

function headerOf(headers: readonly HeaderPair[], lowercaseName: string): string | undefined {
  return headers.find(([name]) => name.toLowerCase() === lowercaseName)?.[1];
}

function queryString(query: string): object[] {
  if (query === '') return [];
  return query.split('&').map((part) => {
    const equals = part.indexOf('=');
    return equals < 0 ? { name: part, value: '' } : { name: part.slice(0, equals), value: part.slice(equals + 1) };
  });
}

function cookies(headers: readonly HeaderPair[], lowercaseName: 'cookie' | 'set-cookie'): object[] {
  const found: object[] = [];
  for (const [name, value] of headers) {
    if (name.toLowerCase() !== lowercaseName) continue;
    const parts = lowercaseName === 'cookie' ? value.split(';') : [value.split(';', 1)[0] ?? ''];
    for (const part of parts) {
      const equals = part.indexOf('=');
      if (equals > 0) found.push({ name: part.slice(0, equals).trim(), value: part.slice(equals + 1).trim() });
    }
  }
  return found;
}

function postData(body: TraceBody, headers: readonly HeaderPair[]): object {
  const text = textOf(body.content, body.truncated);
  const mimeType = headerOf(headers, 'content-type') ?? 'application/octet-stream';
  // HAR 1.2 has an `encoding` for responses only; the field of the same name is what browsers add here.
  return text === null
    ? { mimeType, params: [], text: asBuffer(body.content).toString('base64'), _encoding: 'base64' }
    : { mimeType, params: [], text };
}

function content(body: TraceBody, headers: readonly HeaderPair[]): object {
  const mimeType = headerOf(headers, 'content-type') ?? 'x-unknown';
  const text = textOf(body.content, body.truncated);
  return {
    size: body.bytes,
    compression: body.bytes - body.wireBytes,
    mimeType,
    ...(body.content.length === 0
      ? {}
      : text === null
        ? { text: asBuffer(body.content).toString('base64'), encoding: 'base64' }
        : { text }),
    ...(body.truncated ? { comment: 'truncated' } : {}),
  };
}
