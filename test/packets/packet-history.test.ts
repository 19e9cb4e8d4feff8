/** What is kept of an interface, beside a plain list of all that came. */
import { expect, it } from 'vitest';
import { PacketHistory, visitMerged } from '../../src/packets/packet-history.js';
import { packetBatch } from '../support/packet-batch.js';
import { Random, runSeed } from '../support/random.js';

interface Kept {
  readonly time: number;
  readonly bytes: string;
  readonly wire: number;
}

function keptSince(history: PacketHistory, since: number): Kept[] {
  const kept: Kept[] = [];
  history.visit(since, (view, time) => {
    const bytes = view.bytes.toString('hex', view.offset, view.offset + view.captured);
    expect(view.seconds * 1e9 + view.nanos).toBe(time);
    return kept.push({ time, bytes, wire: view.wire }) > 0;
  });
  return kept;
}

it('keeps the newest, whole and in order, whatever their lengths, and no more than its memory holds', () => {
  const seed = runSeed();
  const random = new Random(seed);
  for (let round = 0; round < 60; round++) {
    const bytesMax = random.between(1, 40) * 256;
    const nanosMax = random.pick([5e9, 1e12]);
    const history = new PacketHistory({ bytesMax, nanosMax });
    const all: Kept[] = [];
    let time = 1e9;
    for (let i = 0; i < random.between(1, 300); i++) {
      time += random.between(0, 1e9);
      const packet = Buffer.alloc(random.between(0, random.pick([60, 300, 1500])), i);
      history.push(packetBatch(packet, { time }), 0);
      // One that is longer than the memory leaves what is there alone.
      if (24 + ((packet.length + 7) & ~7) <= (bytesMax & ~7))
        all.push({ time, bytes: packet.toString('hex'), wire: packet.length });
    }
    const kept = keptSince(history, 0);
    const where = `SEED=${seed} round ${round}`;
    expect(kept, where).toEqual(all.slice(all.length - kept.length));
    expect(history.packets, where).toBe(kept.length);
    const newest = all.at(-1)?.time ?? 0;
    expect(
      kept.every((one) => one.time >= newest - nanosMax),
      where,
    ).toBe(true);
    // Half of the memory at least is in use before anything goes for want of room.
    const used = kept.reduce((sum, one) => sum + 24 + ((one.bytes.length / 2 + 7) & ~7), 0);
    const first = all[all.length - kept.length - 1];
    if (first !== undefined && first.time >= newest - nanosMax)
      expect(used, where).toBeGreaterThan(bytesMax / 2 - 1560);
    const since = kept[kept.length >> 1]?.time ?? 0;
    expect(keptSince(history, since), where).toEqual(kept.filter((one) => one.time >= since));
  }
});

it('walks through several in the order of time, each packet once', () => {
  const seed = runSeed();
  const random = new Random(seed);
  for (let round = 0; round < 40; round++) {
    const histories = Array.from(
      { length: random.between(1, 5) },
      () => new PacketHistory({ bytesMax: random.between(1, 20) * 256, nanosMax: 1e12 }),
    );
    let time = 1e9;
    for (let i = 0; i < random.between(0, 200); i++) {
      time += random.between(0, 2) * 1e6;
      const packet = Buffer.alloc(random.between(0, 300), i);
      random.pick(histories).push(packetBatch(packet, { time }), 0);
    }
    const since = 1e9 + random.between(0, 100) * 1e6;
    const merged: (Kept & { which: number })[] = [];
    visitMerged(histories, since, (view, at, which) => {
      const bytes = view.bytes.toString('hex', view.offset, view.offset + view.captured);
      return merged.push({ time: at, bytes, wire: view.wire, which }) > 0;
    });
    const where = `SEED=${seed} round ${round}`;
    const times = merged.map((one) => one.time);
    expect(times, where).toEqual(times.toSorted((a, b) => a - b));
    for (const [i, history] of histories.entries())
      expect(
        merged.filter(({ which }) => which === i).map(({ which: _, ...one }) => one),
        where,
      ).toEqual(keptSince(history, since));
  }
});

it('ends a walk where the visitor has enough', () => {
  const history = new PacketHistory({ bytesMax: 4096, nanosMax: 1e12 });
  for (let i = 0; i < 5; i++) history.push(packetBatch(Buffer.alloc(10), { time: i }), 0);
  let seen = 0;
  history.visit(0, () => ++seen < 2);
  expect(seen).toBe(2);
});
