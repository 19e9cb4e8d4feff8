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
