/** The API: what it answers is what it describes, and who may ask. */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, describe, expect, it } from 'vitest';
import { type Satellite, type SatelliteSettings, startSatellite } from '../../src/satellite/satellite.js';
import { sendSpans, spanOf } from '../support/spans.js';

let satellite: Satellite | undefined;
afterEach(() => satellite?.close());

async function start(settings: Partial<SatelliteSettings> = {}): Promise<string> {
  satellite = await startSatellite({
    host: '127.0.0.1',
    port: 0,
    traces_max: 10,
    store: { directory: null, retention: { millis: 1e12, bytes: 1e12 } },
    ...settings,
  });
  return satellite.url.replace('0.0.0.0', '127.0.0.1');
}

const get = async (url: string, headers: Record<string, string> = {}) => {
  const response = await fetch(url, { headers });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) };
};

const PCAP = Buffer.from('4d3cb2a1020004000000000000000000000004000100000000000000', 'hex');

const sendPackets = (url: string, { traceId, spanId }: { traceId: string; spanId: string }, given: RequestInit = {}) =>
  fetch(`${url}/1.0/packets/${traceId}/${spanId}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/vnd.tcpdump.pcap' },
    body: PCAP,
    ...given,
  });

const SOME = [
  spanOf({ path: '/1', answered: '{"a":1}', marks: ['gap'] }),
  spanOf({ path: '/2', status: 500 }),
  spanOf({ path: '/3', status: null }),
];

describe('its description', () => {
  it('is of every answer that it gives', async () => {
    const url = await start();
    await sendSpans(url, SOME);
    await sendPackets(url, SOME[0]!);
    const description = (await get(`${url}/api/openapi.json`)).json();
    expect(description.openapi).toBe('3.1.0');
    const ajv = new Ajv2020({ strict: false });
    ajv.addSchema({ $id: 'api', components: description.components });
    let checked = 0;
    for (const [path, operations] of Object.entries<Record<string, any>>(description.paths)) {
      const operation = operations.get;
      if (operation === undefined || path === '/api/tail') continue;
      const { status, text, headers } = await get(url + path.replace('{seq}', '1'));
      expect([path, status]).toEqual([path, 200]);
      const [[type, { schema }]] = Object.entries<any>(operation.responses['200'].content) as any;
      expect(headers.get('content-type')).toBe(type);
      if (type !== 'application/json') continue;
      const validate = ajv.compile({ $ref: `api${schema.$ref}` });
      expect([path, validate(JSON.parse(text)), validate.errors]).toEqual([path, true, null]);
      checked++;
    }
    expect(checked).toBeGreaterThan(6);
  });

  it('names each operation once, and each schema that it refers to', async () => {
    const url = await start();
    const text = (await get(`${url}/api/openapi.json`)).text;
    const ids = [...text.matchAll(/"operationId":"([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const { schemas } = JSON.parse(text).components;
    for (const [, name] of text.matchAll(/#\/components\/schemas\/(\w+)/g))
      expect(Object.keys(schemas)).toContain(name);
  });
});

describe('packets of an exchange', () => {
  it('are offered beside its trace, as they came', async () => {
    const url = await start();
    await sendSpans(url, SOME);
    expect((await get(`${url}/api/traces/1`)).json().packets).toBe(null);
    expect((await get(`${url}/api/packets/1`)).status).toBe(404);
    expect((await sendPackets(url, SOME[0]!)).status).toBe(200);
    expect((await get(`${url}/api/traces/1`)).json().packets).toBe(PCAP.length);
    const response = await fetch(`${url}/api/packets/1`);
    expect(Buffer.from(await response.arrayBuffer()).equals(PCAP)).toBe(true);
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename="${SOME[0]!.traceId}.pcap"`);
    expect((await get(`${url}/api/traces/2`)).json().packets).toBe(null);
  });

  it('are kept as the newest of so many bytes, and none where none are wanted', async () => {
    const url = await start({ packet_bytes_max: 2 * PCAP.length });
    await sendSpans(url, SOME);
    for (const span of [...SOME, SOME[1]!]) expect((await sendPackets(url, span)).status).toBe(200);
    const kept = await Promise.all(
      [1, 2, 3].map(async (seq) => (await get(`${url}/api/traces/${seq}`)).json().packets),
    );
    expect(kept).toEqual([null, PCAP.length, PCAP.length]);
    const large = Buffer.concat([PCAP, Buffer.alloc(2 * PCAP.length)]);
    expect((await sendPackets(url, SOME[0]!, { body: large })).status).toBe(413);
    await satellite?.close();
    const refuses = await sendPackets(await start({ packet_bytes_max: 0 }), SOME[0]!);
    expect([refuses.status, await refuses.text()]).toEqual([403, expect.stringContaining('--packets-max-bytes')]);
  });

  it('are taken from who may send, read by who may read, and are a capture file', async () => {
    const url = await start({ host: '0.0.0.0', readToken: 'read', ingestToken: 'send' });
    const authorization = { Authorization: 'Bearer send', 'Content-Type': 'application/vnd.tcpdump.pcap' };
    const send = (body: Buffer, headers: Record<string, string>) => sendPackets(url, SOME[0]!, { body, headers });
    expect((await send(PCAP, {})).status).toBe(401);
    expect((await send(PCAP, { ...authorization, 'Content-Type': 'text/plain' })).status).toBe(415);
    expect((await send(Buffer.from('hello'), authorization)).status).toBe(400);
    expect((await send(PCAP, authorization)).status).toBe(200);
    expect((await get(`${url}/api/packets/1`)).status).toBe(401);
    expect((await get(`${url}/api/packets/1`, { Authorization: 'Bearer send' })).status).toBe(401);
    expect((await fetch(`${url}/1.0/packets/${'0'.repeat(32)}/x`, { method: 'POST' })).status).toBe(404);
  });
});

