import { describe, expect, it } from 'vitest';
import { type Contention, createSteppingBack, isStarving } from '../../src/policy/stepping-back.js';

interface Machine {
  cores: number;
  /** What the application would use if it were alone, at a time in milliseconds; infinite where it takes what there is. */
  application: number | ((now: number) => number);
  /** What the sensor would use while it captures. */
  sensor: number;
  /** Cores that the application leaves idle while the sensor captures, because it waits for what the sensor holds up. */
  waits?: number;
  /** Cores that capturing takes in the name of whoever sends or receives. */
  kernel?: number;
  /** How much of the time somebody waits for a CPU, by what is idle. */
  pressure?(idle: number): number;
}

/** A machine whose cores go to the sensor first: the worst case for the application. */
function simulate({ cores, application, sensor, waits = 0, kernel = 0, pressure = () => 0 }: Machine, seconds: number) {
  const alone = (now: number) => Math.min(cores, typeof application === 'number' ? application : application(now));
  let now = 0;
  let cpu = 0;
  let idle = 0;
  let seen = { now, idle };
  const changes: (number | null)[] = [];
  const governor = createSteppingBack({
    cores,
    random: () => 0.5,
    contention() {
      const elapsed = now - seen.now;
      const share = elapsed === 0 ? 1 : (idle - seen.idle) / (elapsed * cores);
      seen = { now, idle };
      return { idle: share, pressure: pressure(share), throttled: 0, delay: 0 };
    },
    onChange: (budget) => changes.push(budget),
  });
  /** For each second: the application's share of what it has alone, and whether packets were taken. */
  const kept: number[] = [];
  const open: number[] = [];
  let second = { used: 0, alone: 0, open: 0 };
  while (now < seconds * 1000) {
    const step = governor.step(now, cpu);
    expect(step.nextStepMillis).toBeGreaterThan(0);
    const millis = Math.min(step.nextStepMillis, 1000 - (now % 1000));
    const ours = step.open ? Math.min(sensor, cores) : 0.01;
    const copying = step.open ? kernel : 0;
    const theirs = Math.min(alone(now), cores - ours - copying - (step.open ? waits : 0));
    cpu += ours * millis;
    idle += (cores - ours - copying - theirs) * millis;
    second.used += theirs * millis;
    second.alone += alone(now) * millis;
    second.open += step.open ? millis : 0;
    now += millis;
    if (now % 1000 === 0) {
      kept.push(second.alone === 0 ? 1 : second.used / second.alone);
      open.push(second.open / 1000);
      second = { used: 0, alone: 0, open: 0 };
    }
  }
  return { kept, open, changes };
}

/** Of two cores. */
const LEAST = 0.06;

const mean = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;

