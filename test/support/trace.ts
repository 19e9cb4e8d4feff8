import type { Trace, TraceBody, TraceRequest, TraceResponse } from '../../src/trace/trace.js';

export function traceBody(content: string | Uint8Array = '', override: Partial<TraceBody> = {}): TraceBody {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return {
    wireBytes: bytes.length,
    bytes: bytes.length,
    truncated: false,
    content: bytes,
    codingError: null,
    ...override,
  };
}

type TraceOverride = Partial<Omit<Trace, 'request' | 'response'>> & {
  request?: Partial<TraceRequest>;
  response?: Partial<TraceResponse> | null;
};

/** `GET /items?limit=2` of 192.0.2.7:40000 to 10.0.0.5:8080, answered 200 with a JSON body 1.5 ms later. */
export function sampleTrace({ request, response, ...override }: TraceOverride = {}): Trace {
  return {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    parentSpanId: null,
    kind: 'server',
    startTimeUnixNano: 1_752_000_000_123_456_789n,
    durationNano: 1_500_000,
    timing: { requestEndNano: 1000, responseStartNano: 1_200_000 },
    network: {
      interface: 'lo',
      protocol: '1.1',
      client: { address: '192.0.2.7', port: 40000 },
      server: { address: '10.0.0.5', port: 8080 },
    },
    marks: [],
    ...override,
    request: {
      method: 'GET',
      scheme: 'http',
      authority: 'api.example:8080',
      target: '/items?limit=2',
      path: '/items',
      query: 'limit=2',
      headers: [
        ['Host', 'api.example:8080'],
        ['Accept', 'application/json'],
        ['Accept', 'text/plain'],
        ['User-Agent', 'curl/7.88.1'],
      ],
      trailers: [],
      body: traceBody(),
      ...request,
    },
    response:
      response === null
        ? null
        : {
            status: 200,
            reason: 'OK',
            headers: [
              ['Content-Type', 'application/json'],
              ['Content-Length', '8'],
            ],
            trailers: [],
            body: traceBody('{"a":1}\n'),
            ...response,
          },
  };
}
