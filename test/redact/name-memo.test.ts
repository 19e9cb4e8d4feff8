/** The memo of names knows what it was told of the same bytes, or nothing. */
import { expect, it } from 'vitest';
import { NameMemo } from '../../src/redact/name-memo.js';
import { Random, runSeed } from '../support/random.js';

it('says of a name what was said of it, or nothing', () => {
  const seed = runSeed();
  const random = new Random(seed);
  const memo = new NameMemo<number>();
  const told = new Map<string, number>();
  let known = 0;
  for (let i = 0; i < 20_000; i++) {
    const name = Buffer.from(Array.from({ length: random.between(1, 40) }, () => random.between(0x61, 0x63)));
    const short = random.chance(0.5) ? name.subarray(0, 5) : name;
    const text = Buffer.concat([Buffer.from('..'), short, Buffer.from('..')]);
    const found = memo.get(text, 2, 2 + short.length);
    const key = short.toString('latin1');
    if (found !== undefined) {
      known++;
      expect(found, `SEED=${seed}, name ${i}`).toBe(told.get(key));
      continue;
    }
    told.set(key, i);
    memo.set(text, 2, 2 + short.length, i);
  }
  expect(known).toBeGreaterThan(1000);
});
