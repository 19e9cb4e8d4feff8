/** Which service calls which, from groups of calls, and where the page puts them. */
import { describe, expect, it } from 'vitest';
import { serviceMap } from '../../../src/satellite/fleet/service-map.js';
import { layout } from '../../../src/satellite/page/browser/map-layout.js';
import { callsOf } from '../../../src/satellite/store/calls-of.js';
import type { CallGroup, Calls } from '../../../src/satellite/store/store.js';
import { Random, runSeed } from '../../support/random.js';

function group(given: Partial<CallGroup>): CallGroup {
  const about = { kind: 'server', service: 'shop', environment: 'prod', host: 'shop.example', client: '10.0.0.9' };
  return { ...about, traces: 1, failures: 0, nanos: 1e6, ...given };
}

function calls(groups: readonly CallGroup[], more: Partial<Calls> = {}): Calls {
  const traces = groups.reduce((sum, one) => sum + one.traces, 0);
  return { from: 0, to: 60e6, traces, groups, left: 0, ...more };
}

const agent = (service: string, address: string, environment = 'prod') => ({
  ...{ service, environment },
  attributes: { 'host.ip': address },
});

const names = ({ nodes, edges }: ReturnType<typeof serviceMap>) => {
  const byId = new Map(nodes.map(({ id, name }) => [id, name]));
  return edges.map(({ from, to, traces }) => `${byId.get(from)} → ${byId.get(to)} ×${traces}`);
};

describe('a map of services', () => {
  it('knows who asks by the addresses of sensors, and who is asked by hosts', () => {
    const map = serviceMap(
      calls([
        group({ service: 'shop', client: '10.0.0.1', traces: 10, failures: 2, nanos: 40e6 }),
        group({ service: 'shop', client: '203.0.113.7', traces: 5 }),
        group({ kind: 'client', service: 'shop', host: 'orders:8080', client: '10.0.0.2', traces: 4 }),
        group({ service: 'orders', host: 'orders:8080', client: '203.0.113.8', traces: 3 }),
        group({ kind: 'client', service: 'orders', host: '10.0.0.5:5000', traces: 2 }),
        group({ kind: 'client', service: 'orders', host: 'api.stripe.com', traces: 1 }),
      ]),
      [agent('web', '10.0.0.1, fd00::1'), agent('ledger', '10.0.0.5')],
    );
    expect(names(map)).toEqual([
      'web → shop ×10',
      'others → shop ×5',
      'shop → orders ×4',
      'others → orders ×3',
      'orders → ledger ×2',
      'orders → api.stripe.com ×1',
    ]);
    expect(map.edges[0]).toMatchObject({ failures: 2, perMinute: 10, duration: 4e6, seenBy: ['server'] });
    expect(map.nodes.find(({ name }) => name === 'api.stripe.com')?.kind).toBe('host');
  });

  it('counts a call once of which both ends tell', () => {
    const map = serviceMap(
      calls([
        group({ service: 'shop', client: '10.0.0.1', traces: 10, failures: 1 }),
        group({ kind: 'client', service: 'web', host: 'shop.example', client: '10.0.0.1', traces: 9 }),
      ]),
      [agent('web', '10.0.0.1')],
    );
    expect(names(map)).toEqual(['web → shop ×10']);
    expect(map.edges[0]).toMatchObject({ failures: 1, seenBy: ['client', 'server'] });
  });

  it('takes an address of two services for nobody’s, and keeps environments apart', () => {
    const map = serviceMap(
      calls([
        group({ client: '10.0.0.1', traces: 3 }),
        group({ kind: 'client', service: 'web', environment: 'test', host: 'shop.example', traces: 2 }),
      ]),
      [agent('web', '10.0.0.1'), agent('batch', '10.0.0.1')],
    );
    expect(names(map)).toEqual(['others → shop ×3', 'web → shop.example ×2']);
  });

  it('has the busiest edges, and says what is on no other', () => {
    const many = Array.from({ length: 300 }, (_, i) => group({ kind: 'client', host: `h${i}`, traces: 300 - i }));
    const map = serviceMap(calls(many, { left: 7 }), []);
    expect(map.edges).toHaveLength(200);
    expect(map.nodes).toHaveLength(201);
    expect(map.left).toBe(7 + (100 * 101) / 2);
  });
});

describe('calls', () => {
  it('are grouped by their ends, the rarest counted alone', () => {
    const call = (client: string, status: number | null) => ({
      ...{ kind: 'server', service: 'shop', environment: '', host: 'h', client, status },
      ...{ start: 5, duration: 10 },
    });
    const found = [
      call('a', 200),
      call('a', 500),
      call('a', null),
      ...Array.from({ length: 2500 }, (_, i) => call(`c${i}`, 200)),
    ];
    const { groups, left, traces } = callsOf(found);
    expect(groups[0]).toMatchObject({ client: 'a', traces: 3, failures: 2, nanos: 30 });
    expect([groups.length, left, traces]).toEqual([2000, 501, 2503]);
    expect(callsOf([])).toEqual({ from: 0, to: 0, traces: 0, groups: [], left: 0 });
  });
});

describe('the picture', () => {
  it('has a place of its own for each node, whatever calls what', () => {
    const seed = runSeed();
    const random = new Random(seed);
    for (let round = 0; round < 50; round++) {
      const nodes = Array.from({ length: random.between(1, 90) }, (_, i) => ({
        ...{ id: `n${i}`, kind: 'service' as const, name: `n${i}`, environment: '' },
      }));
      const edges = Array.from({ length: random.between(1, 200) }, () => ({
        ...{ from: random.pick(nodes).id, to: random.pick(nodes).id, traces: 1, failures: 0, perMinute: 1 },
        ...{ duration: 1, seenBy: [] },
      }));
      const { nodes: placed, width, height } = layout(nodes, edges);
      const places = new Set([...placed.values()].map(({ x, y }) => `${x} ${y}`));
      expect(places.size, `seed ${seed}`).toBe(placed.size);
      expect(placed.size).toBeLessThanOrEqual(60);
      for (const { x, y } of placed.values()) {
        expect(x + 180).toBeLessThan(width);
        expect(y + 36).toBeLessThan(height);
      }
    }
  });

  it('puts who asks left of who is asked', () => {
    const nodes = ['a', 'b', 'c'].map((id) => ({ id, kind: 'service' as const, name: id, environment: '' }));
    const edge = (from: string, to: string) => ({
      from,
      to,
      traces: 1,
      failures: 0,
      perMinute: 1,
      duration: 1,
      seenBy: [],
    });
    const { nodes: placed } = layout(nodes, [edge('b', 'c'), edge('a', 'b'), edge('c', 'a'), edge('a', 'a')]);
    const [a, b, c] = ['a', 'b', 'c'].map((id) => placed.get(id)?.x ?? 0) as [number, number, number];
    expect(a < b && b < c).toBe(true);
  });
});
