/**
 * Keeps the bytes of a body up to a cap, in few pieces however small the segments they came in.
 */
import type { MemoryBudget } from '../../memory-budget.js';
import type { MessageBody } from '../message-body.js';

/** Up to here a loop takes less time than `Buffer.copy`, which makes an object for either side. */
const LOOP_BYTES_MAX = 96;
const PIECE_BYTES_MIN = 512;
const PIECE_BYTES_MAX = 1 << 16;

export class BodyBuffer {
  readonly body: MessageBody = { wireBytes: 0, chunks: [], keptBytes: 0, truncated: false };
  readonly #bytesMax: number;
  readonly #budget: MemoryBudget;
  /** Room left behind the last piece's bytes. */
  #piece: Buffer | null = null;
  #pieceUsed = 0;
  #reserved = 0;

  constructor(bytesMax: number, budget: MemoryBudget) {
    this.#bytesMax = bytesMax;
    this.#budget = budget;
  }

  /** Bytes of memory taken from the budget. */
  get reserved(): number {
    return this.#reserved;
  }

  /** Takes `bytes[start, end)`. `expected`: bytes of this body still to come, these included, where that is known, else 0. */
  append(bytes: Buffer, start: number, end: number, expected: number): void {
    const { body } = this;
    body.wireBytes += end - start;
    if (body.truncated) return;
    let at = start;
    let length = end - start;
    if (body.keptBytes + length > this.#bytesMax) {
      length = this.#bytesMax - body.keptBytes;
      body.truncated = true;
    }
    while (length > 0) {
      let piece = this.#piece;
      if (piece === null || this.#pieceUsed === piece.length) {
        piece = this.#addPiece(length, expected);
      }
      const take = Math.min(length, piece.length - this.#pieceUsed);
      copyBytes(bytes, at, piece, this.#pieceUsed, take);
      this.#pieceUsed += take;
      body.keptBytes += take;
      body.chunks[body.chunks.length - 1] =
        this.#pieceUsed === piece.length ? piece : piece.subarray(0, this.#pieceUsed);
      at += take;
      length -= take;
    }
  }

  /** Counts bytes that were on the wire and not in the capture. What comes behind them is not spliced on. */
  lose(length: number): void {
    this.body.wireBytes += length;
    this.body.truncated = true;
  }

  /** Lets go of the bytes and keeps the count. Returns how many were let go. */
  shed(): number {
    const { body } = this;
    const shed = body.keptBytes;
    body.chunks = [];
    body.keptBytes = 0;
    body.truncated = true;
    this.#piece = null;
    this.release();
    return shed;
  }

  /** Gives the reservation back: somebody else accounts for the bytes now, or nobody holds them. */
  release(): void {
    this.#budget.remove(this.#reserved);
    this.#reserved = 0;
  }

  #addPiece(length: number, expected: number): Buffer {
    const room = this.#bytesMax - this.body.keptBytes;
    // A body of known length that is all here gets a piece of just its size.
    let size = Math.max(length, Math.min(expected, PIECE_BYTES_MAX));
    if (expected === 0 && size < PIECE_BYTES_MAX) {
      size = Math.min(PIECE_BYTES_MAX, Math.max(size, PIECE_BYTES_MIN, this.body.keptBytes));
    }
    size = Math.min(size, room);
    const piece = Buffer.allocUnsafe(size);
    this.#piece = piece;
    this.#pieceUsed = 0;
    this.body.chunks.push(piece);
    this.#reserved += size;
    this.#budget.add(size);
    return piece;
  }
}

function copyBytes(from: Buffer, at: number, to: Buffer, toAt: number, length: number): void {
  if (length > LOOP_BYTES_MAX) from.copy(to, toAt, at, at + length);
  else for (let i = 0; i < length; i++) to[toAt + i] = from[at + i] as number;
}
