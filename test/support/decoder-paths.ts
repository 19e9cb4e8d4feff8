/** Every content coding, alone and in lists, and the chunked transfer coding, with ordinary and hostile content. */
import { createHash } from 'node:crypto';
import * as zlib from 'node:zlib';
import { decodeContent } from '../../src/http/content-coding.js';
import { ChunkedDecoder } from '../../src/http/h1/chunked-decoder.js';

export interface DecoderPath {
  readonly name: string;
  /** Input of which `bytes` bytes, or about as many, come. */
  input(bytes: number): Buffer;
  /** Decodes it; returns how many bytes came of it. */
  decode(input: Buffer): Promise<number>;
}

const text = (bytes: number): Buffer =>
  Buffer.from(
    Array.from({ length: Math.ceil(bytes / 40) }, (_, i) => `{"id":${i},"name":"item number ${i * 7}"},\n`.padEnd(40))
      .join('')
      .slice(0, bytes),
  );
function noise(bytes: number): Buffer {
  const blocks: Buffer[] = [];
  for (let i = 0; i * 64 < bytes; i++) blocks.push(createHash('sha512').update(String(i)).digest());
  return Buffer.concat(blocks).subarray(0, bytes);
}

/** Frames of raw blocks (RFC 8878 §3.1.1.2), as no compressor is at hand. */
function zstd(content: Buffer, blockBytes: number): Buffer {
  const pieces: Uint8Array[] = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38])];
  for (let at = 0; at < content.length || at === 0; at += blockBytes) {
    const block = content.subarray(at, at + blockBytes);
    const header = (block.length << 3) | (at + blockBytes >= content.length ? 1 : 0);
    pieces.push(Buffer.from([header & 0xff, (header >> 8) & 0xff, header >> 16]), block);
  }
  return Buffer.concat(pieces);
}

function inMembers(content: Buffer, size: number, encode: (piece: Buffer) => Uint8Array): Buffer {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < content.length; at += size) pieces.push(encode(content.subarray(at, at + size)));
  return Buffer.concat(pieces);
}

function coded(name: string, codings: readonly string[], input: DecoderPath['input']): DecoderPath {
  return {
    name,
    input,
    decode: async (bytes) => (await decodeContent(bytes, codings, 64 << 20, false)).content.length,
  };
}

function chunks(content: Buffer, size: number, extension = ''): Buffer {
  const head = Buffer.from(`${size.toString(16)}${extension}\r\n`);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at + size <= content.length; at += size)
    pieces.push(head, content.subarray(at, at + size), Buffer.from('\r\n'));
  pieces.push(Buffer.from('0\r\n\r\n'));
  return Buffer.concat(pieces);
}

function chunked(name: string, input: DecoderPath['input'], segmentBytes = 1448): DecoderPath {
  return {
    name,
    input,
    async decode(bytes) {
      const decoder = new ChunkedDecoder(8192);
      let content = 0;
      for (let at = 0; at < bytes.length && !decoder.isDone && !decoder.isInvalid; ) {
        const end = Math.min(bytes.length, at + segmentBytes);
        while (at < end && !decoder.isDone && !decoder.isInvalid) {
          at = decoder.next(bytes, at, end);
          content += decoder.contentEnd - decoder.contentStart;
        }
      }
      return content;
    },
  };
}

const gzip = (content: Buffer): Buffer => zlib.gzipSync(content, { level: 1 });
const br = (content: Buffer): Buffer =>
  zlib.brotliCompressSync(content, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 2 } });

export const DECODER_PATHS: readonly DecoderPath[] = [
  coded('gzip, text', ['gzip'], (bytes) => gzip(text(bytes))),
  coded('gzip, noise', ['gzip'], (bytes) => gzip(noise(bytes))),
  coded('gzip, zeros', ['gzip'], (bytes) => gzip(Buffer.alloc(bytes))),
  coded('gzip, members of 512 bytes', ['gzip'], (bytes) => inMembers(text(bytes), 512, gzip)),
  coded('gzip, empty blocks', ['gzip'], (bytes) =>
    Buffer.concat([Buffer.from('1f8b0800000000000003', 'hex'), Buffer.alloc(bytes, Buffer.from('000000ffff', 'hex'))]),
  ),
  coded('deflate, text', ['deflate'], (bytes) => zlib.deflateSync(text(bytes), { level: 1 })),
  coded('deflate without its header, text', ['deflate'], (bytes) => zlib.deflateRawSync(text(bytes), { level: 1 })),
  coded('br, text', ['br'], (bytes) => br(text(bytes))),
  coded('br, noise', ['br'], (bytes) => br(noise(bytes))),
  coded('br, zeros', ['br'], (bytes) => br(Buffer.alloc(bytes))),
  coded('br, of empty blocks', ['br'], (bytes) => Buffer.concat([Buffer.from([0x0c]), Buffer.alloc(bytes, 0x06)])),
  coded('zstd, text', ['zstd'], (bytes) => zstd(text(bytes), 1 << 16)),
  coded('zstd, blocks of 64 KiB', ['zstd'], (bytes) => zstd(noise(bytes), 1 << 16)),
  coded('zstd, frames of 4 KiB', ['zstd'], (bytes) => inMembers(text(bytes), 4096, (piece) => zstd(piece, 4096))),
  coded('zstd, skippable frames', ['zstd'], (bytes) =>
    Buffer.concat([Buffer.alloc(bytes - (bytes % 8), Buffer.from('502a4d1800000000', 'hex')), zstd(text(64), 64)]),
  ),
  coded('gzip in br', ['gzip', 'br'], (bytes) => br(gzip(text(bytes)))),
  coded('gzip in gzip in gzip', ['gzip', 'gzip', 'gzip'], (bytes) => gzip(gzip(gzip(text(bytes))))),
  coded('br of no coding', ['br'], (bytes) => noise(bytes)),
  coded('gzip of no coding', ['gzip'], (bytes) => text(bytes)),
  chunked('chunked, 4 KiB', (bytes) => chunks(text(bytes), 4096)),
  chunked('chunked, 1 byte', (bytes) => chunks(text(bytes / 6), 1)),
  chunked('chunked, 1 byte in segments of 1', (bytes) => chunks(text(bytes / 6), 1), 1),
  chunked('chunked, extensions', (bytes) => chunks(text(bytes / 256), 1, `;${'a=b;'.repeat(60)}`)),
  chunked('chunked, a size line without end', (bytes) => Buffer.alloc(bytes, '1;a=')),
  chunked('chunked, trailers', (bytes) => Buffer.concat([Buffer.from('0\r\n'), Buffer.alloc(bytes, 'A: b\r\n')]), 7),
];
