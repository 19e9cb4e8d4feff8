/**
 * The scan of `byte-scan.ts` sixteen bytes at once, as WebAssembly: in TypeScript it would take about ten times as long, and
 * it is what redaction costs where there is nothing to redact.
 *
 * Memory:
 *
 *     TABLES   sixteen bytes each · a byte's half says where in one
 *     INPUT    the bytes before a chunk, the chunk, zeros
 *     OUTPUT   the sets of bits, and others that only the program reads
 *
 * First, of each sixteen bytes, what each of them is, and what begins or ends there by itself and its neighbours; then, of each
 * 64 bits, where a run of them has become long: a run of two is where a bit and the one before it are set, and so on.
 */
import { lazy } from '../lazy.js';
import {
  type ByteScan,
  CHUNK_BYTES,
  type Halves,
  halvesOf,
  LEAD_BYTES,
  LONG_CODE_BYTES,
  LONG_GAP_BYTES,
  LONG_RUN_BYTES,
  SCAN_WORDS,
  type ScanBits,
  type ScanRules,
  TILDE,
  tokenPlaces,
  WORD_BYTES,
  wordPlaces,
} from './byte-scan.js';
import { type Code, get, i8x16, i32, i64, repeatWhile, set, ValueType, v128, wasmModule, when } from './wasm-code.js';
import { CLASS_BITS, END_CLASS, FIVE_FACTOR, LETTER_OF, THREE_MASK } from './word-ends.js';

const TABLES = 64;
const TABLE_BYTES = 16;
const INPUT = 2048;
/** What is read behind the last byte. */
const BEHIND_BYTES = 64 + 32;
/** A byte each: what class a byte is of for `threes`; and for `fives`, 0 for all that is no letter. */
const CLASSES = INPUT + LEAD_BYTES + CHUNK_BYTES + BEHIND_BYTES;
const LETTERS = CLASSES + 256;
/** Of a byte, the number of the row that says what may stand behind it, and the rows. */
const MARKS = LETTERS + 256;
const BEHIND_MARKS = MARKS + 256;
const MARKS_MAX = 15;
const THREES = BEHIND_MARKS + 256 * (MARKS_MAX + 1);
const FIVES = THREES + THREE_MASK + 1;
/**
 * Words that end nothing, where the number of their last eight bytes says: these, the eight before them, and of those which count, as
 * a mask.
 */
const DISMISSED = FIVES + THREE_MASK + 1;
const SLOT_BITS = 9;
const SLOT_SHIFT = 5;
const FAR = 8;
const FAR_MASK = 16;
const OUTPUT = DISMISSED + (1 << (SLOT_BITS + SLOT_SHIFT));
const SET_BYTES = SCAN_WORDS * 4;

const Output = {
  noHits: 0,
  runs: 1,
  begins: 2,
  longRuns: 3,
  longCodes: 4,
  longCards: 5,
  noCodes: 6,
  noCards: 7,
  noGaps: 8,
};
/** All bytes joined, their highest bits. */
const ALL_HIGH = OUTPUT + 9 * SET_BYTES;
const FOUND_COUNT = ALL_HIGH + 4;
const FOUND = ALL_HIGH + 16;
const FOUND_MAX = SCAN_WORDS * 32 + 64;
const PAGES = Math.ceil((FOUND + 4 * FOUND_MAX) / 65_536);
const outputAt = (output: number): number => OUTPUT + output * SET_BYTES;

/** Of a word, of its letters up to `o` and of the others, the groups that have them at a place; sets in halves; bytes alone. */
const Table = {
  last: 0,
  second: 2,
  third: 4,
  open: 6,
  mark: 8,
  run: 10,
  code: 12,
  card: 14,
  tokens: 16,
  others: 22,
  bytes: 25,
};
/** A byte sixteen times each, as a table is read sooner than one is made. */
const BYTES = [0, 10, 15, 16, 0x1a, 0x1f, 0x20, 0x30, 0x61, TILDE];

