/** IP fragments put together: any order, first byte wins, bounded in number, pieces and time (RFC 791 §3.2, RFC 8200 §4.5). */
import { describe, expect, it } from 'vitest';
import { createCounters } from '../../src/counters.js';
import { LinkType } from '../../src/decode/link-type.js';
import { PacketDecoder } from '../../src/decode/packet-decoder.js';
import { DEFAULT_LIMITS, type Limits } from '../../src/limits.js';
import { MemoryBudget } from '../../src/memory-budget.js';
import { packetBatch } from '../support/packet-batch.js';
import { ipv4, ipv6, ipv6Extension, ipv6Fragment, tcp } from '../support/packets.js';
import { Random, runSeed } from '../support/random.js';

const PAYLOAD = Buffer.from(Array.from({ length: 200 }, (_, i) => 33 + (i % 90)));
const DATAGRAM = tcp({ sequence: 5 }, PAYLOAD);

function decoder(limits: Partial<Limits> = {}) {
  const counters = createCounters();
  const budget = new MemoryBudget(limits.memory_bytes_max ?? DEFAULT_LIMITS.memory_bytes_max);
  const inner = new PacketDecoder({ ...DEFAULT_LIMITS, ...limits }, counters, () => {}, budget);
  const feed = (packet: Buffer, time = 0): string | null => {
    // Packets do not outlive their batch.
    const memory = Buffer.from(packet);
    const found = inner.decode(packetBatch(memory, { time }), 0, LinkType.raw);
    const { bytes, payloadStart, payloadEnd } = inner.segment;
    const text = found ? bytes.toString('latin1', payloadStart, payloadEnd) : null;
    memory.fill(0);
    return text;
  };
  return { feed, shed: () => inner.shed(), finish: () => inner.finish(), counters, budget };
}

describe('the memory budget', () => {
  it('has what fragments hold, until their datagram is whole, too old or evicted', () => {
    const { feed, finish, counters, budget } = decoder({ fragmented_datagrams_max: 2 });
    feed(v4(1, 0, 80));
    expect(budget.used).toBeGreaterThanOrEqual(80);
    feed(v4(1, 80, 160));
    feed(v4(1, 160, 220));
    expect(budget.used).toBe(0);
    for (let id = 2; id <= 4; id++) feed(v4(id, 0, 80));
    const two = budget.used;
    feed(v4(5, 0, 80));
    expect(budget.used).toBe(two);
    feed(v4(6, 0, 80), DEFAULT_LIMITS.fragment_timeout_nanos * 2);
    expect(budget.used).toBe(two / 2);
    expect(counters.fragments_dropped).toBe(4);
    finish();
    expect(budget.used).toBe(0);
    expect(counters.fragments_dropped).toBe(5);
  });

  it('gives up the oldest where others need the room, and no more than that takes', () => {
    const { feed, shed, counters, budget } = decoder({ memory_bytes_max: 8000 });
    for (let id = 1; id <= 4; id++) feed(v4(id, 0, 160));
    const each = budget.used / 4;
    shed();
    expect(counters.fragments_dropped).toBe(0);
    budget.add(7000 - 2 * each);
    shed();
    expect(counters.fragments_dropped).toBe(2);
    expect(feed(v4(4, 160, 220))).toBe(PAYLOAD.toString('latin1'));
    budget.add(8000);
    shed();
    expect(counters.fragments_dropped).toBe(3);
  });

  it('makes room at the cost of the oldest, and takes nothing that there is no room for', () => {
    const { feed, counters, budget } = decoder({ memory_bytes_max: 1600 });
    feed(v4(1, 0, 160));
    feed(v4(2, 0, 160));
    feed(v4(3, 0, 160));
    expect(counters.fragments_dropped).toBe(1);
    expect(budget.used).toBeLessThanOrEqual(1600);
    expect(feed(v4(3, 160, 220))).toBe(PAYLOAD.toString('latin1'));
    const large = Buffer.alloc(4000);
    expect(feed(v4(4, 0, 3200, large))).toBe(null);
    expect(counters.fragments_dropped).toBe(3);
    expect(budget.used).toBe(0);
  });
});

const v4 = (id: number, from: number, to: number, bytes = DATAGRAM) =>
  ipv4({ protocol: 6, id, offset: from, more: to < bytes.length }, bytes.subarray(from, to));
const v6 = (id: number, from: number, to: number, bytes = DATAGRAM, next = 6) =>
  ipv6({ protocol: 44 }, ipv6Fragment(next, id, from, to < bytes.length, bytes.subarray(from, to)));

const RANGES = [
  [0, 80],
  [80, 160],
  [160, 220],
] as const;
const ORDERS = [
  [0, 1, 2],
  [2, 1, 0],
  [1, 2, 0],
  [1, 0, 2],
  [0, 2, 1],
  [2, 0, 1],
];

