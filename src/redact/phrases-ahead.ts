/**
 * Which phrases may go on behind a word: asked of each word of a text that is one of theirs, in their order, so that what is far
 * ahead is looked for once.
 */
import { lowestBit } from './look-runs.js';
import { ODD_BYTES, type PhraseRow, VALUE_BYTES } from './phrase-row.js';
import { PHRASES, PIECE_BYTES_AHEAD } from './phrase-table.js';

/** Of each byte, the phrases whose word it may follow. */
const FOLLOWED: Int32Array = Int32Array.from({ length: 256 }, (_, byte) =>
  PHRASES.reduce((bits, { follows }, i) => bits | ((follows[byte] as number) << i), 0),
);
/** A piece is no longer, as far as it is asked where it begins. */
const PIECE_BYTES_MAX = 512;
/** Of sixteen bytes, the last two may pad base64. */
const LONG_BYTES = 14;
/** What such a piece is made of otherwise: pairs, lists and calls are none. */
const KEY_BYTES: Uint8Array = VALUE_BYTES.map((isOne, byte) =>
  ':;,()='.includes(String.fromCharCode(byte)) ? 0 : isOne,
);

/** Of one text. */
export class PhrasesAhead {
  /** From where on it is known where the next piece with an odd byte begins, up to that byte. */
  #oddFrom = 0;
  #oddAt = -1;
  #oddPiece = 0;
  /** The same of a piece as long as a key. */
  #longFrom = 0;
  #longAt = -1;

  forget(): void {
    this.#oddFrom = this.#longFrom = 0;
    this.#oddAt = this.#longAt = -1;
  }

  /** Of the phrases that `bits` stand for, those that may go on behind the word that ends before `at`. */
  mayGoOn(bytes: Buffer, at: number, bits: number): number {
    if (at >= bytes.length) return 0;
    let may = 0;
    for (let left = bits & (FOLLOWED[bytes[at] as number] as number); left !== 0; left &= left - 1) {
      const row = PHRASES[lowestBit(left)] as PhraseRow;
      if (row.needs !== undefined && !this.#isAhead(bytes, at, row)) continue;
      if (row.mayGoOn(bytes, at)) may |= left & -left;
    }
    return may;
  }

  /** Whether what a row needs begins soon enough. Most words that follow say sooner that it can't be. */
  #isAhead(bytes: Buffer, at: number, { needs, isRuledOut }: PhraseRow): boolean {
    if (isRuledOut?.(bytes, at) === true) return false;
    return (needs === 'odd' ? this.#nextOdd(bytes, at) : this.#nextLong(bytes, at)) - at < PIECE_BYTES_AHEAD;
  }

  /** Where the next piece begins that has an odd byte at `at` or behind it; the end of the text where there is none. */
  #nextOdd(bytes: Buffer, at: number): number {
    if (at >= this.#oddFrom && at <= this.#oddAt) return Math.max(at, this.#oddPiece);
    let odd = at;
    while (odd < bytes.length && (ODD_BYTES[bytes[odd] as number] as number) === 0) odd++;
    let start = odd;
    const limit = Math.max(at, odd - PIECE_BYTES_MAX);
    while (start > limit && (VALUE_BYTES[bytes[start - 1] as number] as number) === 1) start--;
    this.#oddFrom = at;
    this.#oddAt = odd;
    this.#oddPiece = start;
    return start;
  }

  /** Where the next run begins that is as long as a key, of the bytes that keys are made of. */
  #nextLong(bytes: Buffer, at: number): number {
    if (at >= this.#longFrom && at <= this.#longAt) return this.#longAt;
    let run = 0;
    let i = at;
    for (; i < bytes.length && run < LONG_BYTES; i++)
      run = (KEY_BYTES[bytes[i] as number] as number) === 1 ? run + 1 : 0;
    this.#longFrom = at;
    this.#longAt = run === LONG_BYTES ? i - LONG_BYTES : bytes.length;
    return this.#longAt;
  }
}
