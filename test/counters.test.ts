import { describe, expect, it } from 'vitest';
import {
  COUNTER_ROWS,
  type Counters,
  countDropped,
  createCounters,
  DROP_REASONS,
  DropReason,
  exchangesInFlight,
} from '../src/counters.js';
import { DEFAULT_LIMITS, LIMIT_ROWS } from '../src/limits.js';
import { SENSOR_OPTIONS } from '../src/options/options.js';
import { MARK_ROWS, Mark, markNames } from '../src/pair/exchange.js';

describe('counters', () => {
  it('are one flat record of zeros, each time another', () => {
    const counters = createCounters();
    expect(Object.keys(counters)).toHaveLength(Object.keys(COUNTER_ROWS).length + DROP_REASONS.length);
    expect(new Set(Object.values(counters))).toEqual(new Set([0]));
    counters.gaps++;
    expect(createCounters().gaps).toBe(0);
  });

  it('have help that is a sentence', () => {
    for (const { help } of Object.values(COUNTER_ROWS)) expect(help).toMatch(/^[A-Z].*[^.]\.$/);
    for (const { help } of Object.values(LIMIT_ROWS)) expect(help).toMatch(/^[A-Z].*[^.]\.$/);
  });
});

describe('drop reasons', () => {
  it('have the codes from 1 on, each once', () => {
    expect(DROP_REASONS.map(({ code }) => code)).toEqual(DROP_REASONS.map((_, index) => index + 1));
    expect(Object.values(DropReason)).toEqual([0, ...DROP_REASONS.map(({ code }) => code)]);
  });

  it.each(DROP_REASONS)('$outcome is counted, and ends the exchange', ({ code, counter }) => {
    const counters: Counters = { ...createCounters(), exchanges_seen: 5 };
    countDropped(counters, code as DropReason, 2);
    expect(counters[counter]).toBe(2);
    expect(exchangesInFlight(counters)).toBe(3);
  });

  it('count nothing for an exchange that is kept', () => {
    const counters = createCounters();
    countDropped(counters, DropReason.none);
    expect(counters).toEqual(createCounters());
  });
});

it('marks have a bit each, in order, and a name of their own', () => {
  const rows = Object.values(MARK_ROWS);
  expect(rows.map(({ bit }) => bit)).toEqual(rows.map((_, index) => 1 << index));
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
  expect(markNames(Mark.gap | Mark.noResponse | Mark.malformed)).toEqual(['gap', 'no-response', 'malformed']);
});

it('name options that there are', () => {
  const rows = Object.values(LIMIT_ROWS).flatMap(({ option }) => option ?? []);
  for (const option of [...DROP_REASONS.flatMap(({ options }) => options), ...rows]) {
    expect(SENSOR_OPTIONS).toHaveProperty(option);
  }
});

it('have defaults that agree with those of the options', () => {
  expect(SENSOR_OPTIONS['max-http-length'].defaultText).toContain(String(DEFAULT_LIMITS.body_bytes_max));
  expect(SENSOR_OPTIONS['stream-timeout-seconds'].default * 1e9).toBe(DEFAULT_LIMITS.stream_timeout_nanos);
});
