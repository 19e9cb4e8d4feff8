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
  /** What it is the beginning of, if that may be filled again; null where it is of another size, or somebody else's. */
  readonly whole: Buffer | null;
}

/** Bytes of a block: large enough to make the cost of a write vanish, small beside the queue. */
const BLOCK_BYTES_MAX = 1 << 18;
const BLOCKS_MIN = 32;
/** Blocks that are kept to be filled again: as many as are written at once, and as are filled meanwhile. */
const FREE_BLOCKS_MAX = 16;

interface FilledBlock {
  readonly bytes: Buffer;
  used: number;
  pieces: number;
  readonly whole: Buffer | null;
}

export class PieceQueue {
  readonly #separator: Buffer;
  readonly #blockBytes: number;
  /** Oldest first; the last is being filled. */
  readonly #blocks: FilledBlock[] = [];
  /** Written, and of the size of others. */
  readonly #free: Buffer[] = [];
  #bytes = 0;

  constructor(separator: Buffer, bytesMax: number) {
    this.#separator = separator;
    this.#blockBytes = Math.min(BLOCK_BYTES_MAX, Math.ceil(bytesMax / BLOCKS_MIN));
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

  /** A piece of `length` bytes, which `copy` writes to where it is to stand. */
  pushCopied(length: number, copy: (target: Buffer, at: number, length: number) => void, pieces = 1): void {
    const block = this.#blockFor(length + this.#separator.length);
    const before = block.used;
    if (block.pieces > 0) block.used += this.#separator.copy(block.bytes, block.used);
    copy(block.bytes, block.used, length);
    block.used += length;
    block.pieces += pieces;
    this.#bytes += block.used - before;
  }

  /** The oldest block, as much of it as there is. */
  shift(): Block | undefined {
    const block = this.#blocks.shift();
    if (block === undefined) return undefined;
    this.#bytes -= block.used;
    return { bytes: block.bytes.subarray(0, block.used), pieces: block.pieces, whole: block.whole };
  }

  /** A block that is written may be filled again: its pages are there. */
  reuse({ whole }: Block): void {
    if (whole !== null && this.#free.length < FREE_BLOCKS_MAX) this.#free.push(whole);
  }

  /** The last block, or a new one, with `room` bytes left. */
  #blockFor(room: number): FilledBlock {
    const last = this.#blocks.at(-1);
    if (last !== undefined && last.bytes.length - last.used >= room) return last;
    const isLarge = room > this.#blockBytes;
    const bytes = (isLarge ? undefined : this.#free.pop()) ?? Buffer.allocUnsafeSlow(Math.max(room, this.#blockBytes));
    const block = { bytes, used: 0, pieces: 0, whole: isLarge ? null : bytes };
    this.#blocks.push(block);
    return block;
  }

  #pushText(piece: string): void {
    // A UTF-16 unit takes at most three bytes of UTF-8.
    const room = piece.length * 3 + this.#separator.length;
    if (room > this.#blockBytes) {
      const bytes = Buffer.from(piece);
      this.#append(bytes, bytes.length);
      return;
    }
    const block = this.#blockFor(room);
    const before = block.used;
    if (block.pieces > 0) block.used += this.#separator.copy(block.bytes, block.used);
    block.used += block.bytes.write(piece, block.used, 'utf8');
    block.pieces++;
    this.#bytes += block.used - before;
  }

  #append(bytes: Buffer, used: number, pieces = 1): void {
    this.#blocks.push({ bytes, used, pieces, whole: null });
    this.#bytes += used;
  }
}
