/** Drift: nothing in traffic of the same kind, each seeded change in traffic that is not, against written and inferred documents. */
import { describe, expect, it } from 'vitest';
import { Inventory } from '../../../src/satellite/endpoints/inventory.js';
import { openApiDocument } from '../../../src/satellite/openapi/document.js';
import { Drift, type Finding } from '../../../src/satellite/openapi/drift.js';
import { type ApiExchange, apiTrace } from '../../support/api-trace.js';
import { Random, runSeed } from '../../support/random.js';

function findingsOf(document: object, exchanges: readonly ApiExchange[]): Finding[] {
  const drift = new Drift(document as Record<string, unknown>);
  for (const exchange of exchanges) drift.add(apiTrace(exchange));
  return drift.findings();
}

const told = (findings: readonly Finding[]) =>
  findings
    .filter(({ isDrift }) => isDrift)
    .map(({ kind, method, path, where }) => `${kind} ${method} ${path} ${where}`.trim());

const WRITTEN = {
  openapi: '3.0.3',
  info: { title: 'Pets', version: '1' },
  servers: [{ url: 'https://api.example.com/v1' }],
  paths: {
    '/pets': {
      get: {
        parameters: [{ name: 'limit', in: 'query', schema: { type: 'integer', maximum: 100 } }],
        responses: {
          200: {
            description: '',
            content: { 'application/json': { schema: { type: 'array', items: { $ref: '#/components/schemas/Pet' } } } },
          },
        },
      },
      post: {
        requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Pet' } } } },
        responses: { 201: { description: '' } },
      },
    },
    '/pets/mine': { get: { responses: { '2XX': { description: '' } } } },
    '/pets/{id}': {
      parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } }],
      get: { responses: { 200: { description: '' }, default: { description: '' } } },
    },
  },
  components: {
    schemas: {
      Pet: {
        type: 'object',
        required: ['name'],
        properties: {
          name: { type: 'string' },
          kind: { type: 'string', enum: ['cat', 'dog'] },
          born: { type: 'string', format: 'date', nullable: true },
          owner: { oneOf: [{ type: 'string' }, { type: 'object', properties: { id: { type: 'integer' } } }] },
        },
      },
    },
  },
};
const ID = '3fa85f64-5717-4562-b3fc-2c963f66afa6';

describe('against a document that people wrote', () => {
  it('finds nothing in what it describes, and says what was not seen', () => {
    const findings = findingsOf(WRITTEN, [
      {
        target: '/v1/pets?limit=10',
        answer: [
          { name: 'Rex', kind: 'dog', born: null, owner: { id: 1 } },
          { name: 'Tom', owner: 'me' },
        ],
      },
      { target: `/v1/pets/${ID}` },
      { target: `/pets/${ID}`, status: 418, answer: {} },
      { target: '/v1/pets/mine', status: 204 },
      { target: '/v1/nothing', status: 404 },
    ]);
    expect(told(findings)).toEqual([]);
    expect(findings.map(({ kind, method, path }) => `${kind} ${method} ${path}`)).toEqual([
      'unseen-endpoint POST /pets',
    ]);
  });

  it.each<[string, ApiExchange, string]>([
    ['an endpoint', { target: '/v1/owners', answer: [] }, 'new-endpoint GET /v1/owners'],
    ['a method', { method: 'DELETE', target: `/v1/pets/${ID}`, status: 204 }, 'new-endpoint DELETE /pets/{id}'],
    ['a status', { target: '/v1/pets', status: 429 }, 'new-status GET /pets response 429'],
    ['a parameter', { target: '/v1/pets?page=2', answer: [] }, 'new-parameter GET /pets query page'],
    ["a parameter's type", { target: '/v1/pets?limit=all', answer: [] }, 'other-type GET /pets query limit'],
    ["a parameter's bounds", { target: '/v1/pets?limit=500', answer: [] }, 'other-value GET /pets query limit'],
    ["a parameter's format", { target: '/v1/pets/17' }, 'other-format GET /pets/{id} path id'],
    [
      'a media type',
      { target: '/v1/pets', answer: 'a', type: 'text/csv' },
      'new-media-type GET /pets response 200 text/csv',
    ],
    [
      'a property',
      { target: '/v1/pets', answer: [{ name: 'a', age: 3 }] },
      'new-property GET /pets response 200 application/json [].age',
    ],
    [
      'a missing one',
      { target: '/v1/pets', answer: [{ kind: 'cat' }] },
      'missing-property GET /pets response 200 application/json [].name',
    ],
    [
      'a type',
      { target: '/v1/pets', answer: [{ name: 7 }] },
      'other-type GET /pets response 200 application/json [].name',
    ],
    [
      'a type of a choice',
      { target: '/v1/pets', answer: [{ name: 'a', owner: { id: 'x' } }] },
      'other-type GET /pets response 200 application/json [].owner.id',
    ],
    [
      'a value',
      { target: '/v1/pets', answer: [{ name: 'a', kind: 'cow' }] },
      'other-value GET /pets response 200 application/json [].kind',
    ],
    [
      'a format',
      { target: '/v1/pets', answer: [{ name: 'a', born: 'yesterday' }] },
      'other-format GET /pets response 200 application/json [].born',
    ],
    [
      'a request',
      { method: 'POST', target: '/v1/pets', sent: { kind: 'cat' }, status: 201 },
      'missing-property POST /pets request application/json .name',
    ],
  ])('finds %s', (_, exchange, expected) => {
    const findings = findingsOf(WRITTEN, [exchange]);
    expect(told(findings)).toEqual([expected]);
    expect(findings.find(({ isDrift }) => isDrift)?.traces).toHaveLength(1);
  });
});

