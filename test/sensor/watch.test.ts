import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createCounters } from '../../src/counters.js';
import { cpuBudget } from '../../src/options/option-values.js';
import type { Governor } from '../../src/policy/governor.js';
import { isCut, openWatch, watchBy } from '../../src/sensor/watch.js';
import { makeExchange } from '../policy/make-exchange.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A watch over a gate and a pipeline that write down what is done to them, with a governor that follows a script. */
function watched(openAt: (now: number) => boolean, pending: (now: number) => number = () => 0) {
  const start = Date.now();
  const now = () => Date.now() - start;
  const events: string[] = [];
  const governor: Governor = { step: (time) => ({ open: openAt(time), nextStepMillis: 10 }) };
  const gate = { open: () => events.push(`open ${now()}`), close: () => events.push(`close ${now()}`) };
  const counters = createCounters();
  const states: string[] = [];
  const watch = watchBy(
    governor,
    { open: () => void gate.open(), close: () => void gate.close() },
    counters,
    { now, cpu: () => 0 },
    (state) => states.push(`${state} ${now()}`),
  );
  const pipeline = {
    get pendingCount() {
      return pending(now());
    },
    finish() {
      events.push(`forget ${now()}${watch.isShut ? ' while shut' : ''}`);
    },
  };
  watch.start(pipeline);
  return { watch, counters, events, states };
}

const shutFrom100To200 = (now: number) => now < 100 || now >= 200;

it.each([cpuBudget.parse('none'), cpuBudget.parse('None')])('has no budget with --max-cpu %s', (maxCpu) => {
  const gate = { open: () => {}, close: () => {} };
  const watch = openWatch({ maxCpu } as never, gate, createCounters(), {} as never);
  expect(watch).toMatchObject({ admits: true, isShut: false, share: null });
});

describe('watchBy', () => {
  it('leaves the gate alone while there is budget', async () => {
    const { watch, counters, events } = watched(() => true);
    await vi.advanceTimersByTimeAsync(1000);
    watch.stop();
    expect(events).toEqual([]);
    expect(counters).toMatchObject({ watched_millis: 1000, unwatched_millis: 0 });
    expect(watch.share).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('shuts the gate at once where nothing is under way, and forgets the flows before it opens', async () => {
    const { watch, counters, events } = watched(shutFrom100To200);
    await vi.advanceTimersByTimeAsync(150);
    expect(watch).toMatchObject({ admits: false, isShut: true });
    await vi.advanceTimersByTimeAsync(150);
    expect(watch).toMatchObject({ admits: true, isShut: false });
    watch.stop();
    expect(events).toEqual(['close 100', 'forget 200 while shut', 'open 200']);
    expect(counters).toMatchObject({ watched_millis: 200, unwatched_millis: 100 });
    expect(watch.share).toBeCloseTo(2 / 3, 1);
  });

  it('lets what was admitted end first, and admits nothing more meanwhile', async () => {
    const { watch, events, states } = watched(shutFrom100To200, (now) => (now < 120 ? 1 : 0));
    await vi.advanceTimersByTimeAsync(110);
    expect(watch).toMatchObject({ admits: false, isShut: false });
    await vi.advanceTimersByTimeAsync(20);
    expect(events).toEqual(['close 120']);
    await vi.advanceTimersByTimeAsync(80);
    expect(states).toEqual(['closing 100', 'shut 120', 'open 200']);
    watch.stop();
  });

  it('does not wait for ever', async () => {
    const { watch, events } = watched(shutFrom100To200, () => 1);
    await vi.advanceTimersByTimeAsync(190);
    expect(events).toEqual(['close 150']);
    watch.stop();
  });

  it('stays open if the budget is back before those admitted have ended', async () => {
    const { watch, events } = watched(
      (now) => now < 100 || now >= 120,
      () => 1,
    );
    await vi.advanceTimersByTimeAsync(500);
    expect(events).toEqual([]);
    expect(watch.admits).toBe(true);
    watch.stop();
  });
});

it.each([
  [200, 0, false],
  [null, 0, true],
  [200, 1 << 5, true],
  [200, 1 << 1, true],
  [200, 1 << 0, false],
])('isCut: status %s, marks %d', (status, marks, cut) => {
  expect(isCut({ ...makeExchange({ status }), marks })).toBe(cut);
});
