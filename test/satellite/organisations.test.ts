/** Organisations see nothing of each other: every call of the API's own document, every tool, with the other's ids and tokens. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseGrants } from '../../src/options/grants.js';
import type { Role } from '../../src/satellite/receive/grants.js';
import { type Satellite, startSatellite } from '../../src/satellite/satellite.js';
import { COMMAND, runCommand } from '../support/command.js';
import {
  askOf,
  bearer,
  CANARY,
  crossings,
  grants,
  NAMES,
  type Name,
  orderOf,
  ROLES,
  seedOrganisation,
  sendTo,
  tokenOf,
} from '../support/organisations.js';
import { requestOf, spanOf } from '../support/spans.js';

const directory = mkdtempSync(join(tmpdir(), 'organisations-'));
let satellite: Satellite;
const seqs = {} as Record<Name, number>;

const open = () =>
  startSatellite({
    host: '127.0.0.1',
    port: 0,
    traces_max: 10,
    grants,
    store: { directory, retention: { millis: 1e12, bytes: 1e12 } },
  });

const send = (token: string, spans: readonly unknown[], service: string, headers: Record<string, string> = {}) =>
  sendTo(satellite.url, token, requestOf(spans, service), headers);
const ask = (path: string, token: string | null, given: RequestInit = {}) => askOf(satellite.url, path, token, given);

const openTail = (token: string, after: number) =>
  fetch(`${satellite.url}/api/tail?after=${after}`, { headers: bearer(token) });

/** What a tail says until it has said `last`. */
async function follow(response: Response, last: string): Promise<string> {
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (!text.includes(last)) {
    const { value, done } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return text;
}

beforeAll(async () => {
  satellite = await open();
  for (const name of NAMES) seqs[name] = await seedOrganisation(satellite.url, name);
});
afterAll(async () => {
  await satellite?.close();
  rmSync(directory, { recursive: true });
});

interface Operation {
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: { type: string } }[];
  readonly requestBody?: unknown;
  readonly 'x-role'?: Role;
}

const VALUES: Record<string, (other: Name) => string> = {
  filter: (other) => `path:${CANARY[other]}`,
  service: (other) => CANARY[other],
  host: (other) => `${CANARY[other]}.example`,
  before: (other) => String(seqs[other] + 1),
  after: (other) => String(seqs[other] - 1),
  id: orderOf,
};

/** The ways to ask one operation with what is another's: each parameter by itself, and none. */
function askings(path: string, { parameters }: Operation, other: Name): { path: string; asked: string }[] {
  const filled = path.replace('{seq}', String(seqs[other])).replace(/\{\w+\}/, CANARY[other]);
  const ways = [{ path: filled, asked: '\0' }];
  for (const parameter of parameters) {
    const value = parameter.in === 'query' ? VALUES[parameter.name]?.(other) : undefined;
    if (value !== undefined)
      ways.push({ path: `${filled}?${parameter.name}=${encodeURIComponent(value)}`, asked: value });
  }
  return ways;
}

const BODIES: Record<string, (other: Name) => unknown> = {
  '/api/drift': (other) => ({
    document: JSON.stringify({ openapi: '3.1.0', info: { title: 't', version: '1' }, paths: {} }),
    filter: `host:${CANARY[other]}`,
  }),
  '/api/templates': () => ({ templates: ['/x/{y}'] }),
};

it('crosses nowhere, by any operation of the API with any token and what is another’s', async () => {
  const { paths } = JSON.parse((await ask('/api/openapi.json', null)).text) as {
    paths: Record<string, Record<string, Operation>>;
  };
  let asked = 0;
  const found: string[] = [];
  // What each has of its own is there to be seen.
  for (const name of NAMES)
    for (const path of ['', '/configurations', '/orders'])
      expect((await ask(`/api/fleet${path}`, tokenOf(name, 'read'))).text).toContain(CANARY[name]);
  for (const [path, operations] of Object.entries(paths))
    for (const [method, operation] of Object.entries(operations)) {
      const isOpen = operation['x-role'] === undefined;
      if (!isOpen) {
        const nobody = await ask(path.replace('{seq}', String(seqs.acme)), null, { method: method.toUpperCase() });
        expect([path, nobody.status]).toEqual([path, 401]);
      }
      for (const name of NAMES)
        for (const role of ROLES)
          for (const other of NAMES) {
            if (path === '/api/session' || (path === '/api/templates' && method === 'put' && role === 'steer'))
              continue;
            const isOwn = other === name;
            // Its own order would be gone with it.
            if (method === 'delete' && isOwn) continue;
            const asksAll = role === 'read' || (role === 'steer' && operation['x-role'] === 'steer');
            for (const way of askings(path, operation, other).slice(0, asksAll ? undefined : 1)) {
              // What it says goes on for ever; it is followed below.
              if (path === '/api/tail' && role !== 'ingest') continue;
              const body =
                operation.requestBody === undefined ? {} : { body: JSON.stringify(BODIES[path]?.(other) ?? {}) };
              const { status, text } = await ask(way.path, tokenOf(name, role), {
                method: method.toUpperCase(),
                headers: { 'Content-Type': 'application/json' },
                ...body,
              });
              asked++;
              const what = `${method} ${way.path} by ${role} of ${name}: ${status}`;
              found.push(...crossings(name, text, way.asked).map((one) => `${what} tells of ${one}`));
              const needed = operation['x-role'];
              const may = needed === undefined || (role !== 'ingest' && (needed === 'read' || role === 'steer'));
              if (!may) expect(status, what).toBe(403);
              else if (path.includes('{seq}')) expect(status, what).toBe(isOwn ? 200 : 404);
              else if (method === 'delete' && way.path.includes('?')) expect(status, what).toBe(404);
              else expect(status, what).toBeLessThan(500);
            }
          }
    }
  expect(found).toEqual([]);
  expect(asked).toBeGreaterThan(800);
}, 120_000);

