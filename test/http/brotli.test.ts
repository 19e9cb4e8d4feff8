/** Whether a Brotli stream is short is told from its meta-blocks, without decoding it. */
import { randomBytes } from 'node:crypto';
import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { isShortBrotli } from '../../src/http/brotli.js';

const MAX = 65_536;
const coded = (content: string | Buffer, params: Record<number, number> = {}): Buffer =>
  zlib.brotliCompressSync(content, { params });
const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex');

describe('is short', () => {
  it.each<[string, Buffer]>([
    ['an empty one', coded('')],
    ['a few bytes, which are stored', coded('hello world')],
    ['bytes that cannot be compressed', coded(randomBytes(60_000))],
    ['a document', coded(JSON.stringify(Array.from({ length: 500 }, (_, id) => ({ id, name: `item ${id}` }))))],
    ['the most there may be', coded(Buffer.alloc(MAX, 'abc'))],
    ['one with the least window', coded(Buffer.alloc(1000, 'abc'), { [zlib.constants.BROTLI_PARAM_LGWIN]: 10 })],
    // WBITS 16; no last one, MNIBBLES 4, MLEN - 1 of 2, stored; then the last, empty one.
    ['three stored bytes', hex('20 00 10 616263 03')],
    // Metadata of one byte before them.
    ['metadata, then the end', hex('2c 00 78 03')],
    ['what is cut off before its first meta-block', hex('1b')],
  ])('%s', (_, stream) => {
    expect(isShortBrotli(stream, MAX)).toBe(true);
  });
});

describe('may be long', () => {
  it.each<[string, Buffer]>([
    ['a byte more', coded(Buffer.alloc(MAX + 1, 'abc'))],
    ['a bomb', coded(Buffer.alloc(1 << 24))],
    [
      'a window larger than there is one',
      coded('abc', { [zlib.constants.BROTLI_PARAM_LARGE_WINDOW]: 1, [zlib.constants.BROTLI_PARAM_LGWIN]: 30 }),
    ],
    ['stored bytes that are too many together', coded(randomBytes(70_000))],
    ['a compressed meta-block that is not the last', flushed('abcabcabcabc'.repeat(100))],
  ])('%s', (_, stream) => {
    expect(isShortBrotli(stream, MAX)).toBe(false);
  });
});

/** As a server writes that sends what it has. */
function flushed(content: string): Buffer {
  const whole = coded(content);
  // ISLAST of the first meta-block, behind four bits of WBITS, and the bit that says whether it is empty are for another one.
  const bytes = Buffer.from(whole);
  bytes[0] = (bytes[0] as number) & 0xef;
  return bytes;
}
