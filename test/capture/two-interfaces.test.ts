/** A packet that passes a bridge and the veth behind it is captured twice, and is one exchange all the same. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLive } from '../../src/capture/live.js';
import { createCounters, DropReason } from '../../src/counters.js';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { MemoryBudget } from '../../src/memory-budget.js';
import type { Exchange } from '../../src/pair/exchange.js';
import { ExchangeAssembler } from '../../src/pair/exchange-assembler.js';
import { makeVethPair, networkName, run, type VethPair } from '../support/namespace.js';
import { needs } from '../support/needs.js';

const bridge = networkName('b');
// A pair of addresses of RFC 2544's range, by process.
const third = (process.pid >> 6) & 255;
const fourth = (process.pid & 63) * 4;
const client = `198.18.${third}.${fourth + 1}`;
const server = `198.18.${third}.${fourth + 2}`;
let pair: VethPair;
let child: ChildProcess | null = null;

beforeEach(async () => {
  pair = makeVethPair();
  run('ip', 'link', 'add', bridge, 'type', 'bridge');
  run('ip', 'link', 'set', pair.here, 'master', bridge);
  run('ip', 'addr', 'add', `${client}/30`, 'dev', bridge);
  run('ip', 'link', 'set', bridge, 'up');
  run('ip', '-n', pair.namespace, 'addr', 'add', `${server}/30`, 'dev', pair.there);
  const [command, args] = pair.inside(
    process.execPath,
    '-e',
    `require('http').createServer((q, a) => a.end('answer to ' + q.url)).listen(8080, () => console.log('listening'))`,
  );
  child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout!, 'data');
});

afterEach(async () => {
  if (child !== null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  run('ip', 'link', 'del', bridge);
  pair.remove();
});

it('makes one exchange of what two interfaces saw', needs('namespaces', 'ip', 'sysctl'), async () => {
  const source = openLive({
    backend: 'ring',
    interfaces: { names: [bridge, pair.here], include: [], exclude: [] },
    filter: { user: `host ${server}`, satellite: [] },
    ringMebibytes: 8,
    snapLength: 262_144,
    interfacesMax: 8,
    log: { info() {}, warn() {} },
  });
  const counters = createCounters();
  const exchanges: Exchange[] = [];
  const assembler = new ExchangeAssembler({
    limits: DEFAULT_LIMITS,
    counters,
    budget: new MemoryBudget(DEFAULT_LIMITS.memory_bytes_max),
    interfaces: source.interfaces,
    hooks: { admit: () => DropReason.none, complete: (exchange) => exchanges.push(exchange) },
    hashSeed: 1,
  });
  const done = source.run((batch) => assembler.push(batch));
  const paths = Array.from({ length: 20 }, (_, i) => `/${i}`);
  for (const path of paths) {
    await new Promise<void>((resolve, reject) => {
      get({ host: server, port: 8080, path, agent: false }, (answer) => answer.resume().on('end', resolve)).on(
        'error',
        reject,
      );
    });
  }
  source.stop();
  await done;
  assembler.finish();
  const [first, second] = source.statistics();
  expect(first?.packets).toBeGreaterThanOrEqual(20 * 8);
  expect(second?.packets).toBe(first?.packets);
  expect(exchanges.map(({ request, response, marks }) => [request.target, response?.status, marks])).toEqual(
    paths.map((path) => [path, 200, 0]),
  );
  expect(counters.exchanges_seen).toBe(20);
  expect(counters.gaps).toBe(0);
});