/** The parameters: where to begin and to end. */
const AT = 0;
const END = 1;
const WORD = 2;
const BEFORE = 3;
/** The bytes that are looked at, and their halves. */
const BYTE = 4;
const LOW = 5;
const HIGH = 6;
/** Where they are no letters, and no digits. */
const NO_LETTER = 7;
const NO_DIGIT = 8;
/** The number of a letter; of others one that no table has. */
const LETTER = 9;
/** Groups of words that have the byte last, before that, and as the third. */
const LAST = 10;
const SECOND = 11;
const THIRD = 12;
const ALNUM = 13;
/** Where any letter may be, as there is more to a byte than ASCII has. */
const ANY = 14;
/** Groups of tokens that may begin with the byte, and that may have it next. */
const TOKEN_FIRST = 15;
const TOKEN_SECOND = 16;
/** From `LAST` on, the same of the sixteen bytes before. */
const BYTES_BEFORE = 7;
const ALL = 24;
/** Where in the places found is read, and where written. */
const FROM = 25;
const TO = 26;
const PLACE = 27;
const THREE = 28;
const KIND = 29;
const SLOT = 30;
const LOCALS = [
  ...Array<number>(2).fill(ValueType.i64),
  ...Array<number>(21).fill(ValueType.v128),
  ...Array<number>(6).fill(ValueType.i32),
];

const table = (at: number): Code => v128.load(i32.const(0), TABLES + TABLE_BYTES * at);
const byte = (value: number): Code => table(Table.bytes + BYTES.indexOf(value));
const bytesAt = (offset: number): Code => v128.load(get(AT), INPUT + offset);
/** Of what is known of the bytes, what is known of those before them. */
const before = (count: number, local: number): Code => i8x16.shifted(get(local + BYTES_BEFORE), get(local), count);
const lowHalf = (bytes: Code): Code => v128.and(bytes, byte(15));
const highHalf = (bytes: Code): Code => i8x16.shrU(bytes, i32.const(4));
const inHalves = (at: number, low: Code, high: Code): Code =>
  v128.and(i8x16.swizzle(table(at), low), i8x16.swizzle(table(at + 1), high));
/** A bit for each byte that is 0: to say which are not takes longer. */
const zeros = (bytes: Code): Code => i8x16.bitmask(i8x16.eq(bytes, byte(0)));
/** The others. */
const bitsOf = (bytes: Code): Code => i32.xor(zeros(bytes), i32.const(0xffff));
/** Of letters, the groups that have them at a place. */
const groupsAt = (at: number): Code =>
  v128.or(i8x16.swizzle(table(at), get(LETTER)), i8x16.swizzle(table(at + 1), v128.xor(get(LETTER), byte(16))));

/** What is to be known of sixteen bytes. */
function kinds(): Code[] {
  const isNeither = v128.and(get(NO_LETTER), get(NO_DIGIT));
  return [
    set(BYTE, bytesAt(0)),
    set(LOW, lowHalf(get(BYTE))),
    set(HIGH, highHalf(get(BYTE))),
    set(NO_LETTER, i8x16.geU(i8x16.sub(v128.or(get(BYTE), byte(0x20)), byte(0x61)), byte(0x1a))),
    set(NO_DIGIT, i8x16.geU(i8x16.sub(get(BYTE), byte(0x30)), byte(10))),
    set(LETTER, v128.or(v128.and(get(BYTE), byte(0x1f)), get(NO_LETTER))),
    set(LAST, groupsAt(Table.last)),
    set(SECOND, v128.or(v128.or(groupsAt(Table.second), isNeither), table(Table.open))),
    set(THIRD, v128.or(v128.or(groupsAt(Table.third), isNeither), table(Table.open + 1))),
    set(ALNUM, v128.not(isNeither)),
    set(ANY, i8x16.gtS(byte(0), get(BYTE))),
    set(TOKEN_FIRST, v128.andNot(v128.and(tokenGroups(0), get(ALNUM)), before(1, ALNUM))),
    set(TOKEN_SECOND, tokenGroups(1)),
  ];
}

