/** The satellite's side of a shared budget, and the messages that carry it. */
import { describe, expect, it } from 'vitest';
import {
  type BudgetReport,
  decodeQuota,
  decodeReport,
  encodeQuota,
  encodeReport,
  QUOTA,
  REPORT,
} from '../../../src/policy/budget-message.js';
import { FleetShare } from '../../../src/policy/fleet-share.js';
import { budgetCapability } from '../../../src/satellite/fleet/budget-capability.js';
import { BudgetPool } from '../../../src/satellite/fleet/budget-pool.js';
import { FleetBudget, type FleetRate } from '../../../src/satellite/fleet/fleet-budget.js';
import { Random, runSeed } from '../../support/random.js';

const LEASE = 12_000;
const POLL = 5000;

function report(seen: Record<number, number>, more: Partial<BudgetReport> = {}): BudgetReport {
  const most = Object.entries(seen).map(([endpoint, count]) => ({ endpoint: Number(endpoint), count }));
  return {
    millis: POLL,
    seen: { most, rest: { endpoints: 0, count: 0 }, kept: 0 },
    ownPerMinute: 0,
    heldPerMinute: null,
    ...more,
  };
}

function pool(perMinute: number, more: { sensorsMax?: number; endpointsMax?: number } = {}): BudgetPool {
  return new BudgetPool({ perMinute, leaseMillis: LEASE, sensorsMax: 100, endpointsMax: 100, ...more }, -LEASE);
}

/** Each sensor reports what it sees until shares have settled; their leases. */
function settle(of: BudgetPool, sensors: Record<string, BudgetReport>, polls = 12): Record<string, number> {
  const leases: Record<string, number> = {};
  for (let now = 0; now < polls * POLL; now += POLL)
    for (const [id, seen] of Object.entries(sensors)) {
      const lease = of.offer(id, seen, now);
      of.lease(id, lease, now);
      leases[id] = lease;
    }
  return leases;
}

describe('a pool', () => {
  it('goes by what each sees, and leaves room where nobody sees much', () => {
    expect(settle(pool(300), { a: report({ 1: 100 }), b: report({ 1: 200 }) })).toEqual({ a: 100, b: 200 });
    const { a, b } = settle(pool(1200), { a: report({ 1: 10 }), b: report({ 1: 20 }) });
    expect(a).toBeGreaterThan(2 * 120);
    expect(b).toBeGreaterThan(1.5 * 240);
    expect((a ?? 0) + (b ?? 0)).toBeLessThanOrEqual(1200);
  });

  it('gives a rare endpoint what it asks for, beside one that floods', () => {
    const { hot, rare } = settle(pool(120), { hot: report({ 1: 10_000 }), rare: report({ 2: 1 }) });
    expect(rare).toBe(12);
    expect(hot).toBe(108);
  });

  it('gives nobody more than its own limit, and the others the rest', () => {
    const { a, b } = settle(pool(50_000), { a: report({ 1: 900 }, { ownPerMinute: 50 }), b: report({ 1: 900 }) });
    expect(a).toBe(50);
    expect(b).toBeGreaterThan(30_000);
  });

  it('lets sensors take turns where there are more than traces', () => {
    const of = pool(3);
    const turns = new Map<string, number>();
    for (let now = 0; now < 3_600_000; now += POLL)
      for (let i = 0; i < 12; i++) {
        const lease = of.offer(`s${i}`, report({ 1: 10 }), now);
        of.lease(`s${i}`, lease, now);
        turns.set(`s${i}`, (turns.get(`s${i}`) ?? 0) + lease);
        expect(of.status.leased).toBeLessThanOrEqual(3);
      }
    for (const polls of turns.values()) expect((polls * POLL) / 60_000).toBeGreaterThan(7);
  });

  it('never leases more than it has, whatever joins, leaves and sees what', () => {
    const seed = runSeed();
    const random = new Random(seed);
    for (let round = 0; round < 10; round++) {
      const perMinute = random.pick([1, 17, 500, 20_000]);
      const of = pool(perMinute, { sensorsMax: 40, endpointsMax: 30 });
      const leases = new Map<string, { perMinute: number; until: number }>();
      for (let now = 0; now < 400_000; now += random.between(1, 300)) {
        const id = `s${random.between(0, 60)}`;
        if (random.chance(0.02)) {
          of.leave(id);
          leases.delete(id);
          continue;
        }
        const seen: Record<number, number> = {};
        for (let i = random.between(0, 8); i > 0; i--) seen[random.between(1, 60)] = random.between(0, 1000);
        const lease = of.offer(id, report(seen, { ownPerMinute: random.pick([0, 0, 10]) }), now);
        of.lease(id, lease, now);
        leases.set(id, { perMinute: lease, until: now + LEASE });
        for (const [one, { until }] of leases) if (until <= now) leases.delete(one);
        const sum = [...leases.values()].reduce((total, one) => total + one.perMinute, 0);
        expect(sum, `seed ${seed}`).toBeLessThanOrEqual(perMinute);
        expect(Number.isInteger(lease) && lease >= 0, `seed ${seed}`).toBe(true);
        expect(of.status.sensors).toBeLessThanOrEqual(40);
      }
      expect(of.status.refused, `seed ${seed}`).toBeGreaterThan(0);
    }
  });

  it('after a start lets sensors keep what an earlier run gave them, and gives others next to nothing', () => {
    const of = new BudgetPool({ perMinute: 100, leaseMillis: LEASE, sensorsMax: 10, endpointsMax: 10 }, 0);
    const first = of.offer('new', report({ 1: 100 }), 0);
    of.lease('new', first, 0);
    expect(first).toBe(1);
    expect(of.offer('old', report({ 1: 100 }, { heldPerMinute: 60 }), 100)).toBe(60);
  });
});

