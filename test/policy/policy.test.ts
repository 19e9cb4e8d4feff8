import { afterEach, describe, expect, it } from 'vitest';
import { DropReason } from '../../src/counters.js';
import { createTraceIds } from '../../src/pair/trace-ids.js';
import { createPolicy, type Policy, type PolicySettings } from '../../src/policy/policy.js';
import { type ExchangeParts, makeExchange } from './make-exchange.js';

const OPEN: PolicySettings = {
  hostAllow: [],
  pathAllow: [],
  hostExclusions: [],
  pathExclusions: [],
  methodAllow: [],
  statusAllow: [],
  keepHealthChecks: false,
  sampleRate: 1,
  sampleByParent: false,
  ratePerMinute: 0,
};

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const PARENT_ID = 'b7ad6b7169203331';
const FRESH_ID = 'ab'.repeat(16);

let policy: Policy | undefined;
afterEach(() => policy?.close());

function create(settings: Partial<PolicySettings>, pace: 'wall' | 'capture' = 'capture'): Policy {
  policy = createPolicy(
    { ...OPEN, ...settings },
    {
      ids: createTraceIds((bytes) => bytes.fill(0xab)),
      now: (exchange) => exchange.startTime / 1e6,
      pace,
      endpointsMax: 100,
      hostsMax: 100,
      onEndpointEvicted() {},
    },
  );
  return policy;
}

const traced = (flags: string): ExchangeParts => ({
  headers: [['traceparent', `00-${TRACE_ID}-${PARENT_ID}-${flags}`]],
});

describe('createPolicy', () => {
  it('keeps everything without rules, and leaves the trace context', () => {
    const exchange = makeExchange();
    expect(create({}).admit(exchange)).toBe(DropReason.none);
    expect(exchange.context).toEqual({ traceId: FRESH_ID, parentSpanId: null, sampled: null });
    expect(exchange.permit).toBeNull();
    const child = makeExchange(traced('01'));
    expect(create({}).admit(child)).toBe(DropReason.none);
    expect(child.context).toEqual({ traceId: TRACE_ID, parentSpanId: PARENT_ID, sampled: true });
    expect(child.permit).toBeNull();
  });

  it.each<[string, Partial<PolicySettings>, ExchangeParts, DropReason]>([
    ['rule before sample', { pathExclusions: ['^/x'], sampleRate: 0 }, { target: '/x' }, DropReason.pathRule],
    ['sample before rate limit', { sampleRate: 0, ratePerMinute: 1 }, {}, DropReason.sampledOut],
    ['sampled by its trace id', { sampleRate: 0.3 }, traced('01'), DropReason.sampledOut],
    ['kept by its trace id', { sampleRate: 0.9 }, traced('00'), DropReason.none],
    ['kept for its parent', { sampleRate: 0, sampleByParent: true }, traced('01'), DropReason.none],
    ['dropped for its parent', { sampleByParent: true }, traced('00'), DropReason.sampledOut],
    ['kept for want of a parent', { sampleByParent: true }, {}, DropReason.none],
  ])('%s', (_, settings, parts, reason) => {
    const exchange = makeExchange(parts);
    expect(create(settings).admit(exchange)).toBe(reason);
    expect(exchange.context === null).toBe(reason !== DropReason.none);
  });

  it.each(['wall', 'capture'] as const)('drops what is over the rate limit, paced by %s time', (pace) => {
    create({ ratePerMinute: 8 }, pace);
    const reasons = Array.from({ length: 20 }, () => policy?.admit(makeExchange()));
    expect(reasons.filter((reason) => reason === DropReason.none).length).toBeLessThanOrEqual(8);
    expect(reasons.filter((reason) => reason === DropReason.none).length).toBeGreaterThanOrEqual(6);
    expect(reasons.at(-1)).toBe(DropReason.rateLimited);
  });

  it('gives the permit back when the status drops the exchange, once', () => {
    create({ ratePerMinute: 4, statusAllow: ['^5'] });
    for (let i = 0; i < 100; i++) {
      const exchange = makeExchange({ status: 200 });
      expect(policy?.admit(exchange)).toBe(DropReason.none);
      expect(policy?.conclude(exchange)).toBe(DropReason.statusRule);
      expect(policy?.conclude(exchange)).toBe(DropReason.statusRule);
    }
    const kept = Array.from({ length: 100 }, () => makeExchange({ status: 500 })).filter(
      (exchange) => policy?.admit(exchange) === DropReason.none && policy.conclude(exchange) === DropReason.none,
    );
    expect(kept.length).toBe(4);
  });

  it('gives the permit back of an exchange dropped in between, and keeps to that reason', () => {
    create({ ratePerMinute: 2 });
    for (let i = 0; i < 100; i++) {
      const exchange = makeExchange();
      expect(policy?.admit(exchange)).toBe(DropReason.none);
      exchange.dropReason = DropReason.unwatched;
      expect(policy?.conclude(exchange)).toBe(DropReason.unwatched);
      expect(exchange.permit).toBeNull();
    }
  });

  it('concludes what it never admitted', () => {
    const exchange = makeExchange();
    exchange.dropReason = DropReason.hostRule;
    expect(create({ ratePerMinute: 1 }).conclude(exchange)).toBe(DropReason.hostRule);
  });
});
