/** The store of segments by sequence number, against a sorted array. */
import { describe, expect, it } from 'vitest';
import { type HeldSegment, HeldSegments } from '../../src/flow/held-segments.js';
import { Random, runSeed } from '../support/random.js';

const NO_BYTES = Buffer.alloc(0);
const segment = (sequence: number): HeldSegment => ({
  sequence: sequence | 0,
  bytes: NO_BYTES,
  cut: 0,
  acknowledgement: 0,
  time: 0,
});

describe('held segments', () => {
  it('agree with a sorted array under random adding, taking and looking, across the wrap', () => {
    const seed = runSeed();
    const random = new Random(seed);
    for (const base of [0, -2000, 2 ** 31 - 2000]) {
      const held = new HeldSegments();
      let oracle: number[] = [];
      for (let i = 0; i < 12_000; i++) {
        const taking = i % 4000 > 2500;
        const place = random.between(0, 5000);
        if (random.chance(taking ? 0.7 : 0.1)) {
          const first = held.shift();
          expect(first?.sequence, `SEED=${seed}`).toBe(oracle.length === 0 ? undefined : (base + (oracle[0] ?? 0)) | 0);
          oracle = oracle.slice(1);
        } else {
          held.seek((base + place) | 0);
          const at = oracle.filter((one) => one <= place).length;
          const around = [held.before, held.after].map((one) => one?.sequence);
          const expected = [oracle[at - 1], oracle[at]].map((one) => (one === undefined ? one : (base + one) | 0));
          expect(around, `SEED=${seed}`).toEqual(expected);
          if (random.chance(0.2)) {
            // Back and forth over a neighbour comes to the same place.
            if (held.before !== undefined) {
              held.back();
              held.next();
            }
            if (held.after !== undefined) {
              held.next();
              held.back();
            }
            expect([held.before, held.after].map((one) => one?.sequence)).toEqual(expected);
          }
          held.insert(segment(base + place));
          oracle.splice(at, 0, place);
          expect(held.before?.sequence).toBe((base + place) | 0);
        }
        expect(held.length).toBe(oracle.length);
      }
      const all = oracle.map((one) => (base + one) | 0);
      expect(
        [...held].map(({ sequence }) => sequence),
        `SEED=${seed}`,
      ).toEqual(all);
      expect([held.first?.sequence, held.last?.sequence]).toEqual([all[0], all.at(-1)]);
    }
  });

  it.each([
    ['in order', (i: number) => i],
    ['in reverse', (i: number, count: number) => count - i],
    ['all over', (i: number, count: number) => Math.imul(i, 48_271) % count],
  ])('keep what comes %s, in blocks that stay small', (_, place) => {
    const count = 50_000;
    const held = new HeldSegments();
    for (let i = 0; i < count; i++) {
      held.seek(place(i, count));
      held.insert(segment(place(i, count)));
    }
    const sorted = Array.from({ length: count }, (_, i) => place(i, count)).sort((a, b) => a - b);
    expect(Array.from({ length: count }, () => held.shift()?.sequence)).toEqual(sorted);
    expect([held.length, held.first, held.last]).toEqual([0, undefined, undefined]);
  });
});
