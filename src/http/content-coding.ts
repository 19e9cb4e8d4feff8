/**
 * Content codings undone for export, RFC 9110 §8.4: gzip, deflate (zlib and raw), br, zstd, in lists.
 *
 * in:  body bytes as transferred and the Content-Encoding values · out: decoded bytes up to a cap, or why not
 *
 * A short body is decoded at once. A long one goes through the platform's thread pool, piece by piece, so that capture
 * goes on; either way output stops at the cap, however much more the input would give.
 */
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { Decompress as ZstdDecompress } from 'fzstd';

export interface DecodedContent {
  content: Uint8Array;
  /** Whether there was more than the cap. */
  truncated: boolean;
  /** Why the coding could not be undone; `content` is then the input. */
  error: string | null;
}

/** Input up to this long is decoded without leaving the thread: a few tens of microseconds. */
const SYNC_INPUT_BYTES_MAX = 32 << 10;
const SYNC_OUTPUT_BYTES_MAX = 256 << 10;
/** A list longer than this is an attack on the decoder, not a representation. */
const CODINGS_MAX = 5;

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
 * Undoes `codings`, last applied first. `partial` says that the input's end is missing, so that an unexpected end is no
 * error. Returns a promise only where the work is large.
 */
export function decodeContent(
  input: Uint8Array,
  codings: readonly string[],
  bytesMax: number,
  partial: boolean,
): DecodedContent | Promise<DecodedContent> {
  if (input.length === 0 || codings.length === 0) return { content: input, truncated: false, error: null };
  if (codings.length > CODINGS_MAX) return failure(input, `${codings.length} content codings on top of each other`);
  const unknown = codings.find((coding) => !(coding in DECODERS));
  if (unknown !== undefined) return failure(input, `content coding "${unknown.slice(0, 40)}" is not known`);
  if (input.length <= SYNC_INPUT_BYTES_MAX) {
    const decoded = decodeNow(input, codings, Math.min(bytesMax, SYNC_OUTPUT_BYTES_MAX), partial);
    if (decoded !== null && (!decoded.truncated || bytesMax <= SYNC_OUTPUT_BYTES_MAX)) return decoded;
  }
  return decodeInPieces(input, codings, bytesMax, partial);
}

interface Decoder {
  /** All at once; throws `ERR_BUFFER_TOO_LARGE` where the output is longer than `bytesMax`. */
  now(input: Uint8Array, bytesMax: number): Uint8Array;
  stream(input: Uint8Array): zlib.Gunzip | zlib.Inflate | zlib.BrotliDecompress | null;
}

// Flushing what there is at the input's end gives the decodable part of a truncated stream.
const PARTIAL = { finishFlush: zlib.constants.Z_SYNC_FLUSH };
const PARTIAL_BROTLI = { finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH };

const gzip: Decoder = {
  now: (input, maxOutputLength) => zlib.gunzipSync(input, { ...PARTIAL, maxOutputLength }),
  stream: () => zlib.createGunzip(PARTIAL),
};
const deflate: Decoder = {
  now: (input, maxOutputLength) =>
    isZlib(input)
      ? zlib.inflateSync(input, { ...PARTIAL, maxOutputLength })
      : zlib.inflateRawSync(input, { ...PARTIAL, maxOutputLength }),
  stream: (input) => (isZlib(input) ? zlib.createInflate(PARTIAL) : zlib.createInflateRaw(PARTIAL)),
};
const brotli: Decoder = {
  now: (input, maxOutputLength) => zlib.brotliDecompressSync(input, { ...PARTIAL_BROTLI, maxOutputLength }),
  stream: () => zlib.createBrotliDecompress(PARTIAL_BROTLI),
};
// Node 20 has no zstd of its own.
const zstd: Decoder = { now: zstdNow, stream: () => null };

const DECODERS: Readonly<Record<string, Decoder>> = Object.assign(Object.create(null), {
  gzip,
  'x-gzip': gzip,
  deflate,
  br: brotli,
  zstd,
});

/** RFC 9110 §8.4.1.2 means zlib (RFC 1950); senders that mean raw DEFLATE (RFC 1951) are told by its missing header. */
function isZlib(input: Uint8Array): boolean {
  const first = input[0] ?? 0;
  const second = input[1] ?? 0;
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}

function failure(input: Uint8Array, error: string): DecodedContent {
  return { content: input, truncated: false, error };
}

/** Null where the output is longer than `bytesMax`. */
function decodeNow(
  input: Uint8Array,
  codings: readonly string[],
  bytesMax: number,
  partial: boolean,
): DecodedContent | null {
  let content = input;
  for (let i = codings.length - 1; i >= 0; i--) {
    const coding = codings[i] as string;
    try {
      content = (DECODERS[coding] as Decoder).now(content, bytesMax);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return null;
      return failure(input, `${coding}: ${(error as Error).message}`);
    }
    if (content.length === 0 && !partial) return failure(input, `${coding}: the stream ends before its first byte`);
  }
  return { content, truncated: false, error: null };
}

async function decodeInPieces(
  input: Uint8Array,
  codings: readonly string[],
  bytesMax: number,
  partial: boolean,
): Promise<DecodedContent> {
  let content = input;
  let truncated = false;
  for (let i = codings.length - 1; i >= 0; i--) {
    const coding = codings[i] as string;
    const decoder = DECODERS[coding] as Decoder;
    try {
      const stream = decoder.stream(content);
      if (stream === null) {
        await yieldTurn();
        content = decoder.now(content, bytesMax);
        if (content.length >= bytesMax) truncated = true;
      } else {
        const pieces: Buffer[] = [];
        let length = 0;
        stream.end(content);
        for await (const piece of stream as AsyncIterable<Buffer>) {
          pieces.push(piece);
          length += piece.length;
          if (length > bytesMax) break;
        }
        truncated ||= length > bytesMax;
        content = Buffer.concat(pieces, Math.min(length, bytesMax));
      }
    } catch (error) {
      return failure(input, `${coding}: ${(error as Error).message}`);
    }
    if (content.length === 0 && !partial) return failure(input, `${coding}: the stream ends before its first byte`);
  }
  return { content, truncated, error: null };
}

const yieldTurn = promisify(setImmediate);

/** Stops at `bytesMax` by giving up in the middle of the callback. */
function zstdNow(input: Uint8Array, bytesMax: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const full = new Error('full');
  const stream = new ZstdDecompress((piece) => {
    pieces.push(piece);
    length += piece.length;
    if (length > bytesMax) throw full;
  });
  try {
    stream.push(input, true);
  } catch (error) {
    if (error !== full) throw error;
  }
  return Buffer.concat(pieces, Math.min(length, bytesMax));
}
