/**
 * Segments in any order, doubled and overlapping, through the reassembler: what comes out is what was sent, or a gap, and
 * what is held stays within the store.
 */
import { describe, expect, it } from 'vitest';
import { createCounters } from '../../src/counters.js';
import { Segment, TcpFlag } from '../../src/decode/segment.js';
import { CONSUMER_BYTES } from '../../src/flow/flow.js';
import type { FlowConsumer } from '../../src/flow/flow-consumer.js';
import { TcpReassembler } from '../../src/flow/tcp-reassembler.js';
import { HELD_SEGMENT_BYTES } from '../../src/flow/tcp-stream.js';
import { DEFAULT_LIMITS, type Limits } from '../../src/limits.js';
import { MemoryBudget } from '../../src/memory-budget.js';
import { Random, runSeed } from '../support/random.js';

const HEADER_BYTES = 20;

/** A flow from port 1 to port 2, its bytes as a consumer gets them: -1 where there is a gap. */
class Wire {
  readonly counters = createCounters();
  readonly budget = new MemoryBudget(1e9);
  readonly limits: Limits;
  readonly taken = new Map<number, number[]>();
  readonly #reassembler: TcpReassembler;

  constructor(limits: Partial<Limits> = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.#reassembler = new TcpReassembler(this.limits, this.counters, this.budget, 1, ({ port0 }) =>
      this.#consumer(port0),
    );
  }

  #consumer(port: number): FlowConsumer {
    const taken: number[] = [];
    this.taken.set(port, taken);
    return {
      data: (_, bytes, start, end) => {
        for (let i = start; i < end; i++) taken.push(bytes[i] as number);
      },
      gap: (_, length) => {
        for (let i = 0; i < length; i++) taken.push(-1);
      },
      end: () => {},
    };
  }

  push(
    sequence: number,
    payload: Uint8Array,
    { port = 1, flags = TcpFlag.psh as number, window = 0, back = false } = {},
  ): void {
    const segment = new Segment();
    segment.sourcePort = back ? 2 : port;
    segment.destinationPort = back ? port : 2;
    segment.sequence = sequence | 0;
    segment.flags = flags;
    const bytes = Buffer.concat([Buffer.alloc(HEADER_BYTES), payload]);
    bytes.writeUInt16BE(window, 14);
    segment.bytes = bytes;
    segment.payloadStart = HEADER_BYTES;
    segment.payloadEnd = bytes.length;
    this.#reassembler.push(segment, 0, 0);
    bytes.fill(0xee);
  }

  syn(sequence: number, options: Uint8Array, { port = 1, back = false } = {}): void {
    const segment = new Segment();
    segment.sourcePort = back ? 2 : port;
    segment.destinationPort = back ? port : 2;
    segment.sequence = sequence | 0;
    segment.flags = TcpFlag.syn;
    segment.bytes = Buffer.concat([Buffer.alloc(HEADER_BYTES), options]);
    segment.payloadStart = segment.bytes.length;
    segment.payloadEnd = segment.bytes.length;
    this.#reassembler.push(segment, 0, 0);
  }

  finish(): void {
    this.#reassembler.finish(0);
    expect(this.budget.used).toBe(0);
  }
}

interface Piece {
  at: number;
  length: number;
}

/** All of `0…length`, cut at random; each piece some places from where it belongs, now and then again and cut anew. */
function shuffled(random: Random, length: number, lateness: number): Piece[] {
  const pieces: (Piece & { order: number })[] = [];
  for (let at = 0; at < length; ) {
    const size = Math.min(length - at, random.between(1, 60));
    const order = pieces.length + (random.chance(0.5) ? random.between(0, lateness) : 0);
    pieces.push({ at, length: size, order });
    if (random.chance(0.2)) {
      const from = Math.max(0, at - random.between(0, 80));
      pieces.push({
        at: from,
        length: Math.min(length - from, random.between(1, 150)),
        order: order + random.between(0, 9),
      });
    }
    at += size;
  }
  return pieces.sort((a, b) => a.order - b.order);
}

const sent = (random: Random, length: number): Uint8Array => Uint8Array.from({ length }, () => random.between(0, 255));

