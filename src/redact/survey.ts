/**
 * One pass over a text that notes where in it a secret could be at all, so that most texts, and most pieces of the others, need
 * no other. A text is divided in blocks, and a sign noted for the block in which it was seen: a name that ends, a name before
 * a separator, a run of letters and digits as tokens have, something encoded.
 *
 * What it notes is more than there is, never less.
 */

import {
  type ByteScan,
  CHUNK_BYTES,
  FOUND_BITS,
  Found,
  LEAD_BYTES,
  ScalarScan,
  type ScanRules,
  WORD_BYTES,
} from './byte-scan.js';
import {
  BACKSLASH,
  COLON,
  EQUALS,
  GREATER_THAN,
  hexValue,
  isDigit,
  isQuote,
  LINE_FEED,
  MINUS,
  PERCENT,
} from './byte-text.js';
import { eachLookRun, LOOK_SETS, tokenBeginnings } from './look-runs.js';
import { PhrasesAhead } from './phrases-ahead.js';
import { type SearchSteps, Step } from './search-steps.js';
import {
  ArgumentAhead,
  fieldEnd,
  isAlnumRun,
  isArgument,
  isBeforeBlock,
  isBeforeType,
  isBehindSeparator,
  isBesideQuote,
  isDriver,
  isFirstInQuotes,
  isJarFlag,
  isOddEscape,
  isPasswordLetter,
  isSpaceBefore,
  isSpaceOrEscape,
  isUserOption,
  mayBeHash,
  mayBePasswordLine,
  mayEndOther,
  mayFold,
  OPTION_BYTES_MAX,
  SeparatorAhead,
  userinfoColon,
} from './survey-marks.js';
import { VectorScan } from './vector-scan.js';
import { LETTER_OF, type WordEnds } from './word-ends.js';

/** What may be in a block. */
export const Sign = {
  /** The name of a secret ends. */
  name: 1,
  /** And a separator follows, so that it may have a value. */
  pair: 2,
  /** A token, a card or a document in base64 may be here. */
  look: 4,
  /** Something is encoded: `%70`, `\u0070`. */
  escape: 8,
} as const;

const SIGNS_OF_SECRETS = Sign.name | Sign.pair | Sign.look | Sign.escape;

const BLOCK_SHIFT = 5;
const ANCHORS_LOOKED_AT_MAX = 32;
const NO_BYTES = Buffer.alloc(0);

/** Letters, digits and what names are joined with. */
const NAME: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x80 || /[\w.\-[\]$@%/]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

const AT = 0x40;
const EXCLAMATION = 0x21;

/** Letters, digits and what the names of options are joined with: all of them may be in other names too. */
const OPTION: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9_-]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/** What has a value right behind it: a name, a tag. */
const SEPARATES: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === COLON || byte === EQUALS || byte === GREATER_THAN ? 1 : 0,
);

const behind = (isOne: (byte: number) => boolean): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => (isOne(byte) ? 1 : 0));
const ANY_BYTE = behind(() => true);

/** What must stand behind a mark so that it is looked at: see `#noteMark`. */
const MARKS: ReadonlyMap<number, Uint8Array> = new Map([
  [LINE_FEED, ANY_BYTE],
  [AT, ANY_BYTE],
  [EXCLAMATION, ANY_BYTE],
  [0x24, behind((byte) => (OPTION[byte] as number) === 1)],
  [PERCENT, behind((byte) => (byte >= 0x32 && byte <= 0x37) || hexValue(byte) >= 0xc)],
  [BACKSLASH, behind((byte) => byte === 0x75 || byte === 0x74 || isOddEscape(byte))],
  [MINUS, behind((byte) => byte === 0x75 || byte === 0x55 || byte === MINUS || isPasswordLetter(byte))],
]);

/** What a mark may begin, or a name that is no part of a pair. */
export const MarkPhrase = {
  userinfo: 1,
  line: 2,
  hash: 3,
  option: 4,
  user: 5,
  letter: 6,
  driver: 7,
  session: 8,
  call: 9,
  beside: 10,
  cookieJar: 11,
} as const;

export interface SurveyRules {
  readonly wordEnds: WordEnds;
  readonly steps: SearchSteps;
}

/** Where the run of bytes of a set begins that ends at a place: no byte is read twice, as long as the places ascend. */
class RunBefore {
  readonly #set: Uint8Array;
  #start = 0;
  #end = 0;

