import { describe, expect, it } from 'vitest';
import { DropReason } from '../../src/counters.js';
import { type HeaderPair, Mark } from '../../src/pair/exchange.js';
import { createRules, type RuleSettings } from '../../src/policy/rules.js';
import { type ExchangeParts, makeExchange } from './make-exchange.js';

const NONE: RuleSettings = {
  hostAllow: [],
  pathAllow: [],
  hostExclusions: [],
  pathExclusions: [],
  methodAllow: [],
  statusAllow: [],
  keepHealthChecks: false,
};

const host = (value: string, more: ExchangeParts = {}): ExchangeParts => ({ ...more, headers: [['Host', value]] });
const path = (target: string): ExchangeParts => ({ target });

describe('rules by the request', () => {
  it.each<[string, Partial<RuleSettings>, ExchangeParts, DropReason]>([
    ['no rules keep everything', {}, path('/x'), DropReason.none],

    ['a host allowed', { hostAllow: ['^api\\.example\\.com$'] }, host('api.example.com'), DropReason.none],
    ['without its port', { hostAllow: ['^api\\.example\\.com$'] }, host('api.example.com:8080'), DropReason.none],
    ['with its port', { hostAllow: ['^api\\.example\\.com:81$'] }, host('api.example.com:81'), DropReason.none],
    ['with the port of the connection', { hostAllow: ['^a:8080$'] }, host('a', { port: 8080 }), DropReason.none],
    ['with another port', { hostAllow: ['^a:81$'] }, host('a:82'), DropReason.hostRule],
    ['in any case', { hostAllow: ['^API\\.example\\.COM$'] }, host('Api.Example.com'), DropReason.none],
    ['unanchored', { hostAllow: ['example'] }, host('api.example.com'), DropReason.none],
    ['not allowed', { hostAllow: ['^other$', 'another'] }, host('api.example.com'), DropReason.hostRule],
    ['one of many', { hostAllow: ['^x$', '^y$', '^api\\.'] }, host('api.example.com'), DropReason.none],
    ['excluded', { hostExclusions: ['internal'] }, host('db.internal:5000'), DropReason.hostRule],
    ['exclusion beats allow', { hostAllow: ['a'], hostExclusions: ['a'] }, host('a'), DropReason.hostRule],
    ['host from the absolute target', { hostAllow: ['^b$'] }, { target: 'http://b/x' }, DropReason.none],
    ['address where there is no Host', { hostAllow: ['^10\\.0\\.0\\.2:8080$'] }, { headers: [] }, DropReason.none],
    ['IPv6 literal', { hostAllow: ['^\\[::1\\]$'] }, host('[::1]:8080'), DropReason.none],

    ['a path allowed', { pathAllow: ['^/v1/'] }, path('/v1/users'), DropReason.none],
    ['not allowed', { pathAllow: ['^/v1/'] }, path('/v2/users'), DropReason.pathRule],
    ['paths are case-sensitive', { pathAllow: ['^/V1/'] }, path('/v1/users'), DropReason.pathRule],
    ['case-insensitive if the pattern says so', { pathAllow: ['(?i)^/V1/'] }, path('/v1/users'), DropReason.none],
    ['a flag reaches no further than its pattern', { pathAllow: ['(?i)^/A', '^/b'] }, path('/B'), DropReason.pathRule],
    ['the query is no part of it', { pathExclusions: ['secret'] }, path('/a?secret=1'), DropReason.none],
    ['a comma splits nothing', { pathAllow: ['^/a{1,2}$'] }, path('/aa'), DropReason.none],
    ['as sent', { pathExclusions: ['%2[eE]'] }, path('/%2e'), DropReason.pathRule],
    ['decoded', { pathExclusions: ['/\\.\\./'] }, path('/a/%2e%2e/etc/passwd'), DropReason.pathRule],
    ['decoded once only', { pathExclusions: ['/\\.\\./'] }, path('/a/%252e%252e/etc'), DropReason.none],
    ['decoded next to invalid UTF-8', { pathExclusions: ['/admin'] }, path('/%ff/%61dmin'), DropReason.pathRule],
    ['UTF-8', { pathAllow: ['^/größe$'] }, path('/gr%C3%B6%C3%9Fe'), DropReason.none],
    ['absolute target', { pathAllow: ['^/x$'] }, path('http://h/x?y'), DropReason.none],
    ['asterisk', { pathAllow: ['^\\*$'] }, { method: 'OPTIONS', target: '*' }, DropReason.none],
    ['CONNECT has no path', { pathAllow: ['^$'] }, { method: 'CONNECT', target: 'h:443' }, DropReason.none],
    ['same group name twice', { pathAllow: ['^/(?P<n>x)', '^/(?P<n>y)'] }, path('/y'), DropReason.none],
    ['an open quotation', { pathAllow: ['^/\\Qa.b', '^/c'] }, path('/c'), DropReason.none],
    ['an empty pattern matches all', { pathExclusions: [''] }, path('/x'), DropReason.pathRule],
    ['lone surrogate in the path', { pathExclusions: ['admin'] }, path('/\ud800/admin'), DropReason.pathRule],

    ['a method allowed', { methodAllow: ['^(GET|POST)$'] }, { method: 'POST' }, DropReason.none],
    ['not allowed', { methodAllow: ['^GET$'] }, { method: 'DELETE' }, DropReason.methodRule],
    ['methods are case-sensitive', { methodAllow: ['^GET$'] }, { method: 'get' }, DropReason.methodRule],
  ])('%s %o', (_, settings, parts, reason) => {
    const rules = createRules({ ...NONE, ...settings }, 16);
    expect(rules.checkRequest(makeExchange(parts))).toBe(reason);
    // And again, where a verdict may be remembered.
    expect(rules.checkRequest(makeExchange(parts))).toBe(reason);
  });

  it('names the pattern RE2 cannot read', () => {
    expect(() => createRules({ ...NONE, pathAllow: ['^/ok', '(?=look)'] }, 16)).toThrow(/^"\(\?=look\)" is not an RE2/);
    expect(() => createRules({ ...NONE, hostAllow: ['(a'] }, 16)).toThrow(/^"\(a" is not an RE2 pattern: /);
    // Fine side by side, but neither is a pattern.
    expect(() => createRules({ ...NONE, hostAllow: ['a)|(b', ')('] }, 16)).toThrow(/is not an RE2 pattern/);
  });

  it('decides hostile patterns and paths in time linear to the path', () => {
    const rules = createRules(
      { ...NONE, pathExclusions: ['^/(a+)+$', '^/(a|aa)+$', '^/(.*)*!$', '(x+x+)+y'], hostAllow: ['^([a-z]+)+$'] },
      16,
    );
    const long = `/${'a'.repeat(65_536)}`;
    // A backtracking engine would take 2^65536 steps here; the test's time limit is the assertion.
    for (const target of [
      `${long}b`,
      `/${'x'.repeat(65_536)}`,
      `/${'%61'.repeat(21_000)}b`,
      `/${'%ff'.repeat(21_000)}`,
    ])
      expect(rules.checkRequest(makeExchange({ ...host(`${'a'.repeat(65_536)}`), target }))).toBe(DropReason.none);
    expect(rules.checkRequest(makeExchange({ ...host(`${'a'.repeat(65_536)}!`), target: '/' }))).toBe(
      DropReason.hostRule,
    );
    expect(rules.checkRequest(makeExchange({ ...host('a'), target: long }))).toBe(DropReason.pathRule);
  });

  it('keeps deciding when more hosts are seen than are remembered', () => {
    const rules = createRules({ ...NONE, hostExclusions: ['[02468]$'] }, 4);
    for (let i = 0; i < 100; i++) {
      const expected = i % 2 === 0 ? DropReason.hostRule : DropReason.none;
      expect(rules.checkRequest(makeExchange(host(`h${i}`, { port: 1 })))).toBe(expected);
    }
  });
});

