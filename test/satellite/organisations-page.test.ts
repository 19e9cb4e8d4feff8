/**
 * What a browser gets to see of other organisations: each view of the page, with what is another's in its address, by a token of one and
 * then, in the same browser, of another. Nothing of it is in what the satellite answers, nor on the page.
 */
import type { Browser, Page, Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Satellite, startSatellite } from '../../src/satellite/satellite.js';
import { openBrowser } from '../support/browser.js';
import { needs } from '../support/needs.js';
import {
  CANARY,
  crossings,
  grants,
  NAMES,
  type Name,
  seedOrganisation,
  TRACE_ID,
  tokenOf,
} from '../support/organisations.js';

const VIEWS = ['endpoints', 'openapi', 'drift', 'map', 'sensors', 'fleet'];

describe('the page of an organisation', needs('chromium'), () => {
  let satellite: Satellite;
  let browser: Browser;
  const seqs = {} as Record<Name, number>;

  beforeAll(async () => {
    browser = await openBrowser();
    satellite = await startSatellite({
      ...{ host: '127.0.0.1', port: 0, traces_max: 10, grants },
      store: { directory: null, retention: { millis: 1e12, bytes: 1e12 } },
    });
    for (const name of NAMES) seqs[name] = await seedOrganisation(satellite.url, name);
  });
  afterAll(async () => {
    await browser?.close();
    await satellite?.close();
  });

  /** Addresses of the page, and the word in each that is another's and was asked for. */
  const addressesFor = (name: Name): [path: string, asked: string][] => [
    ...VIEWS.map((view): [string, string] => [`/?view=${view}`, '\0']),
    ...NAMES.filter((other) => other !== name).flatMap((other): [string, string][] => [
      [`/?trace=${seqs[other]}`, '\0'],
      [`/?filter=path:${CANARY[other]}`, CANARY[other]],
      [`/?filter=id:${TRACE_ID[other]}`, TRACE_ID[other]],
      [`/?view=drift&filter=host:${CANARY[other]}.example`, CANARY[other]],
    ]),
  ];

  /** What the browser is answered, but for the tail, which goes on for ever. `take` waits until nothing is asked any more. */
  function noteAnswers(page: Page): { take(): Promise<string[]> } {
    let texts: string[] = [];
    let asked = 0;
    const waiting = new Set<Request>();
    page.on('request', (request) => {
      if (request.url().includes('/api/tail')) return;
      asked++;
      waiting.add(request);
    });
    page.on('requestfailed', (request) => void waiting.delete(request));
    page.on('requestfinished', async (request) => {
      if (!waiting.has(request)) return;
      texts.push((await (await request.response())?.text().catch(() => '')) ?? '');
      waiting.delete(request);
    });
    return {
      async take() {
        await expect
          .poll(() => (asked === 0 ? ['nothing was asked'] : [...waiting].map((one) => one.url())), { timeout: 20_000 })
          .toEqual([]);
        const taken = texts;
        texts = [];
        asked = 0;
        return taken;
      },
    };
  }

  it('shows nothing of the others, whatever is in its address, nor of whom the browser was before', {
    timeout: 180_000,
  }, async () => {
    const page = await browser.newPage();
    await page.goto(`${satellite.url}/?trace=${seqs.acme}`);
    await page.getByLabel('Token').fill(tokenOf('acme', 'read'));
    await page.getByRole('button', { name: 'Open' }).click();
    await page.locator('.detail').getByText(CANARY.acme).first().waitFor();
    for (const name of ['rival', 'acme/payments', 'acme'] as const) {
      const traded = await page.evaluate(
        (token) =>
          fetch('/api/session', {
            method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify({ token }),
          }).then(({ status }) => status),
        tokenOf(name, 'read'),
      );
      expect(traded).toBe(200);
      const answers = noteAnswers(page);
      await page.goto(satellite.url);
      await page.locator('.row .path', { hasText: CANARY[name] }).first().waitFor();
      const found = [await page.content(), ...(await answers.take())].flatMap((text) => crossings(name, text, '\0'));
      let own = 0;
      for (const [path, asked] of addressesFor(name)) {
        // As by a link of the page.
        await page.evaluate(
          `history.pushState(null, '', ${JSON.stringify(path)}); dispatchEvent(new PopStateEvent('popstate'))`,
        );
        const texts = [...(await answers.take()), await page.content()];
        for (const text of texts) {
          found.push(...crossings(name, text, asked).map((one) => `${path} tells of ${one}` as Name));
          if (text.includes(CANARY[name])) own++;
        }
      }
      expect(found, name).toEqual([]);
      expect(own, name).toBeGreaterThan(VIEWS.length);
      page.removeAllListeners();
    }
    await page.close();
  });
});
