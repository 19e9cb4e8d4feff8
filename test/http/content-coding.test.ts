/** Content codings undone (RFC 9110 §8.4), against the platform's own encoders and literal bytes. */
import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { contentCodings, decodeContent, decodeSmall, transferCodings } from '../../src/http/content-coding.js';

const text = 'hello, '.repeat(50);
const plain = Buffer.from(text);
// `printf 'hello, hello' | zstd`, and of nothing; RFC 8878.
const ZSTD_HELLO = Buffer.from('28b52ffd2c0c61000068656c6c6f2c2068656c6c6f', 'hex');
const frame = (descriptor: string, ...blocks: Buffer[]) =>
  Buffer.concat([Buffer.from(`28b52ffd${descriptor}`, 'hex'), ...blocks]);
const block = (isLast: boolean, type: number, size: number, content: Buffer) => {
  const header = Buffer.alloc(3);
  header.writeUIntLE((size << 3) | (type << 1) | (isLast ? 1 : 0), 0, 3);
  return Buffer.concat([header, content]);
};
/** Raw blocks in a frame with a window of 1 MiB. */
const zstd = (content: Buffer) => {
  const blocks: Buffer[] = [];
  for (let at = 0; at === 0 || at < content.length; at += 100_000) {
    const piece = content.subarray(at, at + 100_000);
    blocks.push(block(at + 100_000 >= content.length, 0, piece.length, piece));
  }
  return frame('0050', ...blocks);
};

const decode = async (input: Buffer, codings: string[], max = 10_000_000, partial = false) => {
  const { content, ...rest } = await decodeContent(input, codings, max, partial);
  return { text: Buffer.from(content).toString('latin1'), ...rest };
};
const whole = { truncated: false, error: null };

describe('transfer codings', () => {
  it.each([
    [['chunked'], []],
    [['gzip, chunked'], ['gzip']],
    [
      ['GZIP', 'x-gzip;q=1 , , Chunked ,'],
      ['gzip', 'x-gzip'],
    ],
    [['deflate'], ['deflate']],
    [['identity'], []],
    // What is over the chunked coding is no coding of the content.
    [['chunked, gzip'], ['chunked', 'gzip']],
  ])('of %j, RFC 9112 §6.1', (values, codings) => {
    expect(transferCodings(values)).toEqual(codings);
  });
});

describe('codings', () => {
  it.each([
    ['gzip', zlib.gzipSync(plain)],
    ['x-gzip', zlib.gzipSync(plain)],
    ['deflate', zlib.deflateSync(plain)],
    ['deflate', zlib.deflateRawSync(plain)],
    ['br', zlib.brotliCompressSync(plain)],
    ['zstd', zstd(plain)],
    ['gzip', Buffer.concat([zlib.gzipSync(plain.subarray(0, 100)), zlib.gzipSync(plain.subarray(100))])],
  ])('%s', async (coding, input) => {
    expect(await decode(input, [coding])).toEqual({ text, ...whole });
  });

  it('undoes lists, last applied first', async () => {
    const codings = contentCodings(['GZIP, br', ' identity', 'Deflate']);
    expect(codings).toEqual(['gzip', 'br', 'deflate']);
    expect(await decode(zlib.deflateSync(zlib.brotliCompressSync(zlib.gzipSync(plain))), codings)).toEqual({
      text,
      ...whole,
    });
  });

  it.each([
    ['gzip', zlib.gzipSync('')],
    ['deflate', zlib.deflateSync('')],
    ['deflate', zlib.deflateRawSync('')],
    ['br', zlib.brotliCompressSync('')],
    ['zstd', zstd(Buffer.alloc(0))],
    ['zstd', frame('2000', block(true, 0, 0, Buffer.alloc(0)))],
  ])('%s of nothing is nothing, and no error', async (coding, input) => {
    expect(await decode(input, [coding])).toEqual({ text: '', ...whole });
  });

  it.each(['gzip', 'deflate', 'br', 'zstd'])('keeps what is no %s raw, with the reason', async (coding) => {
    const result = await decode(Buffer.from('certainly not compressed'), [coding]);
    expect(result).toMatchObject({ text: 'certainly not compressed', truncated: false });
    expect(result.error).toMatch(new RegExp(`^${coding}: `));
  });

  it('keeps a body with a coding nobody knows raw', async () => {
    expect(await decode(plain, ['gzip', 'lzma'])).toEqual({
      text,
      truncated: false,
      error: 'coding "lzma" is not known',
    });
    expect((await decode(plain, ['constructor'])).error).toMatch(/not known/);
  });

  it('keeps a body with a tower of codings raw', async () => {
    expect((await decode(plain, new Array(6).fill('gzip'))).error).toMatch(/6 content codings/);
  });

  it.each([
    ['gzip', zlib.gzipSync(plain)],
    ['deflate', zlib.deflateSync(plain)],
    ['br', zlib.brotliCompressSync(plain)],
  ])('gives what there is of a %s body whose end is missing', async (coding, input) => {
    const result = await decode(input.subarray(0, input.length - 9), [coding], 1e6, true);
    expect(result.error).toBeNull();
    expect(text.startsWith(result.text)).toBe(true);
  });

  it('gives the blocks there are of a zstd body whose end is missing', async () => {
    const input = zstd(Buffer.alloc(250_000, 'x'));
    const result = await decode(input.subarray(0, 210_000), ['zstd'], 1e6, true);
    expect(result).toMatchObject({ error: null });
    expect(result.text).toHaveLength(200_000);
  });

  it('reads a frame with a known size', async () => {
    expect(await decode(ZSTD_HELLO.subarray(0), ['zstd'])).toBeDefined();
  });
});

