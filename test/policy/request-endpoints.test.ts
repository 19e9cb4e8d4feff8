/** Endpoints of requests that share their headers are those that the requests have by themselves. */
import { describe, expect, it } from 'vitest';
import { HeaderList } from '../../src/http/header-list.js';
import type { Exchange } from '../../src/pair/exchange.js';
import { requestAuthority, requestPath } from '../../src/pair/request-target.js';
import { EndpointHasher } from '../../src/policy/endpoint-hasher.js';
import { HealthChecks, isHealthCheck } from '../../src/policy/health-check.js';
import { RequestEndpoints } from '../../src/policy/request-endpoints.js';
import { Random, runSeed } from '../support/random.js';
import { makeExchange } from './make-exchange.js';

function sharing(headers: readonly [string, string][]): HeaderList {
  const { text, spans } = makeExchange({ headers: [...headers] }).request.headers;
  return new HeaderList(text, spans, false, -1, true);
}

const HOSTS: readonly (readonly [string, string][])[] = [
  [['Host', 'a.example']],
  [['Host', 'user@b.example:81']],
  [['Host', '']],
  [['Accept', '*/*']],
];
const TARGETS = [
  '/',
  '/a/1',
  '/a/2',
  '/a/2?x=/3',
  '/b',
  '*',
  'http://c.example/a/1',
  'd.example:443',
  `/${'l'.repeat(300)}`,
];
const LONG = '8'.repeat(600);
const AGENTS = ['', 'curl/8', 'kube-probe/1', 'Wget', 'Mozilla/5.0', `curl/${LONG}`, `kube-probe/${LONG}`];

describe('the endpoint of a request', () => {
  it('is that of its method, host and path, whatever came before with the same headers', () => {
    const seed = runSeed();
    const random = new Random(seed);
    const endpoints = new RequestEndpoints();
    const hasher = new EndpointHasher();
    const lists = HOSTS.map(sharing);
    for (let i = 0; i < 5000; i++) {
      const headers = random.pick(lists);
      const exchange: Exchange = makeExchange({
        method: random.pick(['GET', 'POST', 'CONNECT']),
        target: random.pick(TARGETS),
        ...(random.chance(0.2) ? { stream: { id: 1, authority: 'h2.example', scheme: 'http', error: null } } : {}),
      });
      if (random.chance(0.9)) exchange.request = { ...exchange.request, headers };
      const method = random.chance(0.1) ? 'POST' : exchange.request.method;
      const path = requestPath(method, exchange.request.target);
      expect(endpoints.of(exchange, method), `SEED=${seed}`).toBe(hasher.key(method, requestAuthority(exchange), path));
    }
  });
});

describe('a health check', () => {
  it('is one, whichever agent came before', () => {
    const random = new Random(runSeed());
    const checks = new HealthChecks();
    let found = 0;
    for (let i = 0; i < 1000; i++) {
      const exchange = makeExchange({
        target: random.pick(['/healthz', '/items']),
        client: random.pick(['127.0.0.1', '10.0.0.1']),
        headers: random.chance(0.1) ? [] : [['User-Agent', random.pick(AGENTS)]],
      });
      const isOne = isHealthCheck(exchange);
      if (isOne) found++;
      expect(checks.has(exchange)).toBe(isOne);
    }
    expect(found).toBeGreaterThan(100);
  });
});
