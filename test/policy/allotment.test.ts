/** What a sensor keeps of an allotment that changes, against the worth of the allotment in each minute. */
import { describe, expect, it } from 'vitest';
import { Allotment } from '../../src/policy/allotment.js';
import { createCaptureTimePermits } from '../../src/policy/permits.js';
import { createRateLimit } from '../../src/policy/rate-limit.js';
import { Random, runSeed } from '../support/random.js';

const HOT = 1;

function shared(perMinute: number, own = 0) {
  const allotment = new Allotment();
  allotment.set(perMinute, 0);
  const limit = createRateLimit({ perMinute: own, endpointsMax: 1000 }, createCaptureTimePermits, () => {});
  limit.share(allotment);
  return { allotment, limit };
}

describe('an allotment', () => {
  it('is kept to in every minute while it changes at random, and used', () => {
    const seed = runSeed();
    const random = new Random(seed);
    for (let round = 0; round < 20; round++) {
      const { allotment, limit } = shared(0);
      const changes: { time: number; perMinute: number }[] = [{ time: 0, perMinute: 0 }];
      const grants: number[] = [];
      for (let time = 0; time < 600_000; time += random.between(1, 60)) {
        if (random.chance(0.002)) {
          const perMinute = random.between(0, 400);
          allotment.set(perMinute, time);
          changes.push({ time, perMinute });
        }
        if (limit.take(random.chance(0.9) ? HOT : random.between(2, 40), time) !== null) grants.push(time);
      }
      const worth = (from: number, to: number): number =>
        changes.reduce((sum, { time, perMinute }, i) => {
          const end = Math.min(to, changes[i + 1]?.time ?? to);
          return sum + (Math.max(0, end - Math.max(from, time)) * perMinute) / 60_000;
        }, 0);
      for (let first = 0, last = 0; last < grants.length; last++) {
        while ((grants[first] as number) <= (grants[last] as number) - 60_000) first++;
        const end = grants[last] as number;
        expect(last - first + 1, `seed ${seed}`).toBeLessThanOrEqual(worth(end - 60_500, end) + 1e-6);
      }
      expect(grants.length, `seed ${seed}`).toBeGreaterThan(0.9 * worth(0, 600_000));
    }
  });

  it('spends nothing at once that it was just given', () => {
    const { limit } = shared(600);
    expect(limit.take(HOT, 1)).toBeNull();
    let granted = 0;
    for (let time = 0; time < 6000; time++) if (limit.take(HOT, time) !== null) granted++;
    expect(granted).toBeGreaterThan(40);
    expect(granted).toBeLessThanOrEqual(60);
  });

  it('lets in what is rare while another endpoint floods, in a small allotment too', () => {
    const random = new Random(runSeed());
    for (const perMinute of [10, 100]) {
      const { limit } = shared(perMinute);
      const kept = { hot: 0, rare: 0, asked: 0 };
      let rareAt = 60_000;
      for (let time = 0; time < 600_000; time += 10) {
        if (limit.take(HOT, time) !== null && time >= 60_000) kept.hot++;
        if (time >= rareAt) {
          rareAt = time + random.between(40_000, 110_000);
          kept.asked++;
          if (limit.take(2 + (time % 7), time) !== null) kept.rare++;
        }
      }
      expect(kept.rare).toBeGreaterThanOrEqual(kept.asked - 1);
      expect(kept.hot).toBeGreaterThan(0.75 * 9 * perMinute);
    }
  });

  it("never widens the sensor's own limit", () => {
    const { limit } = shared(1e9, 10);
    let granted = 0;
    for (let time = 0; time < 60_000; time += 10) if (limit.take(HOT, time) !== null) granted++;
    expect(granted).toBeLessThanOrEqual(10);
  });

  it('gives back what was not used', () => {
    const { limit } = shared(1);
    const take = () => {
      for (let time = 60_000; time < 61_000; time += 250) {
        const permit = limit.take(HOT, time);
        if (permit !== null) return permit;
      }
      return null;
    };
    const permit = take();
    expect(take()).toBeNull();
    permit?.giveBack();
    expect(take()).not.toBeNull();
  });

  it('takes an idle hour in its stride', () => {
    const { limit } = shared(60);
    limit.take(HOT, 0);
    let granted = 0;
    for (let time = 3_600_000; time < 3_601_000; time++) if (limit.take(HOT, time) !== null) granted++;
    expect(granted).toBeGreaterThan(0);
    expect(granted).toBeLessThanOrEqual(15 + 6);
  });
});

describe('what a trace stands for', () => {
  it('adds up to what was asked for, but for what was refused last', () => {
    const seed = runSeed();
    const random = new Random(seed);
    const { limit } = shared(200, 300);
    const asked = new Map<number, number>();
    const stood = new Map<number, number>();
    const refusedLast = new Map<number, number>();
    const add = (map: Map<number, number>, key: number, n: number) => map.set(key, (map.get(key) ?? 0) + n);
    for (let time = 0; time < 300_000; time += random.between(1, 40)) {
      const endpoint = random.between(1, 30);
      const permit = limit.take(endpoint, time);
      // What is given back was dropped for another reason, and nothing stands for it.
      if (permit !== null && random.chance(0.1)) {
        permit.giveBack();
        refusedLast.set(endpoint, permit.standsFor - 1);
        continue;
      }
      add(asked, endpoint, 1);
      if (permit === null) add(refusedLast, endpoint, 1);
      else {
        add(stood, endpoint, permit.standsFor);
        refusedLast.set(endpoint, 0);
      }
    }
    for (const [endpoint, count] of asked)
      expect((stood.get(endpoint) ?? 0) + (refusedLast.get(endpoint) ?? 0), `seed ${seed}`).toBe(count);
  });
});

describe('what was seen', () => {
  it('is told once, the most asked for by themselves', () => {
    const { limit } = shared(100);
    for (let endpoint = 1; endpoint <= 5; endpoint++) for (let i = 0; i < endpoint; i++) limit.take(endpoint, 1000 + i);
    expect(limit.takeSeen(2)).toEqual({
      most: [
        { endpoint: 5, count: 5 },
        { endpoint: 4, count: 4 },
      ],
      rest: { endpoints: 3, count: 6 },
      kept: 1,
    });
    expect(limit.takeSeen(2)).toEqual({ most: [], rest: { endpoints: 0, count: 0 }, kept: 0 });
  });
});
