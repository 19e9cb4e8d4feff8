/** Routes that are remembered for paths which differ in their numbers: those that the paths have. */
import { describe, expect, it } from 'vitest';
import { Routes, routeOf } from '../../src/trace/route.js';
import { RouteMemo } from '../../src/trace/route-memo.js';
import { apiTrace } from '../support/api-trace.js';
import { Random, runSeed } from '../support/random.js';

const SEGMENTS = ['api', 'v1', 'v2', 'items', 'users', '', '1.json', '2024-01-31', 'a-b_c', 'sha256', '1:cancel', 'é'];

describe('a route that is remembered', () => {
  it('is that of each path that differs in its numbers', () => {
    const seed = runSeed();
    const random = new Random(seed);
    const memo = new RouteMemo();
    const number = () => String(random.between(0, 10 ** random.between(1, 12))).repeat(random.pick([1, 1, 1, 4]));
    const path = (): string =>
      Array.from({ length: random.between(1, 5) }, () =>
        random.chance(0.4) ? `/${number()}` : `/${random.pick(SEGMENTS)}`,
      ).join('');
    let found = 0;
    for (let i = 0; i < 20_000; i++) {
      const one = path();
      const remembered = memo.get(one);
      if (remembered !== null) {
        found++;
        expect(remembered, `SEED=${seed} ${one}`).toBe(routeOf(one));
      } else memo.add(one, routeOf(one));
    }
    expect(found).toBeGreaterThan(2000);
  });

  it.each([
    ['/items/17', '/items/18', true],
    ['/items/17/', '/items/18/', true],
    ['/items/17', '/items/18/', false],
    ['/items/17', '/items/18a', false],
    ['/items/17', '/items/', false],
    ['/items/17', `/items/${'1'.repeat(41)}`, false],
    // Before any word a number may be a version.
    ['/17/items', '/18/items', false],
    ['/api/17/items', '/api/18/items', false],
    ['/items/\0', '/items/\0', false],
  ])('of %j holds for %j: %s', (one, other, holds) => {
    const memo = new RouteMemo();
    memo.add(one, 'a route');
    expect(memo.get(other)).toBe(holds ? 'a route' : null);
  });

  it('is there again after another one took its place, and never for more paths than there may be routes', () => {
    const routes = new Routes(1);
    for (let i = 0; i < 2000; i++) expect(routes.of(apiTrace({ target: `/items/${i}` }))).toBe('/items/{itemId}');
    for (let i = 0; i < 2000; i++) expect(routes.of(apiTrace({ target: `/p${i}/${i}` }))).toBeNull();
    for (let i = 0; i < 100; i++) expect(routes.of(apiTrace({ target: `/items/${i}` }))).toBe('/items/{itemId}');
  });
});
