import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { DropReason } from '../../src/counters.js';
import { type MessageBody, NO_BODY } from '../../src/http/message-body.js';
import { type Exchange, UNDECIDED } from '../../src/pair/exchange.js';
import { createTraceIds } from '../../src/pair/trace-ids.js';
import { GraphqlPaths, operationText } from '../../src/policy/graphql-paths.js';
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
  podSelector: '',
  namespaceInclude: [],
  namespaceExclude: [],
  keepInfrastructure: false,
  sampleRate: 1,
  sampleByParent: false,
  ratePerMinute: 0,
};

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const PARENT_ID = 'b7ad6b7169203331';
const FRESH_ID = 'ab'.repeat(16);

let policy: Policy | undefined;
afterEach(() => policy?.close());

describe('connections that other sensors see, too', () => {
  it('are asked about once the rules and the sample keep them, and take no permit where they are left to others', () => {
    const asked: string[] = [];
    const of = create({ pathExclusions: ['^/quiet'], ratePerMinute: 2 });
    of.divide(({ request }) => {
      asked.push(request.target);
      return request.target !== '/other';
    });
    const verdicts = ['/quiet', '/other', '/other', '/other', '/mine', '/mine'].map((target) =>
      of.admit(makeExchange({ target })),
    );
    const { pathRule, elsewhere, none } = DropReason;
    expect(verdicts).toEqual([pathRule, elsewhere, elsewhere, elsewhere, none, none]);
    expect(asked).toEqual(['/other', '/other', '/other', '/mine', '/mine']);
    of.divide(null);
    expect(of.admit(makeExchange({ target: '/other' }))).toBe(DropReason.rateLimited);
  });
});