describe('budgets', () => {
  const rates: FleetRate[] = [
    { scope: 'all', name: '', perMinute: 1000 },
    { scope: 'service', name: 'checkout', perMinute: 100 },
    { scope: 'environment', name: '*', perMinute: 600 },
  ];
  const settings = { rates, leaseMillis: LEASE, sensorsMax: 100, endpointsMax: 100, poolsMax: 3 };

  it('count together, and the least counts', () => {
    const budget = new FleetBudget(settings, -LEASE);
    const ask = (id: string, service: string, environment: string, now: number) =>
      budget.report(id, { service, environment }, report({ 1: 1000 }), now)?.perMinute;
    let quotas: (number | undefined)[] = [];
    for (let now = 0; now < 60_000; now += POLL)
      quotas = [ask('a', 'checkout', 'prod', now), ask('b', 'cart', 'prod', now), ask('c', 'cart', 'test', now)];
    expect(quotas[0]).toBeLessThanOrEqual(100);
    expect((quotas[0] ?? 0) + (quotas[1] ?? 0)).toBeLessThanOrEqual(600);
    expect(quotas.reduce<number>((sum, one) => sum + (one ?? 0), 0)).toBeLessThanOrEqual(1000);
    expect(budget.status.map(({ scope, name }) => `${scope} ${name}`)).toEqual([
      'all ',
      'environment prod',
      'service checkout',
      'environment (others)',
    ]);
    budget.leave('a');
    expect(budget.status.find(({ scope }) => scope === 'service')).toMatchObject({ sensors: 0, leased: 0, asked: 0 });
  });

  it('are for nobody else', () => {
    const budget = new FleetBudget({ ...settings, rates: rates.slice(1, 2) }, 0);
    expect(budget.report('a', { service: 'cart', environment: '' }, report({}), 0)).toBeNull();
  });
});