  constructor(set: Uint8Array) {
    this.#set = set;
  }

  forget(): void {
    this.#start = this.#end = 0;
  }

  start(bytes: Buffer, end: number): number {
    const set = this.#set;
    const known = this.#end;
    let at = end;
    while (at > known && (set[bytes[at - 1] as number] as number) === 1) at--;
    if (at > known) this.#start = at;
    this.#end = end;
    return this.#start;
  }
}

export class Survey {
  /** What was looked at last. */
  bytes: Buffer = NO_BYTES;
  /** Places and bits, two numbers each. */
  anchors = new Int32Array(16);
  anchorCount = 0;
  readonly #wordEnds: WordEnds;
  readonly #steps: SearchSteps;
  readonly #phrases = new PhrasesAhead();
  readonly #separator = new SeparatorAhead();
  readonly #argument = new ArgumentAhead();
  readonly #nameRun = new RunBefore(NAME);
  readonly #optionRun = new RunBefore(OPTION);
  #optionEnd = 0;
  readonly #scan: ByteScan;
  #blocks = new Uint8Array(64);
  #all = 0;

  constructor({ wordEnds, steps }: SurveyRules, scan: ByteScan) {
    this.#steps = steps;
    this.#scan = scan;
    this.#wordEnds = wordEnds;
  }

