/**
 * What was received, as the `Trace` that the sensor made it of: one shape for all that is shown, searched and exported.
 *
 * in: a `SatelliteTrace`, its span not trusted · out: a `Trace` · pure; never throws
 *
 * The attributes are those of `output/satellite/otlp/span.ts`; those of other senders are taken where they mean the same.
 */
import type { GraphqlOperation } from '../../http/graphql/graphql-request.js';
import type { HeaderPair } from '../../pair/exchange.js';
import type { Redaction, Trace, TraceBody, TraceMessage } from '../../trace/trace.js';
import { readLevoTraces, readOtlpTraces, type SatelliteTrace } from './satellite-trace.js';

type Json = Readonly<Record<string, unknown>>;

export function traceOf(received: SatelliteTrace): Trace {
  return received.protocol === 'otlp' ? traceOfSpan(received) : traceOfEntry(received);
}

/** What was kept of a trace, read again. */
export function readBack(form: string, span: string, resource: string): SatelliteTrace | undefined {
  const parsed: unknown = JSON.parse(span);
  if (form === 'levo') return readLevoTraces([parsed]).traces[0];
  return readOtlpTraces({ resourceSpans: [{ resource: JSON.parse(resource), scopeSpans: [{ spans: [parsed] }] }] })
    .traces[0];
}

const CLIENT = 3;

function traceOfSpan({ span, method, status, durationNano, target, authority }: SatelliteTrace): Trace {
  const about = objectOf(span);
  const attributes = new Map<string, Json>();
  const sent = new HeaderLists();
  for (const entry of listOf(about.attributes)) {
    const { key, value } = objectOf(entry);
    if (typeof key !== 'string') continue;
    if (!sent.take(key, objectOf(value))) attributes.set(key, objectOf(value));
  }
  const text = (key: string): string => textOf(attributes.get(key)?.stringValue);
  const number = (key: string): number => numberOf(attributes.get(key)?.intValue ?? attributes.get(key)?.doubleValue);
  const isClient = about.kind === CLIENT || about.kind === 'SPAN_KIND_CLIENT';
  const peer = { address: text('network.peer.address'), port: number('network.peer.port') };
  const local = { address: text('network.local.address'), port: number('network.local.port') };
  const parent = textOf(about.parentSpanId);
  const responseStart = attributes.get('pcap.response_start');
  const streamId = attributes.get('pcap.stream_id');
  const stoodFor = number('pcap_sensor.sampling.adjusted_count');
  const share = attributes.get('pcap.watched_share');
  const start = BigInt(textOf(about.startTimeUnixNano) || numberOf(about.startTimeUnixNano));
  const messages = messagesOf(about.events, start);
  const graphql = operationsOf(text('graphql.operation.type'), text('graphql.operation.name'));
  const redactions = textsOf(attributes.get('pcap.redactions')).map(redactionOf);
  return {
    traceId: textOf(about.traceId).toLowerCase(),
    spanId: textOf(about.spanId).toLowerCase(),
    parentSpanId: parent === '' ? null : parent.toLowerCase(),
    kind: isClient ? 'client' : 'server',
    startTimeUnixNano: start,
    durationNano: Math.max(0, durationNano),
    timing: {
      requestEndNano: number('pcap.request_end'),
      responseStartNano: responseStart === undefined ? null : number('pcap.response_start'),
    },
    network: {
      interface: text('pcap.interface'),
      protocol: text('network.protocol.version'),
      client: isClient ? local : peer,
      server: isClient ? peer : local,
      ...(streamId === undefined ? {} : { streamId: number('pcap.stream_id') }),
    },
    client: { address: text('client.address'), port: number('client.port') || null, source: 'peer' },
    request: {
      method,
      scheme: text('url.scheme') === 'https' ? 'https' : 'http',
      authority: sent.request.find(([name]) => name === 'host')?.[1] ?? authority,
      target,
      path: text('url.path'),
      query: text('url.query'),
      headers: sent.request,
      trailers: [],
      body: bodyOfSpan(attributes, 'http.request.body.'),
    },
    response:
      status === null && sent.response.length === 0
        ? null
        : {
            status: status ?? 0,
            reason: '',
            headers: sent.response,
            trailers: sent.trailers,
            body: bodyOfSpan(attributes, 'http.response.body.'),
          },
    marks: textsOf(attributes.get('pcap.marks')),
    ...(messages.length === 0 ? {} : { messages }),
    ...(graphql === null ? {} : { graphql: [graphql] }),
    ...(stoodFor > 1 ? { adjustedCount: stoodFor } : {}),
    ...(share === undefined ? {} : { watchedShare: number('pcap.watched_share') }),
    ...(redactions.length === 0 ? {} : { redactions }),
  };
}