/** The groups of tokens that have the bytes at a place. */
function tokenGroups(place: number): Code {
  const others = v128.and(get(NO_LETTER), table(Table.others + place));
  return v128.or(groupsAt(Table.tokens + 2 * place), others);
}

const kept = [LAST, SECOND, THIRD, ALNUM, ANY, TOKEN_FIRST, TOKEN_SECOND].map((local) =>
  set(local + BYTES_BEFORE, get(local)),
);

function wordEnds(): Code {
  const third = v128.or(before(3, THIRD), before(2, ANY));
  return v128.and(v128.and(v128.and(before(1, LAST), before(2, SECOND)), third), get(NO_LETTER));
}

/** A token begins where a word does: its third byte is looked at, and what is known of the two before. */
function tokenBegins(): Code {
  const begins = v128.and(v128.and(before(2, TOKEN_FIRST), before(1, TOKEN_SECOND)), tokenGroups(2));
  return v128.or(begins, i8x16.eq(get(BYTE), byte(TILDE)));
}

function classification(): Code[] {
  const note = (output: number, bits: Code): Code =>
    i32.store16(i32.shrU(get(AT), i32.const(3)), bits, outputAt(output));
  const isIn = (at: number): Code => inHalves(at, get(LOW), get(HIGH));
  return [
    ...kinds(),
    note(Output.noHits, zeros(v128.or(wordEnds(), isIn(Table.mark)))),
    note(Output.begins, bitsOf(tokenBegins())),
    note(Output.runs, bitsOf(isIn(Table.run))),
    note(Output.noCodes, zeros(isIn(Table.code))),
    note(Output.noCards, zeros(isIn(Table.card))),
    note(Output.noGaps, zeros(v128.and(isIn(Table.card), get(NO_DIGIT)))),
    set(ALL, v128.or(get(ALL), get(BYTE))),
    ...kept,
    set(AT, i32.add(get(AT), i32.const(16))),
  ];
}

const shifted = (word: Code, before: Code, by: number): Code =>
  i64.or(i64.shl(word, i64.const(by)), i64.shrU(before, i64.const(64 - by)));

/**
 * Of a word of bits and the one before it, each bit where a run of so many ends: it becomes that of runs of two, four and so on,
 * and at last of as many as there must be.
 */
function longRuns(length: number): Code[] {
  const steps: Code[] = [];
  for (let known = 1; known < length; ) {
    const by = Math.min(known, length - known);
    steps.push(
      set(WORD, i64.and(get(WORD), shifted(get(WORD), get(BEFORE), by))),
      set(BEFORE, i64.and(get(BEFORE), i64.shl(get(BEFORE), i64.const(by)))),
    );
    known += by;
  }
  return steps;
}

const wordAt = (output: number): Code => i64.load(get(AT), outputAt(output));
const wordBefore = (output: number): Code => i64.load(get(AT), outputAt(output) - 8);
const firstOf = i64.and(get(WORD), i64.not(shifted(get(WORD), get(BEFORE), 1)));

/** Of each 64 bits. What sets groups apart and is too long ends a card. */
function runLengths(): Code[] {
  const read = (output: number): Code[] => [set(WORD, wordAt(output)), set(BEFORE, wordBefore(output))];
  const others = [set(WORD, i64.not(get(WORD))), set(BEFORE, i64.not(get(BEFORE)))];
  const write = (output: number, word: Code): Code => i64.store(get(AT), word, outputAt(output));
  return [
    ...read(Output.runs),
    ...longRuns(LONG_RUN_BYTES),
    write(Output.longRuns, firstOf),
    ...read(Output.noCodes),
    ...others,
    ...longRuns(LONG_CODE_BYTES),
    write(Output.longCodes, get(WORD)),
    ...read(Output.noGaps),
    ...others,
    ...longRuns(LONG_GAP_BYTES),
    set(WORD, i64.or(wordAt(Output.noCards), get(WORD))),
    set(BEFORE, i64.or(wordBefore(Output.noCards), get(BEFORE))),
    ...others,
    ...longRuns(LONG_RUN_BYTES),
    write(Output.longCards, firstOf),
    set(AT, i32.add(get(AT), i32.const(8))),
  ];
}

