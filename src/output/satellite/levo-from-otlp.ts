/**
 * A batch that was encoded before the satellite turned out to speak levo only.
 *
 * in: an OTLP batch of this sensor's own making, uncompressed · out: the same traces as a levo batch
 *
 * Spans hold all that a levo entry needs, so what was queued or spooled while the satellite was away survives the change of
 * protocol. That is rare, so it may cost a parse.
 */
import type { HeaderPair } from '../../pair/exchange.js';
import type { Trace, TraceBody, TraceMessage } from '../../trace/trace.js';
import type { Batch, BatchEncoder } from '../relay/batch.js';

interface KeyValue {
  key: string;
  value: {
    stringValue?: string;
    intValue?: number;
    boolValue?: boolean;
    bytesValue?: string;
    arrayValue?: { values: { stringValue: string }[] };
  };
}

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: KeyValue[];
  events: { attributes: KeyValue[] }[];
}

/** `SPAN_KIND_SERVER` of opentelemetry/proto/trace/v1/trace.proto. */
const KIND_SERVER = 2;

export function levoFromOtlp(batch: Batch, encoder: BatchEncoder): Batch {
  const request = JSON.parse(batch.payload.toString('utf8')) as {
    resourceSpans: { scopeSpans: { spans: Span[] }[] }[];
  };
  const parts: Buffer[] = [];
  for (const { scopeSpans } of request.resourceSpans)
    for (const { spans } of scopeSpans)
      for (const span of spans) {
        parts.push(encoder.encode(traceOf(span)));
      }
  return {
    ...batch,
    protocol: 'levo',
    coding: 'identity',
    payload: encoder.join(parts),
  };
}

function traceOf(span: Span): Trace {
  const attributes = new Map(span.attributes.map(({ key, value }) => [key, value]));
  const text = (key: string): string => attributes.get(key)?.stringValue ?? '';
  const number = (key: string): number => attributes.get(key)?.intValue ?? 0;
  const headers = (prefix: string): HeaderPair[] => {
    const pairs: HeaderPair[] = [];
    for (const { key, value } of span.attributes)
      if (key.startsWith(prefix))
        for (const { stringValue } of value.arrayValue?.values ?? [])
          pairs.push([key.slice(prefix.length), stringValue]);
    return pairs;
  };
  const body = (prefix: string): TraceBody => {
    const value = attributes.get(`${prefix}content`);
    const content =
      value?.bytesValue === undefined ? Buffer.from(value?.stringValue ?? '') : Buffer.from(value.bytesValue, 'base64');
    return {
      wireBytes: number(`${prefix}size`),
      bytes: content.length,
      truncated: attributes.get(`${prefix}truncated`)?.boolValue ?? false,
      content,
      codingError: attributes.get(`${prefix}coding_error`)?.stringValue ?? null,
    };
  };
  const peer = { address: text('network.peer.address'), port: number('network.peer.port') };
  const local = { address: text('network.local.address'), port: number('network.local.port') };
  const server = span.kind === KIND_SERVER;
  const path = text('url.path');
  const query = text('url.query');
  const host = text('server.address');
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? null,
    kind: server ? 'server' : 'client',
    startTimeUnixNano: BigInt(span.startTimeUnixNano),
    durationNano: Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)),
    timing: { requestEndNano: 0, responseStartNano: null },
    network: {
      interface: text('pcap.interface'),
      protocol: text('network.protocol.version'),
      client: server ? peer : local,
      server: server ? local : peer,
    },
    client: { address: text('client.address'), port: null, source: 'peer' },
    request: {
      method: attributes.get('http.request.method_original')?.stringValue ?? text('http.request.method'),
      scheme: text('url.scheme') === 'https' ? 'https' : 'http',
      authority:
        attributes.get('http.request.header.host')?.arrayValue?.values[0]?.stringValue ??
        `${host.includes(':') ? `[${host}]` : host}:${number('server.port')}`,
      target: query === '' ? path : `${path}?${query}`,
      path,
      query,
      headers: headers('http.request.header.'),
      trailers: [],
      body: body('http.request.body.'),
    },
    response: attributes.has('http.response.status_code')
      ? {
          status: number('http.response.status_code'),
          reason: '',
          headers: headers('http.response.header.'),
          trailers: [],
          body: body('http.response.body.'),
        }
      : null,
    marks: [],
    ...(span.events.length === 0 ? {} : { messages: span.events.map(messageOf) }),
  };
}

function messageOf({ attributes }: Span['events'][number]): TraceMessage {
  const value = (key: string) => attributes.find((one) => one.key === `pcap.message.${key}`)?.value;
  const content = value('content');
  const bytes =
    content?.bytesValue === undefined
      ? Buffer.from(content?.stringValue ?? '')
      : Buffer.from(content.bytesValue, 'base64');
  return {
    direction: value('direction')?.stringValue === 'request' ? 'request' : 'response',
    kind: (value('kind')?.stringValue ?? 'message') as TraceMessage['kind'],
    offsetNano: 0,
    wireBytes: value('wire_size')?.intValue ?? 0,
    bytes: value('size')?.intValue ?? 0,
    truncated: value('truncated')?.boolValue ?? false,
    content: bytes,
    codingError: null,
  };
}