describe('rules by the response', () => {
  it.each<[string[], number | null, DropReason]>([
    [[], 500, DropReason.none],
    [[], null, DropReason.none],
    [['2..'], 204, DropReason.none],
    [['2..'], 404, DropReason.statusRule],
    [['^5', '404'], 404, DropReason.none],
    [['^5', '404'], 503, DropReason.none],
    [['^5', '404'], 304, DropReason.statusRule],
    [['^5'], null, DropReason.statusRule],
  ])('--status-allow %o, status %s', (statusAllow, status, reason) => {
    const rules = createRules({ ...NONE, statusAllow }, 16);
    expect(rules.checkResponse(makeExchange({ status }))).toBe(reason);
    expect(rules.checkResponse(makeExchange({ status }))).toBe(reason);
  });
});

describe('health checks', () => {
  const agent = (value: string): HeaderPair[] => [
    ['Host', 'a'],
    ['User-Agent', value],
  ];

  it.each<[string, ExchangeParts]>([
    ['ALB and NLB', { headers: agent('ELB-HealthChecker/2.0') }],
    ['classic ELB', { headers: agent('ELB-HealthChecker/1.0') }],
    ['kubelet', { headers: agent('kube-probe/1.29') }],
    ['Route 53', { headers: agent('Amazon-Route53-Health-Check-Service (ref 1a2b; report http://amzn.to/1vsZADi)') }],
    ['Envoy', { headers: agent('Envoy/HC') }],
    ['ECS container check', { headers: agent('curl/8.5.0'), client: '127.0.0.1', target: '/health' }],
    ['ECS container check by wget', { headers: agent('Wget/1.21'), client: '::1', target: '/api/v1/healthz?x' }],
    ['ECS container check by the wget of busybox', { headers: agent('Wget'), client: '127.0.0.1', target: '/healthz' }],
  ])('%s', (_, parts) => {
    expect(createRules(NONE, 16).checkRequest(makeExchange(parts))).toBe(DropReason.healthCheck);
    expect(createRules({ ...NONE, keepHealthChecks: true }, 16).checkRequest(makeExchange(parts))).toBe(
      DropReason.none,
    );
  });

  it.each<[string, ExchangeParts]>([
    ['a browser asking for /health', { headers: agent('Mozilla/5.0'), client: '127.0.0.1', target: '/health' }],
    ['curl from elsewhere', { headers: agent('curl/8.5.0'), client: '10.0.0.7', target: '/health' }],
    ['curl for something else', { headers: agent('curl/8.5.0'), client: '127.0.0.1', target: '/healthy-food' }],
    ['curl posting', { headers: agent('curl/8.5.0'), client: '127.0.0.1', target: '/health', method: 'POST' }],
    ['a name inside', { headers: agent('my kube-probe/1') }],
    ['no user agent', { headers: [], client: '127.0.0.1', target: '/health' }],
  ])('%s is no health check', (_, parts) => {
    expect(createRules(NONE, 16).checkRequest(makeExchange(parts))).toBe(DropReason.none);
  });
});