describe('a stream out of order', () => {
  it('comes out as it was sent where there is room for it, whatever is late, doubled or overlapping', () => {
    const seed = runSeed();
    const random = new Random(seed);
    for (let round = 0; round < 150; round++) {
      const wire = new Wire();
      const bytes = sent(random, random.between(1, 6000));
      const isn = random.pick([0, 2 ** 31 - 3000, -2000]);
      wire.syn(isn, NOTHING);
      for (const { at, length } of shuffled(random, bytes.length, random.pick([0, 3, 40, 400])))
        wire.push(isn + 1 + at, bytes.subarray(at, at + length));
      expect(wire.taken.get(1), `SEED=${seed}`).toEqual([...bytes]);
      expect(wire.counters, `SEED=${seed}`).toMatchObject({ gaps: 0, gaps_store_full: 0 });
      wire.finish();
    }
  });

  it('has gaps where there was no room, never more held than there is, and every gap is counted', () => {
    const seed = runSeed();
    const random = new Random(seed);
    let gaps = 0;
    for (let round = 0; round < 150; round++) {
      const room = random.between(1500, 12_000);
      const wire = new Wire({ reorder_bytes_max: room, reorder_segments_max: random.pick([4, 1 << 16]) });
      const streams = Array.from({ length: random.between(1, 4) }, (_, i) => {
        const bytes = sent(random, random.between(500, 4000));
        const pieces = shuffled(random, bytes.length, 60).filter(() => random.chance(0.97));
        return { port: 10 + i, bytes, pieces };
      });
      for (const { port } of streams) wire.syn(0, NOTHING, { port });
      const before = wire.budget.used;
      while (streams.some(({ pieces }) => pieces.length > 0)) {
        const { port, bytes, pieces } = random.pick(streams);
        const piece = pieces.shift();
        if (piece === undefined) continue;
        wire.push(1 + piece.at, bytes.subarray(piece.at, piece.at + piece.length), { port });
        // What is held, and the consumers of flows.
        const isOver = wire.budget.used - before > room + streams.length * CONSUMER_BYTES;
        if (isOver || wire.counters.gaps_store_full !== wire.counters.gaps) expect.fail(`SEED=${seed}`);
      }
      gaps += wire.counters.gaps;
      wire.finish();
      let lost = 0;
      for (const { port, bytes } of streams) {
        const taken = wire.taken.get(port) ?? [];
        lost += taken.filter((byte) => byte < 0).length;
        expect(
          taken.findIndex((byte, i) => byte >= 0 && byte !== bytes[i]),
          `SEED=${seed}`,
        ).toBe(-1);
        expect(taken.length).toBeLessThanOrEqual(bytes.length);
      }
      expect(wire.counters.gap_bytes, `SEED=${seed}`).toBe(lost);
    }
    // Room must have run out, or this shows nothing.
    expect(gaps).toBeGreaterThan(100);
  });

  it('that holds more than its share makes room, not the ones that hold little', () => {
    const wire = new Wire({ reorder_bytes_max: 100_000 });
    for (const port of [10, 11]) wire.syn(0, NOTHING, { port });
    wire.push(5, Buffer.from('efg'), { port: 10 });
    for (let i = 0; i < 400; i++) wire.push(100 + i * 2000, Buffer.alloc(1000, 1), { port: 11 });
    expect(wire.counters.gaps_store_full).toBeGreaterThan(100);
    expect(wire.taken.has(10)).toBe(false);
    wire.push(1, Buffer.from('abcd'), { port: 10 });
    expect(Buffer.from(wire.taken.get(10) ?? []).toString()).toBe('abcdefg');
    wire.finish();
  });
});

const NOTHING = new Uint8Array(0);
const SCALE = (bits: number) => Uint8Array.of(2, 4, 5, 180, 1, 3, 3, bits);

describe('what is held of a stream', () => {
  const SIZE = 1000;
  /** Bytes held behind a hole before they are given up, of up to 12 MB that come. */
  function holdable(wire: Wire, window: number | null): number {
    for (let i = 0; i < 12_000; i++) {
      wire.push(100 + i * SIZE, PAYLOAD);
      if (i === 0 && window !== null) wire.push(1, NOTHING, { back: true, window });
      if (wire.counters.gaps > 0) return i * SIZE;
    }
    return Number.POSITIVE_INFINITY;
  }
  const PAYLOAD = Buffer.alloc(SIZE, 1);

  it.each<[string, Uint8Array | null, number | null, number]>([
    ['twice the window, as the receiver scales it', SCALE(7), 40_000, 2 * 40_000 * 128],
    ['at least a mebibyte', SCALE(7), 10, 1 << 20],
    ['a mebibyte where windows are not scaled', NOTHING, 65_535, 1 << 20],
    ['as much as the store has where the handshake was not seen', null, 40_000, Number.POSITIVE_INFINITY],
    ['as much as the store has before the receiver has said anything', SCALE(0), null, Number.POSITIVE_INFINITY],
  ])('is %s', (_, options, window, expected) => {
    const wire = new Wire({ memory_bytes_max: 1e9, reorder_bytes_max: 1e8 });
    wire.syn(0, SCALE(9));
    if (options !== null) wire.syn(0, options, { back: true });
    const held = holdable(wire, window);
    if (expected === Number.POSITIVE_INFINITY) expect(held).toBe(expected);
    else expect(Math.abs(held - expected)).toBeLessThanOrEqual(2 * SIZE);
    wire.finish();
  });

  it('is no more segments than the limit says', () => {
    const wire = new Wire({ reorder_segments_max: 100 });
    wire.syn(0, NOTHING);
    for (let i = 0; i < 101; i++) wire.push(100 + i * 10, Buffer.alloc(5, 1));
    expect(wire.counters.gaps_store_full).toBe(1);
    wire.finish();
  });

  it('takes its overhead from the budget too', () => {
    const wire = new Wire();
    wire.syn(0, NOTHING);
    const before = wire.budget.used;
    wire.push(100, Buffer.from('abc'));
    expect(wire.budget.used - before).toBe(3 + HELD_SEGMENT_BYTES);
    wire.finish();
  });
});