/** Places are written eight at once, so that how many there are makes no difference to what the processor expects. */
const AT_ONCE = 8;

/** Of each 64 bits, the places of those that are set. */
function placesOfHits(): Code[] {
  const take = (i: number): Code[] => [
    i32.store(get(FROM), i32.add(i32.shl(get(AT), i32.const(3)), i64.lowestBit(get(WORD))), FOUND + 4 * i),
    set(WORD, i64.and(get(WORD), i64.sub(get(WORD), i64.const(1)))),
  ];
  return [
    set(WORD, i64.not(wordAt(Output.noHits))),
    set(FROM, get(TO)),
    set(TO, i32.add(get(TO), i32.shl(i64.bitCount(get(WORD)), i32.const(2)))),
    repeatWhile(
      [
        ...Array.from({ length: AT_ONCE }, (_, i) => take(i)).flat(),
        set(FROM, i32.add(get(FROM), i32.const(4 * AT_ONCE))),
      ],
      i32.ltU(get(FROM), get(TO)),
    ),
    set(AT, i32.add(get(AT), i32.const(8))),
  ];
}

const SLOT_FACTOR = 0x2545f491;
const OTHER_SLOT_FACTOR = 0x1b873593;

/** Of each place, whether it is one indeed: it is written again if it is, with what kind it is of. */
function knownPlaces(): Code[] {
  const byteAt = (offset: number): Code => i32.load8(get(PLACE), INPUT + offset);
  const classAt = (offset: number, by: number): Code => i32.shl(i32.load8(byteAt(offset), CLASSES), i32.const(by));
  const letterAt = (offset: number): Code => i32.load8(byteAt(offset), LETTERS);
  const row = i32.shl(i32.load8(byteAt(0), MARKS), i32.const(8));
  const five = i32.and(
    i32.xor(
      get(THREE),
      i32.mul(i32.or(i32.shl(letterAt(-4), i32.const(CLASS_BITS)), letterAt(-5)), i32.const(FIVE_FACTOR)),
    ),
    i32.const(THREE_MASK),
  );
  const isNoFive = i32.or(i32.isZero(letterAt(-4)), i32.isZero(letterAt(-5)));
  const three = i32.load8(get(THREE), THREES);
  const isWord = i32.or(i32.shrU(three, i32.const(1)), i32.and(three, i32.or(i32.load8(five, FIVES), isNoFive)));
  const wordsBefore = (offset: number): Code => i32.load(get(PLACE), INPUT + offset);
  const slot = i32.shrU(
    i32.xor(i32.mul(wordsBefore(-4), i32.const(SLOT_FACTOR)), i32.mul(wordsBefore(-8), i32.const(OTHER_SLOT_FACTOR))),
    i32.const(32 - SLOT_BITS),
  );
  const known = (offset: number): Code => i64.load(get(SLOT), DISMISSED + offset);
  const differences = i64.or(
    i64.xor(i64.load(get(PLACE), INPUT - FAR), known(0)),
    i64.and(i64.xor(i64.load(get(PLACE), INPUT - WORD_BYTES), known(FAR)), known(FAR_MASK)),
  );
  const isNew = i64.isOther(differences, i64.const(0));
  return [
    set(PLACE, i32.load(get(FROM), FOUND)),
    set(SLOT, i32.shl(slot, i32.const(SLOT_SHIFT))),
    set(THREE, i32.or(i32.or(classAt(-1, 0), classAt(-2, CLASS_BITS)), classAt(-3, 2 * CLASS_BITS))),
    set(KIND, i32.or(i32.load8(i32.add(row, byteAt(1)), BEHIND_MARKS), i32.shl(i32.and(isWord, isNew), i32.const(1)))),
    i32.store(get(TO), i32.or(i32.shl(get(PLACE), i32.const(2)), get(KIND)), FOUND),
    set(TO, i32.add(get(TO), i32.shl(i32.isZero(i32.isZero(get(KIND))), i32.const(2)))),
    set(FROM, i32.add(get(FROM), i32.const(4))),
  ];
}