describe('rules by what nobody knows of a request joined in the middle', () => {
  const stream = { id: 9, authority: null, scheme: 'http', error: null } as const;
  const unknown = { marks: Mark.headersUnknown, method: '', target: '', headers: [], status: 0, stream };
  it.each<[string, Partial<RuleSettings>, ExchangeParts, DropReason]>([
    ['keep it without rules', {}, unknown, DropReason.none],
    ['match no path allowed', { pathAllow: ['.*'] }, unknown, DropReason.pathRule],
    ['may match any path excluded', { pathExclusions: ['^/admin'] }, unknown, DropReason.pathRule],
    ['match no host allowed', { hostAllow: ['.*'] }, unknown, DropReason.hostRule],
    ['may match any host excluded', { hostExclusions: ['internal'] }, unknown, DropReason.hostRule],
    ['match no method allowed', { methodAllow: ['.*'] }, unknown, DropReason.methodRule],
    ['leave what is known', { pathExclusions: ['^/admin'] }, { ...unknown, target: '/api' }, DropReason.none],
    [
      'and the authority',
      { hostAllow: ['^a$'], hostExclusions: ['^b$'] },
      { ...unknown, stream: { ...stream, authority: 'a' } },
      DropReason.none,
    ],
    ['or the Host', { hostAllow: ['^a$'] }, { ...unknown, headers: [['host', 'a']] }, DropReason.none],
  ])('%s', (_what, settings, parts, reason) => {
    expect(createRules({ ...NONE, ...settings }, 10).checkRequest(makeExchange(parts))).toBe(reason);
  });

  it('match no status allowed', () => {
    const rules = createRules({ ...NONE, statusAllow: ['.*'] }, 10);
    expect(rules.checkResponse(makeExchange(unknown))).toBe(DropReason.statusRule);
  });
});