class HeaderLists {
  readonly request: HeaderPair[] = [];
  readonly response: HeaderPair[] = [];
  readonly trailers: HeaderPair[] = [];
  readonly #lists: readonly (readonly [prefix: string, list: HeaderPair[]])[] = [
    ['http.request.header.', this.request],
    ['http.response.header.', this.response],
    ['rpc.response.trailer.', this.trailers],
  ];

  /** Whether the attribute is a header or a trailer. */
  take(key: string, value: Json): boolean {
    for (const [prefix, list] of this.#lists) {
      if (!key.startsWith(prefix)) continue;
      const name = key.slice(prefix.length);
      if (typeof value.stringValue === 'string') list.push([name, value.stringValue]);
      else for (const text of textsOf(value)) list.push([name, text]);
      return true;
    }
    return false;
  }
}

/** The messages of a stream, which are events of its span. */
function messagesOf(events: unknown, start: bigint): TraceMessage[] {
  return listOf(events).flatMap((event): TraceMessage[] => {
    const { name, timeUnixNano, attributes } = objectOf(event);
    if (name !== 'pcap.message') return [];
    const said = new Map<unknown, Json>();
    for (const one of listOf(attributes)) said.set(objectOf(one).key, objectOf(objectOf(one).value));
    const text = (key: string): string => textOf(said.get(`pcap.message.${key}`)?.stringValue);
    const number = (key: string): number => numberOf(said.get(`pcap.message.${key}`)?.intValue);
    const kept = said.get('pcap.message.content');
    const time = textOf(timeUnixNano);
    const [type, id, omitted] = [text('event'), text('id'), text('omitted')];
    const fields = { ...(type === '' ? {} : { event: type }), ...(id === '' ? {} : { id }) };
    return [
      {
        direction: text('direction') === 'request' ? 'request' : 'response',
        kind: MESSAGE_KINDS.find((kind) => kind === text('kind')) ?? 'message',
        offsetNano: /^\d{1,20}$/.test(time) ? Number(BigInt(time) - start) : 0,
        wireBytes: number('wire_size'),
        bytes: number('size'),
        truncated: said.get('pcap.message.truncated')?.boolValue === true,
        content:
          typeof kept?.stringValue === 'string'
            ? Buffer.from(kept.stringValue)
            : Buffer.from(textOf(kept?.bytesValue), 'base64'),
        codingError: text('coding_error') || null,
        ...(omitted === '' ? {} : { omitted }),
        ...(type === '' && id === '' ? {} : { event: fields }),
      },
    ];
  });
}

const MESSAGE_KINDS = ['text', 'binary', 'ping', 'pong', 'close', 'event', 'line', 'message'] as const;

function operationsOf(type: string, name: string): GraphqlOperation | null {
  const kind = GRAPHQL_TYPES.find((one) => one === type) ?? null;
  return kind === null && name === '' ? null : { type: kind, name: name === '' ? null : name, persisted: null };
}

const GRAPHQL_TYPES = ['query', 'mutation', 'subscription'] as const;

