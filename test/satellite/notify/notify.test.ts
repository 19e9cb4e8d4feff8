/** Who is told of what is new, on a receiver of its own: once, signed, again where that helps, without what was sent. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Delivery } from '../../../src/satellite/notify/delivery.js';
import type { NotifyEvent } from '../../../src/satellite/notify/event.js';
import type { NotifyForm } from '../../../src/satellite/notify/message.js';
import { type Satellite, startSatellite } from '../../../src/satellite/satellite.js';
import { sendSpans, spanOf } from '../../support/spans.js';

const directory = mkdtempSync(join(tmpdir(), 'notify-'));
afterAll(() => rmSync(directory, { recursive: true }));

interface Told {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: any;
}

let server: Server;
let url: string;
let told: Told[];
let answers: { status: number; headers?: Record<string, string> }[];
beforeEach(async () => {
  told = [];
  answers = [];
  server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    told.push({ headers: request.headers, text, json: JSON.parse(text) });
    const { status, headers = {} } = answers.shift() ?? { status: 204 };
    response.writeHead(status, headers).end();
    server.emit('told');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
});

let satellite: Satellite | undefined;
afterEach(async () => {
  await satellite?.close();
  satellite = undefined;
  server.closeAllConnections();
  server.close();
});

async function toldOf(count: number): Promise<Told[]> {
  while (told.length < count) await once(server, 'told');
  return told;
}

async function start(
  given: { data?: string; form?: NotifyForm; secret?: string; silence_millis?: number; spec?: string } = {},
) {
  const { data = null, form = 'json', secret = null, silence_millis = 1e9, spec = null } = given;
  satellite = await startSatellite({
    host: '127.0.0.1',
    port: 0,
    traces_max: 10,
    store: { directory: data, retention: { millis: 1e12, bytes: 1e12 } },
    notify: { url, form, secret, silence_millis },
    spec,
  });
  return satellite;
}

const endpoints = (of: Told): string[] => of.json.events.map((event: any) => `${event.method} ${event.template}`);

describe('a new endpoint', () => {
  it('is told once, signed, with nothing of what was sent', async () => {
    const { url: to } = await start({ secret: 'correct-horse' });
    await sendSpans(to, [
      spanOf({ path: '/orders/17', method: 'POST', sent: '{"card":"4111"}', answered: '{"secret":"tuna"}' }),
      spanOf({ path: '/wp-login.php', status: 404 }),
      spanOf({ path: '/never', status: null }),
    ]);
    const [first] = (await toldOf(1)) as [Told];
    expect(endpoints(first)).toEqual(['POST /orders/{orderId}']);
    expect(first.json).toMatchObject({
      satellite: to,
      lost: 0,
      events: [{ kind: 'new-endpoint', service: 'shop', host: 'shop.example', anonymous: 1, calls: 1 }],
    });
    expect(first.json.events[0].text).toBe(
      'New endpoint of shop: POST shop.example/orders/{orderId}, called without credentials',
    );
    expect(first.text).not.toMatch(/4111|tuna/);
    const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = first.headers;
    const right = createHmac('sha256', 'correct-horse').update(`${id}.${at}.${first.text}`).digest('base64');
    expect(signature).toBe(`v1,${right}`);
    await sendSpans(to, [spanOf({ path: '/orders/18', method: 'POST' }), spanOf({ path: '/carts' })]);
    const [, second] = (await toldOf(2)) as [Told, Told];
    expect(endpoints(second)).toEqual(['GET /carts']);
  });

  it('is not told again after a restart, nor what was there before anybody was told', async () => {
    const data = join(directory, 'kept');
    const silent = await startSatellite({
      host: '127.0.0.1',
      port: 0,
      traces_max: 10,
      store: { directory: data, retention: { millis: 1e12, bytes: 1e12 } },
    });
    await sendSpans(silent.url, [spanOf({ path: '/old' })]);
    await silent.close();
    await sendSpans((await start({ data })).url, [spanOf({ path: '/carts/items' })]);
    expect(endpoints((await toldOf(1))[0] as Told)).toEqual(['GET /carts/items']);
    await satellite?.close();
    await sendSpans((await start({ data })).url, [
      spanOf({ path: '/carts/items' }),
      spanOf({ path: '/me/settings/theme' }),
    ]);
    expect(endpoints((await toldOf(2))[1] as Told)).toEqual(['GET /me/settings/theme']);
  });

  it('is told to Slack as text in which nothing is a mention', async () => {
    const { url: to } = await start({ form: 'slack' });
    await sendSpans(to, [spanOf({ path: '/<!channel>' })]);
    const [first] = (await toldOf(1)) as [Told];
    expect(Object.keys(first.json)).toEqual(['text']);
    expect(first.json.text).toMatch(/^• New endpoint of shop: GET shop\.example\//);
    expect(first.json.text).not.toContain('<');
  });
});

describe('drift from a document that is given', () => {
  const spec = JSON.stringify({
    openapi: '3.1.0',
    info: { title: 'Shop', version: '1' },
    paths: {
      '/orders': {
        get: {
          responses: {
            200: {
              description: '',
              content: { 'application/json': { schema: { type: 'object', properties: { id: { type: 'integer' } } } } },
            },
          },
        },
      },
    },
  });
  const breach = spanOf({ path: '/orders', answered: '{"id":"tuna","jane@example.com":1}' });

  it.each([
    ['in memory', null],
    ['on disk', 'watched'],
  ])('%s is found as traces come, and told once', async (_, name) => {
    const { url: to } = await start({ spec, ...(name === null ? {} : { data: join(directory, name) }) });
    await sendSpans(to, [spanOf({ path: '/orders', answered: '{"id":1}' }), breach, spanOf({ path: '/carts/7' })]);
    const drift = (): any[] => told.flatMap(({ json }) => json.events).filter(({ kind }: any) => kind === 'drift');
    while (!drift().some(({ finding }) => finding === 'other-type')) await once(server, 'told');
    expect(drift()).toContainEqual(
      expect.objectContaining({
        finding: 'other-type',
        method: 'GET',
        path: '/orders',
        count: 1,
        traces: [breach.traceId],
      }),
    );
    const endpoints = (): any[] =>
      told.flatMap(({ json }) => json.events).filter(({ kind }) => kind === 'new-endpoint');
    while (endpoints().length < 2) await once(server, 'told');
    // The inventory and the document both have it for new.
    expect(drift().filter(({ finding }) => finding === 'new-endpoint')).toEqual([]);
    expect(endpoints().map(({ template, documented }) => [template, documented])).toEqual([
      ['/carts/{cartId}', false],
      ['/orders', true],
    ]);
    expect(endpoints()[0].text).toMatch(/, not in the document$/);
    expect(told.map(({ text }) => text).join()).not.toMatch(/tuna|jane/);
    const { title, traces, findings } = (await (await fetch(`${to}/api/drift`)).json()) as any;
    expect([title, traces]).toEqual(['Shop', 3]);
    expect(findings.map(({ kind }: any) => kind)).toContain('other-type');
  });

  it('is no document: the satellite does not start', async () => {
    await expect(start({ spec: '{}' })).rejects.toThrow('this is no OpenAPI 3 document with paths');
  });
});

describe('a sensor', () => {
  it('that sends nothing for the time given is told to be silent, once', async () => {
    const { url: to } = await start({ silence_millis: 1000 });
    await sendSpans(to, [spanOf({ path: '/a' })]);
    const events = (): any[] => told.flatMap(({ json }) => json.events);
    while (!events().some(({ kind }) => kind === 'silent-sensor')) await once(server, 'told');
    expect(events().filter(({ kind }) => kind === 'silent-sensor')).toEqual([
      expect.objectContaining({ service: 'shop', environment: 'staging', host: 'host-1', instance: 'instance-1' }),
    ]);
  });
});

describe('delivery', () => {
  const event = (template: string): NotifyEvent => ({
    kind: 'new-endpoint',
    at: '2026-01-01T00:00:00.000Z',
    service: 'shop',
    host: 'shop.example',
    method: 'GET',
    template,
    graphql: null,
    anonymous: 0,
    calls: 1,
    documented: null,
  });

  /** Resolves when so many events are settled. */
  function deliver(to = url) {
    const notices: string[] = [];
    const settled: NotifyEvent[] = [];
    let onSettled = (): void => {};
    const delivery = new Delivery({
      url: to,
      form: 'json',
      secret: null,
      retryMillis: 1,
      onNotice: (notice) => notices.push(notice),
      onSettled: (events) => {
        settled.push(...events);
        onSettled();
      },
    });
    const settle = (count: number): Promise<void> =>
      new Promise((resolve) => {
        onSettled = () => {
          if (settled.length >= count) resolve();
        };
        onSettled();
      });
    return { delivery, notices, settled, settle };
  }

  it('goes on after 503, 429 and a connection that breaks, with the same id', async () => {
    answers = [{ status: 503 }, { status: 429, headers: { 'Retry-After': '0' } }];
    const { delivery, notices, settle } = deliver();
    delivery.add([event('/a')]);
    await settle(1);
    expect(told).toHaveLength(3);
    expect(new Set(told.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(notices).toEqual([expect.stringMatching(/^--notify http:\/\/127\.0\.0\.1:\d+ answered 503; it is tried/)]);
    await delivery.close();
  });

  it('gives up what is refused, says so without the path, and counts it in the next', async () => {
    answers = [{ status: 302, headers: { Location: 'http://127.0.0.1:1/' } }];
    const { delivery, notices, settle } = deliver();
    delivery.add([event('/a')]);
    await settle(1);
    expect(notices).toEqual([expect.stringContaining('it answered 302; check the URL')]);
    expect(notices.join()).not.toContain('/hook');
    delivery.add([event('/b')]);
    await settle(2);
    expect(told.map(({ json }) => json.lost)).toEqual([0, 1]);
    await delivery.close();
  });

  it('keeps the newest of more than there is room for, and says how many are lost', async () => {
    const { delivery, settle } = deliver();
    delivery.add(Array.from({ length: 1200 }, (_, i) => event(`/${i}`)));
    await settle(1200);
    expect(told[0]?.json.lost).toBe(200);
    expect(told.flatMap(({ json }) => json.events)).toHaveLength(1000);
    expect(told[0]?.json.events[0].template).toBe('/200');
    await delivery.close();
  });

  it('ends at once while nobody answers', async () => {
    const { delivery, settled } = deliver('http://127.0.0.1:1/');
    delivery.add([event('/a')]);
    await delivery.close();
    expect(settled).toEqual([]);
  });
});
