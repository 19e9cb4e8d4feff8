/**
 * Keeps the bytes of a body up to a cap, in few pieces however small the segments they came in.
 *
 * in:  a body's bytes as they come · out: a `MessageBody`, its memory taken from the budget
 */
import type { MemoryBudget } from '../memory-budget.js';
import type { MessageBody } from './message-body.js';
import { WordCopier, type WordTarget } from './word-copier.js';

const PIECE_BYTES_MIN = 512;
const PIECE_BYTES_MAX = 1 << 16;
/** What a body of known length grows to next in one piece, once it has filled the largest of the others. */
const WHOLE_BYTES_MIN = 1 << 20;
/** What is set aside of a body, in times of what has come of it: its length is no more than a claim, which a forged packet makes too. */
const CLAIM_FACTOR = 8;
/** A full segment of an honest sender: a frame of DATA, or a body of 16 KiB, is in one piece then, which nobody has to join. */
const FULL_SEGMENT_BYTES = 1024;
const FULL_CLAIM_FACTOR = 16;

/** Shared by every body before its first bytes. */
const NO_CHUNKS: Uint8Array[] = [];

export class BodyBuffer implements MessageBody {
  wireBytes = 0;
  keptBytes = 0;
  truncated = false;
  notes: number[] | null = null;
  readonly #memory: BodyMemory;
  /** The last may have room behind its bytes. */
  #chunks: Uint8Array[] = NO_CHUNKS;
  /** Room left behind the last piece's bytes. */
  #piece: Buffer | null = null;
  #pieceUsed = 0;
  /** Bytes of memory taken from the budget. */
  reserved = 0;

  constructor(memory: BodyMemory) {
    this.#memory = memory;
  }

  get chunks(): Uint8Array[] {
    const piece = this.#piece;
    const used = this.#pieceUsed;
    if (piece !== null) this.#chunks[this.#chunks.length - 1] = used < piece.length ? piece.subarray(0, used) : piece;
    return this.#chunks;
  }

