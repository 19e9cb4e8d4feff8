import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSlidingCount } from '../../src/policy/sliding-count.js';

describe('createSlidingCount', () => {
  it('forgets after a minute, not before', () => {
    const count = createSlidingCount();
    count.add(1000);
    count.add(1100);
    count.add(30_000);
    expect(count.total(60_999)).toBe(3);
    expect(count.total(61_500)).toBe(1);
    expect(count.total(90_000)).toBe(1);
    expect(count.total(90_500)).toBe(0);
  });

  it('takes back what still counts, and only that', () => {
    const count = createSlidingCount();
    const early = count.add(0);
    const late = count.add(59_000);
    count.takeBack(late);
    expect(count.total(59_000)).toBe(1);
    expect(count.total(61_000)).toBe(0);
    count.takeBack(early);
    expect(count.total(61_000)).toBe(0);
  });

  it('takes a clock that runs backwards for one that stands', () => {
    const count = createSlidingCount();
    count.add(100_000);
    count.add(10_000);
    expect(count.total(10_000)).toBe(2);
    expect(count.total(159_999)).toBe(2);
    expect(count.total(160_500)).toBe(0);
  });

  it('never counts less than there is in the minute, nor more than in a minute and a quarter second', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20_000), { maxLength: 300 }), (steps) => {
        const count = createSlidingCount();
        const times: number[] = [];
        let now = 1e12;
        for (const step of steps) {
          now += step;
          count.add(now);
          times.push(now);
          const within = (millis: number) => times.filter((time) => time > now - millis).length;
          const total = count.total(now);
          if (total < within(60_000) || total > within(60_250)) return false;
        }
        return true;
      }),
    );
  });
});