/** Takes where behind `INPUT` to begin, a multiple of 16, and where to end, one of 64. */
export const scanProgram = lazy(
  () =>
    new WebAssembly.Module(
      wasmModule({
        locals: LOCALS,
        pages: PAGES,
        body: [
          repeatWhile(classification(), i32.ltU(get(AT), get(END))),
          i32.store16(i32.const(0), i8x16.bitmask(get(ALL)), ALL_HIGH),
          set(END, i32.shrU(get(END), i32.const(3))),
          set(AT, i32.const(8)),
          repeatWhile(runLengths(), i32.ltU(get(AT), get(END))),
          set(AT, i32.const(8)),
          repeatWhile(placesOfHits(), i32.ltU(get(AT), get(END))),
          set(END, get(TO)),
          set(TO, i32.const(0)),
          set(FROM, i32.const(0)),
          when(get(END), [repeatWhile(knownPlaces(), i32.ltU(get(FROM), get(END)))]),
          i32.store(i32.const(0), i32.shrU(get(TO), i32.const(2)), FOUND_COUNT),
        ],
      }),
    ),
);

export class VectorScan implements ByteScan {
  readonly bits: ScanBits;
  readonly #run: (from: number, to: number) => void;
  readonly #input: Uint8Array;
  readonly #allHigh: Uint16Array;
  readonly #foundCount: Int32Array;
  readonly #dismissed: Uint8Array;
  readonly found: Int32Array;
  /** Where in the input nothing but zeros follow. */
  #written = 0;
  /** Other bytes than zeros were before the last chunk. */
  #hasLead = true;

  /** @throws WebAssembly.CompileError where the processor has no vectors of 16 bytes */
  constructor(rules: ScanRules) {
    const exports = new WebAssembly.Instance(scanProgram(), {}).exports as unknown as {
      memory: WebAssembly.Memory;
      run(from: number, to: number): void;
    };
    const { buffer } = exports.memory;
    const words = (output: number): Int32Array => new Int32Array(buffer, outputAt(output), SCAN_WORDS);
    this.bits = {
      runs: words(Output.runs),
      begins: words(Output.begins),
      longRuns: words(Output.longRuns),
      longCodes: words(Output.longCodes),
      longCards: words(Output.longCards),
    };
    this.#run = exports.run;
    this.#input = new Uint8Array(buffer, INPUT, LEAD_BYTES + CHUNK_BYTES + BEHIND_BYTES);
    this.#allHigh = new Uint16Array(buffer, ALL_HIGH, 1);
    this.#foundCount = new Int32Array(buffer, FOUND_COUNT, 1);
    this.#dismissed = new Uint8Array(buffer, DISMISSED, 1 << (SLOT_BITS + SLOT_SHIFT));
    this.found = new Int32Array(buffer, FOUND, FOUND_MAX);
    putTables(buffer, rules);
  }

  dismiss(found: number, bytesRead: number): void {
    const input = this.#input;
    const at = found >> 2;
    const wordAt = (place: number): number =>
      (input[place] as number) |
      ((input[place + 1] as number) << 8) |
      ((input[place + 2] as number) << 16) |
      ((input[place + 3] as number) << 24);
    const slot =
      (Math.imul(wordAt(at - 4), SLOT_FACTOR) ^ Math.imul(wordAt(at - 8), OTHER_SLOT_FACTOR)) >>> (32 - SLOT_BITS);
    const place = slot << SLOT_SHIFT;
    for (let i = 0; i < FAR; i++) {
      this.#dismissed[place + i] = input[at - FAR + i] as number;
      this.#dismissed[place + FAR + i] = input[at - WORD_BYTES + i] as number;
      this.#dismissed[place + FAR_MASK + i] = i >= WORD_BYTES - bytesRead ? 0xff : 0;
    }
  }

