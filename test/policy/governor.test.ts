import { describe, expect, it } from 'vitest';
import { createGovernor } from '../../src/policy/governor.js';

interface Load {
  /** CPU used while open and while shut, in cores. */
  open: number;
  shut: number;
}

interface Slice {
  open: boolean;
  millis: number;
}

/** Runs the governor against a load for `seconds`, and says what was used and how the time was cut. */
function run(cores: number, seconds: number, load: (now: number) => Load, random = () => 0.5) {
  const governor = createGovernor({ cores: () => cores, random });
  const slices: Slice[] = [];
  let now = 0;
  let cpu = 700; // what starting cost
  const usage: number[] = [];
  while (now < seconds * 1000) {
    const { open, nextStepMillis } = governor.step(now, cpu);
    expect(nextStepMillis).toBeGreaterThan(0);
    const { open: costOpen, shut: costShut } = load(now);
    const last = slices.at(-1);
    if (last?.open === open) last.millis += nextStepMillis;
    else slices.push({ open, millis: nextStepMillis });
    cpu += nextStepMillis * (open ? costOpen : costShut);
    now += nextStepMillis;
    usage.push(cpu - 700);
  }
  const watched = slices.filter(({ open }) => open).reduce((sum, { millis }) => sum + millis, 0);
  return { cores: (cpu - 700) / now, share: watched / now, slices };
}

describe('createGovernor', () => {
  it('leaves a load under the budget alone', () => {
    const { slices } = run(0.1, 60, () => ({ open: 0.08, shut: 0 }));
    expect(slices.map(({ open }) => open)).toEqual([true]);
  });

  it.each([
    [0.1, 1, 0],
    [0.1, 0.5, 0.01],
    [0.1, 0.12, 0],
    [0.01, 1, 0],
    [0.5, 1, 0.05],
    [0.25, 2, 0],
  ])('holds a budget of %d cores against a load of %d open and %d shut', (cores, open, shut) => {
    const { cores: used, share } = run(cores, 120, () => ({ open, shut }));
    // The burst it may begin with is two seconds' budget.
    expect(used).toBeLessThan(cores * 1.05);
    expect(used).toBeGreaterThan(cores * 0.9);
    expect(share).toBeCloseTo((cores - shut) / (open - shut), 1);
  });

  it('opens again at once when the load is gone', () => {
    const { slices } = run(0.1, 60, (now) => ({ open: now < 30_000 ? 1 : 0.01, shut: 0 }));
    expect(slices.at(-1)).toMatchObject({ open: true });
    expect(slices.at(-1)!.millis).toBeGreaterThan(25_000);
  });

  it('cuts slices of random length', () => {
    let state = 1;
    const random = () => {
      state = (state * 16_807) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    const { slices } = run(0.1, 120, () => ({ open: 1, shut: 0 }), random);
    const shut = slices.filter(({ open }) => !open).map(({ millis }) => Math.round(millis));
    expect(shut.length).toBeGreaterThan(50);
    expect(new Set(shut).size).toBeGreaterThan(shut.length / 2);
    expect(Math.max(...shut)).toBeLessThan(2000);
  });

  it('is never blind for longer than five seconds, whatever idling costs', () => {
    const { slices, share } = run(0.01, 120, () => ({ open: 1, shut: 0.05 }));
    expect(Math.max(...slices.filter(({ open }) => !open).map(({ millis }) => millis))).toBeLessThanOrEqual(5001);
    expect(share).toBeGreaterThan(0);
  });

  it('recovers from a pause of the whole process', () => {
    const { slices } = run(0.1, 120, (now) => ({ open: now > 1000 && now < 1020 ? 500 : 0.05, shut: 0 }));
    const open = slices.filter((slice) => slice.open);
    expect(open.at(-1)!.millis).toBeGreaterThan(90_000);
  });
});
