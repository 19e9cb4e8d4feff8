/** Traces as the redactor receives them, from the few things a test is about. */
import type { HeaderPair } from '../../src/pair/exchange.js';
import type { Trace, TraceBody } from '../../src/trace/trace.js';

export interface TraceParts {
  target?: string;
  requestHeaders?: HeaderPair[];
  requestTrailers?: HeaderPair[];
  responseHeaders?: HeaderPair[];
  body?: Uint8Array;
}

export function makeTrace(parts: TraceParts = {}): Trace {
  const target = parts.target ?? '/';
  const question = target.indexOf('?');
  return {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    parentSpanId: null,
    kind: 'server',
    startTimeUnixNano: 0n,
    durationNano: 0,
    timing: { requestEndNano: 0, responseStartNano: 0 },
    network: {
      interface: 'lo',
      protocol: '1.1',
      client: { address: '10.0.0.1', port: 1 },
      server: { address: '10.0.0.2', port: 2 },
    },
    request: {
      method: 'POST',
      scheme: 'http',
      authority: 'api.example.com',
      target,
      path: question < 0 ? target : target.slice(0, question),
      query: question < 0 ? '' : target.slice(question + 1),
      headers: parts.requestHeaders ?? [],
      trailers: parts.requestTrailers ?? [],
      body: traceBody(parts.body),
    },
    response: {
      status: 200,
      reason: 'OK',
      headers: parts.responseHeaders ?? [],
      trailers: [],
      body: traceBody(undefined),
    },
    marks: [],
  };
}

function traceBody(content: Uint8Array = new Uint8Array(0)): TraceBody {
  return { wireBytes: content.length, bytes: content.length, truncated: false, content, codingError: null };
}