  /** Takes `bytes[start, end)`. `expected`: bytes of this body still to come, these included, where that is known, else 0. */
  append(bytes: Buffer, start: number, end: number, expected: number): void {
    this.wireBytes += end - start;
    if (this.truncated) return;
    const { bytesMax } = this.#memory;
    let at = start;
    let length = end - start;
    if (this.keptBytes + length > bytesMax) {
      length = bytesMax - this.keptBytes;
      this.truncated = true;
    }
    if (this.#chunks === NO_CHUNKS) {
      if (length === 0) return;
      // Most bodies are small and come in one segment.
      if (length === expected && length <= SMALL_BYTES_MAX) {
        this.#reserve(length);
        this.#chunks = [this.#memory.smallCopy(bytes, at, length)];
        this.keptBytes = length;
        return;
      }
      this.#chunks = [];
    } else if (this.#piece === null && length > 0) this.#growSmall(length);
    while (length > 0) {
      let piece = this.#piece;
      if (piece === null || this.#pieceUsed === piece.length)
        piece = this.#addPiece(length, expected === 0 ? 0 : expected - (at - start));
      const take = Math.min(length, piece.length - this.#pieceUsed);
      copyBytes(bytes, at, take, piece, this.#pieceUsed);
      this.#pieceUsed += take;
      this.keptBytes += take;
      at += take;
      length -= take;
    }
  }

  /** Notes that what is kept by now had come at `time`. */
  note(time: number): void {
    if (this.notes === null) this.notes = [this.keptBytes, time];
    else this.notes.push(this.keptBytes, time);
  }

  /** Counts bytes that were on the wire and not in the capture. What comes behind them is not spliced on. */
  lose(length: number): void {
    this.wireBytes += length;
    this.truncated = true;
  }

  /** Releases the bytes and keeps their count. Returns how many there were. */
  shed(): number {
    const shed = this.keptBytes;
    this.#chunks = NO_CHUNKS;
    this.keptBytes = 0;
    this.truncated = true;
    this.#piece = null;
    this.release();
    return shed;
  }

  /** Gives the reservation back: the next stage accounts for the bytes now, or nobody holds them. */
  release(): void {
    this.#memory.budget.remove(this.reserved);
    this.reserved = 0;
  }

  /** More comes behind a small copy, as in small frames of DATA: what there is goes on in one piece. */
  #growSmall(length: number): void {
    const [small] = this.#chunks as [Uint8Array];
    if (small.length + length > PIECE_BYTES_MIN || this.#memory.bytesMax < PIECE_BYTES_MIN) return;
    const piece = Buffer.allocUnsafe(PIECE_BYTES_MIN);
    for (let i = 0; i < small.length; i++) piece[i] = small[i] as number;
    this.#reserve(PIECE_BYTES_MIN - small.length);
    this.#piece = piece;
    this.#pieceUsed = small.length;
  }

  #addPiece(length: number, expected: number): Buffer {
    // By a quarter at least, so that a byte is moved a few times at most, and nobody has to join the pieces.
    if (
      this.#piece !== null &&
      this.#chunks.length === 1 &&
      expected >= this.keptBytes >> 2 &&
      expected > PIECE_BYTES_MIN
    )
      return this.#grow(this.#piece, length, expected);
    const room = this.#memory.bytesMax - this.keptBytes;
    // A body of known length that is all here gets a piece of just its size.
    const come = this.keptBytes + length;
    const factor = come < FULL_SEGMENT_BYTES ? CLAIM_FACTOR : FULL_CLAIM_FACTOR;
    const claimed = Math.min(expected, PIECE_BYTES_MAX, factor * come);
    let size = Math.max(length, claimed);
    // What comes in small frames of known length, as DATA of HTTP/2, goes on behind this one.
    const isBySmallFrames = this.keptBytes > 0 && expected <= PIECE_BYTES_MIN;
    if ((expected === 0 || isBySmallFrames) && size < PIECE_BYTES_MAX) {
      size = Math.min(PIECE_BYTES_MAX, Math.max(size, PIECE_BYTES_MIN, this.keptBytes));
    }
    size = Math.min(size, room);
    const piece = Buffer.allocUnsafe(size);
    // The one before is full by now.
    if (this.#piece !== null) this.#chunks[this.#chunks.length - 1] = this.#piece;
    this.#piece = piece;
    this.#pieceUsed = 0;
    this.#chunks.push(piece);
    this.#reserve(size);
    return piece;
  }

  /** Puts what there is at the beginning of a larger piece. */
  #grow(piece: Buffer, length: number, expected: number): Buffer {
    const { bytesMax } = this.#memory;
    const come = this.keptBytes + length;
    const next = come <= PIECE_BYTES_MAX ? PIECE_BYTES_MAX : Math.max(WHOLE_BYTES_MIN, 2 * come);
    const claimed = Math.max(come, Math.min(this.keptBytes + expected, next, FULL_CLAIM_FACTOR * come));
    const grown = Buffer.allocUnsafe(Math.min(claimed, bytesMax));
    piece.copy(grown, 0, 0, this.#pieceUsed);
    this.#reserve(grown.length - piece.length);
    this.#piece = grown;
    this.#chunks[0] = grown;
    return grown;
  }

  #reserve(bytes: number): void {
    this.reserved += bytes;
    this.#memory.budget.add(bytes);
  }
}

/** `Buffer.copy` makes an object for what it copies, which takes longer than moving as few bytes as a small frame has. */
const COPIED_SINGLY_MAX = 96;

function copyBytes(from: Buffer, at: number, length: number, to: Buffer, place: number): void {
  if (length > COPIED_SINGLY_MAX) from.copy(to, place, at, at + length);
  else for (let i = 0; i < length; i++) to[place + i] = from[at + i] as number;
}

/** Small bodies are cut from blocks of this size, as `Buffer.allocUnsafe` does; here the copy goes by words. */
const BLOCK_BYTES = 8192;
const SMALL_BYTES_MAX = 512;

interface Block extends WordTarget {
  readonly buffer: ArrayBuffer;
}

/** Where the bytes of bodies come from: what all body buffers share. */
export class BodyMemory {
  /** Bytes kept of one body. */
  readonly bytesMax: number;
  readonly budget: MemoryBudget;
  readonly #copier = new WordCopier();
  #block = createBlock();
  #blockUsed = 0;

  constructor(bytesMax: number, budget: MemoryBudget) {
    this.bytesMax = bytesMax;
    this.budget = budget;
  }

  /** A copy of `bytes[at, at + length)`, at most `SMALL_BYTES_MAX` long. */
  smallCopy(bytes: Buffer, at: number, length: number): Uint8Array {
    if (this.#blockUsed + length > BLOCK_BYTES) {
      this.#block = createBlock();
      this.#blockUsed = 0;
    }
    const block = this.#block;
    const start = this.#blockUsed;
    this.#copier.copy(bytes, at, length, block, start >> 2);
    this.#blockUsed = (start + length + 3) & ~3;
    return new Uint8Array(block.buffer, start, length);
  }
}

function createBlock(): Block {
  const buffer = new ArrayBuffer(BLOCK_BYTES);
  return { buffer, words: new Int32Array(buffer), bytes: new Uint8Array(buffer) };
}
