import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isSampled } from '../../src/policy/sampling.js';

const id = (last14: string) => `ffffffffffffffffff${last14}`;
const sampled = (traceId: string, sampleRate: number, sampleByParent = false, flag: boolean | null = null) =>
  isSampled({ traceId, parentSpanId: null, sampled: flag }, { sampleRate, sampleByParent });

describe('isSampled', () => {
  // OpenTelemetry: R >= T, with R the rightmost 56 bits and T = (1 - ratio) * 2^56.
  it.each([
    ['80000000000000', 0.5, true],
    ['7fffffffffffff', 0.5, false],
    ['c0000000000000', 0.25, true],
    ['bfffffff000000', 0.25, false],
    ['00000000000000', 1, true],
    ['ffffffffffffff', 0, false],
    ['e6666666666660', 0.1, false],
    ['e6666666666668', 0.1, true],
  ])('…%s at %d: %s', (last14, ratio, expected) => {
    expect(sampled(id(last14), ratio)).toBe(expected);
  });

  it('keeps about the share asked for, and a smaller share is a part of a larger', () => {
    const ids = Array.from({ length: 20_000 }, (_, i) => createHash('md5').update(String(i)).digest('hex'));
    let before = new Set<string>();
    for (const ratio of [0.01, 0.1, 0.5, 0.9]) {
      const kept = new Set(ids.filter((one) => sampled(one, ratio)));
      expect(kept.size / ids.length).toBeCloseTo(ratio, 1);
      for (const one of before) expect(kept.has(one)).toBe(true);
      before = kept;
    }
  });

  it('lets the parent decide where it may and there is one', () => {
    expect(sampled(id('00000000000000'), 0.5, true, true)).toBe(true);
    expect(sampled(id('ffffffffffffff'), 0.5, true, false)).toBe(false);
    expect(sampled(id('ffffffffffffff'), 0.5, true, null)).toBe(true);
    expect(sampled(id('00000000000000'), 0.5, false, true)).toBe(false);
  });
});
