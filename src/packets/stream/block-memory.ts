/**
 * Memory for decoded blocks, used again and again: at tens of MB/s, memory of their own would be garbage that is marked and swept
 * for more than the packets cost otherwise.
 *
 * in: lengths · out: pieces of memory, each its owner's until it is given back, or for ever
 *
 * A block that would leave most of its piece empty has memory of its own, so that what waits takes at most twice what it has.
 */

export interface BlockMemory {
  /** Memory of that length, which holds anything. */
  take(length: number): Buffer;
  /** What `take` returned is not looked at any more. To be called once, or never. */
  give(block: Buffer): void;
}

/** What a block of stock sensors decodes to at most. */
const PIECE_BYTES = 65 * 1024;
/** Pieces that are kept for later: as many as one write of a file has. */
const FREE_MAX = 64;

export function createBlockMemory(): BlockMemory {
  const free: ArrayBuffer[] = [];
  return {
    take(length) {
      if (length > PIECE_BYTES || length < PIECE_BYTES / 2) return Buffer.allocUnsafeSlow(length);
      return Buffer.from(free.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES).buffer, 0, length);
    },
    give({ buffer }) {
      if (buffer.byteLength === PIECE_BYTES && free.length < FREE_MAX) free.push(buffer as ArrayBuffer);
    },
  };
}
