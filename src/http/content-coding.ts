/**
 * Content codings undone for export, RFC 9110 §8.4: gzip, deflate (zlib and raw), br, zstd, in lists.
 *
 * in:  body bytes as transferred and the Content-Encoding values · out: decoded bytes up to a cap, or the reason for none
 *
 * A short body is decoded at once. A long one goes through the platform's thread pool, piece by piece, so that capture
 * goes on. Either way output stops at the cap, however much more the input would give.
 */
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { Decompress as ZstdDecompress, ZstdErrorCode } from 'fzstd';

export interface DecodedContent {
  content: Uint8Array;
  /** Whether there was more than the cap. */
  truncated: boolean;
  /** Why the coding could not be undone; `content` is then the input. */
  error: string | null;
}

/** Input up to this long is decoded in this thread, which takes a few tens of microseconds. */
const SYNC_INPUT_BYTES_MAX = 32 << 10;
const SYNC_OUTPUT_BYTES_MAX = 256 << 10;
/** A list longer than this is an attack on the decoder. */
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
  now(input: Uint8Array, bytesMax: number, partial: boolean): Uint8Array;
  /** Null where there is no such stream; then it is decoded by `zstdUpTo`. */
  stream(input: Uint8Array, partial: boolean): zlib.Gunzip | zlib.Inflate | zlib.BrotliDecompress | null;
  /** Throws if the input is not the coding of nothing. */
  expectEmpty(input: Uint8Array): void;
}

// Flushing what there is at the input's end gives the decodable part of a truncated stream.
const PARTIAL = { finishFlush: zlib.constants.Z_SYNC_FLUSH };
const PARTIAL_BROTLI = { finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH };

const gzip: Decoder = {
  now: (input, maxOutputLength) => zlib.gunzipSync(input, { ...PARTIAL, maxOutputLength }),
  stream: () => zlib.createGunzip(PARTIAL),
  expectEmpty: (input) => zlib.gunzipSync(input, { maxOutputLength: 1 }),
};
const deflate: Decoder = {
  now: (input, maxOutputLength, partial) =>
    isZlib(input)
      ? zlib.inflateSync(input, { ...PARTIAL, maxOutputLength })
      : zlib.inflateRawSync(input, { ...(partial ? PARTIAL : {}), maxOutputLength }),
  // Any bytes may begin a raw stream, as it has no header and no checksum; few end one.
  stream: (input, partial) =>
    isZlib(input) ? zlib.createInflate(PARTIAL) : zlib.createInflateRaw(partial ? PARTIAL : {}),
  expectEmpty: (input) => (isZlib(input) ? zlib.inflateSync : zlib.inflateRawSync)(input, { maxOutputLength: 1 }),
};
const brotli: Decoder = {
  now: (input, maxOutputLength) => zlib.brotliDecompressSync(input, { ...PARTIAL_BROTLI, maxOutputLength }),
  stream: () => zlib.createBrotliDecompress(PARTIAL_BROTLI),
  expectEmpty: (input) => zlib.brotliDecompressSync(input, { maxOutputLength: 1 }),
};
// Node 20 has no zstd of its own.
const zstd: Decoder = {
  now: (input, bytesMax) => {
    const content = zstdUpTo(input, bytesMax + 1);
    if (content.length > bytesMax) throw Object.assign(new Error('longer'), { code: 'ERR_BUFFER_TOO_LARGE' });
    return content;
  },
  stream: () => null,
  // A frame's end shows in its last block, which a frame cut short does not have.
  expectEmpty: (input) => {
    if (!isWholeEmptyZstd(input)) throw new Error('unexpected end of file');
  },
};

const DECODERS: Readonly<Record<string, Decoder>> = Object.assign(Object.create(null), {
  gzip,
  'x-gzip': gzip,
  deflate,
  br: brotli,
  zstd,
});