describe('caps', () => {
  const bomb = Buffer.alloc(50_000_000);

  it.each([
    ['gzip', zlib.gzipSync(bomb)],
    ['deflate', zlib.deflateSync(bomb)],
    ['br', zlib.brotliCompressSync(bomb, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 3 } })],
    ['zstd', frame('0050', ...Array.from({ length: 400 }, (_, i) => block(i === 399, 1, 120_000, Buffer.from('x'))))],
  ])('%s stops at the cap', async (coding, input) => {
    for (const cap of [1000, 1_000_000]) {
      const { content, truncated, error } = await decodeContent(input, [coding], cap, false);
      expect({ length: content.length, truncated, error }).toEqual({ length: cap, truncated: true, error: null });
    }
  });

  it('gives a zstd body whole that is far longer than its input, and says when it is not', async () => {
    const input = frame('0050', ...Array.from({ length: 10 }, (_, i) => block(i === 9, 1, 100_000, Buffer.from('x'))));
    expect(await decode(input, ['zstd'], 1_000_000)).toEqual({ text: 'x'.repeat(1_000_000), ...whole });
    expect(await decode(input, ['zstd'], 999_999)).toEqual({ text: 'x'.repeat(999_999), truncated: true, error: null });
  });

  it.each([
    ['gzip', zlib.gzipSync],
    ['deflate', zlib.deflateSync],
    ['br', zlib.brotliCompressSync],
  ] as const)('%s of exactly the cap is whole', async (coding, encode) => {
    for (const length of [1000, 400_000]) {
      const input = encode(Buffer.alloc(length, 'ab'));
      expect(await decodeContent(input, [coding], length, false)).toMatchObject({ truncated: false, error: null });
      expect(await decodeContent(input, [coding], length - 1, false)).toMatchObject({ truncated: true, error: null });
    }
  });

  it.each([
    ['gzip', ['gzip'], zlib.gzipSync(bomb)],
    ['br', ['br'], zlib.brotliCompressSync(bomb)],
    [
      'zstd',
      ['zstd'],
      frame('0050', ...Array.from({ length: 400 }, (_, i) => block(i === 399, 1, 120_000, plain.subarray(0, 1)))),
    ],
    ['gzip in gzip', ['gzip', 'gzip'], zlib.gzipSync(zlib.gzipSync(bomb))],
    [
      'gzip in br in deflate',
      ['gzip', 'br', 'deflate'],
      zlib.deflateSync(zlib.brotliCompressSync(zlib.gzipSync(bomb))),
    ],
  ])('keep the beginning of a bomb: %s', async (_, codings, input) => {
    const { content, truncated, error } = await decodeContent(input, codings, 40_000_000, false);
    expect({ length: content.length, truncated, error }).toEqual({ length: 65_536, truncated: true, error: null });
    expect(new Set(content).size).toBe(1);
  });

  it('leave repetitive content whole', async () => {
    const log = Buffer.from(
      Array.from({ length: 60_000 }, (_, i) => `GET /items/${i % 9973} 200 0.00${i % 7}\n`).join(''),
    );
    for (const [coding, input] of [
      ['gzip', zlib.gzipSync(log)],
      ['br', zlib.brotliCompressSync(log)],
    ] as const) {
      const { content, truncated } = await decodeContent(input, [coding], 10_000_000, false);
      expect({ length: content.length, truncated }).toEqual({ length: log.length, truncated: false });
    }
  });

  it('are cut to the budget, and not taken for a bomb', async () => {
    const letters = Buffer.from(Array.from({ length: 400_000 }, (_, i) => 97 + ((i * 7919 + (i >> 8) * 104_729) % 23)));
    for (const codings of [['gzip'], ['br'], ['gzip', 'br']]) {
      const input = codings.reduce(
        (bytes, coding) => (coding === 'br' ? zlib.brotliCompressSync : zlib.gzipSync)(bytes),
        letters,
      );
      const { content, truncated, error } = await decodeContent(input, codings, 10_000_000, false, 100_000);
      expect({ truncated, error }).toEqual({ truncated: true, error: null });
      expect(content.length).toBeGreaterThan(50_000);
      expect(letters.subarray(0, 100_000).subarray(0, content.length).equals(content.subarray(0, 100_000))).toBe(true);
      expect(await decodeContent(input, codings, 10_000_000, false, 400_000)).toMatchObject({
        truncated: false,
        error: null,
      });
    }
  });

  it.each([
    ['second frame', Buffer.concat([zstd(plain), frame('00a0', block(true, 1, 10, Buffer.from('x')))])],
    [
      'frame behind a skippable one',
      Buffer.concat([
        Buffer.from('5f2a4d18030000007878780a', 'hex').subarray(0, 11),
        frame('00a0', block(true, 1, 10, Buffer.from('x'))),
      ]),
    ],
    [
      'frame behind a checksum',
      Buffer.concat([
        frame('0450', block(true, 1, 10, Buffer.from('x')), Buffer.alloc(4)),
        frame('00a0', block(true, 1, 10, Buffer.from('x'))),
      ]),
    ],
    ['single segment', frame('a000000040', block(true, 1, 10, Buffer.from('x')))],
  ])('refuse a zstd window over 8 MiB before it is made: %s', async (_, input) => {
    expect((await decode(input, ['zstd'])).error).toMatch(/window of 1073741824 bytes/);
  });

  it('refuses a zstd window over 8 MiB, RFC 9659 §3', async () => {
    const result = await decode(frame('00a0', block(true, 1, 10, Buffer.from('x')), Buffer.alloc(20)), ['zstd']);
    expect(result.error).toMatch(/window of 1073741824 bytes/);
  });

  it('refuses a zstd stream of tiny blocks in a large window', async () => {
    const blocks = Array.from({ length: 5000 }, () => block(false, 1, 1, Buffer.from('x')));
    const result = await decode(frame('0068', ...blocks), ['zstd']);
    expect(result.error).toMatch(/too small/);
  });
});

