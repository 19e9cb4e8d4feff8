/**
 * A content coding (RFC 9110 §8.4) undone as its bytes come: gzip, deflate, br and zstd.
 *
 * in:  bytes of a coded body, in order · out: what can be said of its content by then
 *
 * Sans-I/O, so that the next stage has what came with a packet: zlib's streams work in other threads, and are asked here for what they do at
 * once. How much comes out of so many bytes is bounded, and so is the memory.
 */
import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { brotliWindowBytes } from './brotli.js';
import { isZlib } from './content-coding.js';
import { FrameWalk } from './zstd.js';

/** Bytes that are decoded at once, and the most that may come of them. */
export const STEP_BYTES = 4096;
const STEP_CONTENT_BYTES_MAX = 1 << 20;
/** What the decoder of DEFLATE takes, its window of 32 KiB included. */
const INFLATE_BYTES = 48 << 10;

export interface StreamDecoder {
  /** Bytes of memory that it takes. */
  readonly memoryBytes: number;
  /**
   * Content that comes of at most `STEP_BYTES` more.
   *
   * @throws Error where they are not the coding, or too much would come of them
   */
  push(bytes: Buffer): Buffer;
  close(): void;
}

/** A decoder for a body that begins with `first`, two bytes or more; null where `coding` is not known. */
export function openStreamDecoder(coding: string, first: Buffer): StreamDecoder | null {
  const options = { maxOutputLength: STEP_CONTENT_BYTES_MAX };
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return new ZlibDecoder(zlib.createGunzip(options), zlib.constants.Z_SYNC_FLUSH, INFLATE_BYTES);
    case 'deflate': {
      const stream = isZlib(first) ? zlib.createInflate(options) : zlib.createInflateRaw(options);
      return new ZlibDecoder(stream, zlib.constants.Z_SYNC_FLUSH, INFLATE_BYTES);
    }
    case 'br': {
      const flush = zlib.constants.BROTLI_OPERATION_FLUSH;
      return new ZlibDecoder(zlib.createBrotliDecompress(options), flush, brotliWindowBytes(first));
    }
    case 'zstd':
      return new ZstdDecoder();
    default:
      return null;
  }
}

/** What decodes at once, and by which a stream does all it does: its own class documents it as the way for callers without a callback. */
interface SyncStream {
  readonly _handle: { close(): void };
  close(): void;
  _processChunk(bytes: Buffer, flush: number): Buffer;
  on(event: 'error', listener: () => void): void;
  removeAllListeners(event: 'error'): void;
}

class ZlibDecoder implements StreamDecoder {
  readonly memoryBytes: number;
  readonly #stream: SyncStream;
  readonly #handle: SyncStream['_handle'];
  readonly #flush: number;

  constructor(stream: zlib.Gunzip | zlib.Inflate | zlib.BrotliDecompress, flush: number, memoryBytes: number) {
    this.#stream = stream as unknown as SyncStream;
    this.#handle = this.#stream._handle;
    this.#flush = flush;
    this.memoryBytes = memoryBytes;
  }

  push(bytes: Buffer): Buffer {
    const stream = this.#stream;
    const handle = this.#handle;
    const { close } = handle;
    // It is meant for a text that is all there, and closes what it decodes with: that goes on here.
    handle.close = () => {};
    stream.close = () => {};
    try {
      return stream._processChunk(bytes, this.#flush);
    } finally {
      handle.close = close;
      (stream as { _handle: unknown })._handle = handle;
      // It listens anew each time, and says a second time, later, what it has thrown.
      stream.removeAllListeners('error');
      stream.on('error', () => {});
    }
  }

  close(): void {
    this.#handle.close();
  }
}

class ZstdDecoder implements StreamDecoder {
  readonly #walk = new FrameWalk();
  #pieces: Buffer[] = [];
  #length = 0;
  readonly #stream = new Decompress((piece) => {
    this.#length += piece.length;
    if (this.#length > STEP_CONTENT_BYTES_MAX) throw new Error('more content than so few bytes may have');
    // It goes on in the memory that it hands out.
    if (piece.length > 0) this.#pieces.push(Buffer.from(piece));
  });

  get memoryBytes(): number {
    return this.#walk.windowMax;
  }

  push(bytes: Buffer): Buffer {
    // First: a frame says what is set aside for it.
    this.#walk.feed(bytes);
    // A copy, as it keeps what it cannot decode yet.
    this.#stream.push(new Uint8Array(bytes));
    const content = Buffer.concat(this.#pieces, this.#length);
    this.#pieces = [];
    this.#length = 0;
    return content;
  }

  close(): void {
    this.#pieces = [];
  }
}