describe('messages', () => {
  it('say what was meant', () => {
    const sent: BudgetReport = {
      millis: 5000,
      seen: { most: [{ endpoint: 7, count: 3 }], rest: { endpoints: 2, count: 9 }, kept: 4 },
      ownPerMinute: 1000,
      heldPerMinute: 60,
    };
    expect(encodeReport(sent).toString()).toBe(
      '{"millis":5000,"seen":[[7,3]],"rest":[2,9],"kept":4,"own":1000,"held":60}',
    );
    expect(decodeReport(encodeReport(sent))).toEqual(sent);
    expect(decodeQuota(encodeQuota({ perMinute: 40, millis: 12_000 }))).toEqual({ perMinute: 40, millis: 12_000 });
    expect(decodeQuota(encodeQuota(null))).toBe('none');
  });

  it.each(['', '[]', 'null', '7', '{"millis":1}', '{"perMinute":-1,"millis":5}', '{"perMinute":1e300,"millis":5}'])(
    '%j is none',
    (text) => {
      expect(decodeReport(Buffer.from(text))).toBeNull();
      expect(decodeQuota(Buffer.from(text))).toBeNull();
    },
  );

  it('may be any bytes', () => {
    const random = new Random(runSeed());
    const whole = encodeReport(report({ 1: 2, 3: 4 }));
    for (let i = 0; i < 20_000; i++) {
      const bytes = Buffer.from(whole.subarray(0, random.between(0, whole.length)));
      for (let edits = random.between(0, 3); edits > 0 && bytes.length > 0; edits--)
        bytes[random.between(0, bytes.length - 1)] = random.between(0, 255);
      decodeReport(bytes);
      decodeQuota(bytes);
    }
    const many = Array.from({ length: 65 }, (_, i) => [i, 1]);
    expect(
      decodeReport(Buffer.from(JSON.stringify({ millis: 1, seen: many, rest: [0, 0], kept: 0, own: 0 }))),
    ).toBeNull();
  });
});

describe('a share', () => {
  it('begins with its own limit, falls back in steps, and comes back', () => {
    const share = new FleetShare(600_000);
    expect(share.at(0)).toEqual({ state: 'own limit', perMinute: null });
    expect(share.heldPerMinute).toBeNull();
    expect(share.note({ perMinute: 7, millis: 12_000 }, 1000)).toEqual({ state: 'quota', perMinute: 7 });
    expect(share.at(12_999)).toEqual({ state: 'quota', perMinute: 7 });
    expect(share.at(13_000)).toEqual({ state: 'last share', perMinute: 7 });
    expect(share.heldPerMinute).toBe(7);
    expect(share.at(613_000)).toEqual({ state: 'own limit', perMinute: null });
    expect(share.note({ perMinute: 9, millis: 12_000 }, 700_000)).toEqual({ state: 'quota', perMinute: 9 });
    expect(share.at(10_000_000)).toEqual({ state: 'own limit', perMinute: null });
  });

  it('ends where the satellite says that there is none', () => {
    const share = new FleetShare(600_000);
    share.note({ perMinute: 7, millis: 12_000 }, 0);
    expect(share.note('none', 5)).toEqual({ state: 'own limit', perMinute: null });
    expect(share.heldPerMinute).toBeNull();
  });
});

it('a budget is for sensors that sign: nobody else takes any of it', () => {
  const rates: FleetRate[] = [{ scope: 'all', name: '', perMinute: 600 }];
  const budget = new FleetBudget({ rates, leaseMillis: LEASE, sensorsMax: 3, endpointsMax: 10, poolsMax: 10 }, -LEASE);
  const { handle } = budgetCapability(budget, () => 0);
  const of = (id: string, isSigned: boolean) => ({ id, service: '', environment: '', isSigned });
  const data = encodeReport(report({ 1: 1e6 }));
  for (let i = 0; i < 10; i++) expect(handle(of(`stranger ${i}`, false), REPORT, data)).toBeNull();
  expect(handle(of('sensor', true), REPORT, data)).toMatchObject({ type: QUOTA });
  expect(budget.status).toMatchObject([{ sensors: 1, refused: 0, leased: 600 }]);
});