  get foundCount(): number {
    return this.#foundCount[0] as number;
  }

  scan(bytes: Buffer, start: number, end: number): boolean {
    const input = this.#input;
    const isWhole = start === 0 && bytes.length <= CHUNK_BYTES;
    const from = isWhole ? 0 : Math.max(0, start - LEAD_BYTES);
    const at = LEAD_BYTES - (start - from);
    const to = Math.min(bytes.length, end + TOKEN_BYTES);
    if (to - from <= COPIED_HERE_MAX) for (let i = from; i < to; i++) input[at + i - from] = bytes[i] as number;
    else input.set(isWhole ? bytes : bytes.subarray(from, to), at);
    const isFresh = start === 0 && !this.#hasLead;
    if (start === 0 && this.#hasLead) input.fill(0, 0, LEAD_BYTES);
    this.#hasLead = start > 0;
    const stop = at + to - from;
    if (this.#written > stop) input.fill(0, stop, Math.min(this.#written, stop + BEHIND_BYTES));
    this.#written = Math.max(this.#written, stop);
    // Of the zeros before a text, the bits are there.
    this.#run(isFresh ? LEAD_BYTES - 16 : 0, LEAD_BYTES + ((end - start) | 63) + 1);
    return this.#allHigh[0] === 0;
  }
}

/** What of a token is looked at before its end: a chunk ends no token. */
const TOKEN_BYTES = 3;
/** A call costs more than a few bytes. */
const COPIED_HERE_MAX = 64;

function putTables(buffer: ArrayBuffer, { sets, marks, ends, tokens }: ScanRules): void {
  const put = (at: number, bytes: Uint8Array): void => new Uint8Array(buffer, at, bytes.length).set(bytes);
  const putTable = (at: number, bytes: Uint8Array): void => put(TABLES + TABLE_BYTES * at, bytes);
  const putHalves = (at: number, { low, high }: Halves): void => {
    putTable(at, low);
    putTable(at + 1, high);
  };
  const all = (byte: number): Uint8Array => new Uint8Array(TABLE_BYTES).fill(byte);
  // Letters of either case have the same five bits; the first and the last of the 32 are none.
  const putLetters = (at: number, groups: Uint8Array): void => {
    const letters = groups.map((bits, byte) => ((LETTER_OF[byte] as number) > 0 ? bits : 0));
    putTable(at, letters.subarray(0x60, 0x70));
    putTable(at + 1, letters.subarray(0x70, 0x80));
  };
  for (const [i, groups] of wordPlaces(ends.threes).entries()) {
    putLetters(2 * i, groups);
    // Where a digit may stand, anything may.
    if (i > 0) putTable(Table.open + i - 1, all(groups[0x30] as number));
  }
  putHalves(Table.mark, halvesOf(Uint8Array.from({ length: 256 }, (_, byte) => (marks.has(byte) ? 1 : 0))));
  putHalves(Table.run, halvesOf(sets.run));
  putHalves(Table.code, halvesOf(sets.code));
  putHalves(Table.card, halvesOf(sets.card));
  for (const [i, groups] of tokenPlaces(tokens).entries()) {
    putLetters(Table.tokens + 2 * i, groups);
    putTable(Table.others + i, all(groups[0] as number));
  }
  for (const [i, value] of BYTES.entries()) putTable(Table.bytes + i, all(value));
  put(CLASSES, END_CLASS);
  put(LETTERS, LETTER_OF);
  if (marks.size > MARKS_MAX) throw new RangeError(`${marks.size} marks, over ${MARKS_MAX}`);
  for (const [i, [mark, behind]] of [...marks].entries()) {
    put(MARKS + mark, Uint8Array.of(i + 1));
    put(BEHIND_MARKS + 256 * (i + 1), behind);
  }
  put(THREES, ends.threes);
  put(FIVES, ends.fives);
}
