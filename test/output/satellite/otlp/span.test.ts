import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { describe, expect, it } from 'vitest';
import { toReadableSpan } from '../../../../src/output/satellite/otlp/span.js';
import type { Trace } from '../../../../src/trace/trace.js';
import { sampleTrace, traceBody } from '../../../support/trace.js';

const spanOf = (trace: Trace) =>
  toReadableSpan(trace, resourceFromAttributes({}), { name: 'pcap-sensor', version: '0.1.0' });

describe('a span', () => {
  it('holds every attribute of a server’s exchange', () => {
    const span = spanOf(sampleTrace({ marks: ['midstream'] }));
    expect(span.attributes).toEqual({
      'http.request.method': 'GET',
      'url.scheme': 'http',
      'url.path': '/items',
      'url.query': 'limit=2',
      'server.address': 'api.example',
      'server.port': 8080,
      'client.address': '192.0.2.7',
      'client.port': 40000,
      'network.peer.address': '192.0.2.7',
      'network.peer.port': 40000,
      'network.local.address': '10.0.0.5',
      'network.local.port': 8080,
      'network.protocol.version': '1.1',
      'http.response.status_code': 200,
      'http.request.header.host': ['api.example:8080'],
      'http.request.header.accept': ['application/json', 'text/plain'],
      'http.request.header.user-agent': ['curl/7.88.1'],
      'user_agent.original': 'curl/7.88.1',
      'http.request.body.size': 0,
      'http.response.header.content-type': ['application/json'],
      'http.response.header.content-length': ['8'],
      'http.response.body.size': 8,
      'http.response.body.content': '{"a":1}\n',
      'pcap.request_end': 1000,
      'pcap.response_start': 1_200_000,
      'pcap.interface': 'lo',
      'pcap.marks': ['midstream'],
    });
    expect(span).toMatchObject({ name: 'GET', kind: SpanKind.SERVER, status: { code: SpanStatusCode.UNSET } });
    expect(span.startTime).toEqual([1_752_000_000, 123_456_789]);
    expect(span.endTime).toEqual([1_752_000_000, 124_956_789]);
    expect(span.spanContext()).toMatchObject({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
    });
    expect(span.parentSpanContext).toBeUndefined();
  });

  it('is a child of a remote parent', () => {
    expect(spanOf(sampleTrace({ parentSpanId: '00f067aa0ba902b7' })).parentSpanContext).toMatchObject({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: '00f067aa0ba902b7',
      isRemote: true,
    });
  });

  it('of a client names the peer and the whole URL', () => {
    const span = spanOf(sampleTrace({ kind: 'client' }));
    expect(span.kind).toBe(SpanKind.CLIENT);
    expect(span.attributes).toMatchObject({
      'url.full': 'http://api.example:8080/items?limit=2',
      'network.peer.address': '10.0.0.5',
      'network.local.address': '192.0.2.7',
    });
  });

  it('keeps credentials out of the URL', () => {
    const target = 'http://user:secret@h.example/x?y=1';
    const span = spanOf(sampleTrace({ kind: 'client', request: { target } }));
    expect(span.attributes['url.full']).toBe('http://REDACTED:REDACTED@h.example/x?y=1');
  });

  it('does not let the wire choose its name', () => {
    const span = spanOf(sampleTrace({ request: { method: 'BREW' } }));
    expect(span.name).toBe('HTTP');
    expect(span.attributes).toMatchObject({
      'http.request.method': '_OTHER',
      'http.request.method_original': 'BREW',
    });
  });

  it.each([
    ['server', 200, undefined],
    ['server', 404, undefined],
    ['server', 500, '500'],
    ['server', 503, '503'],
    ['client', 399, undefined],
    ['client', 404, '404'],
    ['client', 500, '500'],
    ['server', null, 'no_response'],
    ['client', null, 'no_response'],
  ] as const)('of a %s answered %s has error.type %s', (kind, status, errorType) => {
    const span = spanOf(sampleTrace({ kind, response: status === null ? null : { status } }));
    expect(span.attributes['error.type']).toBe(errorType);
    expect(span.status.code).toBe(errorType === undefined ? SpanStatusCode.UNSET : SpanStatusCode.ERROR);
    expect(span.attributes['http.response.status_code']).toBe(status ?? undefined);
  });

  it.each([
    ['server', '0', 'a.B/C', { 'rpc.method': 'a.B/C', 'rpc.status_code': 'OK' }, undefined],
    ['server', '5', 'a.B/C', { 'rpc.status_code': 'NOT_FOUND' }, undefined],
    ['client', '5', 'a.B/C', { 'rpc.status_code': 'NOT_FOUND' }, 'NOT_FOUND'],
    ['server', '13', 'a.B/C', { 'rpc.status_code': 'INTERNAL' }, 'INTERNAL'],
    ['server', '12', 'grpc', { 'rpc.method': '_OTHER', 'rpc.method_original': 'a.B/C' }, 'UNIMPLEMENTED'],
    ['server', 'x', 'grpc', { 'rpc.method': '_OTHER', 'rpc.method_original': 'a.B/C' }, undefined],
  ] as const)('of a call to a %s with status %s is named %s', (kind, code, name, attributes, errorType) => {
    const request = { path: '/a.B/C', headers: [['content-type', 'application/grpc']] as [string, string][] };
    const span = spanOf(sampleTrace({ kind, request, response: { status: 200, trailers: [['grpc-status', code]] } }));
    expect(span.name).toBe(name);
    expect(span.attributes).toMatchObject({ 'rpc.system.name': 'grpc', 'http.request.method': 'GET', ...attributes });
    expect(span.attributes['error.type']).toBe(errorType);
  });

  it('of a stream that was given up has the name of the error code, and no status where none is known', () => {
    const network = { ...sampleTrace().network, protocol: '2', streamId: 7, streamError: 'CANCEL' };
    const { attributes, status } = spanOf(sampleTrace({ network, response: { status: 0 } }));
    expect(attributes).toMatchObject({ 'error.type': 'CANCEL', 'network.protocol.version': '2', 'pcap.stream_id': 7 });
    expect(attributes).not.toHaveProperty('http.response.status_code');
    expect(status.code).toBe(SpanStatusCode.ERROR);
  });

  it('carries bodies as text or bytes, and says what is missing of them', () => {
    const binary = Buffer.from([0xff, 0xfe]);
    const span = spanOf(
      sampleTrace({
        request: { body: traceBody('é'.repeat(3), { wireBytes: 99, truncated: true }) },
        response: { body: traceBody(binary, { codingError: 'gzip: bad header' }) },
      }),
    );
    expect(span.attributes).toMatchObject({
      'http.request.body.content': 'ééé',
      'http.request.body.size': 99,
      'http.request.body.truncated': true,
      'http.response.body.content': binary,
      'http.response.body.coding_error': 'gzip: bad header',
    });
    expect(span.attributes).not.toHaveProperty('http.response.body.truncated');
  });

  it('says what is asked of GraphQL: of a batch, what all have in common', () => {
    const graphql = (...operations: [type: 'query' | 'mutation' | null, name: string | null, persisted?: string][]) => {
      const each = operations.map(([type, name, persisted = null]) => ({ type, name, persisted }));
      const entries = Object.entries(spanOf(sampleTrace({ graphql: each })).attributes);
      return Object.fromEntries(entries.filter(([key]) => key.includes('graphql')));
    };
    expect(graphql(['query', 'A'])).toEqual({ 'graphql.operation.type': 'query', 'graphql.operation.name': 'A' });
    expect(graphql(['query', null])).toEqual({ 'graphql.operation.type': 'query' });
    expect(graphql([null, 'A', 'hash'])).toEqual({
      'graphql.operation.name': 'A',
      'pcap.graphql.persisted_queries': ['hash'],
    });
    expect(graphql(['query', 'A'], ['query', 'B'], ['query', null])).toEqual({
      'graphql.operation.type': 'query',
      'pcap.graphql.operations': ['query A', 'query B', 'query'],
    });
  });

  it('is not changed by hostile header names', () => {
    const span = spanOf(
      sampleTrace({
        request: {
          headers: [
            ['__proto__', 'a'],
            ['constructor', 'b'],
          ],
        },
      }),
    );
    expect(span.attributes['http.request.header.__proto__']).toEqual(['a']);
    expect(span.attributes['http.request.header.constructor']).toEqual(['b']);
  });
});
