import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { formatSatelliteTrace, type SatelliteTrace } from '../../src/satellite/receive/satellite-trace.js';
import { type Satellite, type SatelliteSettings, startSatellite } from '../../src/satellite/satellite.js';

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
    'another type',
    'x',
    { 'Content-Type': 'text/plain' },
    415,
    /text\/plain is not application\/json or application\/x-protobuf/,
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

/** Asks as a client that says it wants `host`. */
function askAs(url: string, host: string, method = 'GET', body = ''): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { Host: host, 'Content-Type': 'application/json' };
    const asked = httpRequest(url, { method, headers }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

it('lets nobody read by a name it does not go by, and anybody send', async () => {
  const { url } = await start({ publicHosts: ['satellite.internal'] });
  for (const path of ['/traces', '/healthz', '/', '/v1/traces']) {
    const { status, text } = await askAs(`${url}${path}`, 'attacker.example:9999');
    expect([path, status]).toEqual([path, 421]);
    expect((JSON.parse(text) as { message: string }).message).toContain('--public-host NAME');
  }
  expect((await askAs(`${url}/traces`, 'satellite.internal:9999')).status).toBe(200);
  const sent = await askAs(`${url}/v1/traces`, 'any.example', 'POST', JSON.stringify(request([span()])));
  expect(sent).toEqual({ status: 200, text: '{}' });
  expect(satellite?.received).toBe(1);
});

describe('beyond loopback', () => {
  it('is read with the token alone, and sent to without', async () => {
    const { port } = await start({ host: '0.0.0.0', readToken: 'correct-horse' });
    const url = `http://127.0.0.1:${port}`;
    expect((await post(`${url}/v1/traces`, JSON.stringify(request([span()])))).status).toBe(200);
    for (const authorization of [
      null,
      'Bearer',
      'Bearer wrong-horse',
      'Bearer correct-horse1',
      'Basic correct-horse',
    ]) {
      const headers = authorization === null ? {} : { Authorization: authorization };
      const response = await fetch(`${url}/traces`, { headers });
      expect([authorization, response.status]).toEqual([authorization, 401]);
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer /);
      expect(await response.text()).not.toContain(span().traceId);
    }
    const read = await fetch(`${url}/traces`, { headers: { Authorization: 'bearer correct-horse' } });
    expect(((await read.json()) as unknown[]).length).toBe(1);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('is not read without a token at all', async () => {
    const { port } = await start({ host: '0.0.0.0' });
    const response = await fetch(`http://127.0.0.1:${port}/traces`, { headers: { Authorization: 'Bearer x' } });
    expect(response.status).toBe(401);
    expect(((await response.json()) as { message: string }).message).toContain('--read-token');
  });
});

it('takes the token on loopback too where one is given', async () => {
  const { url } = await start({ readToken: 't' });
  expect((await fetch(`${url}/traces`)).status).toBe(401);
  expect((await fetch(`${url}/traces`, { headers: { Authorization: 'Bearer t' } })).status).toBe(200);
});

const NESTED = 200_000;
const nested = (open: string, close: string, inside = '') => open.repeat(NESTED) + inside + close.repeat(NESTED);

it.each([
  ['a member of a span', nested('[', ']'), (deep: string) => spanText({ x: deep })],
  ['objects', nested('{"a":', '}', '1'), (deep: string) => spanText({ x: deep })],
  ['an id', nested('[', ']'), (deep: string) => spanText({ traceId: deep })],
  ['a time', nested('[', ']'), (deep: string) => spanText({ endTimeUnixNano: deep })],
  [
    'an attribute',
    nested('{"kvlistValue":{"values":[{"value":', '}]}}'),
    (deep: string) => spanText({ attributes: `[{"key":"k","value":${deep}}]` }),
  ],
  [
    'a number of an attribute',
    nested('[', ']'),
    (deep: string) => spanText({ attributes: `[{"key":"http.request.body.size","value":{"intValue":${deep}}}]` }),
  ],
  [
    'a status of an attribute',
    nested('[', ']'),
    (deep: string) => spanText({ attributes: `[{"key":"http.response.status_code","value":{"doubleValue":${deep}}}]` }),
  ],
])('answers nesting in %s, and is read afterwards', async (_what, deep, make) => {
  const { url } = await start();
  const sent = await post(`${url}/v1/traces`, make(deep));
  expect([200, 400]).toContain(sent.status);
  const read = await fetch(`${url}/traces`);
  expect(read.status).toBe(200);
  const held = JSON.parse(await read.text()) as unknown[];
  expect(held.length).toBe(satellite?.received);
});

/** A request with one span, some of whose members are given as JSON text. */
function spanText(members: Record<string, string>): string {
  const given = Object.entries(members).map(([name, text]) => `${JSON.stringify(name)}:${text}`);
  const rest = Object.entries(span()).flatMap(([name, value]) =>
    name in members ? [] : [`${JSON.stringify(name)}:${JSON.stringify(value)}`],
  );
  return `{"resourceSpans":[{"scopeSpans":[{"spans":[{${[...rest, ...given].join(',')}}]}]}]}`;
}

it('answers nesting in the other protocol', async () => {
  const { url } = await start();
  const deep = nested('[', ']');
  const entry = `[{"request":{"headers":{":path":${deep}}},"duration_ns":${deep},"trace_id":${deep},"x":${deep}}]`;
  expect((await post(`${url}/1.0/ebpf/traces`, entry)).status).toBe(200);
  expect(JSON.parse(await (await fetch(`${url}/traces`)).text())).toMatchObject([{ traceId: '', durationNano: 0 }]);
});

it('refuses what a parser would make too much of', async () => {
  const { url } = await start();
  const response = await post(`${url}/v1/traces`, `{"a":[${'[],'.repeat(3e6)}1]}`);
  expect([response.status, ((await response.json()) as { message: string }).message]).toEqual([
    413,
    'too large: too many values',
  ]);
});

it('holds by bytes, shared resources counted with each', async () => {
  const { url } = await start({ traces_max: 1000, trace_bytes_max: 100_000 });
  const large = (path: string) => ({ ...span(undefined, path), x: 'x'.repeat(30_000) });
  for (const path of ['/1', '/2', '/3', '/4']) {
    expect((await post(`${url}/v1/traces`, JSON.stringify(request([large(path)])))).status).toBe(200);
  }
  expect(satellite?.traces.map((trace) => trace.target)).toEqual(['/2?a=1', '/3?a=1', '/4?a=1']);

  const body = request(Array.from({ length: 50 }, (_, i) => span(undefined, `/${i}`)));
  body.resourceSpans[0]?.resource.attributes.push(text('large', 'y'.repeat(20_000)));
  expect((await post(`${url}/v1/traces`, JSON.stringify(body))).status).toBe(200);
  expect(satellite?.traces.map((trace) => trace.target)).toEqual(['/46?a=1', '/47?a=1', '/48?a=1', '/49?a=1']);

  // One that is larger than all there is room for costs none of those held.
  expect(
    (await post(`${url}/v1/traces`, JSON.stringify(request([{ ...span(), x: 'x'.repeat(200_000) }])))).status,
  ).toBe(200);
  expect(satellite?.traces.length).toBe(4);
  expect(satellite?.received).toBe(55);
});

it('takes many bodies at once, each unpacked at its turn, and says busy to those that are too many', async () => {
  const { url } = await start({ request_bytes_max: 400_000, bodies_bytes_max: 1_000_000 });
  const body = gzipSync(JSON.stringify(request([{ ...span(), x: 'x'.repeat(300_000) }])));
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => post(`${url}/v1/traces`, body, { 'Content-Encoding': 'gzip' })),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));

  // Bodies under way hold what all of them may hold together.
  const part = Buffer.alloc(300_000, ' ');
  const head = `POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: ${part.length + 1}\r\n\r\n`;
  const held = Array.from({ length: 3 }, () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write(Buffer.concat([Buffer.from(head), part]));
    return socket;
  });
  const large = `{"x":"${'x'.repeat(300_000)}"}`;
  let busy: Response | undefined;
  await expect
    .poll(async () => {
      busy = await post(`${url}/v1/traces`, large);
      return busy.status;
    })
    .toBe(503);
  expect(busy?.headers.get('retry-after')).toBe('1');
  for (const socket of held) {
    socket.write(' ');
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 400 /);
    socket.destroy();
  }
  expect((await post(`${url}/v1/traces`, large)).status).toBe(200);
});

it('is read by others while some read slowly, and holds nothing for those', async () => {
  const { url } = await start({ traces_max: 10_000 });
  const spans = Array.from({ length: 100 }, () => ({ ...span(), x: 'x'.repeat(100_000) }));
  expect((await post(`${url}/v1/traces`, JSON.stringify(request(spans)))).status).toBe(200);
  const { port } = new URL(url);
  const slow = Array.from({ length: 6 }, () => {
    const socket = connect(Number(port), '127.0.0.1').pause();
    socket.on('error', () => {});
    socket.write('GET /traces HTTP/1.1\r\nHost: localhost\r\n\r\n');
    return socket;
  });
  const read = (await (await fetch(`${url}/traces`)).json()) as unknown[];
  expect(read.length).toBe(100);
  for (const socket of slow) socket.destroy();
});
