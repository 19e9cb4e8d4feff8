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
  /** A byte of a run of token bytes. */
  readonly runs: Int32Array;
  /** The third byte of what a token may begin with, or a `~`. */
  readonly begins: Int32Array;
  /** Where a run becomes as long as a token. */
  readonly longRuns: Int32Array;
  /** Where a run of base64 is as long as one that hides text. */
  readonly longCodes: Int32Array;
  /** Where a run of digits and what sets their groups apart becomes as long as a card. */
  readonly longCards: Int32Array;
}

/** What is found at a place, a bit each. */
export const Found = { mark: 1, word: 2 } as const;

export interface ByteScan {
  readonly bits: ScanBits;
  /**
   * Marks, and bytes before which a word may end, in their order: four times how far each is behind the first of the bytes that
   * the bits are of, and what it is.
   */
  readonly found: Int32Array;
  readonly foundCount: number;
  /** A word of `found` ends nothing, as so many bytes before its end say, `WORD_BYTES` at most: where they come again, it may be left out. */
  dismiss(found: number, bytesRead: number): void;
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
  /** Of each token, what its first three bytes may be. */
  readonly tokens: readonly TokenBeginning[];
}

/** A bit a letter, by its number, and the lowest for all else. */
export type TokenBeginning = readonly [number, number, number];

/** Of each byte, the groups of words or tokens that may have it at a place, a bit each: three places. */
export type Places = readonly [Uint8Array, Uint8Array, Uint8Array];

const DIGIT = 27;
const GROUPS = 8;

/** What may stand at each of three places of the words or tokens of a group: a bit a letter, and the lowest for all else. */
interface Group {
  places: [number, number, number];
  /** Places before which some of them begin, so that anything may stand there: a bit each. */
  open: number;
}

/**
 * The words of a filter in eight groups, by the byte before their end, the one before that, and the third. A word is let through
 * where each of them may stand there in one of a group's, or is none that names are made of.
 */
export function wordPlaces(ends: Uint8Array): Places {
  return placesOf(wordGroups(ends), (byte) => {
    const symbol = END_CLASS[byte] as number;
    return symbol > DIGIT ? 0 : symbol;
  });
}

function placesOf(groups: readonly Group[], symbolOf: (byte: number) => number): Places {
  const places = [new Uint8Array(256), new Uint8Array(256), new Uint8Array(256)] as const;
  for (let byte = 0; byte < 256; byte++) {
    const symbol = symbolOf(byte);
    for (let i = 0; i < groups.length; i++) {
      const { places: symbols, open } = groups[i] as Group;
      for (let place = 0; place < 3; place++)
        if (((open >> place) & 1) === 1 || (((symbols[place] as number) >> symbol) & 1) === 1)
          (places[place] as Uint8Array)[byte] = ((places[place] as Uint8Array)[byte] as number) | (1 << i);
    }
  }
  return places;
}

function wordGroups(ends: Uint8Array): Group[] {
  const groups = new Groups(WORD_GROUPS);
  for (let index = 0; index < ends.length; index++) {
    const second = (index >> 5) & 31;
    const third = index >> 10;
    // Behind what may be any letter, anything may stand.
    if (ends[index] === 0 || second > DIGIT) continue;
    const group = groups.of(index & 31);
    // What is passed over may be anything.
    group.places[1] |= (1 << second) | 1;
    group.places[2] |= third > DIGIT ? 1 : (1 << third) | 1;
    group.places[0] |= 1 << (index & 31);
    if (second === DIGIT) group.open |= 2;
    if (third === DIGIT) group.open |= 4;
  }
  return groups.all;
}

/** Last letters of words: those with the most words before them, or that are seen most in texts, are by themselves. */
const WORD_GROUPS = ['b', 'd', 'e', 's', 't', 'nw', 'yiak'];
/** First letters of tokens. */
const TOKEN_GROUPS = ['a', 's', 'gpx', 'krtv', 'dhln', 'emyi', 'bcfuwo'];