function bodyOfSpan(attributes: ReadonlyMap<string, Json>, prefix: string): TraceBody {
  const value = attributes.get(`${prefix}content`);
  const text = value?.stringValue;
  const content = typeof text === 'string' ? Buffer.from(text) : Buffer.from(textOf(value?.bytesValue), 'base64');
  const unlabelled = textOf(attributes.get(`${prefix}unlabelled_coding`)?.stringValue);
  const omitted = textOf(attributes.get(`${prefix}omitted`)?.stringValue);
  const wireBytes = numberOf(attributes.get(`${prefix}size`)?.intValue);
  return {
    wireBytes,
    bytes: Math.max(content.length, omitted === '' ? 0 : wireBytes),
    truncated: attributes.get(`${prefix}truncated`)?.boolValue === true,
    content,
    codingError: textOf(attributes.get(`${prefix}coding_error`)?.stringValue) || null,
    ...(unlabelled === '' ? {} : { unlabelledCoding: unlabelled }),
    ...(omitted === '' ? {} : { omitted }),
  };
}

function redactionOf(text: string): Redaction {
  const space = text.lastIndexOf(' ');
  return space < 0 ? { where: text, rule: '' } : { where: text.slice(0, space), rule: text.slice(space + 1) };
}

function traceOfEntry({ span, method, authority, target, status, durationNano }: SatelliteTrace): Trace {
  const entry = objectOf(span);
  const request = objectOf(entry.request);
  const response = objectOf(entry.response);
  const isClient = entry.span_kind === 'CLIENT';
  const local = endpointOf(entry.local_net);
  const remote = endpointOf(entry.remote_net);
  const question = target.indexOf('?');
  const start = numberOf(entry.request_time_ns);
  return {
    traceId: hexOf(entry.trace_id).slice(-32),
    spanId: hexOf(entry.span_id).slice(-16),
    parentSpanId: null,
    kind: isClient ? 'client' : 'server',
    startTimeUnixNano: BigInt(Math.max(0, Math.trunc(start))),
    durationNano: Math.max(0, durationNano),
    timing: { requestEndNano: 0, responseStartNano: null },
    network: {
      interface: '',
      protocol: '',
      client: isClient ? local : remote,
      server: isClient ? remote : local,
    },
    client: { address: textOf(entry.client_ip), port: null, source: 'peer' },
    request: {
      method,
      scheme: entry.http_scheme === 'https' ? 'https' : 'http',
      authority,
      target,
      path: question < 0 ? target : target.slice(0, question),
      query: question < 0 ? '' : target.slice(question + 1),
      headers: pairsOf(request.headers),
      trailers: [],
      body: bodyOfEntry(request),
    },
    response:
      status === null
        ? null
        : {
            status,
            reason: '',
            headers: pairsOf(response.headers),
            trailers: [],
            body: bodyOfEntry(response),
          },
    marks: status === null ? ['no-response'] : [],
  };
}

function bodyOfEntry({ body, truncated }: Json): TraceBody {
  const content = Buffer.from(textOf(body), 'base64');
  const { length } = content;
  return { wireBytes: length, bytes: length, truncated: truncated === true, content, codingError: null };
}

/** Without what HTTP/2 calls pseudo-headers: the members of the entry say the same. */
function pairsOf(headers: unknown): HeaderPair[] {
  return Object.entries(objectOf(headers)).flatMap(([name, value]): HeaderPair[] =>
    name.startsWith(':') || typeof value !== 'string' ? [] : [[name, value]],
  );
}

function endpointOf(net: unknown): { address: string; port: number } {
  const { ip, port } = objectOf(net);
  return { address: textOf(ip), port: numberOf(port) };
}

/** The digits of an id that may be written with dashes; empty where it is none. */
export function hexOf(id: unknown): string {
  const digits = textOf(id).replaceAll('-', '').toLowerCase();
  return /^(?!0*$)[0-9a-f]{2,32}$/.test(digits) && digits.length % 2 === 0 ? digits : '';
}

/** The texts of an `arrayValue`. */
function textsOf(value: Json | undefined): string[] {
  return listOf(objectOf(value?.arrayValue).values).map((one) => textOf(objectOf(one).stringValue));
}

const NOTHING: Json = {};
const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : NOTHING;
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const numberOf = (value: unknown): number => {
  const number = typeof value === 'number' || typeof value === 'string' ? Number(value) : 0;
  return Number.isFinite(number) ? number : 0;
};