  /** Looks at a text; returns whether anything can be in it. */
  read(bytes: Buffer): boolean {
    this.bytes = bytes;
    this.#all = 0;
    this.anchorCount = 0;
    const blocks = (bytes.length >> BLOCK_SHIFT) + 1;
    if (blocks > this.#blocks.length) this.#blocks = new Uint8Array(blocks * 2);
    else this.#blocks.fill(0, 0, blocks);
    if (bytes.length > 0) this.#readAll(bytes);
    return (this.#all & SIGNS_OF_SECRETS) !== 0 || this.anchorCount > 0 || this.#steps.areSpent;
  }

  /** Lets go of the text; returns how many blocks it has room for, or anchors. */
  forget(): number {
    this.bytes = NO_BYTES;
    return Math.max(this.#blocks.length, this.anchors.length);
  }

  /** Whether one of the signs was seen between `start` and `end`, or beside them. */
  mayHold(start: number, end: number, signs: number): boolean {
    if ((this.#all & signs) === 0) return false;
    const blocks = this.#blocks;
    const last = (end - 1) >> BLOCK_SHIFT;
    for (let block = start >> BLOCK_SHIFT; block <= last; block++)
      if (((blocks[block] as number) & signs) !== 0) return true;
    return false;
  }

  /** Whether there was anything between `start` and `end`, or beside them. */
  mayHoldAny(start: number, end: number): boolean {
    if (this.mayHold(start, end, SIGNS_OF_SECRETS) || this.anchorCount > ANCHORS_LOOKED_AT_MAX) return true;
    for (let i = 0; i < this.anchorCount; i++) {
      const at = this.anchors[i * 2] as number;
      if (at >= start && at <= end) return true;
    }
    return false;
  }

  #readAll(bytes: Buffer): void {
    const { length } = bytes;
    const scan = this.#scan;
    this.#forgetRuns();
    this.#noteLine(bytes, 0);
    let isAscii = true;
    for (let start = 0; start < length; start += CHUNK_BYTES) {
      const end = Math.min(length, start + CHUNK_BYTES);
      if (!scan.scan(bytes, start, end)) isAscii = false;
      this.#readFound(bytes, start, end);
      if (scan.lookCount > 0) eachLookRun({ bytes, start, end, scan }, this.#noteLook);
    }
    if (!isAscii) this.#readHigh(bytes);
  }

  readonly #noteLook = (from: number, to: number): void => this.#noteRange(from, to, Sign.look);

  /** Marks and ends of words; one may stand where the text ends. */
  #readFound(bytes: Buffer, start: number, end: number): void {
    const { found, said, foundCount } = this.#scan;
    const stop = end === bytes.length ? end + 1 : end;
    const origin = start - LEAD_BYTES;
    const steps = this.#steps;
    steps.take(Step.word, foundCount);
    for (let i = 0; i < foundCount; i++) {
      const one = found[i] as number;
      const at = origin + (one >> FOUND_BITS);
      if (at >= stop || steps.areSpent) return;
      if ((one & Found.known) !== 0) this.#noteWord(bytes, at, said[i] as number);
      else if ((one & Found.word) !== 0) this.#noteWord(bytes, at, this.#wordAt(bytes, at, one));
      if ((one & Found.mark) !== 0) this.#noteMark(bytes, at, bytes[at] as number);
    }
  }

  /** What the word ends that the scan has found before `at`. */
  #wordAt(bytes: Buffer, at: number, one: number): number {
    const ends = this.#wordEnds;
    const said = ends.at(bytes, at - 1);
    if (ends.bytesRead <= WORD_BYTES) this.#scan.remember(one, ends.bytesRead, said);
    return said;
  }

  /** The word that ends before `end`. */
  #noteWord(bytes: Buffer, end: number, found: number): void {
    if (found === 0) return;
    if ((found & 1) !== 0) this.#noteName(bytes, end);
    if (found === 1) return;
    this.#steps.take(Step.ahead);
    const bits = this.#phrases.mayGoOn(bytes, end, found >> 1);
    if (bits !== 0) this.#anchor(end, bits);
  }

  #noteName(bytes: Buffer, end: number): void {
    this.#steps.take(Step.name);
    // None of what is asked below is so where the value follows at once.
    if ((SEPARATES[bytes[end] as number] as number) === 1) {
      this.#note(end - 1, Sign.name | Sign.pair);
      return;
    }
    const start = this.#nameRun.start(bytes, end);
    // Most names in prose: none of what is asked below is so.
    if (bytes[end] === 0x20 && (LETTER_OF[bytes[end + 1] as number] as number) > 0 && bytes[start] !== MINUS) {
      const isValue = isBehindSeparator(bytes, start) || isBeforeType(bytes, end);
      this.#note(end - 1, isValue ? Sign.name | Sign.pair : Sign.name);
      return;
    }
    const isPair =
      this.#separator.isAt(bytes, end) ||
      isBehindSeparator(bytes, start) ||
      isBeforeType(bytes, end) ||
      isBeforeBlock(bytes, end);
    this.#note(end - 1, isPair ? Sign.name | Sign.pair : Sign.name);
    if (bytes[start] === MINUS && this.#isOption(bytes, start, end)) this.#anchor(end, MarkPhrase.option << MARK_SHIFT);
    else if (this.#argument.isAt(bytes, end)) this.#anchor(end, MarkPhrase.call << MARK_SHIFT);
    else if (isBesideQuote(bytes, end)) this.#anchor(end, MarkPhrase.beside << MARK_SHIFT);
  }

  /** Whether the name from `start` to `end`, which begins with a hyphen, is an option, and something else follows: `--password …`. */
  #isOption(bytes: Buffer, start: number, end: number): boolean {
    if (end - start > OPTION_BYTES_MAX || !(isSpaceBefore(bytes, start) || isFirstInQuotes(bytes, start))) return false;
    let after = Math.max(end, this.#optionEnd);
    while (after < bytes.length && (OPTION[bytes[after] as number] as number) === 1) after++;
    this.#optionEnd = after;
    return (
      after - end < 64 &&
      (isSpaceOrEscape(bytes[after]) || isQuote(bytes[after])) &&
      this.#optionRun.start(bytes, end) === start
    );
  }

  #forgetRuns(): void {
    this.#phrases.forget();
    this.#separator.forget();
    this.#argument.forget();
    this.#nameRun.forget();
    this.#optionRun.forget();
    this.#optionEnd = 0;
  }

  /** Bytes beyond ASCII: names in other scripts, and letters with accents, behind which a word goes on. */
  #readHigh(bytes: Buffer): void {
    const { length } = bytes;
    this.#forgetRuns();
    for (let i = 0; i < length; i++) {
      if ((bytes[i] as number) < 0x80) continue;
      if (!this.#steps.take(Step.foreignRun)) return;
      let end = i + 1;
      while (end < length && (bytes[end] as number) >= 0x80) end++;
      if (mayEndOther(bytes, i, end)) this.#note(end - 1, Sign.name | Sign.pair);
      const isWord = mayFold(bytes, i, end);
      while (end < length && (LETTER_OF[bytes[end] as number] as number) > 0) end++;
      if (isWord) this.#noteWord(bytes, end, this.#wordEnds.at(bytes, end - 1));
      i = end - 1;
    }
  }

  /** The line that begins at `at`. */
  #noteLine(bytes: Buffer, at: number): void {
    const end = fieldEnd(bytes, at);
    if (bytes[end] === 0x09 && end > at && isJarFlag(bytes, end + 1))
      this.#anchor(end, MarkPhrase.cookieJar << MARK_SHIFT);
    if (
      end > at &&
      bytes[end] === COLON &&
      (bytes[end + 1] === 0x2a || isDigit(bytes[end + 1])) &&
      mayBePasswordLine(bytes, end)
    )
      this.#anchor(end, MarkPhrase.line << MARK_SHIFT);
  }

  #noteMark(bytes: Buffer, at: number, byte: number): void {
    const next = bytes[at + 1] as number;
    if (byte === LINE_FEED) this.#noteLine(bytes, at + 1);
    else if (byte === AT) {
      const colon = userinfoColon(bytes, at);
      if (colon > 0) this.#anchor(colon, MarkPhrase.userinfo << MARK_SHIFT);
      else if (isDriver(bytes, at + 1)) this.#anchor(at, MarkPhrase.driver << MARK_SHIFT);
    } else if (byte === EXCLAMATION) {
      if (at >= 15 && isAlnumRun(bytes, at - 15, at)) this.#anchor(at, MarkPhrase.session << MARK_SHIFT);
    } else if (byte === PERCENT) {
      // ASCII, or the first byte of another character.
      if (((next >= 0x32 && next <= 0x37) || hexValue(next) >= 0xc) && hexValue(bytes[at + 2]) >= 0)
        this.#note(at, Sign.escape);
    } else if (byte === BACKSLASH) {
      if (next === 0x75 ? bytes[at + 2] === 0x30 && bytes[at + 3] === 0x30 : isOddEscape(next))
        this.#note(at, Sign.escape);
      else if (next === 0x74 && isJarFlag(bytes, at + 2)) this.#anchor(at, MarkPhrase.cookieJar << MARK_SHIFT);
    } else if (byte === MINUS) {
      if (isUserOption(bytes, at)) this.#anchor(at, MarkPhrase.user << MARK_SHIFT);
      else if (isPasswordLetter(next) && (isSpaceBefore(bytes, at) || isArgument(bytes, at)))
        this.#anchor(at, MarkPhrase.letter << MARK_SHIFT);
    } else if (mayBeHash(bytes, at)) this.#anchor(at, MarkPhrase.hash << MARK_SHIFT);
  }

