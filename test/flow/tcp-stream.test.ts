/** The store of segments out of order, against a plain array of bytes: the first byte seen at a place wins. */
import { describe, expect, it } from 'vitest';
import { HELD_SEGMENT_BYTES, TcpStream } from '../../src/flow/tcp-stream.js';
import { MemoryBudget } from '../../src/memory-budget.js';
import { Random, runSeed } from '../support/random.js';

describe('held segments', () => {
  it('are the first bytes seen, sorted and disjoint, whatever overlaps', () => {
    const seed = runSeed();
    const random = new Random(seed);
    for (let round = 0; round < 3000; round++) {
      const stream = new TcpStream();
      const budget = new MemoryBudget(1e9);
      const base = random.pick([0, 1000, -20, 2 ** 31 - 30]) | 0;
      const oracle: (number | null)[] = new Array(120).fill(null);
      for (let i = random.between(1, 25); i > 0; i--) {
        const at = random.between(0, 99);
        const length = random.between(1, 20);
        const bytes = Buffer.from(Array.from({ length }, () => random.between(0, 255)));
        // Every segment acknowledges the same, as those of one direction mostly do.
        const piece = { sequence: (base + at) | 0, bytes, start: 0, end: length, cut: 0, acknowledgement: 7, time: i };
        const stored = stream.hold(piece, budget);
        let fresh = 0;
        for (let k = 0; k < length; k++) {
          if (oracle[at + k] !== null) continue;
          oracle[at + k] = bytes[k] as number;
          fresh++;
        }
        expect(stored > 0, `SEED=${seed}`).toBe(fresh > 0);
        bytes.fill(0);
      }
      const got: (number | null)[] = new Array(120).fill(null);
      let before = -1;
      for (const { sequence, bytes } of stream.held) {
        const at = (sequence - base) | 0;
        expect(at, `SEED=${seed}`).toBeGreaterThanOrEqual(before);
        before = at + bytes.length;
        for (let k = 0; k < bytes.length; k++) got[at + k] = bytes[k] as number;
      }
      expect(got, `SEED=${seed}`).toEqual(oracle);
      const held = oracle.filter((byte) => byte !== null).length;
      expect(stream.heldBytes).toBe(held);
      expect(budget.used).toBe(held + stream.held.length * HELD_SEGMENT_BYTES);
      if (round % 2 === 0) while (stream.shift(budget) !== undefined);
      else stream.release(budget);
      expect([stream.heldBytes, budget.used]).toEqual([0, 0]);
    }
  });

  it('remember what the snap length cut behind them', () => {
    const stream = new TcpStream();
    const budget = new MemoryBudget(1e9);
    const early = { start: 0, acknowledgement: 0, time: 0 };
    stream.hold({ ...early, sequence: 10, bytes: Buffer.from('abc'), end: 3, cut: 5 }, budget);
    stream.hold({ ...early, sequence: 30, bytes: Buffer.alloc(0), end: 0, cut: 9 }, budget);
    expect([...stream.held].map(({ sequence, bytes, cut }) => [sequence, bytes.toString(), cut])).toEqual([
      [10, 'abc', 5],
      [30, '', 9],
    ]);
    stream.release(budget);
    expect(budget.used).toBe(0);
  });
});

describe('acknowledgements', () => {
  it('show that the receiver has what was never captured', () => {
    const stream = new TcpStream();
    expect(stream.isBehindOf(5)).toBe(false);
    stream.startAt(-5);
    expect([stream.isBehindOf(-5), stream.isBehindOf(-4), stream.isBehindOf(-6)]).toEqual([false, true, false]);
    stream.hasFin = true;
    stream.finSequence = -5;
    // The FIN's own number is no byte.
    expect([stream.isBehindOf(-4), stream.isBehindOf(-3)]).toEqual([false, true]);
    stream.ended = true;
    expect(stream.isBehindOf(100)).toBe(false);
  });
});
