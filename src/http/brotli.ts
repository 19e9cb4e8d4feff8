/**
 * What a Brotli stream (RFC 7932) says of its length before it is decoded.
 *
 * in: a stream · out: whether it holds no more than so many bytes, as far as its meta-blocks can be walked
 *
 * A decoder sets aside, and fills before anything comes out, as much as the window and the meta-block ask for: a hundred bytes
 * may take it 16 MiB and tens of milliseconds to be found too long.
 */

/**
 * Walks the meta-blocks whose ends can be known: those that are stored, metadata, and the last (§9.2). False where one of them, or
 * another before them, may be longer.
 */
export function isShortBrotli(input: Uint8Array, bytesMax: number): boolean {
  const bits = new BitReader(input);
  if (!skipWindowBits(bits)) return false;
  let left = bytesMax;
  while (!bits.isAtEnd) {
    const isLast = bits.take(1) === 1;
    if (isLast && bits.take(1) === 1) return true;
    const nibbles = bits.take(2) + 4;
    if (nibbles === METADATA) {
      bits.take(1);
      bits.skipBytes(bits.take(bits.take(2) * 8) + 1);
      continue;
    }
    const length = bits.take(nibbles * 4) + 1;
    if (length > left) return false;
    if (isLast) return true;
    if (bits.take(1) === 0) return false;
    left -= length;
    bits.skipBytes(length);
  }
  return true;
}

/** MNIBBLES of 3: there is no MLEN. */
const METADATA = 7;

/** WBITS (§9.1); false for the value that is none, by which larger windows are asked for. */
function skipWindowBits(bits: BitReader): boolean {
  if (bits.take(1) === 0 || bits.take(3) !== 0) return true;
  return bits.take(3) !== 1;
}

/** What the decoder of a stream that begins with `first` takes: its window at its largest (§9.1). */
export function brotliWindowBytes(first: Uint8Array): number {
  const bits = new BitReader(first);
  if (bits.take(1) === 0) return 1 << 16;
  const high = bits.take(3);
  if (high !== 0) return 1 << (17 + high);
  const low = bits.take(3);
  return 1 << (low === 0 ? 17 : 8 + low);
}

/** Bits as they are packed: the least significant of a byte first (§1.5.1); zeros behind the end. */
class BitReader {
  readonly #input: Uint8Array;
  #at = 0;

  constructor(input: Uint8Array) {
    this.#input = input;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#input.length * 8;
  }

  take(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++, this.#at++)
      value += (((this.#input[this.#at >> 3] ?? 0) >> (this.#at & 7)) & 1) * 2 ** i;
    return value;
  }

  /** From the next boundary of bytes on. */
  skipBytes(count: number): void {
    this.#at = (Math.ceil(this.#at / 8) + count) * 8;
  }
}
