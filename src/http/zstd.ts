/**
 * Zstandard frames undone, RFC 8878: Node.js 20 has no decoder of its own, and fzstd takes what a frame says of itself on trust.
 *
 * in:  frames one behind the other · out: their content up to a cap; or an `Error`, before memory or time is spent on it
 */
import { Decompress, ZstdErrorCode } from 'fzstd';

/** What a receiver of the content coding must support (RFC 9659 §3); a frame may ask for gigabytes. */
export const ZSTD_WINDOW_BYTES_MAX = 8 << 20;
/** The decoder moves its window for every block, so a stream of tiny blocks would keep it busy for minutes. */
const MOVED_BYTES_MAX = 1 << 30;
const MAGIC = 0xfd2fb528;
/** The magic number of a skippable frame, but for its last four bits (§3.1.2). */
const SKIPPABLE = 0x184d2a5;

interface FrameHeader {
  /** Where its first block begins. */
  readonly length: number;
  /** Bytes of content that a match may reach back, and that the decoder sets aside. */
  readonly window: number;
  readonly hasChecksum: boolean;
}

/** The header of the frame at `input[at]` (§3.1.1.1); null if there is none, or not all of it. */
function frameHeader(input: Uint8Array, at: number): FrameHeader | null {
  const view = new DataView(input.buffer, input.byteOffset + at, input.byteLength - at);
  if (view.byteLength < 6 || view.getUint32(0, true) !== MAGIC) return null;
  const descriptor = view.getUint8(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeAt = 5 + (isSingleSegment ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] as number);
  const sizeBytes = descriptor >> 6 === 0 ? (isSingleSegment ? 1 : 0) : 1 << (descriptor >> 6);
  const length = sizeAt + sizeBytes;
  if (view.byteLength < length) return null;
  const hasChecksum = (descriptor & 4) !== 0;
  if (isSingleSegment) return { length, window: contentSize(view, sizeAt, sizeBytes), hasChecksum };
  const byte = view.getUint8(5);
  const base = 2 ** (10 + (byte >> 3));
  return { length, window: base + (base / 8) * (byte & 7), hasChecksum };
}

/** §3.1.1.1.4 */
function contentSize(view: DataView, at: number, bytes: number): number {
  if (bytes === 1) return view.getUint8(at);
  if (bytes === 2) return view.getUint16(at, true) + 256;
  return bytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}

/** Magic, descriptor, window, dictionary and size at their longest (§3.1.1.1). */
const FRAME_HEADER_BYTES_MAX = 18;
const SKIPPABLE_HEADER_BYTES = 8;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;

/** Walks the headers of frames and blocks as their bytes come, as far as they can be read. */
export class FrameWalk {
  /** The largest window that a frame asked for. */
  windowMax = 0;
  /** How many blocks there were. */
  blocks = 0;
  /** Of a header that is not all here. */
  readonly #held = new Uint8Array(FRAME_HEADER_BYTES_MAX);
  #heldBytes = 0;
  /** Bytes to the next header. */
  #skip = 0;
  /** The frame whose blocks are walked; null between frames. */
  #frame: FrameHeader | null = null;
  #moved = 0;
  /** What comes is no frame; the decoder says so. */
  #isAstray = false;

  /** @throws Error where a window is too large, or so many blocks move one that it would take too long */
  feed(input: Uint8Array): void {
    for (let at = 0; at < input.length && !this.#isAstray; ) {
      if (this.#skip > 0) {
        const take = Math.min(this.#skip, input.length - at);
        this.#skip -= take;
        at += take;
        continue;
      }
      this.#held[this.#heldBytes++] = input[at++] as number;
      if (this.#frame === null) this.#readFrame();
      else if (this.#heldBytes === BLOCK_HEADER_BYTES) this.#readBlock(this.#frame);
    }
  }

  #readFrame(): void {
    const held = this.#held.subarray(0, this.#heldBytes);
    if (held.length < SKIPPABLE_HEADER_BYTES - 2) return;
    if (u32(held, 0) >>> 4 === SKIPPABLE) {
      if (held.length < SKIPPABLE_HEADER_BYTES) return;
      this.#skip = u32(held, 4);
      this.#heldBytes = 0;
      return;
    }
    const header = frameHeader(held, 0);
    if (header === null) {
      this.#isAstray = u32(held, 0) !== MAGIC || held.length === FRAME_HEADER_BYTES_MAX;
      return;
    }
    const { window } = header;
    if (window > ZSTD_WINDOW_BYTES_MAX) throw new Error(`a window of ${window} bytes is over the 8 MiB of RFC 9659`);
    this.windowMax = Math.max(this.windowMax, window);
    this.#frame = header;
    this.#heldBytes = 0;
  }

  #readBlock({ window, hasChecksum }: FrameHeader): void {
    const held = this.#held;
    const block = (held[0] as number) | ((held[1] as number) << 8) | ((held[2] as number) << 16);
    this.#heldBytes = 0;
    this.blocks++;
    // A block of one repeated byte holds that byte alone (§3.1.1.2.2).
    this.#skip = ((block >> 1) & 3) === 1 ? 1 : block >> 3;
    this.#moved += window;
    if (this.#moved > MOVED_BYTES_MAX) throw new Error('blocks too small for so large a window');
    if ((block & 1) === 0) return;
    if (hasChecksum) this.#skip += CHECKSUM_BYTES;
    this.#frame = null;
  }
}

function u32(input: Uint8Array, at: number): number {
  return new DataView(input.buffer, input.byteOffset + at, 4).getUint32(0, true);
}

/** A frame header, one last block without content, and a checksum if announced (§3.1.1). */
export function isWholeEmptyZstd(input: Uint8Array): boolean {
  const header = frameHeader(input, 0);
  if (header === null) return false;
  return ((input[header.length] ?? 0) & 1) === 1 && input.length >= header.length + 3 + (header.hasChecksum ? 4 : 0);
}

/** Frames that are decoded in a moment have no larger windows, and no more blocks. */
const NOW_WINDOW_BYTES_MAX = 1 << 20;
const NOW_BLOCKS_MAX = 32;

/** The same as `zstdUpTo`, where that takes a moment; null where it may take longer. */
export function zstdNow(input: Uint8Array, bytesMax: number): Uint8Array | null {
  const walk = new FrameWalk();
  walk.feed(input);
  return walk.windowMax > NOW_WINDOW_BYTES_MAX || walk.blocks > NOW_BLOCKS_MAX ? null : zstdUpTo(input, bytesMax);
}

/**
 * Decodes until there are `bytesMax` bytes; a throw from the callback is the only way to stop the decoder. Takes long: a
 * few kilobytes may describe minutes of work.
 */
export function zstdUpTo(input: Uint8Array, bytesMax: number): Uint8Array {
  new FrameWalk().feed(input);
  const pieces: Uint8Array[] = [];
  let length = 0;
  const full = new Error('full');
  const stream = new Decompress((piece) => {
    pieces.push(piece);
    length += piece.length;
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
