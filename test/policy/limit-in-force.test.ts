/** A limit that changes, as a server may have it do with each poll. */
import { expect, it } from 'vitest';
import { LimitInForce } from '../../src/policy/limit-in-force.js';
import { Random, runSeed } from '../support/random.js';

it('holds every minute to the highest limit, however often it changes', () => {
  const random = new Random(runSeed());
  const limits = new LimitInForce(60, { pace: 'capture', endpointsMax: 1000, onEndpointEvicted() {} });
  const kept: number[] = [];
  for (let now = 0; now < 300_000; now += 100) {
    if (now % 500 === 0) limits.update(random.between(1, 60));
    for (let i = 0; i < 5; i++) if (limits.limit?.take(random.between(1, 1000), now) != null) kept.push(now);
  }
  const most = kept.reduce((max, from, i) => Math.max(max, kept.slice(i).filter((at) => at < from + 60_000).length), 0);
  expect(kept.length).toBeGreaterThan(100);
  expect(most).toBeLessThanOrEqual(60);
});

it('keeps nothing more for a minute where the lower limit was reached already', () => {
  const limits = new LimitInForce(1000, { pace: 'capture', endpointsMax: 1000, onEndpointEvicted() {} });
  const keep = (now: number) =>
    Array.from({ length: 100 }, () => limits.limit?.take(7, now)).filter((one) => one).length;
  expect(keep(0)).toBeGreaterThan(10);
  limits.update(10);
  expect(keep(1000)).toBe(0);
  expect(keep(62_000)).toBeGreaterThan(0);
});