describe('what takes a moment', () => {
  const short = Buffer.alloc(65_536, text);
  const long = Buffer.alloc(65_537, text);
  const small = (input: Buffer, ...codings: string[]) =>
    decodeSmall(input, codings, 10_000_000, false)?.content ?? null;

  it.each([
    ['gzip', zlib.gzipSync],
    ['br', zlib.brotliCompressSync],
    ['deflate', zlib.deflateSync],
  ] as const)('is %s of no more than 64 KiB', (coding, encode) => {
    expect(small(encode(short), coding)).toEqual(short);
    expect(small(encode(long), coding)).toBeNull();
    expect(small(zlib.gzipSync(encode(short)), coding, 'gzip')).toEqual(short);
    expect(small(zlib.gzipSync(encode(long)), coding, 'gzip')).toBeNull();
  });

  it('is not what only says that it is short', () => {
    const gzip = zlib.gzipSync(Buffer.alloc(1_000_000, text));
    gzip.writeUInt32LE(1, gzip.length - 4);
    expect(small(gzip, 'gzip')).toBeNull();
  });

  it('is the beginning of a short body, whatever its last bytes are', () => {
    const cut = zlib.gzipSync(short).subarray(0, -10);
    const decoded = decodeSmall(cut, ['gzip'], 10_000_000, true);
    expect(decoded?.content.length).toBeGreaterThan(60_000);
  });
});
