/** Spans as sensors send them, and requests that carry them. */
import { randomBytes } from 'node:crypto';

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const int = (key: string, intValue: number) => ({ key, value: { intValue } });
const texts = (key: string, ...values: string[]) => ({
  key,
  value: { arrayValue: { values: values.map((stringValue) => ({ stringValue })) } },
});

export interface SpanGiven {
  readonly traceId?: string;
  readonly spanId?: string;
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly host?: string;
  readonly status?: number | null;
  readonly millis?: number;
  readonly sent?: string;
  readonly answered?: string;
  readonly type?: string;
  readonly marks?: readonly string[];
  /** Milliseconds since 1970. */
  readonly at?: number;
}

export function spanOf(given: SpanGiven = {}) {
  const { method = 'GET', path = '/', query = '', host = 'shop.example', status = 200, millis = 1, marks = [] } = given;
  const { sent = '', answered = '', type = 'application/json' } = given;
  const start = BigInt(given.at ?? Date.now()) * 1_000_000n;
  return {
    traceId: given.traceId ?? randomBytes(16).toString('hex'),
    spanId: given.spanId ?? randomBytes(8).toString('hex'),
    name: method,
    kind: 2,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + BigInt(Math.round(millis * 1e6))),
    attributes: [
      text('http.request.method', method),
      text('url.scheme', 'http'),
      text('url.path', path),
      ...(query === '' ? [] : [text('url.query', query)]),
      text('server.address', host),
      int('server.port', 80),
      text('client.address', '10.0.0.7'),
      text('network.peer.address', '10.0.0.7'),
      int('network.peer.port', 40_000),
      text('network.protocol.version', '1.1'),
      ...(status === null ? [] : [int('http.response.status_code', status)]),
      texts('http.request.header.host', host),
      ...(status === null ? [] : [texts('http.response.header.content-type', type)]),
      int('http.request.body.size', sent.length),
      int('http.response.body.size', answered.length),
      ...(sent === '' ? [] : [text('http.request.body.content', sent)]),
      ...(answered === '' ? [] : [text('http.response.body.content', answered)]),
      ...(marks.length === 0 ? [] : [texts('pcap.marks', ...marks)]),
    ],
  };
}

/** An `ExportTraceServiceRequest`. */
export function requestOf(spans: readonly unknown[], service = 'shop') {
  const attributes = [
    text('service.name', service),
    text('levo.env', 'staging'),
    text('host.name', 'host-1'),
    text('service.instance.id', 'instance-1'),
    text('telemetry.sdk.version', '0.1.0'),
  ];
  return { resourceSpans: [{ resource: { attributes }, scopeSpans: [{ spans }] }] };
}

/** Sends them, and resolves to the answer. */
export function sendSpans(
  url: string,
  spans: readonly unknown[],
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${url}/v1/traces`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(requestOf(spans)),
  });
}