  #note(at: number, signs: number): void {
    this.#all |= signs;
    const block = at >> BLOCK_SHIFT;
    this.#blocks[block] = (this.#blocks[block] as number) | signs;
  }

  #noteRange(from: number, to: number, sign: number): void {
    this.#all |= sign;
    const blocks = this.#blocks;
    for (let block = from >> BLOCK_SHIFT; block <= (to - 1) >> BLOCK_SHIFT; block++)
      blocks[block] = (blocks[block] as number) | sign;
  }

  #anchor(at: number, bits: number): void {
    const place = this.anchorCount * 2;
    if (place === this.anchors.length) {
      const larger = new Int32Array(place * 2);
      larger.set(this.anchors);
      this.anchors = larger;
    }
    this.anchors[place] = at;
    this.anchors[place + 1] = bits;
    this.anchorCount++;
  }
}

/** Bits of marks stand above those of words. */
export const MARK_SHIFT = 24;
/** Bytes of a survey that is kept for the next text. */
const KEPT_BLOCKS_MAX = 1 << 14;

/** Old processors have no vectors. */
function createScan(rules: ScanRules): ByteScan {
  try {
    return new VectorScan(rules);
  } catch {
    return new ScalarScan(rules);
  }
}

/** A survey for each document inside another. */
export class Surveys {
  readonly #rules: SurveyRules;
  readonly #scan: ByteScan;
  readonly #free: Survey[] = [];

  constructor(rules: SurveyRules) {
    this.#rules = rules;
    this.#scan = createScan({
      sets: LOOK_SETS,
      marks: MARKS,
      ends: rules.wordEnds.filter(),
      tokens: tokenBeginnings(),
    });
  }

  take(): Survey {
    return this.#free.pop() ?? new Survey(this.#rules, this.#scan);
  }

  giveBack(survey: Survey): void {
    if (survey.forget() <= KEPT_BLOCKS_MAX) this.#free.push(survey);
  }
}
