/** Where what is in the memory of the scan's program (`scan-program.ts`), and the variables that its parts share. */
import { CHUNK_BYTES, LEAD_BYTES, SCAN_WORDS, TILDE } from './byte-scan.js';
import { ValueType } from './wasm-code.js';
import { THREE_MASK } from './word-ends.js';

export const TABLES = 64;
export const TABLE_BYTES = 16;
export const INPUT = 2048;
/** What is read behind the last byte. */
export const BEHIND_BYTES = 64 + 32;
/** The same with all digits as zeros: what a word is known to end depends on no digit, and few stand before the same word twice. */
export const PLAIN = INPUT + LEAD_BYTES + CHUNK_BYTES + BEHIND_BYTES;
/** A byte each: what class a byte is of for `threes`; and for `fives`, 0 for all that is no letter. */
export const CLASSES = PLAIN + LEAD_BYTES + CHUNK_BYTES + BEHIND_BYTES;
export const LETTERS = CLASSES + 256;
/** Of a byte, the number of the row that says what may stand behind it, and the rows. */
export const MARKS = LETTERS + 256;
export const BEHIND_MARKS = MARKS + 256;
export const MARKS_MAX = 15;
export const THREES = BEHIND_MARKS + 256 * (MARKS_MAX + 1);
export const FIVES = THREES + THREE_MASK + 1;
/** A bit for each three bytes that a token may begin with, by their hash. */
export const TOKENS = FIVES + THREE_MASK + 1;
export const TOKEN_BITS = 15;
/**
 * What words are known to end, where the number of their last eight bytes says: these, the eight before them, of those which count,
 * as a mask, and what they end.
 */
export const KNOWN = TOKENS + (1 << TOKEN_BITS) / 8;
export const SLOT_BITS = 10;
export const SLOT_SHIFT = 5;
export const FAR = 8;
export const FAR_MASK = 16;
export const SAID_OF = 24;
export const OUTPUT = KNOWN + (1 << (SLOT_BITS + SLOT_SHIFT));
export const SET_BYTES = SCAN_WORDS * 4;

export const Output = {
  noLetters: 0,
  noDigits: 1,
  noMarks: 2,
  noRuns: 3,
  noCodes: 4,
  noCards: 5,
  /** Digits that cards begin with, and where they are the first of their group. */
  cardDigits: 6,
  cardBegins: 7,
  tildes: 8,
  /** Where a run of letters and digits begins. */
  begins: 9,
  longRuns: 10,
  longCodes: 11,
  longCards: 12,
};
/** All bytes joined, their highest bits. */
export const ALL_HIGH = OUTPUT + 13 * SET_BYTES;
export const FOUND_COUNT = ALL_HIGH + 4;
export const LOOK_COUNT = ALL_HIGH + 8;
export const FOUND = ALL_HIGH + 16;
export const FOUND_MAX = SCAN_WORDS * 32 + 64;
export const SAID = FOUND + 4 * FOUND_MAX;
export const LOOKS = SAID + 4 * FOUND_MAX;
export const LOOKS_MAX = SCAN_WORDS * 8;
export const PAGES = Math.ceil((LOOKS + 4 * LOOKS_MAX) / 65_536);
export const outputAt = (output: number): number => OUTPUT + output * SET_BYTES;

/** Sets in halves; which digits cards begin with; bytes alone. */
export const Table = { mark: 0, run: 2, code: 4, card: 6, cardDigits: 8, bytes: 9 };
/** A byte sixteen times each, as a table is read sooner than one is made. */
export const BYTES = [0, 10, 15, 0x1a, 0x20, 0x30, 0x61, TILDE];
/** What cards begin with: see `cards.ts`. */
export const CARD_DIGITS = [2, 3, 4, 5, 6, 8, 9];

/** The parameters: where to begin, and where the chunk ends. */
export const AT = 0;
export const STOP = 1;
/** Where the last sixteen bytes, or the last 64 bits, end. */
export const END = 2;
export const FROM = 3;
export const TO = 4;
export const PLACE = 5;
export const KIND = 6;
export const SLOT = 7;
export const LENGTH = 8;
export const WORD = 9;
export const BEFORE = 10;
/** Of a run, a bit for each of its bytes. */
export const MASK = 11;
/** The bytes that are looked at, and their halves. */
export const BYTE = 12;
export const LOW = 13;
export const HIGH = 14;
export const NO_DIGIT = 15;
export const ALL = 16;
export const LOCALS = [
  ...Array<number>(7).fill(ValueType.i32),
  ...Array<number>(3).fill(ValueType.i64),
  ...Array<number>(5).fill(ValueType.v128),
];