describe('createSteppingBack', () => {
  it('captures everything while there is CPU to spare', () => {
    const { open, changes } = simulate({ cores: 2, application: 1, sensor: 0.6 }, 60);
    expect(mean(open)).toBe(1);
    expect(changes).toEqual([]);
  });

  it('leaves an application that takes all of the CPU nine tenths of it, after three seconds', () => {
    const { kept, open, changes } = simulate({ cores: 2, application: Number.POSITIVE_INFINITY, sensor: 0.6 }, 60);
    expect(mean(kept.slice(3))).toBeGreaterThan(0.94);
    expect(mean(open.slice(3))).toBeGreaterThan(0.07);
    expect(changes).toEqual([LEAST]);
  });

  it('does not take for idle what the application leaves only because it waits for the sensor', () => {
    // While packets are taken a quarter of the CPU is idle: the pressure alone tells.
    const pressure = (idle: number) => (idle > 0.2 ? 0.28 : 0.01);
    const machine = { cores: 2, application: Number.POSITIVE_INFINITY, sensor: 0.6, waits: 0.5, pressure };
    const { kept, open, changes } = simulate(machine, 120);
    expect(changes).toEqual([LEAST]);
    expect(mean(kept.slice(3))).toBeGreaterThan(0.9);
    expect(mean(open.slice(3))).toBeGreaterThan(0.07);
  });

  it('waits longer each time before it takes all again where that proves too soon', () => {
    const onAndOff = (now: number) => (now % 30_000 < 15_000 ? Number.POSITIVE_INFINITY : 0.2);
    const { kept, open, changes } = simulate({ cores: 2, application: onAndOff, sensor: 0.6 }, 600);
    expect(changes.filter((one) => one === null).length).toBeLessThan(4);
    const inCycle = (values: number[], from: number, to: number) =>
      mean(values.slice(120).filter((_, second) => second % 30 >= from && second % 30 < to));
    // It starves for a second at most, and all is captured between, limited or not.
    expect(inCycle(kept, 2, 15)).toBeGreaterThan(0.93);
    expect(inCycle(open, 22, 30)).toBe(1);
  });

  it('stays limited where the application starves with cores idle', () => {
    const pressure = (idle: number) => (idle < 0.3 ? 0.5 : 0);
    const { open, changes } = simulate({ cores: 2, application: 1, sensor: 0.6, pressure }, 600);
    expect(changes).toEqual([LEAST]);
    expect(mean(open.slice(10))).toBeGreaterThan(0.3);
    expect(mean(open.slice(10))).toBeLessThan(0.9);
  });

  it('uses what a steady load leaves, without swinging', () => {
    // 0.4 cores are left, and capturing takes 0.6 of the sensor and 0.9 of whose packets they are: in a slice more than is left.
    const { kept, open } = simulate({ cores: 2, application: 1.6, sensor: 0.6, kernel: 0.9 }, 120);
    expect(mean(kept.slice(10))).toBeGreaterThan(0.85);
    const later = open.slice(30);
    expect(mean(later)).toBeGreaterThan(0.15);
    expect(mean(later)).toBeLessThan(0.3);
  });

  it('leaves a burst of a second alone', () => {
    const burst = (now: number) => (now % 10_000 < 900 ? Number.POSITIVE_INFINITY : 0.5);
    expect(simulate({ cores: 2, application: burst, sensor: 0.6 }, 60).changes).toEqual([]);
  });

  it('captures everything again once the application has what it needs', () => {
    const busyAtFirst = (now: number) => (now < 20_000 ? Number.POSITIVE_INFINITY : 0.2);
    const { open, changes } = simulate({ cores: 2, application: busyAtFirst, sensor: 0.6 }, 60);
    expect(changes).toEqual([LEAST, null]);
    expect(mean(open.slice(35))).toBe(1);
  });

  it('does not step back while it uses next to nothing itself', () => {
    const { changes } = simulate({ cores: 2, application: Number.POSITIVE_INFINITY, sensor: 0.05 }, 30);
    expect(changes).toEqual([]);
  });

  it('limits nothing where it cannot be known how contended the CPU is', () => {
    const fail = () => {
      throw new Error('changed');
    };
    const governor = createSteppingBack({ cores: 1, random: () => 0.5, contention: () => null, onChange: fail });
    for (let now = 0; now < 60_000; now += 1000) expect(governor.step(now, now).open).toBe(true);
  });
});

describe('isStarving', () => {
  const calm: Contention = { idle: 0.5, pressure: 0.1, throttled: 0, delay: 0.01 };
  it.each<[string, Partial<Contention>, boolean]>([
    ['half of the CPU idle', {}, false],
    ['nothing idle', { idle: 0.01 }, true],
    ['held back by a quota, whatever is idle', { throttled: 0.3 }, true],
    ['kept waiting, whatever is idle', { delay: 0.4 }, true],
    ['others wait for a core of theirs, and little is idle', { pressure: 0.8, idle: 0.2 }, true],
    ['others wait for a core of theirs, and others are idle', { pressure: 0.8 }, false],
  ])('%s: %o → %s', (_, changes, starving) => {
    expect(isStarving({ ...calm, ...changes })).toBe(starving);
  });
});
