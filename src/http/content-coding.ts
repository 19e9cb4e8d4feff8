/**
 * Content codings undone for export, RFC 9110 §8.4: gzip, deflate (zlib and raw), br, zstd, in lists.
 *
 * in:  body bytes as transferred and the Content-Encoding values · out: decoded bytes up to a cap, or the reason for none
 *
 * A short body is decoded at once by `decodeSmall`; whatever takes longer goes through `decodeContent` piece by piece. Either
 * way output stops at the cap, however much more the input would give, at each step of a list. Where content has grown beyond
 * what honest content does, only its beginning is kept.
 */
import * as zlib from 'node:zlib';
import { isShortBrotli } from './brotli.js';
import { isWholeEmptyZstd, ZSTD_WINDOW_BYTES_MAX, zstdUpTo } from './zstd.js';

export interface DecodedContent {
  content: Uint8Array;
  /** Whether there was more than the cap. */
  truncated: boolean;
  /** Why the coding could not be undone; `content` is then the input, or nothing where the reason is `OVER_BUDGET`. */
  error: string | null;
}

/** The error of content that would take more memory than there is. */
export const OVER_BUDGET = 'budget';

/** Input up to this long, with output up to this long, is decoded in one go: a tenth of a millisecond. */
const SMALL_INPUT_BYTES_MAX = 32 << 10;
const SMALL_OUTPUT_BYTES_MAX = 64 << 10;
/** A list longer than this is an attack on the decoder. */
const CODINGS_MAX = 5;
/** Content this long may be any number of times as long as what was transferred. */
const FREE_BYTES = 1 << 20;
/** Longer content that has grown by more than this is a bomb's: repetitive logs come to a hundredth, bombs to a thousandth. */
const RATIO_MAX = 256;
/** What is kept of a bomb's content: enough to see what it is. */
const BOMB_BYTES_MAX = 64 << 10;

/** The codings of a message in the order they were applied, lower-case; `identity` left out. */
export function contentCodings(contentEncoding: readonly string[]): string[] {
  if (contentEncoding.length === 0) return [];
  return contentEncoding
    .join(',')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity');
}

/**
 * The transfer codings of a message beside the chunked one, which framing has undone (RFC 9112 §6.1, §7.2): their order and
 * names are as of content codings, and they lie on top of those.
 */
export function transferCodings(transferEncoding: readonly string[]): string[] {
  const codings = contentCodings(transferEncoding).map((coding) => (coding.split(';', 1)[0] as string).trim());
  return codings.at(-1) === 'chunked' ? codings.slice(0, -1) : codings;
}

/** The most bytes that content of which `bytes` were transferred is decoded to, with a cap of `bytesMax`. */
export function decodedBytesMax(bytes: number, bytesMax: number): number {
  return Math.min(bytesMax, Math.max(FREE_BYTES, bytes * RATIO_MAX));
}

/** Memory, in bytes, that undoing `codings` takes beside the input and the output: what the senders' windows ask for. */
export function windowBytes(codings: readonly string[]): number {
  if (codings.includes('zstd')) return ZSTD_WINDOW_BYTES_MAX;
  return codings.includes('br') ? BROTLI_WINDOW_BYTES_MAX : 0;
}

/** RFC 7932 §9.1. The decoder has the larger windows of "large window brotli" switched off. */
const BROTLI_WINDOW_BYTES_MAX = 16 << 20;

/**
 * Undoes `codings`, last applied first, if that takes a moment; null if it takes longer. `partial` says that the input's end is
 * missing, so that an unexpected end is no error.
 */
export function decodeSmall(
  input: Uint8Array,
  codings: readonly string[],
  bytesMax: number,
  partial: boolean,
): DecodedContent | null {
  const refused = refuse(input, codings);
  if (refused !== null) return refused;
  // A few bytes of zstd may take seconds.
  if (input.length > SMALL_INPUT_BYTES_MAX || codings.includes('zstd')) return null;
  const cap = Math.min(bytesMax, SMALL_OUTPUT_BYTES_MAX);
  let content = input;
  for (let i = codings.length - 1; i >= 0; i--) {
    const coding = codings[i] as ZlibCoding;
    const encoded = content;
    if (coding === 'br' ? !isShortBrotli(encoded, SMALL_OUTPUT_BYTES_MAX) : isLongGzip(coding, encoded, partial))
      return null;
    try {
      content = ZLIB_DECODERS[coding].now(content, cap, partial);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return null;
      return failure(input, `${coding}: ${(error as Error).message}`);
    }
    if (content.length === 0 && !partial && !decodesToNothing(coding, encoded)) return endsEarly(input, coding);
  }
  return { content, truncated: false, error: null };
}

/**
 * The same, however long it takes. `budgetBytes`: the most bytes that any step may make, if that is less than the cap.
 */
export async function decodeContent(
  input: Uint8Array,
  codings: readonly string[],
  bytesMax: number,
  partial: boolean,
  budgetBytes = Number.POSITIVE_INFINITY,
): Promise<DecodedContent> {
  const small = decodeSmall(input, codings, bytesMax, partial);
  if (small !== null) return small;
  const cap = decodedBytesMax(input.length, bytesMax);
  const most = Math.min(cap, budgetBytes);
  let content = input;
  let truncated = false;
  let kept = most;
  for (let i = codings.length - 1; i >= 0; i--) {
    const coding = codings[i] as Coding;
    const encoded = content;
    const isPartial = partial || truncated;
    try {
      const decoded = coding === 'zstd' ? zstdUpTo(content, most + 1) : await inflate(coding, content, most, isPartial);
      if (decoded.length > most) {
        truncated = true;
        if (cap < bytesMax) kept = BOMB_BYTES_MAX;
      }
      const beginning = decoded.subarray(0, kept);
      // A copy of a bomb's, so that the rest is not held with it.
      content = kept < most ? Buffer.from(beginning) : beginning;
    } catch (error) {
      return failure(input, `${coding}: ${(error as Error).message}`);
    }
    if (content.length === 0 && !isPartial && !decodesToNothing(coding, encoded)) return endsEarly(input, coding);
  }
  return { content, truncated, error: null };
}