describe.each([
  ['IPv4', v4],
  ['IPv6', v6],
])('%s fragments', (_, fragment) => {
  it.each(ORDERS)('in the order %i %i %i', (...order) => {
    const { feed, counters } = decoder();
    const results = order.map((i) => feed(fragment(1, ...(RANGES[i] as [number, number]))));
    expect(results).toEqual([null, null, PAYLOAD.toString('latin1')]);
    expect(counters).toMatchObject({ fragments_seen: 3, fragments_dropped: 0, packets_malformed: 0 });
  });

  it('keep the first byte seen where they overlap', () => {
    const { feed } = decoder();
    const lie = Buffer.alloc(DATAGRAM.length, 0x21);
    feed(fragment(1, 0, 80));
    feed(fragment(1, 160, 220));
    expect(
      feed(fragment(1, 40, 200, Buffer.concat([lie.subarray(0, 80), DATAGRAM.subarray(80, 160), lie.subarray(160)]))),
    ).toBe(PAYLOAD.toString('latin1'));
  });

  it('sent twice are no harm', () => {
    const { feed } = decoder();
    for (const [from, to] of [RANGES[1], RANGES[1], RANGES[0], RANGES[0]]) feed(fragment(1, from, to));
    expect(feed(fragment(1, ...RANGES[2]))).toBe(PAYLOAD.toString('latin1'));
  });

  it('of different datagrams do not mix', () => {
    const { feed } = decoder();
    feed(fragment(1, ...RANGES[0]));
    feed(fragment(2, ...RANGES[1]));
    expect(feed(fragment(1, ...RANGES[2]))).toBeNull();
    expect(feed(fragment(1, ...RANGES[1]))).toBe(PAYLOAD.toString('latin1'));
  });

  it('are forgotten after their time', () => {
    const { feed, counters } = decoder({ fragment_timeout_nanos: 30e9 });
    feed(fragment(1, ...RANGES[0]), 0);
    feed(fragment(1, ...RANGES[1]), 31e9);
    expect(feed(fragment(1, ...RANGES[2]), 31e9)).toBeNull();
    expect(counters.fragments_dropped).toBe(1);
  });

  it('are bounded in datagrams: the oldest goes', () => {
    const { feed, counters } = decoder({ fragmented_datagrams_max: 4 });
    for (let id = 0; id < 6; id++) feed(fragment(id, ...RANGES[0]));
    expect(counters.fragments_dropped).toBe(2);
    feed(fragment(5, ...RANGES[1]));
    expect(feed(fragment(5, ...RANGES[2]))).toBe(PAYLOAD.toString('latin1'));
  });

  it('come out whole from memory that others had', () => {
    const { feed } = decoder({ fragmented_datagrams_max: 2 });
    const large = Buffer.alloc(65_008, 'x');
    for (let id = 0; id < 5; id++) feed(fragment(id, 65_000, 65_008, large));
    feed(fragment(30, ...RANGES[0]));
    feed(fragment(30, ...RANGES[1]));
    expect(feed(fragment(30, ...RANGES[2]))).toBe(PAYLOAD.toString('latin1'));
  });

  it('are bounded in pieces', () => {
    const { feed, counters } = decoder({ fragment_pieces_max: 8 });
    const big = Buffer.alloc(4000);
    for (let i = 0; i < 9; i++) feed(fragment(1, i * 16, i * 16 + 8, big));
    expect(counters.fragments_dropped).toBe(9);
  });

  it('come out whole from any cut in any order', () => {
    const seed = runSeed();
    const random = new Random(seed);
    for (let round = 0; round < 500; round++) {
      const { feed } = decoder();
      const cuts = [
        0,
        ...Array.from({ length: random.between(1, 8) }, () => random.between(1, 26) * 8),
        DATAGRAM.length,
      ];
      cuts.sort((a, b) => a - b);
      const pieces = cuts
        .slice(1)
        .flatMap((to, i) => ((cuts[i] as number) < to ? [[cuts[i] as number, to] as const] : []));
      const order = pieces.map((piece) => ({ piece, key: random.next() })).sort((a, b) => a.key - b.key);
      const results = order.map(({ piece: [from, to] }) => feed(fragment(round, from, to)));
      expect(results.at(-1), `SEED=${seed}`).toBe(PAYLOAD.toString('latin1'));
    }
  });
});

it('reads headers behind the fragment header when the datagram is whole, RFC 8200 §4.5', () => {
  const bytes = ipv6Extension(6, DATAGRAM, 1);
  const { feed } = decoder();
  expect(feed(v6(1, 0, 80, bytes, 60))).toBeNull();
  expect(feed(v6(1, 160, bytes.length, bytes, 60))).toBeNull();
  expect(feed(v6(1, 80, 160, bytes, 60))).toBe(PAYLOAD.toString('latin1'));
});

it('drops a fragment that reaches over the largest datagram, and one of no whole words', () => {
  const { feed, counters } = decoder();
  feed(ipv4({ protocol: 6, id: 1, offset: 65_528 }, Buffer.alloc(100)));
  feed(ipv4({ protocol: 6, id: 1, more: true }, Buffer.alloc(101)));
  expect(counters.fragments_dropped).toBe(2);
});

it('drops a fragment that the snap length cut', () => {
  const counters = createCounters();
  const inner = new PacketDecoder(DEFAULT_LIMITS, counters);
  const packet = v4(1, 0, 80);
  expect(inner.decode(packetBatch(packet, { captured: packet.length - 8 }), 0, LinkType.raw)).toBe(false);
  expect(counters.fragments_dropped).toBe(1);
});
