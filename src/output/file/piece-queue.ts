/**
 * Pieces of text waiting to be written, in blocks as they will stand in the file.
 *
 * in: pieces, one per trace · out: blocks of them with the separators between, oldest first
 *
 * Blocks are bytes, not strings: a queue of these gives the garbage collector nothing to walk.
 */

export interface Block {
  readonly bytes: Buffer;
  readonly pieces: number;
}

/** Bytes of a block: large enough to make the cost of a write vanish, small beside the queue. */
const BLOCK_BYTES_MAX = 1 << 18;
const BLOCKS_MIN = 32;

export class PieceQueue {
  readonly #separator: Buffer;
  readonly #blockBytes: number;
  /** Oldest first; the last is being filled. */
  readonly #blocks: { bytes: Buffer; used: number; pieces: number }[] = [];
  #bytes = 0;

  constructor(separator: Buffer, bytesMax: number) {
    this.#separator = separator;
    this.#blockBytes = Math.min(BLOCK_BYTES_MAX, bytesMax / BLOCKS_MIN);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#blocks.length === 0;
  }

  get pieces(): number {
    return this.#blocks.reduce((sum, { pieces }) => sum + pieces, 0);
  }

  push(piece: string | Buffer, pieces = 1): void {
    if (typeof piece === 'string') this.#pushText(piece);
    else this.#append(piece, piece.length, pieces);
  }

  /** The oldest block, as much of it as there is. */
  shift(): Block | undefined {
    const block = this.#blocks.shift();
    if (block === undefined) return undefined;
    this.#bytes -= block.used;
    return { bytes: block.bytes.subarray(0, block.used), pieces: block.pieces };
  }

  #pushText(piece: string): void {
    // A UTF-16 unit takes at most three bytes of UTF-8.
    const room = piece.length * 3 + this.#separator.length;
    const last = this.#blocks.at(-1);
    if (last !== undefined && last.bytes.length - last.used >= room) {
      const before = last.used;
      last.used += this.#separator.copy(last.bytes, last.used);
      last.used += last.bytes.write(piece, last.used, 'utf8');
      last.pieces++;
      this.#bytes += last.used - before;
      return;
    }
    const isLarge = room > this.#blockBytes;
    const bytes = isLarge ? Buffer.from(piece) : Buffer.allocUnsafeSlow(this.#blockBytes);
    this.#append(bytes, isLarge ? bytes.length : bytes.write(piece, 0, 'utf8'));
  }

  #append(bytes: Buffer, used: number, pieces = 1): void {
    this.#blocks.push({ bytes, used, pieces });
    this.#bytes += used;
  }
}
