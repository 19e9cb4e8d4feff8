/**
 * The second half of the scan's program: each place by itself where a word ends, a mark stands or a run has become long, so that
 * TypeScript sees only those where something may be.
 */
import { FOUND_BITS, Found, LONG_RUN_BYTES, Look, TILDE, WORD_BYTES } from './byte-scan.js';
import {
  AT,
  BEHIND_MARKS,
  CLASSES,
  FAR,
  FAR_MASK,
  FIVES,
  FOUND,
  FROM,
  INPUT,
  KIND,
  KNOWN,
  LENGTH,
  LETTERS,
  LOOKS,
  MARKS,
  MASK,
  Output,
  outputAt,
  PLACE,
  PLAIN,
  SAID,
  SAID_OF,
  SLOT,
  SLOT_BITS,
  SLOT_SHIFT,
  STOP,
  THREES,
  TO,
  TOKEN_BITS,
  TOKENS,
  WORD,
} from './scan-memory.js';
import { type Code, get, i32, i64, repeatWhile, set, when } from './wasm-code.js';
import { CLASS_BITS, FIVE_FACTOR, THREE_MASK } from './word-ends.js';

/** A word of bits, each at the place of the one `by` before it; `before`: the word before. */
export const shifted = (word: Code, before: Code, by: number): Code =>
  i64.or(i64.shl(word, i64.const(by)), i64.shrU(before, i64.const(64 - by)));

/** Of a set, the 64 bits that are looked at, and those before them. */
export const wordAt = (output: number): Code => i64.load(get(AT), outputAt(output));
export const wordBefore = (output: number): Code => i64.load(get(AT), outputAt(output) - 8);

/** Places are written eight at once, so that how many there are makes no difference to what the processor expects. */
const AT_ONCE = 8;