/** By letters; the last is for all that is in no other. */
class Groups {
  readonly all: Group[];
  readonly #letters: readonly string[];

  constructor(letters: readonly string[]) {
    this.#letters = letters;
    this.all = Array.from({ length: letters.length + 1 }, () => ({ places: [0, 0, 0], open: 0 }));
  }

  /** That of a letter by its number. */
  of(symbol: number): Group {
    const letter = String.fromCharCode(0x60 + symbol);
    const at = this.#letters.findIndex((letters) => letters.includes(letter));
    return this.all[at < 0 ? this.#letters.length : at] as Group;
  }
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
    if (kind === GROUPS) throw new RangeError(`more than ${GROUPS} kinds of rows`);
    kinds.set(row.join(), kind);
    high[half] = 1 << kind;
    for (let i = 0; i < 16; i++) if (row[i] === 1) low[i] = (low[i] as number) | (1 << kind);
  }
  return { low, high };
}

/** Beginnings of tokens in eight groups: letters of either case are one, and so is all that is no letter. */
export function tokenPlaces(tokens: readonly TokenBeginning[]): Places {
  const groups = new Groups(TOKEN_GROUPS);
  for (const [first, second, third] of tokens)
    for (let symbol = 0; symbol <= DIGIT; symbol++) {
      if (((first >> symbol) & 1) === 0) continue;
      const { places } = groups.of(symbol);
      places[0] |= 1 << symbol;
      places[1] |= second;
      places[2] |= third;
    }
  return placesOf(groups.all, (byte) => LETTER_OF[byte] as number);
}

export const TILDE = 0x7e;

/** Byte by byte, where there are no vectors. */
export class ScalarScan implements ByteScan {
  readonly bits: ScanBits = emptyBits();
  readonly found = new Int32Array(SCAN_WORDS * 32);
  foundCount = 0;
  readonly #rules: ScanRules;
  readonly #tokens: Places;

  constructor(rules: ScanRules) {
    this.#rules = rules;
    this.#tokens = tokenPlaces(rules.tokens);
  }

  scan(bytes: Buffer, start: number, end: number): boolean {
    const { runs, begins, longRuns, longCodes, longCards } = this.bits;
    for (const words of Object.values(this.bits)) words.fill(0);
    this.foundCount = 0;
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
      const kind = place < LEAD_BYTES ? 0 : this.#kindOf(bytes, at, byte);
      if (kind !== 0) this.found[this.foundCount++] = (place << 2) | kind;
      if (runLength > 0) setBit(runs, place);
      if (byte === TILDE || this.#mayBegin(bytes, at)) setBit(begins, place);
      if (runLength === LONG_RUN_BYTES) setBit(longRuns, place);
      if (codeLength >= LONG_CODE_BYTES) setBit(longCodes, place);
      if (cardLength === LONG_RUN_BYTES) setBit(longCards, place);
    }
    return isAscii;
  }

  dismiss(): void {}

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

  /** Whether one may whose third byte is at `at`. */
  #mayBegin(bytes: Buffer, at: number): boolean {
    if (!isAlnum(byteAt(bytes, at - 2)) || isAlnum(byteAt(bytes, at - 3))) return false;
    let groups = 0xff;
    for (const [i, place] of this.#tokens.entries()) groups &= place[byteAt(bytes, at - 2 + i)] as number;
    return groups !== 0;
  }
}

function emptyBits(): ScanBits {
  const words = (): Int32Array => new Int32Array(SCAN_WORDS);
  return {
    runs: words(),
    begins: words(),
    longRuns: words(),
    longCodes: words(),
    longCards: words(),
  };
}

/** What stands around a text is 0. */
function byteAt(bytes: Buffer, at: number): number {
  return at >= 0 && at < bytes.length ? (bytes[at] as number) : 0;
}

function isAlnum(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (LETTER_OF[byte] as number) > 0;
}

function setBit(words: Int32Array, place: number): void {
  words[place >> 5] = (words[place >> 5] as number) | (1 << (place & 31));
}
