import { expect, it } from 'vitest';
import { createLevoEncoder } from '../../../src/output/satellite/levo.js';
import { sampleTrace, traceBody } from '../../support/trace.js';

const encoder = createLevoEncoder({
  serviceName: 'shop',
  hostName: 'ip-10-0-0-5',
  environment: 'staging',
  sensorVersion: '0.1.0',
});

const RESOURCE =
  '{"service_name":"shop","host_name":"ip-10-0-0-5","levo_env":"staging","sensor_type":"PCAP","sensor_version":"0.1.0",' +
  '"telemetry_sdk_language":"nodejs","telemetry_sdk_name":"pcap-sensor","telemetry_sdk_version":"0.1.0"}';

it('is a JSON array', () => {
  expect(Buffer.concat([encoder.head, encoder.tail]).toString()).toBe('[]');
});

it('encodes a server’s exchange byte for byte', () => {
  expect(encoder.encode(sampleTrace()).toString()).toBe(
    '{"http_scheme":"http",' +
      '"request":{"headers":{":method":"GET",":path":"/items?limit=2",":authority":"api.example:8080",":scheme":"http",' +
      '"host":"api.example:8080","accept":"application/json,text/plain","user-agent":"curl/7.88.1"},' +
      '"body":"","truncated":false},' +
      '"response":{"headers":{":status":"200","content-type":"application/json","content-length":"8"},' +
      '"body":"eyJhIjoxfQo=","truncated":false,"status_code":200},' +
      `"resource":${RESOURCE},` +
      '"duration_ns":1500000,"request_time_ns":1752000000123456789,' +
      '"trace_id":"0af76519-16cd-43dd-8448-eb211c80319c","span_id":"00000000-0000-0000-b7ad-6b7169203331",' +
      '"span_kind":"SERVER","local_net":{"ip":"10.0.0.5","port":8080},"remote_net":{"ip":"192.0.2.7","port":40000},' +
      '"path":"/items","method":"GET","client_ip":"192.0.2.7"}',
  );
});

it('encodes a client’s exchange without a response byte for byte', () => {
  const trace = sampleTrace({
    kind: 'client',
    client: { address: '203.0.113.9', port: null, source: 'x-forwarded-for' },
    response: null,
    request: {
      method: 'POST',
      target: '/a"b',
      path: '/a"b',
      query: '',
      headers: [['X-Forwarded-For', '203.0.113.9, 10.1.1.1']],
      body: traceBody(Buffer.from([0, 255]), { truncated: true }),
    },
  });
  expect(encoder.encode(trace).toString()).toBe(
    '{"http_scheme":"http",' +
      '"request":{"headers":{":method":"POST",":path":"/a\\"b",":authority":"api.example:8080",":scheme":"http",' +
      '"x-forwarded-for":"203.0.113.9, 10.1.1.1"},"body":"AP8=","truncated":true},' +
      '"response":{"headers":{},"body":"","truncated":false,"status_code":0},' +
      `"resource":${RESOURCE},` +
      '"duration_ns":1500000,"request_time_ns":1752000000123456789,' +
      '"trace_id":"0af76519-16cd-43dd-8448-eb211c80319c","span_id":"00000000-0000-0000-b7ad-6b7169203331",' +
      '"span_kind":"CLIENT","local_net":{"ip":"192.0.2.7","port":40000},"remote_net":{"ip":"10.0.0.5","port":8080},' +
      '"path":"/a\\"b","method":"POST","client_ip":"203.0.113.9"}',
  );
});

it.each([
  [98_301, 131_068, false],
  [98_302, 131_068, true],
])('a body of %i bytes is %i characters of base64, truncated %s', (bytes, characters, truncated) => {
  const entry = JSON.parse(
    encoder.encode(sampleTrace({ response: { body: traceBody(Buffer.alloc(bytes)) } })).toString(),
  );
  expect(entry.response.body.length).toBe(characters);
  expect(entry.response.truncated).toBe(truncated);
});

it('lets no header pass for a pseudo-header', () => {
  const entry = JSON.parse(
    encoder
      .encode(
        sampleTrace({
          request: {
            headers: [
              [':path', '/forged'],
              ['__proto__', 'x'],
            ],
          },
        }),
      )
      .toString(),
  );
  expect(entry.request.headers[':path']).toBe('/items?limit=2');
  expect(Object.keys(entry.request.headers)).toContain('__proto__');
});
