/**
 * Says of each byte of a text whether something may end, begin or stand there that a survey must look at: a bit a byte, so
 * that the bytes between are not read again. Two ways to the same bits: here byte by byte, in `vector-scan.ts` sixteen at once.
 */
import { CLASS_BITS, END_CLASS, type EndFilter, fiveIndex, LETTER_OF } from './word-ends.js';

/** Bytes that are scanned at once. */
export const CHUNK_BYTES = 1 << 14;
/** What before a chunk is scanned with it, for the runs that reach into it. */
export const LEAD_BYTES = 64;
/** Of each set of bits, so that a text may end where its chunk does. */
export const SCAN_WORDS = (LEAD_BYTES + CHUNK_BYTES + 64) / 32;

/** What of a word is remembered at most. */
export const WORD_BYTES = 16;

/** A token or a card is at least as long. */
export const LONG_RUN_BYTES = 13;
/** So is base64 that hides text. */
export const LONG_CODE_BYTES = 24;
/** Nothing sets the groups of a card apart that is as long. */
export const LONG_GAP_BYTES = 4;

/** Of a chunk, a bit a byte, 32 a word: the first word has the first bytes before the chunk. */
export interface ScanBits {
  /** A byte that belongs to no run of token bytes. */
  readonly noRuns: Int32Array;
  /** Where a run of base64 is as long as one that hides text. */
  readonly longCodes: Int32Array;
}

/** What is found at a place, a bit each; `known`: what the word ends is remembered. */
export const Found = { mark: 1, word: 2, known: 4 } as const;
export const FOUND_BITS = 3;

/** Where a run is that may hold something: of token bytes, or of digits and what sets their groups apart. */
export const Look = { token: 0, card: 1 } as const;

export interface ByteScan {
  readonly bits: ScanBits;
  /**
   * Marks, and bytes before which a word may end, in their order: eight times how far each is behind the first of the bytes that
   * the bits are of, and what it is.
   */
  readonly found: Int32Array;
  /** Of each of them that is known, what was remembered. */
  readonly said: Int32Array;
  readonly foundCount: number;
  /**
   * Where a run becomes as long as a token, or a run of digits and what sets their groups apart as long as a card, in their order:
   * twice how far that is, and which. Runs in which nothing can be may be left out.
   */
  readonly looks: Int32Array;
  readonly lookCount: number;
  /**
   * Remembers what a word of `found` ends, as so many bytes before its end say, `WORD_BYTES` at most. What ends nothing, 0, may be
   * left out where it comes again.
   */
  remember(found: number, bytesRead: number, said: number): void;
  /** Scans the bytes from `start` to `end`, and one more where the text ends; returns whether all are ASCII. */
  scan(bytes: Buffer, start: number, end: number): boolean;
}

/** Which bytes belong to what; 1 for each that does. */
export interface ByteSets {
  readonly run: Uint8Array;
  readonly code: Uint8Array;
  readonly card: Uint8Array;
  /** Of a card, but no digit. */
  readonly gap: Uint8Array;
}

/** What is looked for. */
export interface ScanRules {
  readonly sets: ByteSets;
  /** Of each mark, what must stand behind it: 1 for each byte that may. */
  readonly marks: ReadonlyMap<number, Uint8Array>;
  readonly ends: EndFilter;
  /** What tokens begin with: three bytes, the first one lowest. */
  readonly tokens: readonly number[];
}

/** A set of bytes as two tables of sixteen, for the lower and the higher half of a byte: it belongs where they have a bit in common. */
export interface Halves {
  readonly low: Uint8Array;
  readonly high: Uint8Array;
}

/** A bit for each kind of row that sixteen bytes with the same higher half make. */
export function halvesOf(set: Uint8Array): Halves {
  const kinds = new Map<string, number>();
  const low = new Uint8Array(16);
  const high = new Uint8Array(16);
  for (let half = 0; half < 16; half++) {
    const row = set.subarray(half * 16, half * 16 + 16);
    if (!row.includes(1)) continue;
    const kind = kinds.get(row.join()) ?? kinds.size;
    if (kind === ROW_KINDS) throw new RangeError(`more than ${ROW_KINDS} kinds of rows`);
    kinds.set(row.join(), kind);
    high[half] = 1 << kind;
    for (let i = 0; i < 16; i++) if (row[i] === 1) low[i] = (low[i] as number) | (1 << kind);
  }
  return { low, high };
}

