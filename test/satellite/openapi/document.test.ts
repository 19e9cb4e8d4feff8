/** The document of an inventory: what it claims of traffic that is written down here, and that it is the same for any order. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { Inventory } from '../../../src/satellite/endpoints/inventory.js';
import { type OpenApiDocument, openApiDocument } from '../../../src/satellite/openapi/document.js';
import type { Trace } from '../../../src/trace/trace.js';
import { type ApiExchange, apiTrace } from '../../support/api-trace.js';
import { Random, runSeed } from '../../support/random.js';

function documentOf(exchanges: readonly ApiExchange[]): OpenApiDocument {
  const inventory = new Inventory();
  for (const exchange of exchanges) inventory.add(apiTrace(exchange));
  return openApiDocument(inventory);
}

type Operation = { parameters: Record<string, any>[]; requestBody: any; responses: Record<string, any>; security: any };
const operation = (document: OpenApiDocument, template: string, method: string) =>
  document.paths[template]?.[method] as Operation;
const answerOf = (document: OpenApiDocument, template: string) =>
  operation(document, template, 'get').responses['200'].content['application/json'].schema;

const UUIDS = Array.from({ length: 8 }, (_, i) => `3fa85f64-5717-4562-b3fc-2c963f66af${(16 + i).toString(16)}`);

describe('paths', () => {
  it('takes numbers, UUIDs and words that recur with the same answers for one value, and keeps what differs', () => {
    const user = (i: number) => ({ login: `user${i}`, name: 'A person', followers: i, url: 'https://example.com/u' });
    const names = ['alice', 'bob', 'carol-ann', 'dmitri', 'ebony', 'farouk', 'gwen', 'hilda'];
    const document = documentOf([
      ...names.flatMap((name, i) => [
        { target: `/users/${name}`, answer: user(i) },
        { target: `/users/${name}/orders/${i + 100}`, answer: { id: i, total: 1.5 } },
      ]),
      ...UUIDS.map((id) => ({ target: `/devices/${id}`, answer: { id } })),
      ...Array.from({ length: 6 }, () => ({
        target: '/users/search?q=a',
        answer: { results: [], total: 0, next: null },
      })),
      ...Array.from({ length: 3 }, () => ({ target: '/users/me', answer: user(0) })),
      { target: '/wp-login.php', status: 404 },
      { target: '/.env', status: 404 },
    ]);
    expect(Object.keys(document.paths)).toEqual([
      '/devices/{deviceId}',
      '/users/me',
      '/users/search',
      '/users/{userId}',
      '/users/{userId}/orders/{orderId}',
    ]);
    expect(document.info['x-observed']).toMatchObject({ exchanges: 35, unfound: 2 });
    expect(
      operation(document, '/users/{userId}/orders/{orderId}', 'get').parameters.map(({ schema }) => schema),
    ).toEqual([{ type: 'string' }, { type: 'integer' }]);
    expect(operation(document, '/devices/{deviceId}', 'get').parameters[0]).toMatchObject({
      in: 'path',
      required: true,
      schema: { type: 'string', format: 'uuid' },
    });
  });

  it('keeps an action beside names that it has nothing in common with, and nothing against', () => {
    const names = [
      'north-haven',
      'lake-janniefurt',
      'othoshire',
      'garettcester',
      'west-kaylah',
      'adelaberg',
      'port-edna',
    ];
    const exchanges: ApiExchange[] = names.flatMap((name, i) => [
      { target: `/plugins/${name}`, answer: { name, enabled: i % 2 === 0 } },
      { target: `/plugins/${name}/json`, answer: { id: i, settings: { args: [] } } },
      ...(i % 3 === 0 ? [{ target: `/plugins/${name}`, method: 'DELETE', answer: { name } }] : []),
    ]);
    for (let i = 0; i < 4; i++) {
      exchanges.push({ target: '/plugins/create', method: 'POST', status: 204 });
      exchanges.push({ target: '/plugins/pull', method: 'POST', status: 204 });
    }
    expect(Object.keys(documentOf(exchanges).paths)).toEqual([
      '/plugins/create',
      '/plugins/pull',
      '/plugins/{pluginId}',
      '/plugins/{pluginId}/json',
    ]);
  });

  it('has what was not found of what is there as an answer, not as an operation', () => {
    const document = documentOf([
      ...[1, 2, 3].map((id) => ({ target: `/items/${id}`, answer: { id } })),
      { target: '/items/9', status: 404, answer: { error: 'no such item' } },
      { target: '/nothing/9', status: 404, answer: { error: 'no such thing' } },
    ]);
    expect(Object.keys(document.paths)).toEqual(['/items/{itemId}']);
    expect(Object.keys(operation(document, '/items/{itemId}', 'get').responses)).toEqual(['200', '404']);
  });

  it('takes the word of a person over its own', () => {
    const inventory = new Inventory();
    for (const name of ['red', 'green', 'blue'])
      inventory.add(apiTrace({ target: `/shades/${name}`, answer: { hex: '#' } }));
    inventory.add(apiTrace({ target: '/shades/all', answer: [] }));
    const document = openApiDocument(inventory, {}, { overrides: ['/shades/all', '/shades/{colour}'] });
    expect(Object.keys(document.paths)).toEqual(['/shades/all', '/shades/{colour}']);
    const kept = openApiDocument(inventory, {}, { overrides: ['/shades/red', '/shades/green', '/shades/blue'] });
    expect(Object.keys(kept.paths)).toHaveLength(4);
  });
});

describe('schemas', () => {
  it('says types, formats, what is required, null, and how often each was seen', () => {
    const answers = [
      { id: 1, at: '2026-01-02T03:04:05Z', size: 1, tags: ['a'], owner: null, note: 'x' },
      { id: 2, at: '2026-01-03T03:04:05Z', size: 1.5, tags: [], owner: { mail: 'a@example.com' } },
    ];
    const schema = answerOf(documentOf(answers.map((answer) => ({ target: '/things', answer }))), '/things');
    expect(schema).toMatchObject({
      type: 'object',
      required: ['at', 'id', 'owner', 'size', 'tags'],
      properties: {
        id: { type: 'integer', 'x-observed': 2 },
        at: { type: 'string', format: 'date-time' },
        size: { type: 'number' },
        tags: { type: 'array', items: { type: 'string' } },
        owner: { type: ['object', 'null'], properties: { mail: { type: 'string', format: 'email' } } },
        note: { type: 'string', 'x-observed': 1 },
      },
    });
  });

  it('takes words that recur for an enumeration, and names that are identifiers for a map', () => {
    const answers = Array.from({ length: 12 }, (_, i) => ({
      state: ['open', 'closed', 'in progress'][i % 3],
      title: `Title number ${i}`,
      byId: Object.fromEntries(UUIDS.slice(0, i % 4).map((id) => [id, { count: i }])),
    }));
    const schema = answerOf(documentOf(answers.map((answer) => ({ target: '/things', answer }))), '/things');
    expect(schema.properties.state).toMatchObject({ type: 'string', enum: ['closed', 'in progress', 'open'] });
    expect(schema.properties.title.enum).toBeUndefined();
    expect(schema.properties.byId).toMatchObject({
      type: 'object',
      propertyNames: { format: 'uuid' },
      additionalProperties: { type: 'object', properties: { count: { type: 'integer' } } },
    });
    expect(schema.properties.byId.properties).toBeUndefined();
  });

  it('makes a component of a shape that comes twice', () => {
    const item = { id: 1, name: 'a' };
    const document = documentOf([
      ...[1, 2].map(() => ({ target: '/things', answer: [item, item] })),
      ...[1, 2].map((id) => ({ target: `/things/${id}`, answer: item })),
    ]);
    expect(answerOf(document, '/things').items).toEqual({
      $ref: '#/components/schemas/Thing',
      'x-observed': { count: 4, bodies: 2 },
    });
    expect(document.components?.schemas).toMatchObject({
      Thing: { type: 'object', required: ['id', 'name'], 'x-observed': { count: 6, bodies: 4 } },
    });
  });

  it('has several types where there were several', () => {
    const answers = [{ a: 1 }, { a: 'x' }, { a: [1] }, { a: null }].map((answer) => ({ target: '/a', answer }));
    expect(answerOf(documentOf(answers), '/a').properties.a.anyOf).toMatchObject([
      { type: ['integer', 'string'] },
      { type: 'array' },
      { type: 'null' },
    ]);
  });
});

it('says parameters, bodies and credentials', () => {
  const document = documentOf(
    Array.from({ length: 6 }, (_, i) => ({
      method: 'POST',
      target: `/orders?dry=${i % 2 === 0}${i % 2 === 0 ? '' : '&tag=a&tag=b'}&fields=id,name`,
      headers: {
        Authorization: 'Bearer REDACTED',
        'Idempotency-Key': UUIDS[i] as string,
        'User-Agent': 'x',
        Cookie: 'theme=dark',
      },
      sent: { item: i },
      status: i === 5 ? 422 : 201,
      answer: { id: i },
    })),
  );
  const { parameters, requestBody, responses, security } = operation(document, '/orders', 'post');
  expect(parameters).toMatchObject([
    { name: 'dry', in: 'query', required: true, schema: { type: 'boolean' }, 'x-observed': { count: 6, accepted: 5 } },
    { name: 'fields', in: 'query', explode: false, schema: { type: 'array', items: { type: 'string' } } },
    { name: 'tag', in: 'query', schema: { type: 'array' }, 'x-observed': { count: 3, accepted: 2 } },
    { name: 'idempotency-key', in: 'header', required: true, schema: { type: 'string', format: 'uuid' } },
    { name: 'theme', in: 'cookie', schema: { type: 'string' } },
  ]);
  expect(requestBody).toMatchObject({
    required: true,
    content: { 'application/json': { example: { item: expect.any(Number) } } },
  });
  expect(Object.keys(responses)).toEqual(['201', '422']);
  expect(security).toEqual([{ bearer: [] }]);
  expect(document.components?.securitySchemes).toEqual({ bearer: { type: 'http', scheme: 'bearer' } });
});

/** Exchanges of all kinds, hostile names among them. */
function randomExchanges(random: Random, count: number): ApiExchange[] {
  const words = [
    'users',
    'alice',
    'orders',
    'über',
    '%2e%2e',
    'a{b}',
    '__proto__',
    'constructor',
    'v1',
    'me',
    '2026-01-02',
    '',
  ];
  const value = (depth: number): unknown => {
    const kind = random.between(0, depth > 3 ? 5 : 8);
    if (kind === 0) return null;
    if (kind === 1) return random.between(-5, 1e10);
    if (kind === 2) return random.next();
    if (kind === 3) return random.chance(0.5);
    if (kind === 4) return random.pick(['a', 'b', 'open', '2026-01-02', 'a@example.com', UUIDS[0] as string]);
    if (kind === 5) return `text ${random.between(0, 1000)}`;
    if (kind === 6) return Array.from({ length: random.between(0, 3) }, () => value(depth + 1));
    const names = ['id', 'name', '__proto__', '$ref', '$id', '', 'a/b', '~', UUIDS[1] as string, 'x-y', '12'];
    return Object.fromEntries(
      Array.from({ length: random.between(0, 4) }, () => [random.pick(names), value(depth + 1)]),
    );
  };
  return Array.from({ length: count }, () => {
    const segments = Array.from({ length: random.between(0, 4) }, () =>
      random.chance(0.3) ? String(random.between(1, 500)) : random.pick(words),
    );
    return {
      method: random.pick(['GET', 'POST', 'PUT', 'PROPFIND', 'M-SEARCH']),
      target: `/${segments.join('/')}${random.chance(0.5) ? `?a=${random.between(0, 3)}&b[]=x&${random.pick(words)}=1` : ''}`,
      status: random.pick([200, 201, 204, 400, 404, 500, 99, 0]),
      headers: random.chance(0.3) ? { 'X-Thing': 'a, b', 'X-Api-Key': 'REDACTED' } : {},
      ...(random.chance(0.5) ? { sent: value(0) } : {}),
      ...(random.chance(0.8) ? { answer: value(0) } : {}),
      ...(random.chance(0.1)
        ? { type: random.pick(['text/plain', 'application/vnd.api+json', 'image/png', 'nonsense']) }
        : {}),
    };
  });
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const copy = [...list];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = random.between(0, i);
    [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
  }
  return copy;
}

