/** How much must have been seen before a document, or drift from it, claims something. */
import { describe, expect, it } from 'vitest';
import { Inventory } from '../../../src/satellite/endpoints/inventory.js';
import { openApiDocument } from '../../../src/satellite/openapi/document.js';
import { Drift } from '../../../src/satellite/openapi/drift.js';
import { createPathBeginning } from '../../../src/satellite/openapi/path-matcher.js';
import { atLeast, Rates } from '../../../src/satellite/openapi/rates.js';
import { type ApiExchange, apiTrace } from '../../support/api-trace.js';
import { Random, runSeed } from '../../support/random.js';

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

  describe('by what is alike', () => {
    const device = (i: number, hasNote: boolean) => ({
      id: i,
      serial: 7 * i,
      rack: i % 3,
      ...(hasNote ? { note: 'x' } : {}),
    });
    const few = (hasNote: boolean, target = '/devices/1') =>
      repeated(4, (i) => ({ target, answer: device(i, hasNote) }));
    const list = (hasNote: (i: number) => boolean): ApiExchange => ({
      target: '/devices',
      answer: { total: 30, items: Array.from({ length: 30 }, (_, i) => device(i, hasNote(i))) },
    });
    const requiredAt = (document: any, path: string): unknown => {
      const { schema } = document.paths[path].get.responses['200'].content['application/json'];
      return (schema.$ref === undefined ? schema : document.components.schemas[schema.$ref.split('/').at(-1)]).required;
    };

    it('is nothing that a list of the same leaves out now and then', () => {
      const document = documentOf([list((i) => i % 5 > 0), ...few(true)]);
      expect(requiredAt(document, '/devices/{deviceId}')).toEqual(['id', 'rack', 'serial']);
    });

    it('is what a list never has, if it is always there elsewhere', () => {
      const document = documentOf([list(() => false), ...few(true)]);
      expect(requiredAt(document, '/devices/{deviceId}')).toEqual(['id', 'note', 'rack', 'serial']);
    });

    it('is what the many of one operation have, whatever others do', () => {
      const document = documentOf([list((i) => i % 5 > 0), ...few(true), ...few(true)]);
      expect(requiredAt(document, '/devices/{deviceId}')).toEqual(['id', 'note', 'rack', 'serial']);
    });

    it('is not asked of what is called otherwise, or has other names', () => {
      const others = { target: '/cables', answer: { total: 1, items: [device(1, false), device(2, true)] } };
      const document = documentOf([others, list(() => true), ...few(true)]);
      expect(requiredAt(document, '/devices/{deviceId}')).toEqual(['id', 'note', 'rack', 'serial']);
    });
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
    const words = ['totals', 'jobs', 'alerts', 'teams', 'roles', 'tokens', 'events', 'files', 'quotas', 'plans'];
    const seldom = words.map((word): ApiExchange => ({ target: `/${word}`, answer: { [word]: [1], next: word } }));
    const parts = (count: number) => repeated(count, () => ({ target: '/parts', answer: {} }));
    const open = documentOf([...known, ...seldom]);
    expect(findings(open, [...known, ...parts(2)])).toEqual([]);
    expect(findings(open, [...known, ...parts(30)]).map(({ kind }) => kind)).toEqual(['new-endpoint']);
  });

  it('begins as the template that goes furthest along with it', () => {
    const beginning = createPathBeginning(['/a/{id}', '/a/{id}/b/{other}', '/a/special', '/c']);
    expect(beginning('/a/oak/b/elm/more')).toBe('/a/{id}/b/{other}/more');
    expect(beginning('/a/special/more')).toBe('/a/special/more');
    expect(beginning('/x/y')).toBe('/x/y');
    expect(beginning('/')).toBe('/');
  });
});

/** Things of given rates, of which a document saw some and not others; and how often a rule takes what it did not see for new. */
describe('how many findings are to be expected by chance', () => {
  const seed = runSeed();

  it('is what they are, on the average of many services', () => {
    const random = new Random(seed);
    const [of, things, services] = [30, 100, 40];
    for (const rateOf of [() => random.next(), () => 0.75, () => (random.chance(0.5) ? 0.05 : 0.9)]) {
      let expected = 0;
      let found = 0;
      for (let service = 0; service < services; service++) {
        const rates = new Rates(0);
        const happens = (rate: number) => Array.from({ length: of }, () => random.chance(rate)).filter(Boolean).length;
        let unseen = 0;
        for (let thing = 0; thing < things; thing++) {
          const rate = rateOf();
          const before = happens(rate);
          rates.note(before, of);
          if (before === 0 && happens(rate) >= 2) unseen++;
        }
        expected += rates.expected(of, of, 2);
        found += unseen;
      }
      expect(Math.abs(expected - found), `SEED=${seed}`).toBeLessThan(5 + found / 2);
    }
  });

  it('is less the longer a claim held, and the oftener it is broken', () => {
    const rates = new Rates(1);
    for (let i = 0; i < 50; i++) rates.note(20 + (i % 10), 40);
    const chances = [10, 20, 40, 80, 160].map((held) => rates.expected(held, 40, 1));
    expect([...chances].sort((a, b) => b - a)).toEqual(chances);
    const broken = [1, 2, 5, 20, 40].map((count) => rates.expected(20, 40, count));
    expect([...broken].sort((a, b) => b - a)).toEqual(broken);
  });

  it('counts the chance of so many of so many, as a sum of its terms does', () => {
    for (const [count, of, rate] of [
      [1, 60, 0.001],
      [3, 10, 0.2],
      [9, 10, 0.5],
      [40, 400, 0.02],
    ] as const) {
      const logs = Array.from({ length: of + 1 }, (_, i) => Math.log(i || 1)).map(
        (
          (sum) => (log) =>
            (sum += log)
        )(0),
      );
      const choose = (hits: number) =>
        Math.exp((logs[of] as number) - (logs[hits] as number) - (logs[of - hits] as number));
      let sum = 0;
      for (let hits = count; hits <= of; hits++) sum += choose(hits) * rate ** hits * (1 - rate) ** (of - hits);
      expect(atLeast(count, of, rate) / sum).toBeCloseTo(1, 4);
    }
    expect(atLeast(5, 4, 0.5)).toBe(0);
    expect(atLeast(0, 4, 0.5)).toBe(1);
  });
});

it('is not sure that what was always null never is anything', () => {
  const answer = (parent: unknown): ApiExchange => ({ target: '/nodes/1', answer: { id: 1, parent } });
  const document = documentOf(repeated(20, () => answer(null)));
  expect(findings(document, [answer({ id: 2 })])).toEqual([]);
  expect(findings(documentOf(repeated(80, () => answer(null))), [answer({ id: 2 })])).toHaveLength(1);
});
