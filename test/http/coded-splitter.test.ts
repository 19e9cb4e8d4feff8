/** Streams of messages whose bodies are coded as a whole: each message as its bytes come, and within bounds. */
import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { HeaderList } from '../../src/http/header-list.js';
import { InflateWindows } from '../../src/http/inflate-windows.js';
import { splitterRow } from '../../src/http/splitters.js';
import type { MessageSplitter, StreamMessage } from '../../src/http/stream-message.js';
import { MemoryBudget } from '../../src/memory-budget.js';

const LINES = ['{"n":1,"text":"the first"}', '{"n":2,"text":"the second"}', '{"n":3,"text":"the third"}'];

/** What each line comes to when its sender flushes behind it. */
async function flushed(stream: zlib.Gzip | zlib.Deflate | zlib.BrotliCompress, kind: number): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  let piece: Buffer[] = [];
  stream.on('data', (bytes: Buffer) => piece.push(bytes));
  for (const text of LINES) {
    stream.write(`${text}\n`);
    await new Promise<void>((resolve) => stream.flush(kind, resolve));
    pieces.push(Buffer.concat(piece));
    piece = [];
  }
  stream.end();
  await new Promise((resolve) => stream.on('end', resolve));
  return [...pieces, Buffer.concat(piece)];
}

/** Zstandard of blocks that are stored (RFC 8878 §3.1.1.2), a line each, in windows of `descriptor`. */
function stored(descriptor = 0x50): Buffer[] {
  return LINES.map((text, i) => {
    const block = Buffer.alloc(3);
    block.writeUIntLE((Buffer.byteLength(text) + 1) * 8 + (i === LINES.length - 1 ? 1 : 0), 0, 3);
    const header = i === 0 ? Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, descriptor]) : Buffer.alloc(0);
    return Buffer.concat([header, block, Buffer.from(`${text}\n`)]);
  });
}

const SYNC = zlib.constants.Z_SYNC_FLUSH;
const CODED: readonly [coding: string, pieces: Buffer[]][] = [
  ['gzip', await flushed(zlib.createGzip(), SYNC)],
  ['X-Gzip', await flushed(zlib.createGzip(), SYNC)],
  ['deflate', await flushed(zlib.createDeflate(), SYNC)],
  ['deflate', await flushed(zlib.createDeflateRaw(), SYNC)],
  ['br', await flushed(zlib.createBrotliCompress(), zlib.constants.BROTLI_OPERATION_FLUSH)],
  ['zstd', stored()],
];

interface Opened {
  readonly splitter: MessageSplitter;
  readonly taken: string[];
  readonly lost: () => number;
  readonly counters: { windows_evicted: number };
  readonly budget: MemoryBudget;
}

function open(coding: string, windows?: InflateWindows, budget = new MemoryBudget(1 << 30)): Opened {
  const taken: string[] = [];
  const counters = { windows_evicted: 0 };
  let lost = 0;
  const taker = {
    room: () => 1 << 16,
    take: ({ content }: StreamMessage) => void taken.push(`${Buffer.from(content)}`),
    lose: (_isRequest: boolean, bytes: number) => {
      lost += bytes;
    },
  };
  const text = `content-type: application/x-ndjson\r\ncontent-encoding: ${coding}\r\n`;
  const headers = new HeaderList(text, [0, 12, 14, 34, 36, 52, 54, 54 + coding.length]);
  const splitter = splitterRow(headers, true)?.open(taker, false, {
    headers,
    budget,
    windows: windows ?? new InflateWindows(1 << 25, budget, counters),
    trailerBytesMax: 100,
    onTrailers: () => {},
  });
  if (splitter === undefined) throw new Error('no splitter');
  return { splitter, taken, lost: () => lost, counters, budget };
}

/** Nobody may look at bytes once the call is over. */
function give(splitter: MessageSplitter, piece: Buffer): void {
  const lent = Buffer.concat([Buffer.alloc(3), piece, Buffer.alloc(3)]);
  splitter.data(lent, 3, 3 + piece.length, 7);
  lent.fill(0xee);
}

describe('a coded stream', () => {
  it.each(CODED)('of %s is split as its bytes come', (coding, pieces) => {
    const { splitter, taken, budget } = open(coding);
    pieces.forEach((piece, i) => {
      give(splitter, piece);
      expect(taken).toEqual(LINES.slice(0, i + 1));
    });
    splitter.finish(9);
    splitter.close();
    expect(budget.used).toBe(0);
  });

  it.each(CODED)('of %s is the same however it is cut', (coding, pieces) => {
    const all = Buffer.concat(pieces);
    for (const size of [1, 2, 3, 7, 11]) {
      const { splitter, taken, lost } = open(coding);
      for (let at = 0; at < all.length; at += size) give(splitter, all.subarray(at, at + size));
      splitter.finish(9);
      splitter.close();
      expect(taken).toEqual(LINES);
      expect(lost()).toBe(0);
    }
  });

  it.each(CODED)('of %s is told of up to a gap', (coding, pieces) => {
    const { splitter, taken, lost, budget } = open(coding);
    give(splitter, pieces[0] as Buffer);
    splitter.gap(5);
    for (const piece of pieces.slice(1)) give(splitter, piece);
    splitter.finish(9);
    expect(taken).toEqual(LINES.slice(0, 1));
    expect(lost()).toBe(5 + Buffer.concat(pieces.slice(1)).length);
    splitter.close();
    expect(budget.used).toBe(0);
  });

  it.each(CODED.slice(0, 5))('of %s that turns out to be none is counted from there on', (coding, pieces) => {
    const { splitter, taken, lost } = open(coding);
    give(splitter, pieces[0] as Buffer);
    give(splitter, Buffer.alloc(100, 0xff));
    give(splitter, Buffer.alloc(10));
    splitter.close();
    expect(taken).toEqual(LINES.slice(0, 1));
    expect(lost()).toBe(110);
  });

  it.each([
    ['gzip', zlib.gzipSync(Buffer.alloc(64 << 20))],
    ['br', zlib.brotliCompressSync(Buffer.alloc(64 << 20))],
  ])('of %s that gives too much stops', (coding, bomb) => {
    const { splitter, taken, lost } = open(coding);
    give(splitter, bomb);
    splitter.close();
    expect(taken).toEqual([]);
    expect(lost()).toBeGreaterThan(0);
  });

  it('of zstd that asks for too large a window is not read', () => {
    const { splitter, taken, lost } = open('zstd');
    for (const piece of stored(0xf8)) give(splitter, piece);
    splitter.close();
    expect(taken).toEqual([]);
    expect(lost()).toBe(Buffer.concat(stored(0xf8)).length);
  });

  it('gives its window up to another where there is room for one', () => {
    const budget = new MemoryBudget(1 << 30);
    const counters = { windows_evicted: 0 };
    const windows = new InflateWindows(64 << 10, budget, counters);
    const [, pieces] = CODED[0] as (typeof CODED)[number];
    const one = open('gzip', windows, budget);
    const other = open('gzip', windows, budget);
    give(one.splitter, pieces[0] as Buffer);
    for (const piece of pieces) give(other.splitter, piece);
    for (const piece of pieces.slice(1)) give(one.splitter, piece);
    expect(counters.windows_evicted).toBe(1);
    expect(one.taken).toEqual(LINES.slice(0, 1));
    expect(one.lost()).toBe(Buffer.concat(pieces.slice(1)).length);
    expect(other.taken).toEqual(LINES);
    for (const { splitter } of [one, other]) splitter.close();
    expect(budget.used).toBe(0);
  });
});
