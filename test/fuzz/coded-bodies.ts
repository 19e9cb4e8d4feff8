/** Bodies that are coded as a whole, mutated: nothing throws, and nothing of the budget is left. */
import * as zlib from 'node:zlib';
import { CodedSplitter } from '../../src/http/coded-splitter.js';
import { LineSplitter } from '../../src/http/events/line-splitter.js';
import { InflateWindows } from '../../src/http/inflate-windows.js';
import { MemoryBudget } from '../../src/memory-budget.js';
import type { Random } from '../support/random.js';

/** Lines in a body that is coded as a whole. */
export function fuzzCoded(random: Random, mutate: (random: Random, bytes: Buffer) => Buffer): void {
  const lines = Array.from({ length: random.between(1, 30) }, (_, n) => `{"n":${n},"x":"${'y'.repeat(n)}"}\n`).join('');
  const [coding, compress] = random.pick([
    ['gzip', zlib.gzipSync],
    ['deflate', zlib.deflateSync],
    ['deflate', zlib.deflateRawSync],
    ['br', zlib.brotliCompressSync],
    ['zstd', storedZstd],
  ] as const);
  const whole = compress(Buffer.from(lines));
  const body = random.chance(0.2) ? whole : mutate(random, whole);
  const budget = new MemoryBudget(1 << 30);
  const windows = new InflateWindows(random.pick([1 << 10, 1 << 16, 1 << 24]), budget, { windows_evicted: 0 });
  let kept = 0;
  const taker = {
    room: () => 1000,
    take: ({ content }: { content: Uint8Array }) => {
      kept = Math.max(kept, content.length);
    },
    lose: () => {},
  };
  const splitter = new CodedSplitter(new LineSplitter(taker, false, budget), taker, false, coding, windows);
  for (let at = 0; at < body.length; ) {
    const end = Math.min(body.length, at + random.between(1, 60));
    if (random.chance(0.02)) splitter.gap(end - at);
    else splitter.data(body, at, end, at);
    at = end;
  }
  if (random.chance(0.5)) splitter.finish(0);
  splitter.close();
  if (budget.used !== 0) throw new Error(`a coded body left ${budget.used} bytes of the budget`);
  if (kept > 1000) throw new Error('a line is larger than there was room for');
}

/** A frame of one stored block (RFC 8878 §3.1.1.2). */
export function storedZstd(bytes: Buffer): Buffer {
  const block = Buffer.alloc(3);
  block.writeUIntLE(bytes.length * 8 + 1, 0, 3);
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x50]), block, bytes]);
}