it('crosses nowhere by the tail, from whatever number on', async () => {
  const tails = await Promise.all(
    NAMES.flatMap((name) =>
      NAMES.map(async (other) => ({ name, response: await openTail(tokenOf(name, 'read'), seqs[other] - 1) })),
    ),
  );
  for (const name of NAMES)
    await send(tokenOf(name, 'ingest'), [spanOf({ path: `/${CANARY[name]}/last` })], CANARY[name]);
  for (const { name, response } of tails)
    expect(crossings(name, await follow(response, `/${CANARY[name]}/last`), '\0')).toEqual([]);
});

it('shows each what is its own, also after a restart', async () => {
  const numbers = { ...seqs };
  await satellite.close();
  satellite = await open();
  expect(readdirSync(join(directory, 'organisations')).sort()).toEqual(['acme', 'acme@payments', 'rival']);
  for (const name of NAMES) {
    const read = tokenOf(name, 'read');
    const { rows } = JSON.parse((await ask('/api/traces', read)).text);
    expect(rows.map((row: { service: string }) => row.service)).toEqual(rows.map(() => CANARY[name]));
    expect(rows.length).toBeGreaterThan(1);
    expect((await ask(`/api/traces/${numbers[name]}`, read)).text).toContain(CANARY[name]);
    const whole = await ask('/traces', read);
    expect([whole.text.includes(CANARY[name]), crossings(name, whole.text, '\0')]).toEqual([true, []]);
    expect((await ask('/traces', null)).status).toBe(401);
  }
});

it('gives a cookie that is of its organisation and role alone', async () => {
  const trade = (token: string) =>
    fetch(`${satellite.url}/api/session`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token }),
    });
  expect((await trade(tokenOf('acme', 'ingest'))).status).toBe(403);
  expect((await trade('nobody-has-this-token')).status).toBe(401);
  for (const name of NAMES) {
    const cookie = (await trade(tokenOf(name, 'read'))).headers.get('set-cookie')!.split(';')[0]!;
    const { status, text } = await ask('/api/traces', null, { headers: { Cookie: cookie } });
    expect([status, text.includes(CANARY[name]), crossings(name, text, '\0')]).toEqual([200, true, []]);
    const put = { method: 'PUT', headers: { Cookie: cookie, 'Content-Type': 'application/json' }, body: '{}' };
    expect((await ask('/api/templates', null, put)).status).toBe(403);
  }
});

it('tells nobody how much the others send', async () => {
  expect(JSON.parse((await ask('/healthz', null)).text)).toEqual({ status: 'ok' });
  for (const name of NAMES) {
    const { text } = await ask('/metrics', tokenOf(name, 'read'));
    expect([text.includes('received'), crossings(name, text, '\0')]).toEqual([false, []]);
  }
});

