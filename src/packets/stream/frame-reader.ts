/**
 * Cuts what comes over a connection into frames, wherever its pieces end.
 *
 * in: pieces of bytes · out: blocks, one at a time, valid until the call returns, until it is asked to stop; or why the connection
 * makes no sense
 *
 * Holds at most one block, and no more memory for it than has come: a frame that claims a large one costs what it sends.
 */
import { FRAME_HEAD_BYTES, hasMagic } from './wire.js';

export type FrameError = 'no-magic' | 'block-too-large';

export interface FrameReader {
  /** Takes a piece and returns null, or what is wrong with it; nothing may follow then. */
  push(piece: Buffer): FrameError | null;
  /** Goes on behind the block at which it was asked to stop. */
  resume(): FrameError | null;
  /** Bytes held of a frame that is not complete. */
  readonly held: number;
  /** Bytes of memory for such frames, which is kept for the next one. */
  readonly memory: number;
  /** The block length that was refused. */
  readonly refused: number;
}

const FIRST_BYTES = 4096;
/** More than a frame of the usual size takes is given back after the frame. */
const KEPT_BYTES_MAX = 256 * 1024;

export function createFrameReader(blockBytesMax: number, onBlock: (block: Buffer) => 'stop' | undefined): FrameReader {
  let kept = Buffer.allocUnsafeSlow(FIRST_BYTES);
  let held = 0;
  let refused = 0;
  /** What came behind the block at which it was asked to stop; null while it goes on. */
  let rest: Buffer | null = null;

  /** Bytes that the frame at `at` takes as a whole, 0 while that is not known, or what is wrong with it. */
  function frameLength(bytes: Buffer, at: number, end: number): number | FrameError {
    if (end - at < FRAME_HEAD_BYTES) return 0;
    if (!hasMagic(bytes, at)) return 'no-magic';
    const block = bytes.readUInt32LE(at + 4);
    if (block > blockBytesMax) {
      refused = block;
      return 'block-too-large';
    }
    return FRAME_HEAD_BYTES + block;
  }

  function keep(piece: Buffer, from: number, to: number): void {
    const needed = held + to - from;
    if (needed > kept.length) {
      const larger = Buffer.allocUnsafeSlow(
        Math.max(needed, Math.min(2 * kept.length, FRAME_HEAD_BYTES + blockBytesMax)),
      );
      kept.copy(larger, 0, 0, held);
      kept = larger;
    }
    piece.copy(kept, held, from, to);
    held = needed;
  }

  return {
    get held() {
      return held;
    },
    get memory() {
      return kept.length;
    },
    get refused() {
      return refused;
    },
    push(piece) {
      if (rest === null) return read(piece);
      rest = Buffer.concat([rest, piece]);
      return null;
    },
    resume() {
      const piece = rest;
      rest = null;
      return piece === null ? null : read(piece);
    },
  };

  function read(piece: Buffer): FrameError | null {
    let at = 0;
    // First the frame of which something is held, then those that lie whole in the piece.
    while (held > 0) {
      if (held < FRAME_HEAD_BYTES) {
        const more = Math.min(FRAME_HEAD_BYTES - held, piece.length - at);
        keep(piece, at, at + more);
        at += more;
      }
      const length = frameLength(kept, 0, held);
      if (typeof length === 'string') return length;
      if (length === 0) return null;
      const more = Math.min(length - held, piece.length - at);
      keep(piece, at, at + more);
      at += more;
      if (held < length) return null;
      held = 0;
      const whole = kept;
      if (whole.length > KEPT_BYTES_MAX) kept = Buffer.allocUnsafeSlow(FIRST_BYTES);
      if (onBlock(whole.subarray(FRAME_HEAD_BYTES, length)) === 'stop') return stopAt(piece, at);
    }
    for (;;) {
      const length = frameLength(piece, at, piece.length);
      if (typeof length === 'string') return length;
      if (length === 0 || at + length > piece.length) break;
      const block = piece.subarray(at + FRAME_HEAD_BYTES, at + length);
      at += length;
      if (onBlock(block) === 'stop') return stopAt(piece, at);
    }
    if (at < piece.length) keep(piece, at, piece.length);
    return null;
  }

  function stopAt(piece: Buffer, at: number): null {
    rest = piece.subarray(at);
    return null;
  }
}
