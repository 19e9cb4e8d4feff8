/** The sensor's side of telling of each connection once. */
import { describe, expect, it } from 'vitest';
import { createCounters } from '../../src/counters.js';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import type { Exchange } from '../../src/pair/exchange.js';
import { ConnectionNumbers } from '../../src/policy/connection-numbers.js';
import { DIVISION, decodeReport, encodeAnswer } from '../../src/policy/division-message.js';
import { SharedDivision, UnsentAge } from '../../src/sensor/shared-division.js';
import { makeExchange } from '../policy/make-exchange.js';
import { recordingLog } from '../support/relay.js';

function open() {
  const counters = createCounters();
  const { log, lines } = recordingLog();
  const clock = { now: 0 };
  let isOurs: ((exchange: Exchange) => boolean) | null = null;
  const shared = new SharedDivision({
    policy: {
      divide(by) {
        isOurs = by;
      },
    },
    ...{ counters, log, limits: DEFAULT_LIMITS, keeping: () => 'all', isLocal: () => false, now: () => clock.now },
  });
  const told = () =>
    Array.from({ length: 50 }, (_, port) => isOurs?.(makeExchange({ clientPort: port }))).filter((one) => one === true)
      .length;
  return { shared, counters, clock, lines, told };
}

function share(): Buffer {
  const numbers = new ConnectionNumbers();
  numbers.set(makeExchange());
  const members = [1, 2].map((member) => ({ member, rank: 0 }));
  return encodeAnswer({
    ...{ self: 1, held: 1, members: [{ member: 2, ageMillis: 0, unsentMillis: 0 }], gone: [] },
    groups: [{ members, ways: [numbers.service] }],
  });
}

describe('a sensor that shares connections', () => {
  it('believes a satellite that signs, polls faster while it shares, and says when it takes over', () => {
    const { shared, counters, clock, lines, told } = open();
    const { handle, pollMillis } = shared.capability;
    expect(told()).toBe(50);
    handle(DIVISION, share(), { isSigned: false });
    expect([told(), pollMillis?.()]).toEqual([50, null]);
    handle(DIVISION, Buffer.from('no'), { isSigned: true });
    handle(DIVISION, share(), { isSigned: true });
    const own = told();
    expect(own).toBeLessThan(50);
    expect(pollMillis?.()).toBe(2500);
    clock.now = 10_000;
    shared.tick();
    expect(told()).toBe(50);
    expect(counters).toMatchObject({ elsewhere_takeovers: 1, elsewhere_lost: 50 - own });
    expect(lines.map(({ message }) => message)).toEqual([
      'other sensors see connections that this one sees: each is told of once',
      'another sensor has gone: this one tells of its connections from now on',
    ]);
  });

  it('reports no more often than is of use', () => {
    const { shared, clock, told } = open();
    told();
    const first = decodeReport(shared.capability.report?.()?.data ?? Buffer.from(''));
    expect(first?.services).toHaveLength(1);
    clock.now = 500;
    expect(shared.capability.report?.()).toBeNull();
    clock.now = 2500;
    expect(decodeReport(shared.capability.report?.()?.data ?? Buffer.from(''))).toMatchObject({
      report: 2,
      services: [],
    });
  });
});

describe('how old the oldest exchange is that was not sent', () => {
  it('goes by how many had begun when', () => {
    const counters = createCounters();
    const age = new UnsentAge(counters, 0);
    for (let second = 1; second <= 20; second++) {
      counters.exchanges_seen += 10;
      age.tick(second * 1000);
    }
    expect(age.at(20_000)).toBe(20_000);
    counters.exchanges_exported = 100;
    expect(age.at(20_000)).toBe(10_000);
    counters.exchanges_dropped_undeliverable = 100;
    expect(age.at(20_500)).toBe(0);
    counters.exchanges_seen += 1;
    expect(age.at(21_000)).toBe(500);
  });

  it('does not go by those that are dropped at once', () => {
    const counters = createCounters();
    const age = new UnsentAge(counters, 0);
    for (let second = 1; second <= 20; second++) {
      counters.exchanges_seen += 10;
      counters.exchanges_dropped_elsewhere += 5;
      age.tick(second * 1000);
    }
    counters.exchanges_exported = 50;
    expect(age.at(20_000)).toBe(10_000);
  });

  it('is bounded', () => {
    const counters = createCounters();
    const age = new UnsentAge(counters, 0);
    counters.exchanges_seen = 1;
    for (let second = 1; second <= 2000; second++) age.tick(second * 1000);
    expect(age.at(2_000_000)).toBeLessThanOrEqual(500_000);
  });
});
