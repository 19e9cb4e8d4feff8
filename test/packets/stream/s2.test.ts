/** S2 blocks by the letter, and random ones there and back. */
import { describe, expect, it } from 'vitest';
import { decodeS2, S2_CORRUPT, s2DecodedLength } from '../../../src/packets/stream/s2-decode.js';
import { createS2Encoder, s2EncodedMax } from '../../../src/packets/stream/s2-encode.js';
import { Random, runSeed } from '../../support/random.js';

function decode(block: Buffer): string | null {
  const length = s2DecodedLength(block, 0, block.length);
  if (length < 0 || length > 1 << 22) return null;
  const into = Buffer.alloc(length);
  return decodeS2(block, 0, block.length, into) === S2_CORRUPT ? null : into.toString('latin1');
}

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('decodes', () => {
  it.each([
    ['nothing', '00', ''],
    ['nothing, in a longer way', '80 80 00', ''],
    ['a literal', '03 08 61 62 63', 'abc'],
    ['a literal whose length stands in a byte', `3d f0 3c ${'61'.repeat(61)}`, 'a'.repeat(61)],
    ['a literal whose length stands in two bytes', `3d f4 3c 00 ${'61'.repeat(61)}`, 'a'.repeat(61)],
    ['a literal whose length stands in three bytes', `03 f8 02 00 00 61 62 63`, 'abc'],
    ['a literal whose length stands in four bytes', `03 fc 02 00 00 00 61 62 63`, 'abc'],
    ['a copy with eleven bits of offset', '08 0c 61 62 63 64 01 04', 'abcdabcd'],
    ['a copy with two bytes of offset', '08 0c 61 62 63 64 0e 04 00', 'abcdabcd'],
    ['a copy with four bytes of offset', '08 0c 61 62 63 64 0f 04 00 00 00', 'abcdabcd'],
    ['a run', '09 00 61 11 01', 'aaaaaaaaa'],
    ['repeats', '1c 0c 61 62 63 64 01 04 00 58 11 00 15 00 03', 'abcdabcdXbcdXbcdXbcdXbcdXbcd'],
    ['a repeat of 260', `8a 02 00 61 05 01 19 00 00 00`, 'a'.repeat(266)],
  ])('%s', (_what, block, text) => {
    expect(decode(hex(block))).toBe(text);
  });

  it('a repeat of 65 540 bytes', () => {
    const length = 1 + 5 + 65_540;
    const uvarint = [(length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14];
    expect(decode(Buffer.from([...uvarint, 0, 0x61, 0x05, 0x01, 0x1d, 0, 0, 0, 0]))).toBe('a'.repeat(length));
  });
});

describe('refuses', () => {
  it.each([
    ['no length', ''],
    ['a length without an end', '80 80 80'],
    ['a length of more than 32 bits', 'ff ff ff ff 1f 00'],
    ['a length of eleven bytes', '80 80 80 80 80 80 80 80 80 80 00'],
    ['a repeat with nothing to repeat', '04 01 00'],
    ['an offset of 0', '08 0c 61 62 63 64 0e 00 00'],
    ['an offset before the beginning', '08 0c 61 62 63 64 01 05'],
    ['a literal longer than the block', '04 0c 61 62'],
    ['a literal longer than was said', '03 0c 61 62 63 64'],
    ['a copy longer than was said', '07 0c 61 62 63 64 01 04'],
    ['less than was said', '05 0c 61 62 63 64'],
    ['a copy cut off', '08 0c 61 62 63 64 01'],
    ['a long copy cut off', '08 0c 61 62 63 64 0f 04 00 00'],
    ['a repeat cut off', '1c 0c 61 62 63 64 01 04 15 00'],
    ['a literal of no block is so long', '04 fc ff ff ff ff 61 62'],
    ['something where nothing was said', '00 00 61'],
  ])('%s', (_what, block) => {
    expect(decode(hex(block))).toBeNull();
  });

  it('a block that says more than there is room for, without writing a byte', () => {
    const into = Buffer.alloc(4);
    expect(decodeS2(hex('ff ff ff ff 0f 00 61'), 0, 7, into)).toBe(S2_CORRUPT);
    expect(into).toEqual(Buffer.alloc(4));
  });
});

/** Bytes in which much, little or nothing repeats. */
function randomBytes(random: Random): Buffer {
  const length = random.pick([0, 1, 31, 32, 33, 100, random.between(0, 5000), random.between(0, 140_000)]);
  const bytes = Buffer.alloc(length);
  const letters = random.pick([1, 2, 16, 256]);
  const share = random.pick([0, 0.5, 0.95]);
  for (let at = 0; at < length; ) {
    if (at > 4 && random.chance(share)) {
      const from = random.between(0, at - 1);
      const run = Math.min(random.pick([4, 11, 64, 65, 300, 70_000]), length - at);
      for (let i = 0; i < run; i++) bytes[at + i] = bytes[from + i]!;
      at += run;
    } else bytes[at++] = random.between(0, letters - 1);
  }
  return bytes;
}

it('decodes what it has encoded, which is never larger than a literal', () => {
  const seed = runSeed();
  const random = new Random(seed);
  const encoder = createS2Encoder();
  for (let round = 0; round < 150; round++) {
    const bytes = randomBytes(random);
    const block = Buffer.alloc(3 + s2EncodedMax(bytes.length), 0xaa);
    const end = encoder.encode(bytes, bytes.length, block, 3);
    const into = Buffer.alloc(bytes.length);
    const context = `seed ${seed}, round ${round}, ${bytes.length} bytes`;
    expect(end, context).toBeLessThanOrEqual(block.length);
    expect(decodeS2(block, 3, end, into), context).toBe(bytes.length);
    expect(into.equals(bytes), context).toBe(true);
  }
});

it('encodes a run and a repetition in a few bytes', () => {
  const encoder = createS2Encoder();
  const block = Buffer.alloc(70_000);
  expect(encoder.encode(Buffer.alloc(65_000), 65_000, block, 0)).toBeLessThan(16);
  const packet = Buffer.from(Array.from({ length: 500 }, (_, i) => (i * 7919) >> 3));
  expect(encoder.encode(Buffer.concat(Array(100).fill(packet)), 50_000, block, 0)).toBeLessThan(800);
});
