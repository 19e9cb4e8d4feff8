/** Work in slices: what a turn has no time for is done in later ones, and packets that wait come first. */
import { expect, it } from 'vitest';
import { MemoryBudget } from '../../src/memory-budget.js';
import { Slices } from '../../src/sensor/slices.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Each piece of work takes so many milliseconds, by a clock that goes by nothing else. */
function slicesOf({ millis = 2, memoryBytes = 1 << 20 } = {}) {
  const done: number[] = [];
  const clock = { time: 1000 };
  const budget = new MemoryBudget(memoryBytes);
  const slices = new Slices<number>(
    budget,
    () => clock.time,
    (work) => {
      done.push(work);
      clock.time += millis;
    },
  );
  return { slices, done, budget, clock };
}

it('does in each turn what takes five milliseconds, in order', async () => {
  const { slices, done, budget } = slicesOf();
  for (let i = 0; i < 100; i++) expect(slices.accept(i, 100)).toBe(true);
  expect(done).toEqual([0, 1, 2]);
  expect(budget.used).toBe(97 * 100);
  // This turn has had its share.
  await turn();
  expect(done).toHaveLength(3);
  await turn();
  expect(done).toEqual([0, 1, 2, 3, 4, 5]);
  expect(slices.accept(100, 100)).toBe(true);
  await slices.finish();
  expect(done).toEqual(Array.from({ length: 101 }, (_, i) => i));
  expect(budget.used).toBe(0);
});

it('rests while packets wait, but not for ever', async () => {
  const { slices, done, clock } = slicesOf();
  slices.isBehind = true;
  slices.accept(0, 100);
  await turn();
  // The first has rested since the process began.
  expect(done).toEqual([0]);
  slices.accept(1, 100);
  for (let i = 0; i < 10; i++) await turn();
  expect(done).toEqual([0]);
  clock.time += 51;
  await turn();
  expect(done).toEqual([0, 1]);
  slices.accept(2, 100);
  slices.isBehind = false;
  await turn();
  expect(done).toEqual([0, 1, 2]);
});

it('refuses what there is no room for, and does small pieces while there is time', async () => {
  const { slices, done, budget } = slicesOf({ memoryBytes: 1_600_000 });
  slices.isBehind = true;
  // An eighth is for what waits, three quarters of it for what is not small, and a quarter of what is left for one piece.
  expect(slices.accept(0, 37_501)).toBe(false);
  expect(slices.accept(1, 37_500)).toBe(true);
  expect(slices.accept(2, 28_125)).toBe(true);
  expect(budget.used).toBe(65_625);
  budget.add(1_333_125);
  expect(slices.accept(3, 4000)).toBe(true);
  expect(done).toEqual([3]);
  expect(slices.accept(4, 4097)).toBe(false);
  for (const i of [5, 6]) expect(slices.accept(i, 4000)).toBe(true);
  expect(slices.accept(7, 4000)).toBe(false);
  await slices.finish();
  expect(done).toEqual([3, 5, 6, 1, 2]);
  expect(budget.used).toBe(1_333_125);
});

it('never waits for large pieces', () => {
  const { slices } = slicesOf({ memoryBytes: 1_600_000 });
  slices.isBehind = true;
  for (let i = 0; i < 1000; i++) slices.accept(i, 30_000 >> (i % 3));
  expect(slices.drained()).toBeUndefined();
  expect(slices.accept(1000, 4000)).toBe(true);
});

it('says when more would have to wait, and works on then though packets wait', async () => {
  const { slices, done, budget } = slicesOf({ memoryBytes: 160_000 });
  slices.isBehind = true;
  // The first turn after a rest works.
  slices.accept(0, 100);
  await turn();
  expect(done).toEqual([0]);
  expect(slices.drained()).toBeUndefined();
  for (let i = 1; budget.used < 18_700; i++) slices.accept(i, 100);
  expect(slices.drained()).toBeUndefined();
  slices.accept(1000, 100);
  const drained = slices.drained();
  expect(drained).toBeDefined();
  expect(slices.drained()).toBe(drained);
  await drained;
  expect(budget.used).toBeLessThan(17_500);
  expect(slices.drained()).toBeUndefined();
});
