/** Frames of blocks: what cannot be compressed is stored, and what can is compressed again soon. */
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { createFrameEncoder } from '../../../src/packets/stream/frame-encoder.js';
import { decodeS2 } from '../../../src/packets/stream/s2-decode.js';
import { s2EncodedMax } from '../../../src/packets/stream/s2-encode.js';

const BLOCK = 16_384;
const block = (records: Buffer) => ({ linkType: 1, records, packets: 1, counts: [] });
const noise = () => block(randomBytes(BLOCK - 16));
const text = () => block(Buffer.from('GET / HTTP/1.1\r\n'.repeat(BLOCK / 16 - 1)));

it('searches ever fewer of blocks that do not get shorter, and all of them again when one does', () => {
  const encoder = createFrameEncoder(BLOCK);
  const encoded = (one: ReturnType<typeof noise>) => {
    const { bytes, release } = encoder.encode(one);
    const frame = Buffer.from(bytes);
    release?.();
    const into = Buffer.alloc(BLOCK);
    const length = decodeS2(frame, 8, frame.length, into);
    expect(into.subarray(0, length).equals(one.records)).toBe(true);
    // A stock receiver with the same block size takes it.
    expect(frame.length - 8).toBeLessThanOrEqual(s2EncodedMax(BLOCK) - 8);
    return frame.length < BLOCK / 2;
  };
  expect(encoded(text())).toBe(true);
  for (let i = 0; i < 100; i++) expect(encoded(noise())).toBe(false);
  let stored = 0;
  while (!encoded(text())) stored++;
  expect(stored).toBeGreaterThan(3);
  expect(stored).toBeLessThan(32);
  for (let i = 0; i < 10; i++) expect(encoded(text())).toBe(true);
  expect(encoder.cut).toBe(0);
});

it.each(Array.from({ length: 20 }, (_, i) => BLOCK - 17 + i))(
  'sends a packet that takes %i bytes so that a stock receiver, which is 8 bytes too strict, takes it (bug 2)',
  (length) => {
    const record = Buffer.concat([Buffer.alloc(16), randomBytes(length - 16)]);
    record.writeUInt32LE(length - 16, 8);
    record.writeUInt32LE(length - 16, 12);
    const { bytes } = createFrameEncoder(BLOCK).encode(block(record));
    expect(bytes.length - 8).toBeLessThanOrEqual(s2EncodedMax(BLOCK) - 8);
    const into = Buffer.alloc(BLOCK + 16);
    const decoded = decodeS2(bytes, 8, bytes.length, into);
    expect(into.readUInt32LE(8)).toBe(decoded - 16);
    expect(into.subarray(16, decoded).equals(record.subarray(16, decoded))).toBe(true);
  },
);

it('cuts off the end of a packet that is larger than a block and cannot be compressed, so that a stock receiver takes it', () => {
  const encoder = createFrameEncoder(BLOCK);
  const head = Buffer.alloc(16);
  head.writeUInt32LE(BLOCK + 4000, 8);
  head.writeUInt32LE(BLOCK + 4000, 12);
  const { bytes } = encoder.encode(block(Buffer.concat([head, randomBytes(BLOCK + 4000)])));
  expect(bytes.length - 8).toBeLessThanOrEqual(s2EncodedMax(BLOCK) - 8);
  const into = Buffer.alloc(BLOCK);
  const length = decodeS2(bytes, 8, bytes.length, into);
  // One record, which says how long the packet was.
  expect([into.readUInt32LE(8), into.readUInt32LE(12)]).toEqual([length - 16, BLOCK + 4000]);
  expect(encoder.cut).toBe(1);
});