/** Until there is more than `most`. */
async function inflate(coding: ZlibCoding, input: Uint8Array, most: number, partial: boolean): Promise<Buffer> {
  const stream = ZLIB_DECODERS[coding].stream(input, partial);
  const pieces: Buffer[] = [];
  let length = 0;
  stream.end(input);
  for await (const piece of stream as AsyncIterable<Buffer>) {
    pieces.push(piece);
    length += piece.length;
    if (length > most) break;
  }
  return Buffer.concat(pieces, Math.min(length, most + 1));
}

/** Whether its last four bytes say that there is too much of it (ISIZE, RFC 1952 §2.3.1). */
function isLongGzip(coding: ZlibCoding, input: Uint8Array, partial: boolean): boolean {
  if (partial || input.length < 4 || (coding !== 'gzip' && coding !== 'x-gzip')) return false;
  return new DataView(input.buffer, input.byteOffset + input.length - 4, 4).getUint32(0, true) > SMALL_OUTPUT_BYTES_MAX;
}

/** What needs no decoder to be answered. */
function refuse(input: Uint8Array, codings: readonly string[]): DecodedContent | null {
  if (input.length === 0 || codings.length === 0) return { content: input, truncated: false, error: null };
  if (codings.length > CODINGS_MAX) return failure(input, `${codings.length} content codings on top of each other`);
  const unknown = codings.find((coding) => coding !== 'zstd' && !Object.hasOwn(ZLIB_DECODERS, coding));
  return unknown === undefined ? null : failure(input, `coding "${unknown.slice(0, 40)}" is not known`);
}

interface ZlibDecoder {
  /** All at once; throws `ERR_BUFFER_TOO_LARGE` where the output is longer than `bytesMax`. */
  now(input: Uint8Array, bytesMax: number, partial: boolean): Uint8Array;
  stream(input: Uint8Array, partial: boolean): zlib.Gunzip | zlib.Inflate | zlib.BrotliDecompress;
  /** Throws if the input is not the coding of nothing. */
  expectEmpty(input: Uint8Array): void;
}

// Flushing what there is at the input's end gives the decodable part of a truncated stream.
const PARTIAL = { finishFlush: zlib.constants.Z_SYNC_FLUSH };
const PARTIAL_BROTLI = { finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH };

const gzip: ZlibDecoder = {
  now: (input, maxOutputLength) => zlib.gunzipSync(input, { ...PARTIAL, maxOutputLength }),
  stream: () => zlib.createGunzip(PARTIAL),
  expectEmpty: (input) => zlib.gunzipSync(input, { maxOutputLength: 1 }),
};
const deflate: ZlibDecoder = {
  now: (input, maxOutputLength, partial) =>
    isZlib(input)
      ? zlib.inflateSync(input, { ...PARTIAL, maxOutputLength })
      : zlib.inflateRawSync(input, { ...(partial ? PARTIAL : {}), maxOutputLength }),
  // Any bytes may begin a raw stream, as it has no header and no checksum; few end one.
  stream: (input, partial) =>
    isZlib(input) ? zlib.createInflate(PARTIAL) : zlib.createInflateRaw(partial ? PARTIAL : {}),
  expectEmpty: (input) => (isZlib(input) ? zlib.inflateSync : zlib.inflateRawSync)(input, { maxOutputLength: 1 }),
};
const brotli: ZlibDecoder = {
  now: (input, maxOutputLength) => zlib.brotliDecompressSync(input, { ...PARTIAL_BROTLI, maxOutputLength }),
  stream: () => zlib.createBrotliDecompress(PARTIAL_BROTLI),
  expectEmpty: (input) => zlib.brotliDecompressSync(input, { maxOutputLength: 1 }),
};

const ZLIB_DECODERS = { gzip, 'x-gzip': gzip, deflate, br: brotli } as const satisfies Record<string, ZlibDecoder>;
type ZlibCoding = keyof typeof ZLIB_DECODERS;
type Coding = ZlibCoding | 'zstd';

/** RFC 9110 §8.4.1.2 means zlib (RFC 1950); some senders mean raw DEFLATE (RFC 1951), which lacks the header. */
export function isZlib(input: Uint8Array): boolean {
  const first = input[0] ?? 0;
  const second = input[1] ?? 0;
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}

function failure(input: Uint8Array, error: string): DecodedContent {
  return { content: input, truncated: false, error };
}

/** Whether an empty result is right: it is for an encoded empty body, and not for the first bytes of another one. */
function decodesToNothing(coding: Coding, encoded: Uint8Array): boolean {
  if (encoded.length === 0) return true;
  // A frame's end shows in its last block, which a frame cut short does not have.
  if (coding === 'zstd') return isWholeEmptyZstd(encoded);
  try {
    ZLIB_DECODERS[coding].expectEmpty(encoded);
    return true;
  } catch {
    return false;
  }
}

function endsEarly(input: Uint8Array, coding: string): DecodedContent {
  return failure(input, `${coding}: the stream ends before its first byte`);
}