function create(settings: Partial<PolicySettings>, pace: 'wall' | 'capture' = 'capture'): Policy {
  policy = createPolicy(
    { ...OPEN, ...settings },
    {
      ids: createTraceIds((bytes) => bytes.fill(0xab)),
      now: (exchange) => exchange.startTime / 1e6,
      pace,
      endpointsMax: 100,
      hostsMax: 100,
      graphqlPathsMax: 100,
      podOf: null,
      onGraphqlPathEvicted() {},
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

describe('update', () => {
  it('decides by the new rules and sample from then on', () => {
    const changed = create({ pathExclusions: ['^/old'] });
    const old = () => makeExchange({ target: '/old' });
    expect(changed.admit(old())).toBe(DropReason.pathRule);
    changed.update({ ...OPEN, pathExclusions: ['^/new'] });
    expect(changed.admit(old())).toBe(DropReason.none);
    expect(changed.admit(makeExchange({ target: '/new' }))).toBe(DropReason.pathRule);
    changed.update({ ...OPEN, sampleRate: 0 });
    expect(changed.admit(old())).toBe(DropReason.sampledOut);
  });

  it('goes on counting a limit that stays, and begins another one anew', () => {
    const changed = create({ ratePerMinute: 1 });
    const first = makeExchange();
    expect(changed.admit(first)).toBe(DropReason.none);
    changed.update({ ...OPEN, ratePerMinute: 1, keepHealthChecks: true });
    expect(changed.admit(makeExchange())).toBe(DropReason.rateLimited);
    changed.update({ ...OPEN, ratePerMinute: 2 });
    expect(changed.admit(makeExchange())).toBe(DropReason.none);
    // What the old limit permitted goes back to that, not to this one.
    first.permit?.giveBack();
    expect(changed.admit(makeExchange())).toBe(DropReason.none);
    expect(changed.admit(makeExchange())).toBe(DropReason.rateLimited);
    changed.update(OPEN);
    expect(changed.admit(makeExchange())).toBe(DropReason.none);
  });

  it('changes nothing where a pattern is wrong', () => {
    const changed = create({ pathExclusions: ['^/old'], ratePerMinute: 1 });
    expect(() => changed.update({ ...OPEN, pathExclusions: ['('] })).toThrow(SyntaxError);
    expect(changed.admit(makeExchange({ target: '/old' }))).toBe(DropReason.pathRule);
    expect(changed.admit(makeExchange())).toBe(DropReason.none);
    expect(changed.admit(makeExchange())).toBe(DropReason.rateLimited);
  });
});

describe('GraphQL', () => {
  const body = (query: string): MessageBody => {
    const bytes = Buffer.from(JSON.stringify({ query }));
    return { wireBytes: bytes.length, chunks: [bytes], keptBytes: bytes.length, truncated: false, notes: null };
  };
  const post = (query: string, time = 0) => {
    const exchange = makeExchange({ method: 'POST', target: '/graphql', time });
    exchange.request.body = body(query);
    return exchange;
  };
  /** What becomes of an exchange whose body follows its head. */
  const verdict = (of: Policy, exchange: Exchange) => {
    const sent = exchange.request.body;
    exchange.request.body = NO_BODY;
    const first = of.admit(exchange);
    exchange.request.body = sent;
    return first === UNDECIDED ? of.decide(exchange) : first;
  };

  it('is waited for where a path has been seen to speak it, and a rate limit has to be shared out', () => {
    const limited = create({ ratePerMinute: 100 });
    expect(limited.admit(post('{a}'))).toBe(DropReason.none);
    expect(limited.conclude(post('{a}'))).toBe(DropReason.none);
    expect(limited.admit(post('{a}'))).toBe(UNDECIDED);
    expect(limited.admit(makeExchange({ method: 'POST', target: '/other' }))).toBe(DropReason.none);
    expect(limited.admit(makeExchange({ target: '/graphql' }))).toBe(DropReason.none);
    limited.conclude(makeExchange({ target: '/other?query=%7Ba%7D' }));
    expect(limited.admit(makeExchange({ method: 'POST', target: '/other' }))).toBe(UNDECIDED);
    const open = create({});
    open.conclude(post('{a}'));
    expect(open.admit(post('{a}'))).toBe(DropReason.none);
  });

  it('shares the limit out by operations', () => {
    const limited = create({ ratePerMinute: 40 });
    limited.conclude(post('query Busy{a}'));
    let busy = 0;
    for (let i = 0; i < 1000; i++) if (verdict(limited, post('query Busy{a}', i)) === DropReason.none) busy++;
    // An operation that was not seen yet takes of the reserve, which the busy one has left.
    expect(busy).toBeLessThanOrEqual(40);
    expect(verdict(limited, post('query Rare{a}', 1000))).toBe(DropReason.none);
    expect(verdict(limited, makeExchange({ target: '/graphql?query=query+Url%7Ba%7D', time: 1000 }))).toBe(
      DropReason.none,
    );
    expect(verdict(limited, post('query Busy{a}', 1000))).toBe(DropReason.rateLimited);
  });

  it('decides by no limit where that was taken away meanwhile', () => {
    const changed = create({ ratePerMinute: 1 });
    changed.conclude(post('{a}'));
    const exchange = post('{a}');
    expect(changed.admit(exchange)).toBe(UNDECIDED);
    changed.update(OPEN);
    expect(changed.decide(exchange)).toBe(DropReason.none);
    expect(exchange).toMatchObject({ context: { traceId: FRESH_ID }, permit: null });
  });

  it('forgets the path that was noted first for another one', () => {
    let evicted = 0;
    const paths = new GraphqlPaths(2, () => evicted++);
    for (const path of [1, 2, 1, 3]) paths.note(path);
    expect([1, 2, 3].map((path) => paths.has(path))).toEqual([true, false, true]);
    expect(evicted).toBe(1);
  });

  it.each<[string, Partial<MessageBody>, string[][], string]>([
    ['as sent', {}, [], 'query A'],
    ['compressed', { chunks: [gzipSync('{"query":"query A{a}"}')] }, [['Content-Encoding', 'gzip']], 'query A'],
    ['in pieces', { chunks: [Buffer.from('{"query":"que'), Buffer.from('ry A{a}"}')] }, [], 'query A'],
    ['cut off', { truncated: true, chunks: [Buffer.from('{"query":"query A{a} ')] }, [], '? '],
    ['that cannot be decoded', {}, [['Content-Encoding', 'br']], ''],
  ])('reads a body %s', (_what, parts, headers, expected) => {
    const exchange = makeExchange({ method: 'POST', headers: headers as [string, string][] });
    const chunks = parts.chunks ?? [Buffer.from('{"query":"query A{a}"}')];
    const keptBytes = chunks.reduce((sum, { length }) => sum + length, 0);
    exchange.request.body = { wireBytes: keptBytes, keptBytes, truncated: false, notes: null, ...parts, chunks };
    expect(operationText(exchange)).toBe(expected);
  });
});
