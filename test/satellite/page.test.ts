/**
 * The page, in a browser that clicks through it: what it shows, by which keys, that nothing of a trace becomes markup or runs, and
 * what axe finds. `SCREENSHOTS=directory` keeps what it looks like.
 */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import * as wire from '@bufbuild/protobuf/wire';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOpampCodec } from '../../src/enrolment/opamp/codec.js';
import type { RemoteConfigStatus } from '../../src/enrolment/opamp/messages.js';
import { type Satellite, startSatellite } from '../../src/satellite/satellite.js';
import { COLOUR_RULES, openBrowser, seriousOf } from '../support/browser.js';
import { needs } from '../support/needs.js';
import { sendSpans, spanOf } from '../support/spans.js';

const { SCREENSHOTS } = process.env;
/** The document that it is started with. */
const SPEC = JSON.stringify({
  openapi: '3.1.0',
  info: { title: 'Shop', version: '1' },
  paths: { '/other': { get: { responses: {} } } },
});
const MEMORY = { directory: null, retention: { millis: 1e12, bytes: 1e12 } };
/** What nobody should see run: as markup, as an attribute, as an address, as a style. */
const SCRIPT = `"><img src=x onerror="window.ran=1"><script>window.ran=1</script><svg onload="window.ran=1">\${window.ran=1}`;

