/** Snappy, in frames and as one block, whole and cut: right, or the beginning of what is right. */
import { describe, expect, it } from 'vitest';
import { decodeSnappy } from '../../src/http/snappy.js';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const IDENTIFIER = 'ff060000 734e61507059';
const TEXT = 'a message of some length, a message of some length, and the end of it';
/** As cramjam 2.11 encodes them. */
const BLOCK = hex('456461206d657373616765206f6620736f6d65206c656e6774682c206a1a003c6e642074686520656e64206f66206974');
const FRAMED = Buffer.concat([hex(`${IDENTIFIER} 00 340000 c97ae611`), BLOCK]);

describe('snappy', () => {
  it.each([
    ['one block', BLOCK],
    ['frames', FRAMED],
    ['frames beside padding and what may be skipped', Buffer.concat([FRAMED, hex('fe 020000 0000 80 010000 ff')])],
  ])('%s', (_what, bytes) => {
    expect(decodeSnappy(bytes, 1000, false)).toEqual({ content: Buffer.from(TEXT), truncated: false });
    expect(decodeSnappy(bytes, 69, false)).toEqual({ content: Buffer.from(TEXT), truncated: false });
    expect(decodeSnappy(bytes, 10, false)).toEqual({ content: Buffer.from(TEXT.slice(0, 10)), truncated: true });
    for (let length = 1; length < bytes.length; length++) {
      const { content } = decodeSnappy(bytes.subarray(0, length), 1000, true);
      expect(TEXT.startsWith(content.toString()), `${length} bytes`).toBe(true);
    }
  });

  it.each([
    ['a chunk stored as it is', `${IDENTIFIER} 01 070000 00000000 616263`, 'abc'],
    [
      'copies of two, three and five bytes that run into themselves',
      '0d 00 61 01 01 0e 01 00 0f 01 00 00 00',
      'aaaaaaaaaaaaa',
    ],
    ['a literal whose length takes a byte', `3d f0 3c ${'62'.repeat(61)}`, 'b'.repeat(61)],
    ['nothing', '00', ''],
  ])('%s', (_what, wire, text) => {
    expect(decodeSnappy(hex(wire), 1000, false)).toEqual({ content: Buffer.from(text), truncated: false });
  });

  it.each([
    ['a copy of what is not there', '05 00 61 01 02'],
    ['an offset of nothing', '05 00 61 01 00'],
    ['more than its length says', '01 04 6162'],
    ['less than its length says', '05 04 6162'],
    ['a length without an end', 'ffffffffff'],
    ['a reserved chunk', `${IDENTIFIER} 02 010000 00`],
    ['a chunk that is cut', `${IDENTIFIER} 01 070000 00000000 61`],
  ])('is not %s', (_what, wire) => {
    expect(() => decodeSnappy(hex(wire), 1000, false)).toThrow();
  });

  it('of a block that claims gigabytes takes no more than may be kept', () => {
    expect(decodeSnappy(hex('ffffffff0f 00 61'), 10, true)).toEqual({ content: Buffer.from('a'), truncated: true });
  });
});