/** RFC 9110 §8.4.1.2 means zlib (RFC 1950); some senders mean raw DEFLATE (RFC 1951), which lacks the header. */
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
    const encoded = content;
    try {
      content = (DECODERS[coding] as Decoder).now(content, bytesMax, partial);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return null;
      return failure(input, `${coding}: ${(error as Error).message}`);
    }
    if (content.length === 0 && !partial && !decodesToNothing(coding, encoded)) return endsEarly(input, coding);
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
    const encoded = content;
    try {
      const stream = decoder.stream(content, partial);
      if (stream === null) {
        await yieldTurn();
        content = zstdUpTo(content, bytesMax + 1);
        if (content.length > bytesMax) truncated = true;
        content = content.subarray(0, bytesMax);
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
    if (content.length === 0 && !partial && !decodesToNothing(coding, encoded)) return endsEarly(input, coding);
  }
  return { content, truncated, error: null };
}

const yieldTurn = promisify(setImmediate);

/** Whether an empty result is right: it is for an encoded empty body, and not for the first bytes of another one. */
function decodesToNothing(coding: string, encoded: Uint8Array): boolean {
  if (encoded.length === 0) return true;
  try {
    (DECODERS[coding] as Decoder).expectEmpty(encoded);
    return true;
  } catch {
    return false;
  }
}

function endsEarly(input: Uint8Array, coding: string): DecodedContent {
  return failure(input, `${coding}: the stream ends before its first byte`);
}

/** What a receiver of the content coding must support (RFC 9659 §3); a frame may ask for gigabytes. */
const ZSTD_WINDOW_BYTES_MAX = 8 << 20;
/** The decoder moves its window for every block, so a stream of tiny blocks would keep it busy for minutes. */
const ZSTD_MOVED_BYTES_MAX = 1 << 30;
const ZSTD_MAGIC = 0xfd2fb528;

/** The window of the first frame, RFC 8878 §3.1.1.1; 0 if there is no header of one. */
function zstdWindow(input: Uint8Array): number {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  if (input.length < 6 || view.getUint32(0, true) !== ZSTD_MAGIC) return 0;
  const descriptor = view.getUint8(4);
  if ((descriptor & 0x20) === 0) {
    const byte = view.getUint8(5);
    const base = 2 ** (10 + (byte >> 3));
    return base + (base / 8) * (byte & 7);
  }
  // A single segment: the window is the content's size.
  const at = 5 + ([0, 1, 2, 4][descriptor & 3] as number);
  const sizeBytes = 1 << (descriptor >> 6);
  if (input.length < at + sizeBytes) return 0;
  if (sizeBytes === 1) return view.getUint8(at);
  if (sizeBytes === 2) return view.getUint16(at, true) + 256;
  return sizeBytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}

/** A frame header, one last block without content, and a checksum if announced (RFC 8878 §3.1.1). */
function isWholeEmptyZstd(input: Uint8Array): boolean {
  const descriptor = input[4] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeBytes = descriptor >> 6 === 0 ? (isSingleSegment ? 1 : 0) : 1 << (descriptor >> 6);
  const block = 5 + (isSingleSegment ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] as number) + sizeBytes;
  return ((input[block] ?? 0) & 1) === 1 && input.length >= block + 3 + ((descriptor & 4) !== 0 ? 4 : 0);
}

/** Decodes until there are `bytesMax` bytes; a throw from the callback is the only way to stop the decoder. */
function zstdUpTo(input: Uint8Array, bytesMax: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const window = zstdWindow(input);
  if (window > ZSTD_WINDOW_BYTES_MAX) throw new Error(`a window of ${window} bytes is over the 8 MiB of RFC 9659`);
  const full = new Error('full');
  const stream = new ZstdDecompress((piece) => {
    pieces.push(piece);
    length += piece.length;
    if (pieces.length * window > ZSTD_MOVED_BYTES_MAX) throw new Error('blocks too small for so large a window');
    if (length >= bytesMax) throw full;
  });
  try {
    stream.push(input, true);
  } catch (error) {
    // What came before an early end counts, as for the other codings.
    if (error !== full && (error as { code?: unknown }).code !== ZstdErrorCode.UnexpectedEOF) throw error;
  }
  return Buffer.concat(pieces, Math.min(length, bytesMax));
}