describe('the page', needs('chromium'), () => {
  let browser: Browser;
  let page: Page;
  let satellite: Satellite;
  const wrong: string[] = [];

  beforeAll(async () => {
    browser = await openBrowser();
    satellite = await startSatellite({ host: '127.0.0.1', port: 0, traces_max: 10, store: MEMORY, spec: SPEC });
    await sendSpans(satellite.url, traffic());
    page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
    page.on('pageerror', (error) => wrong.push(String(error)));
    page.on('console', (message) => {
      // An answer that a test asks for, such as one to a wrong filter, is logged by the browser itself.
      if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) wrong.push(message.text());
    });
  });
  afterAll(async () => {
    await browser?.close();
    await satellite?.close();
  });

  const open = async (path = '/'): Promise<void> => {
    await page.goto(satellite.url + path);
    await page.locator('.row[aria-rowindex="2"], .sensors').first().waitFor();
  };
  const shot = async (name: string): Promise<void> => {
    if (SCREENSHOTS === undefined) return;
    mkdirSync(SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
  };
  const paths = (): Promise<string[]> => page.locator('.row:not(.head) .path').allTextContents();

  it('lists what came, the newest first, and follows what comes', async () => {
    await open();
    expect((await paths())[0]).toContain('/detail');
    await sendSpans(satellite.url, [spanOf({ path: '/just-now' })]);
    await page.locator('.row[aria-rowindex="2"] .path', { hasText: '/just-now' }).waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await sendSpans(satellite.url, [spanOf({ path: '/while-paused' })]);
    await page.getByRole('button', { name: 'Paused' }).click();
    await page.locator('.row[aria-rowindex="2"] .path', { hasText: '/while-paused' }).waitFor();
    await shot('traces-light');
  });

  it('filters, has that in its address, and says what is wrong in words', async () => {
    await open();
    await page.keyboard.press('/');
    await page.keyboard.type('status>=500');
    await page.keyboard.press('Enter');
    await page.waitForURL(/filter=status%3E%3D500/);
    await expect
      .poll(async () => (await page.locator('.row:not(.head) .status').allTextContents()).join())
      .toMatch(/^(50\d,?)+$/);
    await page.getByRole('combobox').fill('stauts:5');
    await page.keyboard.press('Enter');
    await page.getByText('"stauts" is no field; did you mean status?').waitFor();
    await shot('filter-wrong');
    await page.goBack();
    await expect.poll(() => page.getByRole('combobox').inputValue()).toBe('status>=500');
  });

  it('completes fields and values', async () => {
    await open();
    await page.getByRole('combobox').pressSequentially('met');
    await page.getByRole('option', { name: /^method:/ }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Tab');
    expect(await page.getByRole('combobox').inputValue()).toBe('method:');
    await page.getByRole('combobox').pressSequentially('PO');
    await page.getByRole('option', { name: /^method:POST/ }).waitFor();
    await shot('completion');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await page.waitForURL(/filter=method%3APOST/);
  });

  it('is used by keys alone', async () => {
    await open();
    await page.locator('#list').focus();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.locator('.row[aria-rowindex="3"][aria-selected="true"]').waitFor();
    await page.keyboard.press('End');
    await page.locator('.row[aria-selected="true"]').waitFor();
    await page.waitForURL(/trace=1$/);
    await page.keyboard.press('Escape');
    await page.locator('.detail').waitFor({ state: 'detached' });
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await shot('keys');
    await page.keyboard.press('Escape');
  });

  it('shows a trace: its parts, its marks explained, what is redacted and cut off', async () => {
    const { rows } = (await (await fetch(`${satellite.url}/api/traces?filter=path:/detail`)).json()) as any;
    await fetch(`${satellite.url}/1.0/packets/${rows[0].traceId}/${rows[0].spanId}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/vnd.tcpdump.pcap' },
      body: Buffer.from('4d3cb2a10200040000000000000000000000040001000000', 'hex'),
    });
    await open('/?filter=path:/detail');
    await page.locator('.row[aria-rowindex="2"]').click();
    const detail = page.locator('.detail');
    const packets = detail.getByRole('link', { name: 'Packets' });
    expect(await packets.getAttribute('href')).toBe(`/api/packets/${rows[0].seq}`);
    await detail.getByText('Bytes of this exchange were not captured.').waitFor();
    const pretty = page.getByRole('region', { name: 'body of the response' });
    expect(await pretty.textContent()).toContain(
      '{\n  "id": 12345678901234567890,\n  "token": "REDACTED",\n  "list": [\n    1,\n    {}\n  ]',
    );
    expect(await pretty.locator('mark.redacted').count()).toBe(1);
    await shot('detail-response');
    await page.getByRole('button', { name: 'hex' }).click();
    expect(await pretty.textContent()).toContain('00000000  7b 22 69 64');
    await page.getByRole('button', { name: 'raw' }).last().click();
    await page.getByRole('tab', { name: 'request' }).click();
    await page.waitForURL(/tab=request/);
    await detail.getByRole('row', { name: 'name Jane & Joe' }).waitFor();
    await shot('detail-request');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await detail.locator('.bar.wait').waitFor();
    await shot('detail-timing');
    await page.getByRole('tab', { name: 'raw' }).click();
    await page.getByRole('region', { name: 'The trace as it is kept' }).getByText('"traceId"').waitFor();
    // No clipboard is given to a page that nobody touched, so it says the command.
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    await expect
      .poll(() => detail.getByRole('status').textContent())
      .toMatch(/copied|--data-raw 'name=Jane\+%26\+Joe'/);
  });

  it('scrolls through more than it has drawn, and keeps its place while more come', async () => {
    for (let i = 0; i < 10; i++)
      await sendSpans(
        satellite.url,
        Array.from({ length: 100 }, (_, j) => spanOf({ path: `/many/${i * 100 + j}` })),
      );
    await open('/?filter=path:^/many');
    const list = page.locator('#list');
    const oldest = page.locator('.path', { hasText: /^\/many\/0$/ });
    const scrolled = async (): Promise<number> => {
      await list.evaluate((element: any) => element.scrollTo(0, element.scrollHeight));
      return oldest.count();
    };
    await expect.poll(scrolled, { timeout: 60_000 }).toBe(1);
    expect(await list.getAttribute('aria-rowcount')).toBe('1001');
    expect(await page.locator('.row').count()).toBeLessThan(100);
    await sendSpans(satellite.url, [spanOf({ path: '/many/new' })]);
    await expect.poll(() => list.getAttribute('aria-rowcount')).toBe('1002');
    await oldest.waitFor();
  });

  it('names the sensors and what they lost', async () => {
    await open('/?view=sensors');
    await page.getByRole('row', { name: /shop staging host-1/ }).waitFor();
    await page.getByText('held now').waitFor();
    await shot('sensors');
    await page.getByRole('link', { name: 'Traces' }).click();
    await page.locator('#list').waitFor();
  });

  it('draws which service calls which, with what failed, and leads to the traces', async () => {
    await callPayments(satellite.url);
    await open('/?view=map');
    const row = page.getByRole('row', { name: /^shop \(staging\) payments.example 4 .* 1, 25 % .* client$/ });
    await row.waitFor();
    await page.getByRole('row', { name: /^others shop \(staging\) / }).waitFor();
    await page.locator('.map .node.host', { hasText: 'payments.example' }).waitFor();
    await page.locator('.map .edge.failed', { hasText: /payments.example: .* 25 % errors/ }).waitFor();
    await shot('map');
    await row.getByTitle('the traces').click();
    await expect.poll(() => page.locator('.row:not(.head)').count()).toBe(4);
    await open('/?view=map');
    await page.getByLabel('traces that pass').fill('status:teapot');
    await page.keyboard.press('Enter');
    await page
      .getByRole('alert')
      .filter({ hasText: /teapot/ })
      .waitFor();
  });

  it('shows the fleet: how many of what, how they are, and what they refused', async () => {
    await tellOf(satellite.url, 'shop', { status: 3, errorMessage: 'filter has "vlan"' });
    await tellOf(satellite.url, 'orders', { status: 2 });
    await open('/?view=fleet');
    await page.getByRole('row', { name: /^shop prod 1\.2\.3 1 1 0 7 0 30 1$/ }).waitFor();
    await page.getByRole('row', { name: /orders prod 1\.2\.3 host-9 .* being applied/ }).waitFor();
    const row = page.getByRole('row', { name: /shop prod 1\.2\.3 host-9 losing traces 7 0 30 refused/ });
    await row.getByRole('button').press('Enter');
    await page.getByText('filter has "vlan"').waitFor();
    await page.getByText('"no-bodies": true').waitFor();
    await shot('fleet');
    await page.getByLabel('find').fill('orders');
    await row.waitFor({ state: 'detached' });
  });

  it('lists endpoints, their traces and the document that they make', async () => {
    await open('/?view=endpoints');
    const row = page.getByRole('row', { name: /^GET shop\.example\/orders\/\{orderId\}/ });
    await row.waitFor();
    await row.getByRole('button', { name: 'GET' }).click();
    await page.locator('.plots canvas').first().waitFor();
    await shot('endpoints');
    await page.getByText('Templates put right (0)').click();
    await page.getByLabel('template').fill('no path');
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByText('"no path" is no template').waitFor();
    await page.getByLabel('template').fill('/orders/{number}');
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByText('Templates put right (1)').waitFor();
    await row.getByTitle('the traces').click();
    await page.waitForURL(/filter=method%3AGET/);
    await page.locator('.row[aria-rowindex="2"] .path', { hasText: '/orders/' }).waitFor();
    await page.getByRole('link', { name: 'OpenAPI' }).click();
    await page.locator('.operation summary', { hasText: '/orders/{number}' }).first().click();
    await page.locator('.operation[open]').getByText('application/json').first().waitFor();
    await shot('openapi');
    await page.getByLabel('host').selectOption('shop.example');
    await page.getByText(/operations$/).waitFor();
  });

  it('holds traces against a document, and leads to those that break it', async () => {
    await open('/?view=drift&filter=path:^/orders');
    await page.getByRole('heading', { name: 'Drift from Shop, as traces come' }).waitFor();
    await page.getByRole('region', { name: 'Findings as traces come' }).getByText('new-endpoint').first().waitFor();
    const document = {
      openapi: '3.1.0',
      info: { title: 't', version: '1' },
      paths: { '/other': { get: { responses: {} } } },
    };
    await page.getByLabel('or its text').fill(JSON.stringify(document));
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.getByText('new-endpoint').first().waitFor();
    await shot('drift');
    await page.getByRole('region', { name: 'Findings', exact: true }).getByRole('button').first().click();
    await page.waitForURL(/filter=id%3A/);
    await page.locator('.row[aria-rowindex="2"] .path', { hasText: '/orders/' }).waitFor();
  });

  it('makes nothing of what a stranger sent: it is text', async () => {
    await sendSpans(satellite.url, [
      {
        ...spanOf({
          method: SCRIPT,
          path: `/attack${SCRIPT}`,
          query: SCRIPT,
          host: SCRIPT,
          sent: SCRIPT,
          answered: `<html>${SCRIPT}</html>`,
          type: `text/html;${SCRIPT}`,
          marks: [SCRIPT],
        }),
      },
    ]);
    await sendScripts(satellite.url);
    await sendSpans(satellite.url, [{ ...spanOf({ host: SCRIPT }), kind: 3 }]);
    await tellOf(satellite.url, SCRIPT, { status: 3, errorMessage: SCRIPT });
    await open('/?filter=path:^/attack');
    await page.locator('.row[aria-rowindex="2"]').click();
    for (const tab of ['request', 'response', 'timing', 'raw']) {
      await page.getByRole('tab', { name: tab }).click();
      await page.locator('#part').waitFor();
    }
    await page.getByRole('combobox').fill(SCRIPT);
    await page.keyboard.press('Enter');
    await page.locator('#filter-wrong').waitFor();
    for (const view of ['endpoints', 'openapi', 'drift', 'map', 'sensors', 'fleet', 'traces']) {
      await page.goto(`${satellite.url}/?view=${view}`);
      await page.getByText('onerror').first().waitFor({ state: 'attached' });
      if (view === 'openapi')
        for (const summary of await page.locator('.operation summary').all()) await summary.click();
      if (view === 'endpoints')
        await page
          .getByRole('row', { name: /onerror/ })
          .first()
          .getByRole('button')
          .first()
          .click();
      expect([view, await page.evaluate('window.ran')]).toEqual([view, undefined]);
      expect([view, await page.locator('img, svg:not(.map), #app script, iframe').count()]).toEqual([view, 0]);
    }
  });

  it.each(['light', 'dark'] as const)(
    'in %s has nothing serious that axe finds, wide or narrow',
    async (colorScheme) => {
      await page.emulateMedia({ colorScheme });
      for (const [name, path, width] of [
        ['traces', '/', 1280],
        ['detail', '/?filter=path:/detail&trace=61&tab=response', 1280],
        ['sensors', '/?view=sensors', 1280],
        ['map', '/?view=map', 1280],
        ['fleet', '/?view=fleet', 1280],
        ['endpoints', '/?view=endpoints', 1280],
        ['openapi', '/?view=openapi', 1280],
        ['drift', '/?view=drift', 1280],
        ['traces-narrow', '/', 390],
        ['map-narrow', '/?view=map', 390],
        ['fleet-narrow', '/?view=fleet', 390],
        ['detail-narrow', '/?filter=path:/detail&trace=61&tab=request', 390],
      ] as const) {
        await page.setViewportSize({ width, height: 800 });
        await open(path);
        await shot(`${name}-${colorScheme}`);
        // In the dark nothing is different but the colours.
        expect([name, await seriousOf(page, colorScheme === 'dark' ? COLOUR_RULES : null)]).toEqual([name, []]);
      }
      await page.setViewportSize({ width: 1280, height: 800 });
    },
  );

  it('says where there is nothing why, and what to do', async () => {
    const empty = await startSatellite({ host: '127.0.0.1', port: 0, traces_max: 10, store: MEMORY });
    try {
      for (const [path, says] of [
        ['/', `Nothing has been sent yet. A sensor sends its traces here with --satellite-url ${empty.url}`],
        ['/?filter=status:500', 'No trace passes the filter.'],
        ['/?view=endpoints', 'No endpoint has answered yet.'],
        ['/?view=drift', 'There is nothing to compare with yet.'],
        ['/?view=map', 'No call has been seen.'],
        ['/?view=fleet', 'No sensor is enrolled, and no OpAMP agent has called.'],
        ['/?view=sensors', 'Nothing has been sent yet.'],
        ['/?view=openapi', '0 operations'],
      ] as const) {
        await page.goto(empty.url + path);
        await page.getByText(says).waitFor();
      }
    } finally {
      await page.goto('about:blank');
      await empty.close();
    }
  });

  it('asks for the token, and keeps it from scripts', async () => {
    const guarded = await startSatellite({
      host: '127.0.0.1',
      port: 0,
      traces_max: 10,
      store: MEMORY,
      readToken: 'correct-horse',
    });
    try {
      await sendSpans(guarded.url, [spanOf({ path: '/guarded' })]);
      await page.goto(guarded.url);
      await page.getByLabel('Token').fill('wrong');
      await page.getByRole('button', { name: 'Open' }).click();
      await page.getByText('this is not the token').waitFor();
      await shot('token');
      await page.getByLabel('Token').fill('correct-horse');
      await page.getByRole('button', { name: 'Open' }).click();
      await page.locator('.path', { hasText: '/guarded' }).waitFor();
      expect(await page.evaluate('document.cookie')).toBe('');
    } finally {
      // Its tail would be cut off, which the browser logs.
      await page.goto('about:blank');
      await guarded.close();
    }
  });

  it('logged nothing wrong', () => {
    expect(wrong).toEqual([]);
  });
});

/** In the names of a service and its sensor, of a GraphQL operation, a header, a cookie, a property, and of templates. */
async function sendScripts(url: string): Promise<void> {
  const value = (stringValue: string) => ({ stringValue });
  const graphql = spanOf({
    method: 'POST',
    path: '/graphql',
    sent: JSON.stringify({ query: 'query A { a }', operationName: SCRIPT }),
    answered: JSON.stringify({ [SCRIPT]: SCRIPT, mail: `${SCRIPT}@example.com` }),
  });
  graphql.attributes.push(
    { key: 'graphql.operation.type', value: value('query') } as never,
    { key: 'graphql.operation.name', value: value(SCRIPT) } as never,
    {
      key: 'pcap.redactions',
      value: { arrayValue: { values: [value(`response.body.${SCRIPT} ${SCRIPT}`)] } },
    } as never,
    { key: `http.request.header.${SCRIPT}`, value: { arrayValue: { values: [value(SCRIPT)] } } } as never,
    { key: 'http.request.header.cookie', value: { arrayValue: { values: [value(`${SCRIPT}=${SCRIPT}`)] } } } as never,
  );
  const called = spanOf({ path: `/called${SCRIPT}`, query: `${SCRIPT}=1`, answered: `{"a":1}` });
  const attributes = ['service.name', 'levo.env', 'host.name', 'service.instance.id', 'telemetry.sdk.version'];
  const resource = { attributes: attributes.map((key) => ({ key, value: value(SCRIPT) })) };
  const headers = { 'Content-Type': 'application/json' };
  const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [graphql, called] }] }] });
  expect((await fetch(`${url}/v1/traces`, { method: 'POST', headers, body })).status).toBe(200);
  const templates = JSON.stringify({ templates: [`/attack/${SCRIPT.replace(/[\s?#{}]/g, '')}`] });
  expect((await fetch(`${url}/api/templates`, { method: 'PUT', headers, body: templates })).status).toBe(200);
}

function traffic(): unknown[] {
  const methods = ['GET', 'POST', 'GET', 'DELETE'];
  const statuses = [200, 201, 404, 503, 302];
  const many = Array.from({ length: 60 }, (_, i) =>
    spanOf({
      method: methods[i % 4] as string,
      path: `/orders/${i}`,
      query: i % 3 === 0 ? 'page=2&sort=name' : '',
      status: i % 17 === 0 ? null : (statuses[i % 5] as number),
      millis: 1 + ((i * 37) % 400),
      answered: JSON.stringify({ id: i, name: 'Blue Lamp', price: 12.5 }),
      marks: i % 11 === 0 ? ['gap', 'drops'] : [],
      at: Date.now() - (60 - i) * 1000,
    }),
  );
  const detail = spanOf({
    method: 'POST',
    path: '/detail',
    sent: 'name=Jane+%26+Joe&note=none',
    answered: '{"id":12345678901234567890,"token":"REDACTED","list":[1,{}]',
    marks: ['gap'],
  });
  detail.attributes.push(
    { key: 'http.response.body.truncated', value: { boolValue: true } } as never,
    {
      key: 'http.request.header.content-type',
      value: { arrayValue: { values: [{ stringValue: 'application/x-www-form-urlencoded' }] } },
    } as never,
    {
      key: 'pcap.redactions',
      value: { arrayValue: { values: [{ stringValue: 'response.body.token name:token' }] } },
    } as never,
  );
  return [...many, detail];
}

describe('the files of the page', () => {
  it('are those of a list, whatever the path', async () => {
    const satellite = await startSatellite({ host: '127.0.0.1', port: 0, traces_max: 10, store: MEMORY });
    try {
      for (const path of [
        '/page/../package.json',
        '/page/..%2f..%2fpackage.json',
        '/page/%2e%2e/%2e%2e/package.json',
        '/page//etc/passwd',
        '/page/vendor/../app.js',
        '/page/app.js%00.css',
        '/page/app.js.map',
        '/page/',
        '/page/__proto__',
        '/..\\package.json',
      ]) {
        const asked = httpRequest({ port: satellite.port, host: '127.0.0.1', path });
        asked.end();
        const [response] = await once(asked, 'response');
        response.resume();
        expect([path, response.statusCode]).toEqual([path, 404]);
      }
      const { status, headers } = await fetch(`${satellite.url}/page/app.js`);
      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe('text/javascript; charset=utf-8');
      const policy = (await fetch(satellite.url)).headers.get('content-security-policy') ?? '';
      expect(policy).toContain("script-src 'self'");
      expect(policy).not.toContain('unsafe');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    } finally {
      await satellite.close();
    }
  });
});

/** What the shop asked of another. */
async function callPayments(url: string): Promise<void> {
  const statuses = [200, 200, 200, 503];
  await sendSpans(
    url,
    statuses.map((status) => ({ ...spanOf({ host: 'payments.example', path: '/charge', status }), kind: 3 })),
  );
}

/** An agent calls by OpAMP. */
async function tellOf(url: string, service: string, remoteConfigStatus: RemoteConfigStatus): Promise<void> {
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const books = new Map([
    ['exchanges_dropped_undeliverable', { healthy: true, status: '7' }],
    ['budget_traces_per_minute', { healthy: true, status: '30' }],
  ]);
  const body = createOpampCodec(wire).writeAgentToServer({
    instanceUid: randomBytes(16),
    sequenceNum: 1,
    agentDescription: {
      identifyingAttributes: [text('service.name', service), text('service.version', '1.2.3')],
      nonIdentifyingAttributes: [text('deployment.environment.name', 'prod'), text('host.name', 'host-9')],
    },
    health: {
      healthy: false,
      status: 'losing traces',
      componentHealthMap: new Map([['books', { healthy: false, componentHealthMap: books }]]),
    },
    effectiveConfig: {
      configMap: { configMap: new Map([['', { body: Buffer.from('{"inForce":{"no-bodies":true}}') }]]) },
    },
    remoteConfigStatus,
  });
  const headers = { 'Content-Type': 'application/x-protobuf' };
  expect((await fetch(`${url}/v1/opamp`, { method: 'POST', headers, body: Buffer.from(body) })).status).toBe(200);
}