describe('traces', () => {
  it.each([
    ['acme', { 'x-levo-organization-id': 'rival' }, 403],
    ['acme', { 'x-levo-organization-id': 'acme', 'x-levo-workspace-id': 'any' }, 200],
    ['acme/payments', { 'x-levo-organization-id': 'acme', 'x-levo-workspace-id': 'billing' }, 403],
    ['acme/payments', { 'x-levo-organization-id': 'acme', 'x-levo-workspace-id': 'payments' }, 200],
  ] as const)('of %s with %j: %i', async (name, headers, status) => {
    expect((await send(tokenOf(name, 'ingest'), [], CANARY[name], { ...headers })).status).toBe(status);
  });

  it('that say they are another’s are rejected, and the rest is kept', async () => {
    const request = requestOf([spanOf({ path: '/foreign' })], CANARY.acme);
    request.resourceSpans[0]!.resource.attributes.push({
      key: 'levo.organization.id',
      value: { stringValue: 'rival' },
    });
    const own = requestOf([spanOf({ path: '/own' })], CANARY.acme);
    const response = await fetch(`${satellite.url}/v1/traces`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...bearer(tokenOf('acme', 'ingest')) },
      body: JSON.stringify({ resourceSpans: [...request.resourceSpans, ...own.resourceSpans] }),
    });
    expect(await response.json()).toEqual({
      partialSuccess: {
        rejectedSpans: '1',
        errorMessage: 'a trace of organisation "rival", sent with a token of acme',
      },
    });
    for (const name of NAMES)
      expect((await ask('/api/traces?filter=path:/foreign', tokenOf(name, 'read'))).text).not.toContain('/foreign"');
  });

  it.each(['read', 'steer'] as const)('are not taken with a token of the role %s', async (role) => {
    expect((await send(tokenOf('acme', role), [spanOf({})], 'x')).status).toBe(403);
    expect((await send('nobody-has-this-token', [spanOf({})], 'x')).status).toBe(401);
  });
});

it('crosses nowhere by the tools of an agent', async () => {
  let called = 0;
  for (const name of NAMES) {
    writeFileSync(join(directory, 'token'), `${tokenOf(name, 'read')}\n`);
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(
      new StdioClientTransport({
        command: COMMAND,
        args: ['satellite', 'mcp', '--url', satellite.url, '--token-file', join(directory, 'token')],
      }),
    );
    for (const { name: tool, inputSchema } of (await client.listTools()).tools) {
      const takes = Object.keys(inputSchema.properties ?? {});
      for (const other of NAMES) {
        const seq = takes.includes('seq') ? { seq: seqs[other] } : {};
        const ways: Record<string, unknown>[] = [seq];
        for (const one of takes)
          if (VALUES[one] !== undefined && one !== 'before') ways.push({ ...seq, [one]: VALUES[one](other) });
        for (const given of ways) {
          const { content, isError } = await client.callTool({ name: tool, arguments: given });
          const text = (content as { text: string }[])[0]!.text;
          const asked = String(Object.values(given).find((value) => typeof value === 'string') ?? '\0');
          expect(crossings(name, text, asked), `${tool} ${JSON.stringify(given)}`).toEqual([]);
          if ('seq' in seq) expect(isError ?? false).toBe(other !== name);
          called++;
        }
      }
    }
    await client.close();
  }
  expect(called).toBeGreaterThan(80);
}, 60_000);

describe('a file of tokens', () => {
  it('is read by lines', () => {
    expect(parseGrants('# ours\n\nacme ingest 0123456789abcdef\r\n acme/a.b  steer\tfedcba9876543210= \n')).toEqual([
      { organisation: 'acme', role: 'ingest', token: '0123456789abcdef' },
      { organisation: 'acme/a.b', role: 'steer', token: 'fedcba9876543210=' },
    ]);
  });

  it.each([
    ['', 'has no token'],
    ['acme read', 'line 1 is not ORGANISATION ROLE TOKEN'],
    ['acme read 0123456789abcdef more', 'line 1 is not'],
    ['\n../acme read 0123456789abcdef', 'line 2: "../acme" is no organisation'],
    ['a/b/c read 0123456789abcdef', 'is no organisation'],
    ['.. read 0123456789abcdef', 'is no organisation'],
    ['acme write 0123456789abcdef', '"write" is no role; give one of ingest, read, steer'],
    ['acme read short-secret', 'line 1 has no token of 16 characters'],
    ['a read 0123456789abcdef\nb read 0123456789abcdef', 'line 2 has the token of line 1'],
  ])('%j is refused', (text, says) => {
    expect(() => parseGrants(text)).toThrow(says);
    expect(() => parseGrants(text)).not.toThrow(/0123456789abcdef|short-secret/);
  });

  it.each([
    [['--read-token', 'abcdefgh'], '--tokens-file has all tokens, and --read-token gives one of no organisation'],
    [['--notify', 'https://hooks.example/x'], '--notify tells one URL of all organisations'],
  ])('does not go with %j', async (args, says) => {
    const path = join(directory, 'tokens');
    writeFileSync(path, 'acme read 0123456789abcdef\n');
    const { code, stderr } = await runCommand(['satellite', '--port', '0', '--tokens-file', path, ...args]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(says)]);
  });
});
