/**
 * What the policy costs: nanoseconds of CPU an exchange, by the settings.
 *
 *     npx tsc -p tsconfig.bench.json && node build/bench/bench/policy.js
 */
import { randomFillSync } from 'node:crypto';
import { DropReason } from '../src/counters.js';
import { HeaderList } from '../src/http/header-list.js';
import { NO_BODY } from '../src/http/message-body.js';
import type { Exchange } from '../src/pair/exchange.js';
import { createTraceIds } from '../src/pair/trace-ids.js';
import { createPolicy, type PolicySettings } from '../src/policy/policy.js';

const HEADERS: [string, string][] = [
  ['Host', 'api.example.com'],
  ['User-Agent', 'Mozilla/5.0 (X11; Linux x86_64)'],
  ['Accept', 'application/json'],
  ['X-Request-Id', 'f058ebd6-02f7-4d3f-942e-904344e8cde5'],
  ['Content-Type', 'application/json'],
];

function exchange(target: string): Exchange {
  const spans: number[] = [];
  let text = '';
  for (const [name, value] of HEADERS) {
    spans.push(text.length, text.length + name.length, text.length + name.length + 2);
    text += `${name}: ${value}\r\n`;
    spans.push(text.length - 2);
  }
  const headers = new HeaderList(text, spans);
  const message = { headers, body: NO_BODY, trailers: [] };
  return {
    route: { interfaceName: 'lo', place: null, openedAt: 0, secondsAhead: 0, firstSequence: () => 0 },
    client: { address: '10.0.0.1', port: 40_000 },
    server: { address: '10.0.0.2', port: 8080 },
    protocol: '1.1',
    position: 0,
    timeBaseSeconds: 0,
    startTime: 0,
    requestEndTime: 0,
    responseStartTime: 0,
    endTime: 0,
    request: { ...message, method: 'GET', target },
    response: { ...message, status: 200, reason: 'OK', version: '1.1' },
    marks: 0,
    dropReason: DropReason.none,
    context: null,
    permit: null,
    standsFor: 1,
    hop: null,
  };
}

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

const many = Array.from({ length: 200 }, (_, i) => `^/service${i}/[a-z]+/\\d+$`);
const long = `/${'a'.repeat(65_536)}`;

const CASES: [name: string, settings: Partial<PolicySettings>, target: string][] = [
  ['kept, nothing asked', {}, '/v1/users/4711/orders?page=2'],
  ['one path exclusion', { pathExclusions: ['\\.(css|js|png)$'] }, '/v1/users/4711/orders?page=2'],
  ['200 path exclusions', { pathExclusions: many }, '/v1/users/4711/orders?page=2'],
  ['one path exclusion, encoded path', { pathExclusions: ['/\\.\\./'] }, '/v1/%2e%2e/%2e%2e/etc/passwd'],
  ['one host and one path allowed', { hostAllow: ['^api\\.'], pathAllow: ['^/v1/'] }, '/v1/users/4711/orders'],
  ['exponential elsewhere, 64 KiB path', { pathExclusions: ['^/(a+)+$'] }, `${long}b`],
  ['sampled out', { sampleRate: 0 }, '/v1/users/4711/orders'],
  ['rate limit spent', { ratePerMinute: 1000 }, '/v1/users/4711/orders?page=2'],
];

const rows = CASES.map(([name, settings, target]) => {
  const policy = createPolicy(
    { ...OPEN, ...settings },
    {
      ids: createTraceIds((bytes) => randomFillSync(bytes)),
      now: () => 0,
      pace: 'capture',
      endpointsMax: 8192,
      hostsMax: 1024,
      graphqlPathsMax: 100,
      podOf: null,
      onGraphqlPathEvicted() {},
      onEndpointEvicted() {},
    },
  );
  const one = exchange(target);
  const runs = target.length > 1000 ? 1000 : 200_000;
  for (let i = 0; i < runs / 10; i++) policy.admit(one);
  // CPU, not time: the machine may be busy with other things.
  const start = process.cpuUsage();
  for (let i = 0; i < runs; i++) policy.admit(one);
  return { case: name, 'ns/exchange': Math.round((process.cpuUsage(start).user * 1000) / runs) };
});
// biome-ignore lint/suspicious/noConsole: a bench prints its table
console.table(rows);
