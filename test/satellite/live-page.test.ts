/**
 * The page with a live sensor behind it: traffic on loopback, captured, redacted and sent by `apidump` to a satellite with a directory,
 * and a browser that clicks through every view. `SCREENSHOTS=directory` keeps what it looks like, light, dark and narrow.
 */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOtlpTraces } from '../../src/satellite/receive/satellite-trace.js';
import { type Satellite, startSatellite } from '../../src/satellite/satellite.js';
import { openFile } from '../../src/satellite/store/database-file.js';
import { KeptInventory } from '../../src/satellite/store/kept-inventory.js';
import { requireSqlite } from '../../src/satellite/store/sqlite.js';
import { SqliteWriter } from '../../src/satellite/store/sqlite-writer.js';
import { COLOUR_RULES, openBrowser, seriousOf } from '../support/browser.js';
import { spawnCommand } from '../support/command.js';
import { needs } from '../support/needs.js';
import { requestOf, spanOf } from '../support/spans.js';

const { SCREENSHOTS } = process.env;
const WEEK_MILLIS = 7 * 24 * 3600e3;
const directory = mkdtempSync(join(tmpdir(), 'live-page-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe('the page of a satellite that a live sensor sends to', {
  ...needs('chromium', 'capture'),
  timeout: 60_000,
}, () => {
  let browser: Browser;
  let page: Page;
  let satellite: Satellite;
  let shop: Server;
  let port: number;
  let sensor: ReturnType<typeof spawnCommand>;
  const wrong: string[] = [];

  beforeAll(async () => {
    shop = createServer(answer).listen(0, '127.0.0.1');
    await once(shop, 'listening');
    ({ port } = shop.address() as AddressInfo);
    keepLastWeek(port);
    satellite = await startSatellite({
      host: '127.0.0.1',
      port: 0,
      traces_max: 10,
      store: { directory, retention: { millis: 1e12, bytes: 1e12 } },
      spec: JSON.stringify({
        openapi: '3.1.0',
        info: { title: 'Shop', version: '1' },
        paths: { '/orders': { get: {} } },
      }),
    });
    sensor = spawnCommand([
      ...['apidump', '--interfaces', 'lo', '--filter', `tcp port ${port}`, '--satellite-url', satellite.url],
      ...['--rate-limit', '0', '--trace-export-interval', '1', '--levo-env', 'staging', '--service-name', 'shop'],
      ...['--log-format', 'text'],
    ]);
    let log = '';
    sensor.stderr.on('data', (data) => (log += data));
    while (!log.includes('capturing on')) {
      await Promise.race([once(sensor.stderr, 'data'), once(sensor, 'exit')]);
      if (sensor.exitCode !== null) throw new Error(log);
    }
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
    page.on('pageerror', (error) => wrong.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') wrong.push(message.text());
    });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    sensor?.kill('SIGTERM');
    if (sensor !== undefined && sensor.exitCode === null) await once(sensor, 'exit');
    await satellite?.close();
    shop?.closeAllConnections();
    shop?.close();
  });

  const shot = async (name: string): Promise<void> => {
    if (SCREENSHOTS === undefined) return;
    mkdirSync(SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: join(SCREENSHOTS, `live-${name}.png`) });
  };

  it('shows each exchange as it comes, once, as it was and without its secrets', async () => {
    await page.goto(satellite.url);
    await page.locator('#list').waitFor();
    await visit(port);
    await expect
      .poll(() => page.locator('#list').getAttribute('aria-rowcount'), { timeout: 30_000 })
      .toBe(String(1 + VISIT.length));
    const shown = await page
      .locator('.row:not(.head)')
      .evaluateAll((rows: any[]) =>
        rows.map((row) =>
          ['.method', '.status', '.path'].map((cell) => row.querySelector(cell)?.textContent ?? '').join(' '),
        ),
      );
    expect(shown.sort()).toEqual(VISIT.map(({ method, path, status }) => `${method} ${status} ${path}`).sort());
    await shot('traces-light');
    await page.locator('.row', { hasText: '/login' }).click();
    const body = page.getByRole('region', { name: /^body of the re/ });
    await page.getByRole('tab', { name: 'request' }).click();
    await body.first().waitFor();
    expect(await body.first().textContent()).not.toContain('correct-horse');
    await shot('detail-light');
    for (const tab of ['response', 'timing', 'raw']) await page.getByRole('tab', { name: tab }).click();
    await page.keyboard.press('Escape');
  });

  it('has an answer in every view, which leads to the traces', async () => {
    await page.getByRole('link', { name: 'Endpoints' }).click();
    const row = page.getByRole('row', { name: /^GET 127\.0\.0\.1:\d+\/orders\/\{orderId\} shop/ });
    await row.waitFor();
    await row.getByRole('button', { name: 'GET' }).click();
    await page.locator('.plots canvas').first().waitFor();
    await shot('endpoints-light');
    await row.getByTitle('the traces').click();
    await page.locator('.row[aria-rowindex="2"] .path', { hasText: '/orders/' }).waitFor();
    await page.getByRole('link', { name: 'OpenAPI' }).click();
    await page.locator('.operation summary', { hasText: '/orders/{orderId}' }).first().click();
    await shot('openapi-light');
    await page.getByRole('link', { name: 'Drift' }).click();
    const since = page.getByRole('region', { name: 'Findings since then' });
    await since.getByRole('row', { name: /new-endpoint.* POST \/login/ }).waitFor();
    await since.getByRole('row', { name: /unseen-endpoint.* GET \/old\/report was last seen/ }).waitFor();
    await page.getByRole('region', { name: 'Findings as traces come' }).getByText('POST /login').waitFor();
    await shot('drift-light');
    await since
      .getByRole('row', { name: /POST \/login/ })
      .getByRole('button')
      .click();
    await page.locator('.row[aria-rowindex="2"] .path', { hasText: '/login' }).waitFor();
    await page.getByRole('link', { name: 'Sensors' }).click();
    await page.getByRole('row', { name: /^shop staging (?!host-1)/ }).waitFor();
    await shot('sensors-light');
  });

  it.each(['light', 'dark'] as const)(
    'in %s has nothing serious that axe finds, wide or narrow',
    async (colorScheme) => {
      await page.emulateMedia({ colorScheme });
      for (const width of [1280, 390])
        for (const view of ['traces', 'endpoints', 'openapi', 'drift', 'map', 'sensors']) {
          await page.setViewportSize({ width, height: 800 });
          await page.goto(`${satellite.url}/?view=${view}`);
          await page.locator('.row[aria-rowindex="2"], .sensors tbody tr, .operation').first().waitFor();
          await shot(`${view}-${colorScheme}-${width}`);
          // In the dark nothing is different but the colours.
          expect([view, width, await seriousOf(page, colorScheme === 'dark' ? COLOUR_RULES : null)]).toEqual([
            ...[view, width, []],
          ]);
        }
    },
  );

  it('logged nothing wrong', () => {
    expect(wrong).toEqual([]);
  });
});

