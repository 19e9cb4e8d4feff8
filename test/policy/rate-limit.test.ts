/**
 * Ten minutes of a flood in synthetic time: 5000 exchanges a second, of which 99.9 % ask for one route and the rest for
 * fifty others, under a limit of 1000 a minute.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Permit } from '../../src/pair/exchange.js';
import { createCaptureTimePermits } from '../../src/policy/permits.js';
import { createRateLimit, type RateLimit } from '../../src/policy/rate-limit.js';
import { createReservoirPermits } from '../../src/policy/reservoir-permits.js';

const HOT = 1;
const LIMIT = 1000;

interface Grant {
  time: number;
  endpoint: number;
}

/** mulberry32: the same numbers each run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The most grants in any window of a minute, closed at one end. */
function mostInAMinute(grants: readonly Grant[]): number {
  let most = 0;
  for (let first = 0, last = 0; last < grants.length; last++) {
    while (grants[first]!.time <= grants[last]!.time - 60_000) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

async function flood(limit: RateLimit, start: number, advance: (millis: number) => Promise<unknown>): Promise<Grant[]> {
  const next = random(7);
  const grants: Grant[] = [];
  for (let slice = 0; slice < 6000; slice++) {
    const time = start + slice * 100;
    for (let i = 0; i < 500; i++) {
      const endpoint = next() < 0.999 ? HOT : 100 + Math.floor(next() * 50);
      if (limit.take(endpoint, time + i / 5) !== null) grants.push({ time: time + i / 5, endpoint });
    }
    await advance(100);
  }
  return grants;
}

function expectFairness(grants: readonly Grant[], start: number): void {
  expect(mostInAMinute(grants)).toBeLessThanOrEqual(LIMIT);
  // The limit is used, not only kept.
  expect(grants.length).toBeGreaterThan(0.95 * 10 * LIMIT);

  const firstSeen = new Map<number, number>();
  for (const { endpoint, time } of grants) if (!firstSeen.has(endpoint)) firstSeen.set(endpoint, time - start);
  firstSeen.delete(HOT);
  expect(firstSeen.size).toBe(50);
  expect(Math.max(...firstSeen.values())).toBeLessThan(60_000);

  const hot = grants.filter(({ endpoint }) => endpoint === HOT).length;
  expect(hot / grants.length).toBeLessThan(0.8);
  // Each rare route asks about six times a minute; it goes on being seen after its first trace.
  for (let route = 100; route < 150; route++)
    expect(grants.filter(({ endpoint }) => endpoint === route).length).toBeGreaterThan(20);

  // Spread over the minute: after the first, no ten seconds get more than a third of it, and none get nothing.
  for (let from = 60_000; from < 600_000; from += 10_000) {
    const some = grants.filter(({ time }) => time - start >= from && time - start < from + 10_000).length;
    expect(some).toBeGreaterThan(LIMIT / 30);
    expect(some).toBeLessThan(LIMIT / 3);
  }
}

describe('ten minutes of flood', () => {
  const START = Date.UTC(2026, 0, 1);

  it('paced by capture time', async () => {
    const limit = createRateLimit({ perMinute: LIMIT, endpointsMax: 1000 }, createCaptureTimePermits, () => {});
    expectFairness(await flood(limit, START, async () => {}), START);
  });

  it("paced by bottleneck's reservoir", async () => {
    vi.useFakeTimers({ now: START });
    try {
      const limit = createRateLimit({ perMinute: LIMIT, endpointsMax: 1000 }, createReservoirPermits, () => {});
      const grants = await flood(limit, START, (millis) => vi.advanceTimersByTimeAsync(millis));
      expectFairness(grants, START);
      const closed = limit.close();
      await vi.runAllTimersAsync();
      await closed;
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('createRateLimit', () => {
  const create = (perMinute: number, endpointsMax = 1000, onEvicted = () => {}) =>
    createRateLimit({ perMinute, endpointsMax }, createCaptureTimePermits, onEvicted);

  it.each([1, 2, 3, 4, 5, 10, 59, 60, 61])('a limit of %d holds, and is reached', (perMinute) => {
    const limit = create(perMinute);
    const grants: Grant[] = [];
    for (let time = 0; time < 300_000; time += 20)
      if (limit.take(time % 1000 === 0 ? time : HOT, time) !== null) grants.push({ time, endpoint: HOT });
    expect(mostInAMinute(grants)).toBeLessThanOrEqual(perMinute);
    expect(grants.length).toBeGreaterThanOrEqual(4 * perMinute);
  });

  it('keeps all of a quiet service', () => {
    const limit = create(1000);
    for (let i = 0; i < 600; i++) expect(limit.take(HOT, i * 1000)).not.toBeNull();
  });

  it('keeps a burst that is well under the limit', () => {
    const limit = create(1000);
    for (let i = 0; i < 70; i++) expect(limit.take(HOT, 5000)).not.toBeNull();
  });

  it('does not spend the minute in its first second', () => {
    const limit = create(1000);
    let granted = 0;
    for (let i = 0; i < 5000; i++) if (limit.take(HOT, i / 5) !== null) granted++;
    expect(granted).toBeLessThan(250);
  });

  it('lets in an endpoint not seen for ten minutes, over the flood of another', () => {
    const limit = create(100);
    for (let time = 0; time < 1_300_000; time += 100) {
      limit.take(HOT, time);
      if (time === 5000 || time === 610_000) expect(limit.take(2, time)).not.toBeNull();
    }
  });

  it('takes permits back: the limit counts what was kept, and the endpoint stays unseen', () => {
    const limit = create(100);
    for (let time = 0; time < 50_000; time += 10) limit.take(HOT, time);
    for (let i = 0; i < 1000; i++) {
      const permit = limit.take(2, 50_000 + i);
      expect(permit).not.toBeNull();
      (permit as Permit).giveBack();
    }
    expect(limit.take(2, 52_000)).not.toBeNull();
  });

  it('forgets endpoints to make room, the quiet before the busy, and counts them', () => {
    let evicted = 0;
    const limit = create(1000, 10, () => evicted++);
    for (let i = 0; i < 10; i++) limit.take(i, 0);
    // Endpoint 0 is asked for again in a later minute, so another one must go.
    limit.take(0, 90_000);
    limit.take(10, 90_000);
    limit.take(11, 90_000);
    expect(evicted).toBe(2);
    for (let i = 0; i < 1000; i++) limit.take(100 + i, 90_000);
    expect(evicted).toBe(1002);
  });
});

describe('createReservoirPermits', () => {
  it('takes back nothing once it is closed', () => {
    const permits = createReservoirPermits({ perMinute: 100, burst: 10 });
    permits.take(0);
    void permits.close();
    permits.giveBack();
    expect(permits.available(0)).toBe(9);
  });

  beforeEach(() => {
    vi.useFakeTimers({ now: 0 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([1, 7, 60, 1000, 100_000])('hands out its burst at once, then %d a minute', async (perMinute) => {
    const burst = Math.max(1, Math.floor(perMinute / 10));
    const permits = createReservoirPermits({ perMinute, burst });
    let taken = 0;
    while (permits.take(0)) taken++;
    expect(taken).toBe(burst);
    for (let i = 0; i < 3 * 240; i++) {
      await vi.advanceTimersByTimeAsync(250);
      while (permits.take(0)) taken++;
    }
    const lot = Math.ceil(perMinute / 240);
    expect(taken).toBeLessThanOrEqual(burst + 3 * perMinute);
    expect(taken).toBeGreaterThanOrEqual(burst + 3 * perMinute - 2 * lot);
    const closed = permits.close();
    await vi.runAllTimersAsync();
    await closed;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('saves up no more than its burst and a lot', async () => {
    const permits = createReservoirPermits({ perMinute: 1000, burst: 100 });
    permits.take(0);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(permits.available(0)).toBeLessThanOrEqual(100);
    let taken = 0;
    for (let i = 0; i < 20; i++) {
      while (permits.take(0)) taken++;
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(taken).toBeLessThanOrEqual(100 + 5 + 5);
    void permits.close();
    await vi.runAllTimersAsync();
  });

  it('takes permits back, over the brim into the reservoir', async () => {
    const permits = createReservoirPermits({ perMinute: 60, burst: 2 });
    permits.giveBack();
    await vi.advanceTimersByTimeAsync(10);
    expect(permits.take(0) && permits.take(0)).toBe(true);
    await vi.advanceTimersByTimeAsync(10);
    expect(permits.take(0)).toBe(true);
    expect(permits.take(0)).toBe(false);
    permits.giveBack();
    expect(permits.take(0)).toBe(true);
    void permits.close();
    await vi.runAllTimersAsync();
  });
});
