/** How much must have been seen before a document, or drift from it, claims something. */
import { describe, expect, it } from 'vitest';
import { Inventory } from '../../../src/satellite/endpoints/inventory.js';
import { openApiDocument } from '../../../src/satellite/openapi/document.js';
import { Drift } from '../../../src/satellite/openapi/drift.js';
import { typeLong, unseenByChance } from '../../../src/satellite/openapi/drift-odds.js';
import { createPathBeginning } from '../../../src/satellite/openapi/path-matcher.js';
import { type ApiExchange, apiTrace } from '../../support/api-trace.js';

function documentOf(exchanges: readonly ApiExchange[]): any {
  const inventory = new Inventory();
  for (const exchange of exchanges) inventory.add(apiTrace(exchange));
  return JSON.parse(JSON.stringify(openApiDocument(inventory)));
}

const repeated = (count: number, exchange: (i: number) => ApiExchange): ApiExchange[] =>
  Array.from({ length: count }, (_, i) => exchange(i));

function findings(document: object, exchanges: readonly ApiExchange[]) {
  const drift = new Drift(document as Record<string, unknown>);
  for (const exchange of exchanges) drift.add(apiTrace(exchange));
  return drift.findings().filter(({ isDrift }) => isDrift);
}

describe('what is required', () => {
  const once: ApiExchange = { target: '/users/1', answer: { id: 1, note: 'x' } };
  const requiredOnce = (document: any) =>
    document.paths['/users/{userId}'].get.responses['200'].content['application/json'].schema.required;

  it('takes one object where nothing of the service is ever left out', () => {
    const strict = repeated(12, (i) => ({
      target: `/orders/${i}`,
      answer: { a: i, b: i, c: i, d: i, e: i, f: i, g: i, h: i },
    }));
    expect(requiredOnce(documentOf([once, ...strict]))).toEqual(['id', 'note']);
  });

  it('takes several where much is there but often', () => {
    const loose = repeated(12, (i) => ({
      target: `/orders/${i}`,
      answer: Object.fromEntries([...'abcdefghijklmnop'].filter((_, j) => (i + j) % 5 > 0).map((name) => [name, i])),
    }));
    expect(requiredOnce(documentOf([once, ...loose]))).toBeUndefined();
  });
});

describe('a shared shape', () => {
  const user = (i: number) => ({ id: i, name: `someone, number ${i}`, mail: `a${i}@example.com` });
  const document = documentOf([
    ...repeated(40, (i) => ({ target: '/users/7', answer: user(i) })),
    ...repeated(2, (i) => ({ target: '/orders/7', answer: { id: 1, total: 2, buyer: user(i) } })),
  ]);
  const buyer =
    document.paths['/orders/{orderId}'].get.responses['200'].content['application/json'].schema.properties.buyer;

  it('says how often it was seen at each of its places, and at all together', () => {
    expect(buyer).toEqual({ $ref: '#/components/schemas/User', 'x-observed': 2 });
    expect(document.components.schemas.User['x-observed']).toBe(42);
  });

  it('is as certain at a place as what was seen there', () => {
    const changed = (target: string, answer: object) => findings(document, [{ target, answer }]);
    const more = { ...user(1), added: true };
    expect(changed('/users/7', more).map(({ kind }) => kind)).toEqual(['new-property']);
    expect(changed('/orders/7', { id: 1, total: 2, buyer: more })).toEqual([]);
  });
});

describe('an endpoint that is not in a document', () => {
  const known = repeated(30, (i) => ({ target: `/items/${i}`, answer: { id: i } }));
  const document = documentOf([...known, ...repeated(3, () => ({ target: '/totals', answer: { sum: 1 } }))]);

  it('is one, whatever words stand where it has values', () => {
    const words = ['amber', 'birch', 'cedar', 'delta', 'ember', 'fjord', 'grove', 'haven', 'isles', 'jetty'];
    const found = findings(document, [
      ...known,
      ...words.map((word, i) => ({ target: `/items/${i}/notes?q=${word}` })),
    ]);
    expect(found.map(({ path, count }) => [path, count])).toEqual([['/items/{itemId}/notes', 10]]);
  });

  it('may be chance where others are asked for as seldom', () => {
    const totals = [...Array<number>(40).fill(3), ...Array<number>(5).fill(80)];
    expect(unseenByChance(totals, 3, 100, 100)).toBeGreaterThan(0.5);
    expect(unseenByChance(totals, 20, 100, 100)).toBeLessThan(0.001);
  });

  it('begins as the template that goes furthest along with it', () => {
    const beginning = createPathBeginning(['/a/{id}', '/a/{id}/b/{other}', '/a/special', '/c']);
    expect(beginning('/a/oak/b/elm/more')).toBe('/a/{id}/b/{other}/more');
    expect(beginning('/a/special/more')).toBe('/a/special/more');
    expect(beginning('/x/y')).toBe('/x/y');
    expect(beginning('/')).toBe('/');
  });
});

it('asks more of a type where types vary', () => {
  expect(typeLong(0, 1000)).toBe(3);
  expect(typeLong(50, 1000)).toBeGreaterThan(15);
});

it('is not sure that what was always null never is anything', () => {
  const answer = (parent: unknown): ApiExchange => ({ target: '/nodes/1', answer: { id: 1, parent } });
  const document = documentOf(repeated(20, () => answer(null)));
  expect(findings(document, [answer({ id: 2 })])).toEqual([]);
  expect(findings(documentOf(repeated(80, () => answer(null))), [answer({ id: 2 })])).toHaveLength(1);
});
