/** The scan of `byte-scan.ts` by the program of `scan-program.ts`. */
import {
  type ByteScan,
  CHUNK_BYTES,
  FOUND_BITS,
  type Halves,
  halvesOf,
  LEAD_BYTES,
  SCAN_WORDS,
  type ScanBits,
  type ScanRules,
  WORD_BYTES,
} from './byte-scan.js';
import {
  ALL_HIGH,
  BEHIND_BYTES,
  BEHIND_MARKS,
  BYTES,
  CARD_DIGITS,
  CLASSES,
  FAR,
  FAR_MASK,
  FIVES,
  FOUND,
  FOUND_COUNT,
  FOUND_MAX,
  INPUT,
  KNOWN,
  LETTERS,
  LOOKS,
  LOOKS_MAX,
  MARKS,
  MARKS_MAX,
  Output,
  outputAt,
  PLAIN,
  SAID,
  SAID_OF,
  SLOT_BITS,
  SLOT_SHIFT,
  TABLE_BYTES,
  TABLES,
  Table,
  THREES,
  TOKEN_BITS,
  TOKENS,
} from './scan-memory.js';
import { OTHER_SLOT_FACTOR, SLOT_FACTOR, tokenHash } from './scan-places.js';
import { scanProgram } from './scan-program.js';
import { END_CLASS, LETTER_OF } from './word-ends.js';

export class VectorScan implements ByteScan {
  readonly bits: ScanBits;
  readonly found: Int32Array;
  readonly said: Int32Array;
  readonly looks: Int32Array;
  readonly #run: (from: number, to: number) => void;
  readonly #input: Uint8Array;
  readonly #plain: DataView;
  readonly #allHigh: Uint16Array;
  readonly #counts: Int32Array;
  readonly #known: DataView;
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
    this.bits = {
      noRuns: new Int32Array(buffer, outputAt(Output.noRuns), SCAN_WORDS),
      longCodes: new Int32Array(buffer, outputAt(Output.longCodes), SCAN_WORDS),
    };
    this.#run = exports.run;
    this.#input = new Uint8Array(buffer, INPUT, LEAD_BYTES + CHUNK_BYTES + BEHIND_BYTES);
    this.#plain = new DataView(buffer, PLAIN, LEAD_BYTES + CHUNK_BYTES + BEHIND_BYTES);
    this.#allHigh = new Uint16Array(buffer, ALL_HIGH, 1);
    this.#counts = new Int32Array(buffer, FOUND_COUNT, 2);
    this.#known = new DataView(buffer, KNOWN, 1 << (SLOT_BITS + SLOT_SHIFT));
    this.found = new Int32Array(buffer, FOUND, FOUND_MAX);
    this.said = new Int32Array(buffer, SAID, FOUND_MAX);
    this.looks = new Int32Array(buffer, LOOKS, LOOKS_MAX);
    putTables(buffer, rules);
  }

  remember(found: number, bytesRead: number, said: number): void {
    const at = found >> FOUND_BITS;
    const plain = this.#plain;
    const known = this.#known;
    const last = plain.getInt32(at - 4, true);
    const before = plain.getInt32(at - 8, true);
    const slot = (Math.imul(last, SLOT_FACTOR) ^ Math.imul(before, OTHER_SLOT_FACTOR)) >>> (32 - SLOT_BITS);
    const place = slot << SLOT_SHIFT;
    known.setInt32(place, before, true);
    known.setInt32(place + 4, last, true);
    known.setInt32(place + FAR, plain.getInt32(at - WORD_BYTES, true), true);
    known.setInt32(place + FAR + 4, plain.getInt32(at - WORD_BYTES + 4, true), true);
    for (let i = 0; i < FAR; i++) known.setUint8(place + FAR_MASK + i, i >= WORD_BYTES - bytesRead ? 0xff : 0);
    known.setInt32(place + SAID_OF, said, true);
  }

  get foundCount(): number {
    return this.#counts[0] as number;
  }

  get lookCount(): number {
    return this.#counts[1] as number;
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
    this.#run(isFresh ? LEAD_BYTES - 16 : 0, LEAD_BYTES + end - start);
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
  putHalves(Table.mark, halvesOf(Uint8Array.from({ length: 256 }, (_, byte) => (marks.has(byte) ? 1 : 0))));
  putHalves(Table.run, halvesOf(sets.run));
  putHalves(Table.code, halvesOf(sets.code));
  putHalves(Table.card, halvesOf(sets.card));
  putTable(
    Table.cardDigits,
    Uint8Array.from({ length: TABLE_BYTES }, (_, digit) => (CARD_DIGITS.includes(digit) ? 0xff : 0)),
  );
  for (const [i, value] of BYTES.entries()) putTable(Table.bytes + i, new Uint8Array(TABLE_BYTES).fill(value));
  put(CLASSES, END_CLASS);
  put(LETTERS, LETTER_OF);
  if (marks.size > MARKS_MAX) throw new RangeError(`${marks.size} marks, over ${MARKS_MAX}`);
  for (const [i, [mark, behind]] of [...marks].entries()) {
    put(MARKS + mark, Uint8Array.of(i + 1));
    put(BEHIND_MARKS + 256 * (i + 1), behind);
  }
  put(THREES, ends.threes);
  put(FIVES, ends.fives);
  const hashes = new Uint8Array((1 << TOKEN_BITS) / 8);
  for (const hash of tokens.map(tokenHash)) hashes[hash >> 3] = (hashes[hash >> 3] as number) | (1 << (hash & 7));
  put(TOKENS, hashes);
}