interface Visit {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly body?: string;
}

const VISIT: readonly Visit[] = [
  ...Array.from({ length: 12 }, (_, i) => ({ method: 'GET', path: `/orders/${1000 + i}`, status: 200 })),
  { method: 'GET', path: '/orders?page=2', status: 200 },
  { method: 'POST', path: '/login', status: 201, body: '{"user":"jane","password":"correct-horse"}' },
  { method: 'DELETE', path: '/orders/1001', status: 204 },
  { method: 'GET', path: '/nowhere', status: 404 },
  { method: 'GET', path: '/broken', status: 500 },
  { method: 'GET', path: '/picture', status: 200 },
];

async function visit(port: number): Promise<void> {
  for (const { method, path, status, body } of VISIT) {
    const headers = { 'Content-Type': 'application/json', Authorization: 'Bearer correct-horse' };
    const given = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    await given.arrayBuffer();
    expect(given.status).toBe(status);
  }
}

const answer: Parameters<typeof createServer>[1] = (request, response) => {
  request.resume();
  const { method, url = '' } = request;
  const { status } = VISIT.find((one) => one.method === method && one.path === url) ?? { status: 404 };
  if (url === '/picture') {
    response.writeHead(200, { 'Content-Type': 'image/png' });
    response.end(Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'));
    return;
  }
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Encoding': 'gzip',
    'X-Served-By': 'shop-1',
  });
  const id = Number(/\d{4}$/.exec(url)?.[0] ?? 0);
  response.end(
    status === 204
      ? undefined
      : gzipSync(JSON.stringify({ id, mail: `u${id}@shop.example`, items: [{ sku: 'a', price: 1.5 }] })),
  );
};

/** What a satellite that was here a week ago has left. */
function keepLastWeek(port: number): void {
  const file = openFile(requireSqlite(), directory);
  const inventory = new KeptInventory(file.database);
  const writer = new SqliteWriter(file.database, { millis: 1, bytes: 1e12 }, inventory);
  const at = Date.now() - 2 * WEEK_MILLIS;
  const spans = Array.from({ length: 200 }, (_, i) =>
    spanOf({
      at,
      host: `127.0.0.1:${port}`,
      path: i === 0 ? '/old/report' : `/orders/${2000 + i}`,
      answered: '{"id":1}',
    }),
  );
  writer.add(readOtlpTraces(requestOf(spans)).traces, 0, at);
  inventory.keepDaily(Date.now() - WEEK_MILLIS);
  while (writer.retain(Date.now()));
  inventory.save(Date.now(), true);
  file.close();
}