describe('against a document that was inferred', () => {
  const seed = runSeed();
  const random = new Random(seed);
  const item = (i: number): Record<string, unknown> => ({
    id: i,
    name: `name ${random.between(0, 1e6)}`,
    state: random.pick(['open', 'closed']),
    at: new Date(random.between(1e11, 1e12)).toISOString(),
    price: random.between(1, 1e6) / 7,
    ...(random.chance(0.6) ? { note: 'a note' } : {}),
    parent: random.chance(0.4) ? null : { id: i },
  });
  const traffic = (count: number): ApiExchange[] =>
    Array.from({ length: count }, (_, i) => ({
      target: `/items/${random.between(1, 1e6)}${random.chance(0.5) ? '?full=true' : ''}`,
      status: random.chance(0.04) ? random.pick([429, 500, 503]) : 200,
      answer: item(i),
    }));
  const inventory = new Inventory();
  for (const exchange of traffic(200)) inventory.add(apiTrace(exchange));
  const document = JSON.parse(JSON.stringify(openApiDocument(inventory)));

  it('finds nothing in more of the same traffic', () => {
    for (let round = 0; round < 20; round++)
      expect(told(findingsOf(document, traffic(200))), `SEED=${seed}`).toEqual([]);
  });

  it.each<[string, (exchange: ApiExchange, answer: Record<string, unknown>) => object, string]>([
    ['a new property', (_, answer) => Object.assign(answer, { added: 1 }), 'new-property'],
    ['a missing property', (_, answer) => Object.assign(answer, { name: undefined }), 'missing-property'],
    ['another type', (_, answer) => Object.assign(answer, { id: 'x1' }), 'other-type'],
    ['null', (_, answer) => Object.assign(answer, { name: null }), 'other-type'],
    ['another format', (_, answer) => Object.assign(answer, { at: 'today' }), 'other-format'],
    ['another value', (_, answer) => Object.assign(answer, { state: 'lost' }), 'other-value'],
    ['a new parameter', (exchange) => ({ ...exchange, target: '/items/7?deep=1' }), 'new-parameter'],
    ['a new endpoint', (exchange) => ({ ...exchange, target: '/items/7/parts' }), 'new-endpoint'],
    ['a new status', (exchange) => ({ ...exchange, status: 202 }), 'new-status'],
    ['a new media type', (exchange) => ({ ...exchange, type: 'application/hal+json' }), 'new-media-type'],
  ])('finds %s in a single exchange', (_, change, kind) => {
    const exchanges = traffic(50).map((exchange): ApiExchange => ({ ...exchange, status: 200 }));
    const first = exchanges[0] as ApiExchange;
    const changed = change(first, first.answer as Record<string, unknown>);
    if ('target' in changed) exchanges[0] = changed as ApiExchange;
    expect(
      told(findingsOf(document, exchanges)).map((line) => line.split(' ')[0]),
      `SEED=${seed}`,
    ).toEqual([kind]);
  });

  it('takes an endpoint for new by how sure the document can be to have all of them', () => {
    const incomplete = new Inventory();
    for (const exchange of traffic(200)) incomplete.add(apiTrace(exchange));
    incomplete.add(apiTrace({ target: '/reports/weekly', answer: { pages: 1 } }));
    const open = JSON.parse(JSON.stringify(openApiDocument(incomplete)));
    const parts = (count: number): ApiExchange[] =>
      Array.from({ length: count }, (_, i) => ({ target: `/items/${i + 1}/parts`, answer: [] }));
    // One operation was seen but once, so there are others that were not seen yet.
    expect(told(findingsOf(open, [...traffic(199), ...parts(2)])), `SEED=${seed}`).toEqual([]);
    expect(told(findingsOf(open, [...traffic(190), ...parts(12)])), `SEED=${seed}`).toEqual([
      'new-endpoint GET /items/{itemId}/parts',
    ]);
  });

  it('holds a request against the template that has its method, where it fits several', () => {
    const written = {
      openapi: '3.1.0',
      info: { title: 'Plugins', version: '1' },
      paths: {
        '/plugins/create': { post: { responses: { 204: { description: '' } } } },
        '/plugins/{name}': {
          parameters: [{ name: 'name', in: 'path', required: true, schema: { type: 'string' } }],
          get: { responses: { 200: { description: '' } } },
        },
      },
    };
    expect(
      told(findingsOf(written, [{ target: '/plugins/create' }, { target: '/plugins/create', method: 'PUT' }])),
    ).toEqual(['new-endpoint PUT /plugins/create']);
  });
});
