/** Bounds of differences: what follows from them is what a search through all small numbers finds. */
import { describe, expect, it } from 'vitest';
import { Differences } from '../../../src/http/h1/differences.js';
import { Random, runSeed } from '../../support/random.js';

type Bounds = readonly (readonly [number, number, number])[];

const SIZE = 4;
const LIMIT = 6;

/** By how much `to` is higher than `from` at most, over all numbers that keep to the bounds; null where none do. */
function searched(bounds: Bounds, from: number, to: number): number | null {
  let most: number | null = null;
  const numbers = [0, 0, 0, 0];
  const place = (i: number): void => {
    if (i < SIZE) {
      for (let n = -LIMIT; n <= LIMIT; n++) {
        numbers[i] = n;
        place(i + 1);
      }
      return;
    }
    if (!bounds.every(([a, b, limit]) => (numbers[b] as number) - (numbers[a] as number) <= limit)) return;
    const apart = (numbers[to] as number) - (numbers[from] as number);
    if (most === null || apart > most) most = apart;
  };
  place(1);
  return most;
}

describe('differences', () => {
  it(`are bounded as a search finds, SEED=${runSeed()}`, () => {
    const random = new Random(runSeed());
    for (let round = 0; round < 60; round++) {
      // Each is within a step of the next, so that the search reaches all.
      const steps: [number, number, number][] = [1, 2, 3].flatMap((i) => [
        [i - 1, i, random.between(0, 2)],
        [i, i - 1, random.between(-1, 2)],
      ]);
      const others = Array.from({ length: 2 }, (): [number, number, number] => [
        random.between(0, 3),
        random.between(0, 3),
        random.between(-2, 3),
      ]);
      const bounds = [...steps, ...others];
      const differences = new Differences(SIZE);
      for (const [from, to, most] of bounds) differences.atMost(from, to, most);
      const isPossible = differences.close();
      const found = searched(bounds, 0, 3);
      expect(isPossible).toBe(found !== null);
      if (found !== null) expect(differences.most(0, 3)).toBe(found);
    }
  });
});
