/** Memory of decoded blocks, and that no block is written over while it waits. */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createBlockMemory } from '../../../src/packets/stream/block-memory.js';
import {
  frameWith,
  packetsOf,
  receiverOf,
  record,
  type StartedReceiver,
  sendTo,
  temporaryDirectory,
} from '../../support/stream-ends.js';

const LARGE = 60_000;
const directory = temporaryDirectory();
let running: StartedReceiver | null = null;
afterEach(async () => {
  await running?.close();
  running = null;
});

describe('memory of blocks', () => {
  it('is used again when it is given back, and only then', () => {
    const memory = createBlockMemory();
    const first = memory.take(LARGE);
    const second = memory.take(LARGE);
    expect(second.buffer).not.toBe(first.buffer);
    memory.give(first.subarray(0, 10));
    expect(memory.take(LARGE + 1).buffer).toBe(first.buffer);
    expect(memory.take(LARGE).buffer).not.toBe(first.buffer);
  });

  it('is their own where blocks are small or very large, and never more than was asked for', () => {
    const memory = createBlockMemory();
    for (const length of [0, 1, 30_000, 66_561, 1 << 20]) {
      const block = memory.take(length);
      expect(block.length).toBe(length);
      expect(block.buffer.byteLength).toBe(length);
      memory.give(block);
      if (length > 0) expect(memory.take(length).buffer).not.toBe(block.buffer);
    }
  });

  it('is kept for a bounded number of blocks', () => {
    const memory = createBlockMemory();
    const blocks = Array.from({ length: 1000 }, () => memory.take(LARGE));
    for (const block of blocks) memory.give(block);
    const known = new Set(blocks.map(({ buffer }) => buffer));
    const again = Array.from({ length: 1000 }, () => memory.take(LARGE));
    expect(again.filter(({ buffer }) => known.has(buffer))).toHaveLength(64);
  });
});

describe('a receiver', () => {
  it.each([
    ['a file', {}],
    ['a file for each sensor', { perSensor: true }],
    ['a window', { order: '1s' }],
  ])('writes blocks as they came, with %s', async (_what, file) => {
    running = await receiverOf({ output: { file: { path: join(directory(), 'dump.pcap'), ...file } } });
    const packet = (i: number) => `${i}:${String.fromCharCode(97 + (i % 26)).repeat(LARGE)}`;
    const frames = Array.from({ length: 200 }, (_, i) => frameWith(record(i, packet(i))));
    await sendTo(running.port, ...frames);
    await running.close();
    const name = 'perSensor' in file ? 'dump-127.0.0.1.pcap' : 'dump.pcap';
    const found = packetsOf(join(directory(), name));
    expect(found).toHaveLength(200);
    expect(found.findIndex((text, i) => text !== `${i}.0 ${packet(i)}`)).toBe(-1);
  });
});
