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
 * First, of each sixteen bytes, what each of them is, a bit a byte. Then, of each 64 bits, where words end and runs have become
 * long: a run of two is where a bit and the one before it are set, and so on. At last each of these places by itself: whether a
 * word may end there, and whether a run may hold anything.
 */
import { lazy } from '../lazy.js';
import { LONG_CODE_BYTES, LONG_GAP_BYTES, LONG_RUN_BYTES, TILDE } from './byte-scan.js';
import {
  ALL,
  ALL_HIGH,
  AT,
  BEFORE,
  BYTE,
  BYTES,
  END,
  FOUND_COUNT,
  FROM,
  HIGH,
  INPUT,
  LOCALS,
  LOOK_COUNT,
  LOW,
  NO_DIGIT,
  Output,
  outputAt,
  PAGES,
  PLAIN,
  STOP,
  TABLE_BYTES,
  TABLES,
  Table,
  TO,
  WORD,
} from './scan-memory.js';
import { kindsOfPlaces, knownPlaces, longPlaces, placesOfHits, shifted, wordAt, wordBefore } from './scan-places.js';
import { type Code, get, i8x16, i32, i64, repeatWhile, set, v128, wasmModule, when } from './wasm-code.js';

const table = (at: number): Code => v128.load(i32.const(0), TABLES + TABLE_BYTES * at);
const byte = (value: number): Code => table(Table.bytes + BYTES.indexOf(value));
const inHalves = (at: number): Code =>
  v128.and(i8x16.swizzle(table(at), get(LOW)), i8x16.swizzle(table(at + 1), get(HIGH)));

/** Of sixteen bytes, what each of them is. */
function classification(): Code[] {
  const note = (output: number, isSo: Code): Code => i32.store16(get(TO), i8x16.bitmask(isSo), outputAt(output));
  const isNotIn = (at: number): Code => i8x16.eq(inHalves(at), byte(0));
  const noLetter = i8x16.geU(i8x16.sub(v128.or(get(BYTE), byte(0x20)), byte(0x61)), byte(0x1a));
  return [
    set(TO, i32.shrU(get(AT), i32.const(3))),
    set(BYTE, v128.load(get(AT), INPUT)),
    set(LOW, v128.and(get(BYTE), byte(15))),
    set(HIGH, i8x16.shrU(get(BYTE), i32.const(4))),
    set(NO_DIGIT, i8x16.geU(i8x16.sub(get(BYTE), byte(0x30)), byte(10))),
    v128.store(get(AT), v128.or(v128.and(get(BYTE), get(NO_DIGIT)), v128.andNot(byte(0x30), get(NO_DIGIT))), PLAIN),
    note(Output.noLetters, noLetter),
    note(Output.noDigits, get(NO_DIGIT)),
    note(Output.noMarks, isNotIn(Table.mark)),
    note(Output.noRuns, isNotIn(Table.run)),
    note(Output.noCodes, isNotIn(Table.code)),
    note(Output.noCards, isNotIn(Table.card)),
    note(Output.cardDigits, v128.andNot(i8x16.swizzle(table(Table.cardDigits), get(LOW)), get(NO_DIGIT))),
    note(Output.tildes, i8x16.eq(get(BYTE), byte(TILDE))),
    set(ALL, v128.or(get(ALL), get(BYTE))),
    set(AT, i32.add(get(AT), i32.const(16))),
  ];
}

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

const firstOf = i64.and(get(WORD), i64.not(shifted(get(WORD), get(BEFORE), 1)));

/** Of each 64 bits. What sets groups of a card apart and is too long ends it. */
function runLengths(): Code[] {
  const readOthers = (output: number): Code[] => [
    set(WORD, i64.not(wordAt(output))),
    set(BEFORE, i64.not(wordBefore(output))),
  ];
  const others = [set(WORD, i64.not(get(WORD))), set(BEFORE, i64.not(get(BEFORE)))];
  const write = (output: number, word: Code): Code => i64.store(get(AT), word, outputAt(output));
  const isAlnum = (at: (output: number) => Code): Code => i64.not(i64.and(at(Output.noLetters), at(Output.noDigits)));
  const isGap = (at: (output: number) => Code): Code => i64.and(i64.not(at(Output.noCards)), at(Output.noDigits));
  return [
    set(WORD, isAlnum(wordAt)),
    set(BEFORE, isAlnum(wordBefore)),
    write(Output.begins, firstOf),
    ...readOthers(Output.noDigits),
    write(Output.cardBegins, i64.and(firstOf, wordAt(Output.cardDigits))),
    ...readOthers(Output.noRuns),
    ...longRuns(LONG_RUN_BYTES),
    write(Output.longRuns, firstOf),
    ...readOthers(Output.noCodes),
    ...longRuns(LONG_CODE_BYTES),
    write(Output.longCodes, get(WORD)),
    set(WORD, isGap(wordAt)),
    set(BEFORE, isGap(wordBefore)),
    ...longRuns(LONG_GAP_BYTES),
    set(WORD, i64.or(wordAt(Output.noCards), get(WORD))),
    set(BEFORE, i64.or(wordBefore(Output.noCards), get(BEFORE))),
    ...others,
    ...longRuns(LONG_RUN_BYTES),
    write(Output.longCards, firstOf),
    set(AT, i32.add(get(AT), i32.const(8))),
  ];
}

/** Takes where behind `INPUT` to begin, a multiple of 16, and where to end. */
export const scanProgram = lazy(
  () =>
    new WebAssembly.Module(
      wasmModule({
        locals: LOCALS,
        pages: PAGES,
        body: [
          set(END, i32.add(i32.or(get(STOP), i32.const(63)), i32.const(1))),
          repeatWhile(classification(), i32.ltU(get(AT), get(END))),
          i32.store16(i32.const(0), i8x16.bitmask(get(ALL)), ALL_HIGH),
          set(END, i32.shrU(get(END), i32.const(3))),
          ...eachFrom(0, runLengths()),
          set(TO, i32.const(0)),
          ...eachFrom(8, placesOfHits()),
          ...eachFound(kindsOfPlaces()),
          ...eachFound(knownPlaces()),
          i32.store(i32.const(0), i32.shrU(get(TO), i32.const(2)), FOUND_COUNT),
          set(TO, i32.const(0)),
          ...eachFrom(8, longPlaces()),
          i32.store(i32.const(0), i32.shrU(get(TO), i32.const(2)), LOOK_COUNT),
        ],
      }),
    ),
);

/** Each 64 bits from the byte of the sets where they begin. */
function eachFrom(start: number, body: Code[]): Code[] {
  return [set(AT, i32.const(start)), repeatWhile(body, i32.ltU(get(AT), get(END)))];
}

/** Each of the places that were written last. */
function eachFound(body: Code[]): Code[] {
  return [
    set(AT, get(TO)),
    set(TO, i32.const(0)),
    set(FROM, i32.const(0)),
    when(get(AT), [repeatWhile(body, i32.ltU(get(FROM), get(AT)))]),
  ];
}
