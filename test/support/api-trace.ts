/** Traces of an API, in as many words as a test needs. */
import type { Trace, TraceBody } from '../../src/trace/trace.js';

export interface ApiExchange {
  readonly method?: string;
  /** With the query. */
  readonly target: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, unless a content type says otherwise. */
  readonly sent?: unknown;
  readonly answer?: unknown;
  readonly type?: string;
}

export function apiTrace({
  method = 'GET',
  target,
  status = 200,
  headers = {},
  sent,
  answer,
  type,
}: ApiExchange): Trace {
  const [path = '', query = ''] = target.split('?');
  const json = (value: unknown) =>
    value === undefined ? [] : [['Content-Type', type ?? 'application/json'] as [string, string]];
  return {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    parentSpanId: null,
    kind: 'server',
    startTimeUnixNano: 1_700_000_000_000_000_000n,
    durationNano: 3_000_000,
    timing: { requestEndNano: 0, responseStartNano: 0 },
    network: {
      interface: 'lo',
      protocol: '1.1',
      client: { address: '10.0.0.1', port: 40000 },
      server: { address: '10.0.0.2', port: 80 },
    },
    request: {
      method,
      scheme: 'http',
      authority: 'api.example.com',
      target,
      path,
      query,
      headers: [...Object.entries(headers), ...json(sent)],
      trailers: [],
      body: body(sent),
    },
    response: { status, reason: '', headers: json(answer), trailers: [], body: body(answer) },
    marks: [],
  };
}

function body(value: unknown): TraceBody {
  const content =
    value === undefined ? Buffer.alloc(0) : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  return { wireBytes: content.length, bytes: content.length, truncated: false, content, codingError: null };
}