const ROW_KINDS = 8;

export const TILDE = 0x7e;

/** Byte by byte, where there are no vectors. */
export class ScalarScan implements ByteScan {
  readonly bits: ScanBits = { noRuns: new Int32Array(SCAN_WORDS), longCodes: new Int32Array(SCAN_WORDS) };
  readonly found = new Int32Array(SCAN_WORDS * 32);
  readonly said = new Int32Array(0);
  foundCount = 0;
  readonly looks = new Int32Array(SCAN_WORDS * 8);
  lookCount = 0;
  readonly #rules: ScanRules;

  constructor(rules: ScanRules) {
    this.#rules = rules;
  }

  scan(bytes: Buffer, start: number, end: number): boolean {
    const { noRuns, longCodes } = this.bits;
    noRuns.fill(0);
    longCodes.fill(0);
    this.foundCount = this.lookCount = 0;
    const { run, code, card, gap } = this.#rules.sets;
    const first = start - LEAD_BYTES;
    let isAscii = true;
    let runLength = 0;
    let codeLength = 0;
    let cardLength = 0;
    let gapLength = 0;
    for (let at = first; at <= end; at++) {
      const byte = byteAt(bytes, at);
      const place = at - first;
      if (byte >= 0x80) isAscii = false;
      runLength = run[byte] === 1 ? runLength + 1 : 0;
      codeLength = code[byte] === 1 ? codeLength + 1 : 0;
      gapLength = gap[byte] === 1 ? gapLength + 1 : 0;
      cardLength = card[byte] === 1 && gapLength < LONG_GAP_BYTES ? cardLength + 1 : 0;
      if (runLength === 0) setBit(noRuns, place);
      if (codeLength >= LONG_CODE_BYTES) setBit(longCodes, place);
      if (place < LEAD_BYTES) continue;
      const kind = this.#kindOf(bytes, at, byte);
      if (kind !== 0) this.found[this.foundCount++] = (place << FOUND_BITS) | kind;
      if (at === end) continue;
      if (runLength === LONG_RUN_BYTES) this.looks[this.lookCount++] = (place << 1) | Look.token;
      if (cardLength === LONG_RUN_BYTES) this.looks[this.lookCount++] = (place << 1) | Look.card;
    }
    return isAscii;
  }

  remember(): void {}

  #kindOf(bytes: Buffer, at: number, byte: number): number {
    const isMark = this.#rules.marks.get(byte)?.[byteAt(bytes, at + 1)] === 1;
    return (isMark ? Found.mark : 0) | (this.#isEnd(bytes, at, byte) ? Found.word : 0);
  }

  #isEnd(bytes: Buffer, at: number, byte: number): boolean {
    if ((LETTER_OF[byte] as number) > 0) return false;
    const { threes, fives } = this.#rules.ends;
    const classAt = (before: number): number => END_CLASS[byteAt(bytes, at - before)] as number;
    const three = classAt(1) | (classAt(2) << CLASS_BITS) | (classAt(3) << (2 * CLASS_BITS));
    if (threes[three] !== 1) return threes[three] === 2;
    const fourth = LETTER_OF[byteAt(bytes, at - 4)] as number;
    const fifth = LETTER_OF[byteAt(bytes, at - 5)] as number;
    return fourth === 0 || fifth === 0 || fives[fiveIndex(three, fourth, fifth)] === 1;
  }
}

/** What stands around a text is 0. */
function byteAt(bytes: Buffer, at: number): number {
  return at >= 0 && at < bytes.length ? (bytes[at] as number) : 0;
}

function setBit(words: Int32Array, place: number): void {
  words[place >> 5] = (words[place >> 5] as number) | (1 << (place & 31));
}
