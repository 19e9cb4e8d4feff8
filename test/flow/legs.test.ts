/** Connections whose packets have several pairs of addresses: what is joined, what is not, and what all of it is bounded by. */
import { describe, expect, it } from 'vitest';
import { createCounters } from '../../src/counters.js';
import { Segment } from '../../src/decode/segment.js';
import { Flow } from '../../src/flow/flow.js';
import { OneWayFlows } from '../../src/flow/one-way.js';
import { type Addressing, merged, readdressed, redirected } from '../conformance/kinds/variation.js';
import { ack, client, fin, packetsOf, type Step, server } from '../support/conversation.js';
import { EngineRun, line, type Packet } from '../support/run-packets.js';

const CLOSE = [fin('client'), fin('server'), ack('client')];
const exchange = (name: string): Step[] => [
  client(`GET /${name} HTTP/1.1\r\nHost: a\r\n\r\n`),
  server(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${name}`),
];
const OUTSIDE: Addressing = { client: '10.9.0.1', server: '192.0.2.1', serverPort: 8080 };
const INSIDE: Addressing = { client: '10.9.0.1', server: '172.31.0.2' };
const PROXY: Addressing = { client: '10.9.0.1', server: '127.0.0.1', serverPort: 15_001 };
const CALLED: Addressing = { client: '10.9.0.1', server: '10.96.0.10' };

function read(packets: readonly Packet[], keepDuplicates = false, linkTypes: readonly number[] = []) {
  const run = new EngineRun({ batch: 1, keepDuplicates, linkTypes });
  for (const packet of packets) run.push(packet);
  const { exchanges, counters } = run.end();
  const told = exchanges.map((one) => {
    const { client: c, server: s, route } = one;
    return `${line(one)} · ${c.address}:${c.port} > ${s.address}:${s.port}${route.place === null ? '' : ` ${route.place}`}`;
  });
  return { told, counters };
}

/** The packets of both sides of a translation, the second a little later. */
const onBothSides = (packets: readonly Packet[], first = OUTSIDE, second = INSIDE) =>
  merged(
    readdressed(packets, first),
    readdressed(packets, second).map((p) => ({ ...p, time: p.time + 20_000 })),
  );

describe('an address translation', () => {
  const both = onBothSides(packetsOf([...exchange('a'), ...exchange('b'), ...CLOSE]));

  it('is told of once, its copies counted as such and not as retransmissions', () => {
    const { told, counters } = read(both);
    expect(told).toEqual([
      'GET /a → 200 "a" · 10.9.0.1:40000 > 192.0.2.1:8080 outer',
      'GET /b → 200 "b" · 10.9.0.1:40000 > 192.0.2.1:8080 outer',
    ]);
    expect(counters).toMatchObject({ flows_copied: 1, segments_retransmitted: 0, segments_copied: 4 });
  });

  it('is told of twice where duplicates are kept, each place by its name', () => {
    const { told, counters } = read(both, true);
    expect(told.sort()).toEqual([
      'GET /a → 200 "a" · 10.9.0.1:40000 > 172.31.0.2:80 inner',
      'GET /a → 200 "a" · 10.9.0.1:40000 > 192.0.2.1:8080 outer',
      'GET /b → 200 "b" · 10.9.0.1:40000 > 172.31.0.2:80 inner',
      'GET /b → 200 "b" · 10.9.0.1:40000 > 192.0.2.1:8080 outer',
    ]);
    expect(counters).toMatchObject({ flows_copied: 0, segments_retransmitted: 0, segments_copied: 0 });
  });

  it.each([
    ['inside', 3],
    ['outside', 4],
    ['inside', 4],
  ] as const)('is told of once where its %s lost packet %i', (side, lost) => {
    const packets = packetsOf([...exchange('a'), ...exchange('b'), ...CLOSE]);
    const without = (name: string) => packets.filter((_, i) => name !== side || i !== lost);
    const outside = readdressed(without('outside'), OUTSIDE);
    const inside = readdressed(without('inside'), INSIDE).map((p) => ({ ...p, time: p.time + 20_000 }));
    const { told, counters } = read(merged(outside, inside));
    expect(told).toEqual([
      'GET /a → 200 "a" · 10.9.0.1:40000 > 192.0.2.1:8080 outer',
      'GET /b → 200 "b" · 10.9.0.1:40000 > 192.0.2.1:8080 outer',
    ]);
    expect(counters.gaps).toBe(0);
  });

  it.each([false, true])(
    'is named by its places where a ring has all of one side first (duplicates kept: %s)',
    (kept) => {
      const RAW = 12;
      const raw = (packet: Packet): Packet => ({ ...packet, frame: packet.frame.subarray(14), linkType: RAW });
      const packets = packetsOf([...exchange('a'), ...CLOSE]);
      const outside = readdressed(packets, OUTSIDE);
      const inside = readdressed(packets, INSIDE).map((p) => raw({ ...p, time: p.time + 20_000 }));
      const outer = 'GET /a → 200 "a" · 10.9.0.1:40000 > 192.0.2.1:8080 outer';
      const inner = 'GET /a → 200 "a" · 10.9.0.1:40000 > 172.31.0.2:80 inner';
      for (const order of [
        [...outside, ...inside],
        [...inside, ...outside],
      ]) {
        expect(read(order, kept, [1, RAW]).told.sort()).toEqual(kept ? [inner, outer] : [outer]);
      }
    },
  );

  it('joined in the middle is told of twice where duplicates are kept, each place by its name', () => {
    const packets = packetsOf([...exchange('a'), ...exchange('b'), ...CLOSE]).slice(3);
    expect(
      read(onBothSides(packets), true)
        .told.map((one) => one.slice(-5))
        .sort(),
    ).toEqual(['inner', 'inner', 'outer', 'outer']);
  });

  it('still counts a retransmission on one side as one', () => {
    const again = packetsOf([...exchange('a'), { ...exchange('b')[0]!, copies: 2 }, exchange('b')[1]!, ...CLOSE]);
    expect(read(readdressed(again, OUTSIDE)).counters).toMatchObject({ segments_retransmitted: 1, segments_copied: 0 });
  });

  it('makes up on one side for what was lost on the other', () => {
    const packets = packetsOf([...exchange('a'), ...exchange('b'), ...CLOSE]);
    const outside = readdressed(packets, OUTSIDE).filter((_, i) => i !== 4 && i !== 5);
    const inside = readdressed(packets, INSIDE).map((p) => ({ ...p, time: p.time + 20_000 }));
    const { told, counters } = read(merged(outside, inside));
    expect(told).toHaveLength(2);
    expect(counters.gaps).toBe(0);
  });

  it('does not hold a new connection on the same ports to be the old one', () => {
    const first = onBothSides(packetsOf([...exchange('a'), ...CLOSE]));
    const second = onBothSides(packetsOf([...exchange('b'), ...CLOSE], { clientIsn: 777_000, serverIsn: 888_000 })).map(
      (packet) => ({ ...packet, time: packet.time + 1e9 }),
    );
    expect(read([...first, ...second]).told).toEqual([
      'GET /a → 200 "a" · 10.9.0.1:40000 > 192.0.2.1:8080 outer',
      'GET /b → 200 "b" · 10.9.0.1:40000 > 192.0.2.1:8080 outer',
    ]);
  });
});

describe('a redirection', () => {
  it('is joined, and told of by the address that was called', () => {
    const { told, counters } = read(redirected(packetsOf([...exchange('a'), ...CLOSE]), PROXY, CALLED));
    expect(told).toEqual(['GET /a → 200 "a" · 10.9.0.1:40000 > 10.96.0.10:80']);
    expect(counters).toMatchObject({ flows_opened: 1, flows_joined: 1 });
  });

  it('is not joined where the numbers do not agree', () => {
    const there = redirected(packetsOf([...exchange('a'), ...CLOSE]), PROXY, CALLED);
    const back = redirected(packetsOf([...exchange('a'), ...CLOSE], { clientIsn: 5_000_000 }), PROXY, CALLED);
    // Requests of the one, responses of the other.
    const mixed = there.map((packet, i) => ([1, 4].includes(i) ? back[i]! : packet));
    const { told, counters } = read(mixed);
    expect(counters.flows_joined).toBe(0);
    expect(told).toEqual(['GET /a → nothing {no-response, unfinished} · 10.9.0.1:40000 > 127.0.0.1:15001']);
  });

  it('is not joined where two connections could be meant', () => {
    const steps = [...exchange('a'), ...CLOSE];
    const one = redirected(packetsOf(steps), PROXY, CALLED);
    const two = redirected(packetsOf(steps), { ...PROXY, server: '127.0.0.2' }, CALLED);
    // Both SYNs, with the same numbers, in front of the SYN-ACK.
    expect(read([one[0]!, two[0]!, one[1]!]).counters.flows_joined).toBe(0);
  });

  it('goes on after a loss, however the numbers moved meanwhile', () => {
    const packets = redirected(packetsOf([...exchange('a'), ...exchange('b'), ...CLOSE]), PROXY, CALLED);
    // Without the handshake's second half and the first response.
    const { told } = read(packets.filter((_, i) => i !== 1 && i !== 4));
    expect(told.at(-1)).toMatch(/^GET \/b → 200 "b".* > 10\.96\.0\.10:80$/);
  });
});

describe('what is remembered', () => {
  it('is bounded, and what is forgotten is counted', () => {
    const counters = createCounters();
    const flows = new OneWayFlows(counters);
    const flowOf = (port: number) => {
      const segment = new Segment();
      segment.sourcePort = port;
      return new Flow(segment, 0, 0, 0);
    };
    const some = [1, 2, 3, 4, 5].map(flowOf);
    for (const flow of some.slice(0, 4)) flows.add(flow, 7);
    expect(counters.legs_evicted).toBe(0);
    expect(flows.only(7, (flow) => flow === some[0])).toBe(some[0]);
    flows.add(some[4]!, 7);
    expect(counters.legs_evicted).toBe(1);
    expect(flows.only(7, (flow) => flow === some[0])).toBeNull();
    expect(flows.only(7, () => true)).toBeNull();
    // One of which both directions were seen is of no more use there.
    some[1]!.isOneWay = false;
    flows.add(some[0]!, 7);
    expect(counters.legs_evicted).toBe(1);
    flows.remove(some[2]!, 7);
    expect(flows.only(7, (flow) => flow === some[2])).toBeNull();
  });

  it('is no more legs of a connection than a host has', () => {
    const packets = packetsOf([...exchange('a'), ...CLOSE]);
    const sides = Array.from({ length: 12 }, (_, i) =>
      readdressed(packets, { ...INSIDE, server: `172.31.0.${i + 2}` }),
    );
    const { counters, told } = read(merged(...sides));
    // The flow and seven legs; the ninth is counted and begins a flow of its own, which the last three are legs of.
    expect(counters.flows_copied).toBe(10);
    expect(counters.legs_evicted).toBeGreaterThan(0);
    expect(told).toHaveLength(2);
  });
});
