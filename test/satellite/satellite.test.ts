import { gzipSync } from 'node:zlib';
import { afterEach, expect, it } from 'vitest';
import { type Satellite, type SatelliteSettings, startSatellite } from '../../src/satellite/satellite.js';
import { formatSatelliteTrace, type SatelliteTrace } from '../../src/satellite/satellite-trace.js';

let satellite: Satellite | undefined;
afterEach(() => satellite?.close());

async function start(options: Partial<SatelliteSettings> = {}): Promise<Satellite> {
  satellite = await startSatellite({ host: '127.0.0.1', port: 0, traces_max: 10, ...options });
  return satellite;
}

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const int = (key: string, intValue: number | string) => ({ key, value: { intValue } });

function request(spans: unknown[]) {
  return {
    resourceSpans: [
      {
        resource: {
          attributes: [
            text('service.name', 'shop'),
            text('levo.env', 'staging'),
            text('levo.organization.id', 'org-1'),
          ],
        },
        scopeSpans: [{ scope: { name: 'pcap-sensor' }, spans }],
      },
    ],
  };
}

const span = (traceId = '0af7651916cd43dd8448eb211c80319c', path = '/items') => ({
  traceId,
  spanId: 'b7ad6b7169203331',
  name: 'GET',
  kind: 2,
  startTimeUnixNano: '1752000000123456789',
  endTimeUnixNano: '1752000000124956789',
  attributes: [
    text('http.request.method', 'GET'),
    text('url.path', path),
    text('url.query', 'a=1'),
    text('server.address', 'api.example'),
    int('server.port', '8080'),
    int('http.response.status_code', 200),
    int('http.request.body.size', 0),
    int('http.response.body.size', 8),
  ],
});

function post(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, { method: 'POST', body, headers: { 'Content-Type': 'application/json', ...headers } });
}

it('takes OTLP, plain and gzip, reports each trace and serves what it holds', async () => {
  const reported: SatelliteTrace[] = [];
  const { url } = await start({ onTrace: (trace) => reported.push(trace) });
  const plain = await post(`${url}/v1/traces`, JSON.stringify(request([span()])));
  expect([plain.status, plain.headers.get('content-type'), await plain.text()]).toEqual([
    200,
    'application/json',
    '{}',
  ]);
  const packed = gzipSync(JSON.stringify(request([span('1'.repeat(32)), span('2'.repeat(32))])));
  expect((await post(`${url}/v1/traces`, packed, { 'Content-Encoding': 'gzip' })).status).toBe(200);

  expect(reported.map(formatSatelliteTrace)).toEqual([
    '200 GET api.example:8080/items?a=1 1.5ms 0B>8B 0af7651916cd43dd8448eb211c80319c [staging org-1 shop]',
    `200 GET api.example:8080/items?a=1 1.5ms 0B>8B ${'1'.repeat(32)} [staging org-1 shop]`,
    `200 GET api.example:8080/items?a=1 1.5ms 0B>8B ${'2'.repeat(32)} [staging org-1 shop]`,
  ]);
  const held = (await (await fetch(`${url}/traces`)).json()) as SatelliteTrace[];
  expect(held.map((trace) => trace.traceId)).toEqual(reported.map((trace) => trace.traceId));
  expect(held[0]?.span).toEqual(span());
  expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok', received: 3 });
});

it('keeps the newest', async () => {
  const { url } = await start({ traces_max: 2 });
  await post(`${url}/v1/traces`, JSON.stringify(request(['/1', '/2', '/3'].map((path) => span(undefined, path)))));
  expect(satellite?.traces.map((trace) => trace.target)).toEqual(['/2?a=1', '/3?a=1']);
  expect(satellite?.received).toBe(3);
});

it('answers a partial success for spans that are not spans', async () => {
  const { url } = await start();
  const bad = [{ ...span(), traceId: '0'.repeat(32) }, { ...span(), endTimeUnixNano: 1.5 }, 7];
  const response = await post(`${url}/v1/traces`, JSON.stringify(request([span(), ...bad])));
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({
    partialSuccess: { rejectedSpans: '3', errorMessage: `traceId "${'0'.repeat(32)}"` },
  });
  expect(satellite?.received).toBe(1);
});

it('takes the levo protocol', async () => {
  const reported: SatelliteTrace[] = [];
  const { url } = await start({ onTrace: (trace) => reported.push(trace) });
  const entry = {
    http_scheme: 'http',
    request: {
      headers: { ':method': 'POST', ':path': '/a?b=1', ':authority': 'h:1', ':scheme': 'http' },
      body: 'YWJj',
      truncated: false,
    },
    response: { headers: { ':status': '500' }, body: '', truncated: false, status_code: 500 },
    resource: { service_name: 'shop', levo_env: 'prod' },
    duration_ns: 2_000_000_000,
    trace_id: '0af76519-16cd-43dd-8448-eb211c80319c',
  };
  const response = await post(`${url}/1.0/ebpf/traces`, JSON.stringify([entry]));
  expect(response.status).toBe(200);
  expect(reported.map(formatSatelliteTrace)).toEqual([
    '500 POST h:1/a?b=1 2.00s 3B>0B 0af76519-16cd-43dd-8448-eb211c80319c [prod shop]',
  ]);
});

it('shows nothing of a trace that would steer a terminal', async () => {
  const entry = { method: 'GET', request: { headers: { ':path': '/\u001b[2J\r\n\u202e', ':authority': 'h' } } };
  const reported: SatelliteTrace[] = [];
  const { url } = await start({ onTrace: (trace) => reported.push(trace) });
  expect((await post(`${url}/1.0/ebpf/traces`, JSON.stringify([entry]))).status).toBe(200);
  expect(formatSatelliteTrace(reported[0] as SatelliteTrace)).toContain('GET h/\\u{1b}[2J\\u{d}\\u{a}\\u{202e} ');
});

it.each([
  [
    'protobuf',
    'x',
    { 'Content-Type': 'application/x-protobuf' },
    415,
    /application\/x-protobuf is not application\/json/,
  ],
  ['another coding', '{}', { 'Content-Encoding': 'br' }, 400, /br is not gzip/],
  ['false gzip', '{}', { 'Content-Encoding': 'gzip' }, 400, /not gzip/],
  ['broken JSON', '{"resourceSpans":', {}, 400, /not JSON/],
  ['another value', '[]', {}, 400, /not an ExportTraceServiceRequest/],
  ['too much', 'x'.repeat(2000), {}, 413, /too large/],
  ['a bomb', gzipSync('x'.repeat(100_000)), { 'Content-Encoding': 'gzip' }, 413, /too large/],
])('refuses %s', async (_what, body, headers, code, message) => {
  const { url } = await start({ request_bytes_max: 1000 });
  const response = await post(`${url}/v1/traces`, body, headers as Record<string, string>);
  expect(response.status).toBe(code);
  expect(((await response.json()) as { message: string }).message).toMatch(message);
  expect(satellite?.received).toBe(0);
});

it('answers 405 and 404', async () => {
  const { url } = await start();
  expect((await fetch(`${url}/v1/traces`)).status).toBe(405);
  expect((await fetch(`${url}/v1/metrics`)).status).toBe(404);
});

it('says that the port is taken', async () => {
  const { port } = await start();
  await expect(startSatellite({ host: '127.0.0.1', port, traces_max: 1 })).rejects.toThrow(
    `cannot listen on 127.0.0.1 port ${port}: another process listens there`,
  );
});