it('is valid, and the same bytes for any order, division and merging of the same traces', async () => {
  const seed = runSeed();
  const random = new Random(seed);
  for (let round = 0; round < 6; round++) {
    const traces: Trace[] = randomExchanges(random, 60 * (round + 1)).map(apiTrace);
    const whole = new Inventory();
    for (const trace of traces) whole.add(trace);
    const text = JSON.stringify(openApiDocument(whole));
    const shards = Array.from({ length: random.between(1, 5) }, () => new Inventory());
    for (const trace of shuffled(traces, random)) random.pick(shards).add(trace);
    const merged = new Inventory();
    for (const shard of shuffled(shards, random))
      merged.merge(random.chance(0.5) ? shard : Inventory.parse(shard.serialise()));
    expect(JSON.stringify(openApiDocument(merged)), `SEED=${seed}`).toBe(text);
    const { valid, errors } = await new Validator().validate(JSON.parse(text));
    expect(errors, `SEED=${seed}`).toBeUndefined();
    expect(valid).toBe(true);
  }
});

it('keeps within its limits, and counts what it had no room for', () => {
  const inventory = new Inventory({ shapes_max: 50, nodes_max: 100, hosts_max: 2 });
  for (let i = 0; i < 300; i++)
    inventory.add(
      apiTrace({ target: `/w${String.fromCharCode(97 + (i % 26))}/x${i}y/z${i}q`, answer: { [`p${i}x`]: 1 } }),
    );
  expect(inventory.refused).toBeGreaterThan(200);
  expect(openApiDocument(inventory).openapi).toBe('3.1.1');
});