/** Of each 64 bits, the places of marks and of what stands behind a letter and is none. */
export function placesOfHits(): Code[] {
  const take = (i: number): Code[] => [
    i32.store(get(FROM), i32.add(i32.shl(get(AT), i32.const(3)), i64.lowestBit(get(WORD))), FOUND + 4 * i),
    set(WORD, i64.and(get(WORD), i64.sub(get(WORD), i64.const(1)))),
  ];
  const isBehindLetter = i64.not(shifted(wordAt(Output.noLetters), wordBefore(Output.noLetters), 1));
  return [
    set(WORD, i64.or(i64.not(wordAt(Output.noMarks)), i64.and(wordAt(Output.noLetters), isBehindLetter))),
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

const inputAt = (offset: number): Code => i32.load8(get(PLACE), INPUT + offset);
const isNotZero = (value: Code): Code => i32.isZero(i32.isZero(value));

/** Of each place, what kind it may be of, by the three bytes before it: it is written again if it is of any. */
export function kindsOfPlaces(): Code[] {
  const classAt = (offset: number, by: number): Code => i32.shl(i32.load8(inputAt(offset), CLASSES), i32.const(by));
  const row = i32.shl(i32.load8(inputAt(0), MARKS), i32.const(8));
  const three = i32.or(i32.or(classAt(-1, 0), classAt(-2, CLASS_BITS)), classAt(-3, 2 * CLASS_BITS));
  const isMark = i32.load8(i32.add(row, inputAt(1)), BEHIND_MARKS);
  return [
    set(PLACE, i32.load(get(FROM), FOUND)),
    set(KIND, i32.or(isMark, i32.shl(i32.load8(three, THREES), i32.const(1)))),
    i32.store(get(TO), i32.or(i32.shl(get(PLACE), i32.const(FOUND_BITS)), get(KIND)), FOUND),
    set(TO, i32.add(get(TO), i32.shl(isNotZero(get(KIND)), i32.const(2)))),
    set(FROM, i32.add(get(FROM), i32.const(4))),
  ];
}

export const SLOT_FACTOR = 0x2545f491;
export const OTHER_SLOT_FACTOR = 0x1b873593;

/** Of each of these, whether it is one indeed, and what is known of it: what is known to end nothing is left out. */
export function knownPlaces(): Code[] {
  const classAt = (offset: number, by: number): Code => i32.shl(i32.load8(inputAt(offset), CLASSES), i32.const(by));
  const letterAt = (offset: number): Code => i32.load8(inputAt(offset), LETTERS);
  const three = i32.or(i32.or(classAt(-1, 0), classAt(-2, CLASS_BITS)), classAt(-3, 2 * CLASS_BITS));
  const fourAndFive = i32.or(i32.shl(letterAt(-4), i32.const(CLASS_BITS)), letterAt(-5));
  const five = i32.and(i32.xor(three, i32.mul(fourAndFive, i32.const(FIVE_FACTOR))), i32.const(THREE_MASK));
  const isNoFive = i32.or(i32.isZero(letterAt(-4)), i32.isZero(letterAt(-5)));
  // What `threes` says, above whether it is a mark.
  const mayBe = i32.shrU(i32.and(get(KIND), i32.const(7)), i32.const(1));
  const isWord = i32.or(i32.shrU(mayBe, i32.const(1)), i32.and(mayBe, i32.or(i32.load8(five, FIVES), isNoFive)));
  const wordsBefore = (offset: number): Code => i32.load(get(PLACE), PLAIN + offset);
  const slot = i32.shrU(
    i32.xor(i32.mul(wordsBefore(-4), i32.const(SLOT_FACTOR)), i32.mul(wordsBefore(-8), i32.const(OTHER_SLOT_FACTOR))),
    i32.const(32 - SLOT_BITS),
  );
  const known = (offset: number): Code => i64.load(get(SLOT), KNOWN + offset);
  const differences = i64.or(
    i64.xor(i64.load(get(PLACE), PLAIN - FAR), known(0)),
    i64.and(i64.xor(i64.load(get(PLACE), PLAIN - WORD_BYTES), known(FAR)), known(FAR_MASK)),
  );
  const isNew = i32.isZero(get(LENGTH));
  const endsKnown = i32.and(get(LENGTH), isNotZero(get(SLOT)));
  const wordKind = i32.add(i32.shl(isNew, i32.const(1)), i32.mul(endsKnown, i32.const(Found.word | Found.known)));
  return [
    set(KIND, i32.load(get(FROM), FOUND)),
    set(PLACE, i32.shrU(get(KIND), i32.const(FOUND_BITS))),
    set(SLOT, i32.shl(slot, i32.const(SLOT_SHIFT))),
    set(LENGTH, i64.isZero(differences)),
    set(SLOT, i32.load(get(SLOT), KNOWN + SAID_OF)),
    i32.store(get(TO), get(SLOT), SAID),
    set(KIND, i32.or(i32.and(get(KIND), i32.const(1)), i32.mul(isWord, wordKind))),
    i32.store(get(TO), i32.or(i32.shl(get(PLACE), i32.const(FOUND_BITS)), get(KIND)), FOUND),
    set(TO, i32.add(get(TO), i32.shl(isNotZero(get(KIND)), i32.const(2)))),
    set(FROM, i32.add(get(FROM), i32.const(4))),
  ];
}

/** A run that is as long is looked at by itself: the bits of a shorter one are read at once. */
const SHORT_RUN_MAX = 50;

const TOKEN_FACTOR = 0x9e3779b1 | 0;
export const tokenHash = (three: number): number => Math.imul(three, TOKEN_FACTOR) >>> (32 - TOKEN_BITS);

/** The bits of a set from the byte at `PLACE` on, 57 of them at least. */
const bitsFrom = (output: number): Code =>
  i64.shrU(
    i64.load(i32.shrU(get(PLACE), i32.const(3)), outputAt(output)),
    i64.extended(i32.and(get(PLACE), i32.const(7))),
  );

/** Reads the run that becomes long at the lowest bit of `WORD`: where it begins, how long it is, and its bytes. */
function readRun(noRuns: number): Code[] {
  const at = i32.add(i32.shl(get(AT), i32.const(3)), i64.lowestBit(get(WORD)));
  return [
    set(PLACE, i32.sub(at, i32.const(LONG_RUN_BYTES - 1))),
    set(WORD, i64.and(get(WORD), i64.sub(get(WORD), i64.const(1)))),
    set(LENGTH, i64.lowestBit(bitsFrom(noRuns))),
    set(MASK, i64.sub(i64.shl(i64.const(1), i64.extended(get(LENGTH))), i64.const(1))),
    set(
      KIND,
      i32.or(
        i32.ltU(i32.const(SHORT_RUN_MAX - 1), get(LENGTH)),
        i32.isZero(i32.ltU(i32.add(get(PLACE), get(LENGTH)), get(STOP))),
      ),
    ),
  ];
}

/** Writes the run down if `KIND` is not 0, and it is of the chunk. */
function writeLook(kind: number): Code[] {
  const at = i32.add(get(PLACE), i32.const(LONG_RUN_BYTES - 1));
  return [
    i32.store(get(TO), i32.or(i32.shl(at, i32.const(1)), i32.const(kind)), LOOKS),
    set(TO, i32.add(get(TO), i32.shl(i32.and(isNotZero(get(KIND)), i32.ltU(at, get(STOP))), i32.const(2)))),
  ];
}

/** Whether a token, or base64 that hides text, may be in a run: see `mayHoldRun`. */
function tokenRuns(): Code[] {
  const tokenAt = (): Code[] => [
    set(
      SLOT,
      i32.shrU(
        i32.mul(
          i32.and(i32.load(i32.add(get(PLACE), i64.lowestBit(get(MASK))), INPUT), i32.const(0xffffff)),
          i32.const(TOKEN_FACTOR),
        ),
        i32.const(32 - TOKEN_BITS),
      ),
    ),
    set(
      KIND,
      i32.or(
        get(KIND),
        i32.and(
          i32.shrU(i32.load8(i32.shrU(get(SLOT), i32.const(3)), TOKENS), i32.and(get(SLOT), i32.const(7))),
          i32.const(1),
        ),
      ),
    ),
    set(MASK, i64.and(get(MASK), i64.sub(get(MASK), i64.const(1)))),
  ];
  const last = i32.load16(i32.add(get(PLACE), get(LENGTH)), INPUT - 2);
  const isOdd = i32.or(
    i32.or(i32.eq(i32.shrU(last, i32.const(8)), i32.const(0x3d)), i32.eq(last, i32.const(0x4c41))),
    i32.or(i32.eq(inputAt(-1), i32.const(0x5c)), i32.eq(inputAt(-1), i32.const(TILDE))),
  );
  return [
    ...readRun(Output.noRuns),
    set(
      KIND,
      i32.or(
        i32.or(get(KIND), isOdd),
        i64.isOther(i64.and(i64.or(bitsFrom(Output.longCodes), bitsFrom(Output.tildes)), get(MASK)), i64.const(0)),
      ),
    ),
    set(MASK, i64.and(bitsFrom(Output.begins), get(MASK))),
    when(i64.isOther(get(MASK), i64.const(0)), [repeatWhile(tokenAt(), i64.isOther(get(MASK), i64.const(0)))]),
    ...writeLook(Look.token),
  ];
}

/** Whether there are as many digits as a card has, and one that it may begin with. */
function cardRuns(): Code[] {
  const digits = i64.and(i64.not(bitsFrom(Output.noDigits)), get(MASK));
  return [
    ...readRun(Output.noCards),
    set(
      KIND,
      i32.or(
        get(KIND),
        i32.and(
          i64.isOther(i64.and(bitsFrom(Output.cardBegins), get(MASK)), i64.const(0)),
          i32.ltU(i32.const(LONG_RUN_BYTES - 1), i64.bitCount(digits)),
        ),
      ),
    ),
    ...writeLook(Look.card),
  ];
}

/** Of each 64 bits, the runs that become long there. */
export function longPlaces(): Code[] {
  const eachOf = (output: number, body: () => Code[]): Code[] => [
    set(WORD, wordAt(output)),
    when(i64.isOther(get(WORD), i64.const(0)), [repeatWhile(body(), i64.isOther(get(WORD), i64.const(0)))]),
  ];
  return [
    ...eachOf(Output.longRuns, tokenRuns),
    ...eachOf(Output.longCards, cardRuns),
    set(AT, i32.add(get(AT), i32.const(8))),
  ];
}