describe('what is asked wrongly', () => {
  it.each([
    ['/api/traces?filter=stauts:5', 400, 'filter: "stauts" is no field; did you mean status?'],
    ['/api/traces?limit=0', 400, 'limit="0" is no number from 1 to 1000'],
    ['/api/traces?limit=many', 400, 'limit="many" is no number from 1 to 1000'],
    ['/api/traces?before=1&after=2', 400, 'give one of them'],
    ['/api/traces?offset=3', 400, 'has no parameter "offset"; it has filter, before, after, limit'],
    ['/api/traces/12345', 404, 'trace 12345 is not here'],
    ['/api/nothing', 404, '/api/openapi.json describes what there is'],
    ['/api/tail?filter=(', 400, 'filter: '],
    ['/api/export.har?filter=(', 400, 'filter: '],
  ])('%s', async (path, status, says) => {
    const url = await start();
    const answer = await get(url + path);
    expect([answer.status, answer.json().message]).toEqual([status, expect.stringContaining(says)]);
  });

  it('answers 405 to what would change something', async () => {
    const url = await start();
    expect((await fetch(`${url}/api/traces`, { method: 'DELETE' })).status).toBe(405);
  });
});

describe('what it gives', () => {
  it('is pages, files and what came', async () => {
    const url = await start();
    await sendSpans(url, SOME);
    const page = (await get(`${url}/api/traces?filter=status%3E%3D500+OR+status:none&limit=1`)).json();
    expect(page.rows.map(({ path }: { path: string }) => path)).toEqual(['/3']);
    expect((await get(`${url}/api/traces?filter=status%3E%3D500&before=${page.next}`)).json().rows[0].path).toBe('/2');
    const ndjson = await get(`${url}/api/export.ndjson?filter=status:200`);
    expect(ndjson.headers.get('content-disposition')).toBe('attachment; filename="traces.ndjson"');
    expect(JSON.parse(ndjson.text).request.path).toBe('/1');
    const har = (await get(`${url}/api/export.har`)).json();
    expect(har.log.entries.map((entry: any) => entry.request.url)).toEqual(
      [3, 2, 1].map((i) => `http://shop.example/${i}`),
    );
    const traces = (await get(`${url}/traces`)).json();
    expect(traces.map(({ target, span }: any) => [target, span.spanId])).toEqual(
      SOME.map(({ spanId }, i) => [`/${i + 1}`, spanId]),
    );
    for (const path of ['/api/traces', '/traces', '/api/nothing']) {
      const { headers } = await get(url + path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it('is the tail, by a filter, from where a reader was', async () => {
    const url = await start();
    await sendSpans(url, SOME);
    const abort = new AbortController();
    const response = await fetch(`${url}/api/tail?filter=path:^/wanted`, {
      signal: abort.signal,
      headers: { 'Last-Event-ID': '2' },
    });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    await sendSpans(url, [spanOf({ path: '/other' }), spanOf({ path: '/wanted/1' })]);
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body as any) {
      text += decoder.decode(chunk);
      if (text.includes('/wanted/1')) break;
    }
    abort.abort();
    expect(/id: (\d+)\ndata: (.*)\n\n/.exec(text)?.slice(1)).toEqual([
      '5',
      expect.stringContaining('"path":"/wanted/1"'),
    ]);
    expect(text).not.toContain('/other');
  });
});

/** An `ExportTraceServiceRequest` with one span in protobuf, written by its field numbers. */
function protobufRequest(traceId: string): Uint8Array<ArrayBuffer> {
  const keyValue = (writer: BinaryWriter, field: number, key: string, value: string) => {
    writer.tag(field, 2).fork().tag(1, 2).string(key);
    writer.tag(2, 2).fork().tag(1, 2).string(value).join();
    writer.join();
  };
  const writer = new BinaryWriter();
  writer.tag(1, 2).fork();
  writer.tag(1, 2).fork();
  keyValue(writer, 1, 'service.name', 'proto-shop');
  writer.join();
  writer.tag(2, 2).fork();
  writer.tag(2, 2).fork();
  writer.tag(1, 2).bytes(Buffer.from(traceId, 'hex')).tag(2, 2).bytes(Buffer.alloc(8, 7));
  writer.tag(6, 0).int32(2).tag(7, 1).fixed64(1_752_000_000_123_456_789n).tag(8, 1).fixed64(1_752_000_000_124_456_789n);
  keyValue(writer, 9, 'http.request.method', 'PUT');
  keyValue(writer, 9, 'url.path', '/proto');
  writer
    .tag(9, 2)
    .fork()
    .tag(1, 2)
    .string('http.response.status_code')
    .tag(2, 2)
    .fork()
    .tag(3, 0)
    .int64(204)
    .join()
    .join();
  writer.tag(11, 2).fork().tag(1, 1).fixed64(1_752_000_000_123_456_999n).tag(2, 2).string('pcap.message');
  keyValue(writer, 3, 'pcap.message.direction', 'response');
  keyValue(writer, 3, 'pcap.message.kind', 'text');
  keyValue(writer, 3, 'pcap.message.content', 'hello');
  writer.join();
  // A field of the future.
  writer.tag(99, 2).string('unknown');
  writer.join().join().join();
  return writer.finish();
}

describe('OTLP in protobuf', () => {
  const post = (url: string, body: Uint8Array<ArrayBuffer>) =>
    fetch(`${url}/v1/traces`, { method: 'POST', body, headers: { 'Content-Type': 'application/x-protobuf' } });

  it('is taken as JSON is, and answered in its form', async () => {
    const url = await start();
    const answer = await post(url, protobufRequest('ab'.repeat(16)));
    expect([answer.status, answer.headers.get('content-type'), (await answer.arrayBuffer()).byteLength]).toEqual([
      200,
      'application/x-protobuf',
      0,
    ]);
    expect((await get(`${url}/api/traces`)).json().rows).toEqual([
      expect.objectContaining({
        traceId: 'ab'.repeat(16),
        spanId: '07'.repeat(8),
        method: 'PUT',
        path: '/proto',
        status: 204,
        duration: 1_000_000,
        start: 1_752_000_000_123_456,
        service: 'proto-shop',
      }),
    ]);
    expect((await get(`${url}/api/traces/1`)).json().trace.messages).toEqual([
      expect.objectContaining({ direction: 'response', kind: 'text', content: 'hello', offsetNano: '210' }),
    ]);
  });

  it('says what it refused, and why', async () => {
    const url = await start();
    const partial = await post(url, protobufRequest('00'.repeat(16)));
    expect(partial.status).toBe(200);
    expect(Buffer.from(await partial.arrayBuffer()).toString('latin1')).toContain(`traceId "${'00'.repeat(16)}"`);
    for (const bytes of [
      [0x0a, 0xff, 0xff],
      // A message that is longer than the one it is in, and one that is longer than all of it.
      [0x0a, 0x02, 0x12, 0x02, 0x12, 0x00],
      [0x0a, 0x02, 0x12, 0x7f],
      [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f],
    ]) {
      const broken = await post(url, new Uint8Array(bytes));
      expect([bytes, broken.status]).toEqual([bytes, 400]);
      expect(Buffer.from(await broken.arrayBuffer()).toString('latin1')).toContain('not protobuf');
    }
  });

  it('may be nested however deep', async () => {
    const url = await start();
    let value = new BinaryWriter().tag(1, 2).string('deep').finish();
    for (let i = 0; i < 20_000; i++) {
      const array = new BinaryWriter().tag(1, 2).bytes(value).finish();
      value = new BinaryWriter().tag(5, 2).bytes(array).finish();
    }
    const attribute = new BinaryWriter().tag(1, 2).string('k').tag(2, 2).bytes(value).finish();
    const resource = new BinaryWriter().tag(1, 2).bytes(attribute).finish();
    const body = new BinaryWriter().tag(1, 2).fork().tag(1, 2).bytes(resource).join().finish();
    expect((await post(url, body)).status).toBe(200);
  });
});

describe('endpoints', () => {
  it('are what the traces show, with a document of them', async () => {
    const url = await start();
    await sendSpans(
      url,
      Array.from({ length: 20 }, (_, i) => spanOf({ path: `/orders/${1000 + i}`, answered: `{"id":${i}}`, millis: 5 })),
    );
    const rows = (await get(`${url}/api/endpoints`)).json();
    expect(rows).toEqual([
      expect.objectContaining({
        service: 'shop',
        host: 'shop.example',
        method: 'GET',
        template: '/orders/{orderId}',
        count: 20,
      }),
    ]);
    const document = (await get(`${url}/api/endpoints/openapi.json?service=shop`)).json();
    expect(Object.keys(document.paths)).toEqual(['/orders/{orderId}']);
    expect((await get(`${url}/api/endpoints?service=none`)).json()).toEqual([]);
  });

  it('are held against a document', async () => {
    const url = await start();
    await sendSpans(
      url,
      Array.from({ length: 30 }, (_, i) => spanOf({ path: `/orders/${1000 + i}`, answered: `{"id":${i}}` })),
    );
    const document = (await get(`${url}/api/endpoints/openapi.json`)).text;
    const drift = async (asked: unknown) => {
      const headers = { 'Content-Type': 'application/json' };
      const answer = await fetch(`${url}/api/drift`, { method: 'POST', headers, body: JSON.stringify(asked) });
      return [answer.status, (await answer.json()) as any] as const;
    };
    const [, before] = await drift({ document, filter: '' });
    expect([before.traces, before.findings.filter((one: any) => one.isDrift)]).toEqual([30, []]);
    await sendSpans(
      url,
      Array.from({ length: 30 }, (_, i) =>
        spanOf({ method: 'DELETE', path: `/orders/${i}`, answered: '{"gone":true}' }),
      ),
    );
    const [, after] = await drift({ document, filter: 'method:DELETE' });
    expect(after.findings[0]).toMatchObject({ kind: 'new-endpoint', isDrift: true, method: 'DELETE' });
    expect(await drift({ document: 'x: [', filter: '' })).toEqual([
      400,
      { message: expect.stringContaining('neither YAML nor JSON') },
    ]);
    expect(await drift({ document: '{}', filter: '' })).toEqual([
      400,
      { message: expect.stringContaining('no OpenAPI 3') },
    ]);
    // A thread that ends for want of a stack would take the process with it.
    for (const deep of [
      '['.repeat(100_000),
      '- '.repeat(20_000),
      '{a: '.repeat(20_000),
      '? '.repeat(20_000),
      '- &a '.repeat(9000),
    ])
      expect(await drift({ document: deep, filter: '' })).toEqual([
        400,
        { message: expect.stringMatching(/it is (?:nested|indented) too deep$/) },
      ]);
    const stairs = Array.from({ length: 3000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n');
    expect((await drift({ document: stairs, filter: '' }))[0]).toBe(400);
    expect((await drift({ document, filter: 'x:(' }))[0]).toBe(400);
    expect((await drift({}))[0]).toBe(400);
  });

  it('have the templates that a person says are right', async () => {
    const url = await start();
    await sendSpans(
      url,
      Array.from({ length: 20 }, (_, i) => spanOf({ path: `/orders/${1000 + i}`, answered: `{"id":${i}}` })),
    );
    const put = (body: unknown) =>
      fetch(`${url}/api/templates`, {
        method: 'PUT',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
    expect((await put({ templates: ['no path'] })).status).toBe(400);
    expect((await put({ templates: ['/orders/{number}'] })).status).toBe(200);
    expect((await get(`${url}/api/templates`)).json()).toEqual({ templates: ['/orders/{number}'] });
    expect((await get(`${url}/api/endpoints`)).json()[0].template).toBe('/orders/{number}');
  });
});

describe('who may', () => {
  it('read with a token trades it for a cookie, once', async () => {
    const url = await start({ host: '0.0.0.0', readToken: 'correct-horse' });
    expect((await get(`${url}/api/traces`)).status).toBe(401);
    expect((await get(`${url}/api/traces`, { Authorization: 'Bearer correct-horse' })).status).toBe(200);
    const trade = (token: string, type = 'application/json') =>
      fetch(`${url}/api/session`, {
        method: 'POST',
        headers: { 'Content-Type': type },
        body: JSON.stringify({ token }),
      });
    expect((await trade('wrong')).status).toBe(401);
    expect((await trade('correct-horse', 'text/plain')).status).toBe(415);
    const set = (await trade('correct-horse')).headers.get('set-cookie') ?? '';
    expect(set).toMatch(/^pcap_sensor_satellite=[\w-]{32}; HttpOnly; SameSite=Strict; Path=\/; Max-Age=43200$/);
    const cookie = set.split(';')[0] as string;
    expect((await get(`${url}/api/traces`, { Cookie: cookie })).status).toBe(200);
    await fetch(`${url}/api/session`, { method: 'DELETE', headers: { Cookie: cookie } });
    expect((await get(`${url}/api/traces`, { Cookie: cookie })).status).toBe(401);
  });

  it('send with a token, where there is one', async () => {
    const url = await start({ ingestToken: 'sender' });
    const refused = await sendSpans(url, SOME);
    expect([refused.status, await refused.text()]).toEqual([401, expect.stringContaining('--ingest-token-file')]);
    expect((await sendSpans(url, SOME, { Authorization: 'Bearer sender' })).status).toBe(200);
  });
});

describe('an attack', () => {
  const askAs = async (url: string, headers: Record<string, string>, method = 'GET') => {
    const asked = httpRequest(url, { method, headers });
    asked.end();
    const [response] = await once(asked, 'response');
    response.resume();
    return response.statusCode as number;
  };

  it('by a name that resolves to here is misdirected', async () => {
    const url = await start();
    for (const path of ['/api/traces', '/api/tail', '/api/session', '/api/openapi.json'])
      expect(await askAs(url + path, { Host: 'attacker.example' })).toBe(421);
  });

  it('by a page of another site reads nothing', async () => {
    const url = await start();
    for (const site of ['cross-site', 'same-site'])
      expect(await askAs(`${url}/api/traces`, { 'Sec-Fetch-Site': site, 'Sec-Fetch-Mode': 'cors' })).toBe(403);
    expect(await askAs(`${url}/api/traces`, { 'Sec-Fetch-Site': 'same-origin' })).toBe(200);
  });

  it('by a body of a gigabyte is cut off', async () => {
    const url = await start({ request_bytes_max: 1 << 20 });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      `POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: ${2 ** 30}\r\n\r\n`,
    );
    const chunk = Buffer.alloc(1 << 16, 32);
    let sent = 0;
    const pump = (): void => {
      while (!socket.destroyed && sent < 2 ** 30) {
        sent += chunk.length;
        if (!socket.write(chunk)) return;
      }
    };
    socket.on('drain', pump);
    pump();
    await new Promise((resolve) => socket.on('close', resolve));
    expect(sent).toBeLessThan(64 << 20);
    expect((await get(`${url}/healthz`)).status).toBe(200);
  });

  it('by a gzip bomb, or many at once, unpacks no more than one body may have', async () => {
    const url = await start();
    const bomb = gzipSync(Buffer.alloc(256 << 20));
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        fetch(`${url}/v1/traces`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' },
          body: bomb,
        }),
      ),
    );
    for (const answer of answers)
      expect([answer.status, await answer.text()]).toEqual([413, expect.stringContaining('too large')]);
  });

  it('by JSON that is nested a hundred thousand deep is kept and shown', async () => {
    const url = await start();
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const { traceId, spanId, startTimeUnixNano, endTimeUnixNano } = spanOf();
    const head = JSON.stringify({ traceId, spanId, startTimeUnixNano, endTimeUnixNano }).slice(0, -1);
    const body = `{"resourceSpans":[{"resource":{"attributes":${deep}},"scopeSpans":[{"spans":[${head},"attributes":[{"key":"url.path","value":${deep}}]}]}]}]}`;
    const headers = { 'Content-Type': 'application/json' };
    expect((await fetch(`${url}/v1/traces`, { method: 'POST', headers, body })).status).toBe(200);
    const [row] = (await get(`${url}/api/traces`)).json().rows;
    for (const path of [`/api/traces/${row.seq}`, '/traces', '/api/sensors', '/api/endpoints', '/api/export.har'])
      expect([path, (await get(url + path)).status]).toEqual([path, 200]);
  });

  it('by 500 readers of the tail that do not read costs 64', async () => {
    const url = await start();
    const sockets = Array.from({ length: 500 }, () => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1').pause();
      socket.on('error', () => {});
      socket.write('GET /api/tail HTTP/1.1\r\nHost: localhost\r\n\r\n');
      return socket;
    });
    await Promise.all(sockets.map((socket) => (socket.connecting ? once(socket, 'connect') : null)));
    const answered = 'x'.repeat(1000);
    for (let i = 0; i < 5; i++) {
      const spans = Array.from({ length: 200 }, (_, j) => spanOf({ path: `/${i}/${j}`, answered }));
      expect((await sendSpans(url, spans)).status).toBe(200);
    }
    expect((await get(`${url}/api/facts`)).json().held).toBe(1000);
    expect(satellite?.tailReaders).toBeLessThanOrEqual(64);
    for (const socket of sockets) socket.destroy();
  });
});
