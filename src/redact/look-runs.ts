/**
 * Which runs of letters, digits and marks may hold a token or a card number, asked before any is looked for: most have none. A
 * token is a run of at least 13 bytes, so that of most text only some bytes are read.
 */
import { lazy } from '../lazy.js';
import { mayHideText, RUN_BYTES_MIN } from './hidden-base64.js';
import { beginnings, compileLookPattern, type LookPattern } from './look-pattern.js';
import { LOOK_ROWS } from './looks-table.js';

/** Letters, digits and `-_.+/=~:` after which a token may begin. */
export const RUN: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9\-_.+/=~:$]/.test(String.fromCharCode(byte)) && byte < 0x80 ? 1 : 0,
);
export const ALNUM: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9]/.test(String.fromCharCode(byte)) && byte < 0x80 ? 1 : 0,
);
export interface Compiled {
  readonly rule: string;
  readonly isStrict: boolean;
  readonly pattern: LookPattern;
}

/** The rows that may begin with two bytes, `first << 8 | second`: 1 more than an index of `lists`. */
export interface Dispatch {
  readonly index: Uint16Array;
  readonly lists: readonly Compiled[][];
  /** How many there were. */
  searches: number;
}

export const dispatch = lazy((): Dispatch => {
  const index = new Uint16Array(1 << 16);
  const lists: Compiled[][] = [];
  for (const { id, patterns, isStrict = false } of LOOK_ROWS) {
    for (const source of patterns) {
      const compiled = { rule: `looks:${id}`, isStrict, pattern: compileLookPattern(source) };
      for (const place of beginnings(compiled.pattern)) {
        lists.push([...(lists[(index[place] as number) - 1] ?? []), compiled]);
        index[place] = lists.length;
      }
    }
  }
  return { index, lists, searches: 0 };
});

export const STRIDE = 12;

/**
 * Whether `findLooks` could report anything, asked without making anything: most pieces have no run of token bytes that is
 * long enough, and fewer digits than a card.
 */
export function mayHoldLook(bytes: Buffer, start: number, end: number): boolean {
  let mayHoldCard = false;
  const rows = dispatch();
  for (let probe = start + STRIDE; probe < end; probe += STRIDE) {
    const byte = bytes[probe] as number;
    if ((RUN[byte] as number) === 0) {
      // A space belongs to a card only behind a group of its digits.
      mayHoldCard ||= byte === 0x20 ? isDigitOrSpace(bytes[probe - 1] as number) : isWideGapByte(byte);
      continue;
    }
    let from = probe;
    while (from > start && (RUN[bytes[from - 1] as number] as number) === 1) from--;
    let to = probe + 1;
    while (to < end && (RUN[bytes[to] as number] as number) === 1) to++;
    if (to - from > STRIDE) {
      if (mayHoldToken(bytes, from, to, rows)) return true;
      mayHoldCard = true;
    } else mayHoldCard ||= isDigit(byte);
    probe = to;
  }
  return mayHoldCard && mayBeCard(bytes, start, end);
}

/**
 * Calls back with each run of token bytes in which `findLooks` could find something, or base64 that hides text. A window as long
 * as the shortest run is read backwards: behind a byte in it that belongs to none, the next one begins, so that most bytes are
 * not read at all.
 */
export function eachLookRun(bytes: Buffer, found: (from: number, to: number) => void): void {
  const end = bytes.length;
  for (let last = STRIDE; last < end; ) {
    const from = last - STRIDE;
    let at = last;
    while (at >= from && (RUN[bytes[at] as number] as number) === 1) at--;
    if (at >= from) {
      // Between the groups of a card: its first group is shorter than a window, and all of it is longer.
      if (bytes[at] === 0x20 ? isDigitOrSpace(bytes[at - 1] ?? 0) : isInWideGap(bytes, at))
        noteSpacedCard(bytes, at, found);
      last = at + 1 + STRIDE;
      continue;
    }
    run.read(bytes, from, end);
    const { to } = run;
    if (run.mayHold(bytes)) found(from, to);
    else if ((bytes[to] === 0x20 || isWideGapByte(bytes[to] as number)) && isDigit(bytes[to - 1] as number))
      noteSpacedCard(bytes, to, found);
    else if (bytes[from - 1] === 0x20 && isDigit(bytes[from - 2] as number) && isDigit(bytes[from] as number))
      noteSpacedCard(bytes, from, found);
    last = to + 1 + STRIDE;
  }
}

/** Of each byte of a run: that it is a digit, a letter or digit, a digit of base64, `~`; one at all. */
const DIGIT_KIND = 1;
const WORD_KIND = 2;
const BASE64_KIND = 4;
const TILDE_KIND = 8;
const RUN_KIND = 16;
const KINDS: Uint8Array = RUN.map((isRun, byte) => {
  if (isRun === 0) return 0;
  const word = (ALNUM[byte] as number) === 1 ? WORD_KIND | BASE64_KIND : 0;
  const base64 = '+/-_'.includes(String.fromCharCode(byte)) ? BASE64_KIND : 0;
  return RUN_KIND | word | base64 | (isDigit(byte) ? DIGIT_KIND : 0) | (byte === 0x7e ? TILDE_KIND : 0);
});

/** A run of token bytes, and what one pass over it says of it. */
class TokenRun {
  from = 0;
  to = 0;
  #digits = 0;
  #kinds = 0;
  #mayBegin = false;
  #hasBase64 = false;

  read(bytes: Buffer, from: number, end: number): void {
    const { index } = dispatch();
    let to = from;
    let before = 0;
    let kinds = 0;
    let digits = 0;
    let base64 = from;
    let longest = 0;
    let mayBegin = false;
    for (; to < end; to++) {
      const byte = bytes[to] as number;
      const kind = KINDS[byte] as number;
      if (kind === 0) break;
      kinds |= kind;
      digits += kind & DIGIT_KIND;
      if ((kind & BASE64_KIND) === 0) {
        longest = Math.max(longest, to - base64);
        base64 = to + 1;
      }
      if ((kind & ~before & WORD_KIND) !== 0) {
        const next = bytes[to + 1] ?? 0;
        if ((index[(byte << 8) | next] as number) !== 0 || isSpecialStart(byte, next)) mayBegin = true;
      }
      before = kind;
    }
    this.from = from;
    this.to = to;
    this.#kinds = kinds;
    this.#digits = digits;
    this.#mayBegin = mayBegin;
    this.#hasBase64 = Math.max(longest, to - base64) >= RUN_BYTES_MIN;
  }

  /** Whether `findLooks` may find something in it, or there is base64 that hides text. */
  mayHold(bytes: Buffer): boolean {
    const { from, to } = this;
    return (
      (this.#kinds & TILDE_KIND) !== 0 ||
      isOddRun(bytes, from, to) ||
      (this.#mayBegin && mayHoldToken(bytes, from, to, dispatch())) ||
      (this.#hasBase64 && mayHideText(bytes, from, to)) ||
      (this.#digits >= CARD_DIGITS_MIN && mayBeCard(bytes, from, to))
    );
  }
}

const run = new TokenRun();

/** Whether a run may hold one of the forms that are known by their length, their end or what stands before them. */
function isOddRun(bytes: Buffer, from: number, to: number): boolean {
  if (to - from >= SPECIAL_BYTES_MIN || bytes[to - 1] === 0x3d || bytes[from - 1] === 0x5c) return true;
  // `…NRAL`
  return bytes[to - 1] === 0x4c && bytes[to - 2] === 0x41;
}

/** The digits of a card, with what sets its groups apart: as many as there are around `at`, if they are enough. */
function noteSpacedCard(bytes: Buffer, at: number, found: (from: number, to: number) => void): void {
  let from = at;
  while (from > 0 && at - from < CARD_BYTES_MAX && isCardByte(bytes[from - 1] as number)) from--;
  let to = at;
  while (to < bytes.length && to - at < CARD_BYTES_MAX && isCardByte(bytes[to] as number)) to++;
  if (mayBeCard(bytes, from, to)) found(from, to);
}

const CARD_BYTES_MAX = 32;

function isCardByte(byte: number): boolean {
  return isDigit(byte) || byte === 0x20 || byte === 0x2d || byte === 0x2b || byte === 0x2e || isWideGapByte(byte);
}

/** Of the characters beyond ASCII that set the groups of a card apart: see `wideGapLength`. */
export function isWideGapByte(byte: number): boolean {
  return byte >= 0x80 && (byte === 0xc2 || byte === 0xa0 || byte === 0xe2 || byte === 0xaf || byte <= 0x94);
}

/** Whether the byte at `at` belongs to one behind a digit: a window may end in its midst. */
function isInWideGap(bytes: Buffer, at: number): boolean {
  let i = at;
  while (i > 0 && i > at - 3 && isWideGapByte(bytes[i] as number)) i--;
  return i < at && isDigit(bytes[i] as number);
}

/** Whether there are as many digits as a card has, with nothing but what sets its groups apart between, that begin like one. */
function mayBeCard(bytes: Buffer, start: number, end: number): boolean {
  let digits = 0;
  let begins = false;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (isDigit(byte)) {
      digits++;
      begins ||= byte >= 0x32 && byte !== 0x37 && !isDigit(bytes[i - 1] ?? 0);
      if (begins && digits >= CARD_DIGITS_MIN) return true;
    } else if (!isCardByte(byte)) {
      digits = 0;
      begins = false;
    }
  }
  return false;
}

/** Whether a row, or one of the special forms, begins as anything in the run does. */
function mayHoldToken(bytes: Buffer, from: number, to: number, { index, lists }: Dispatch): boolean {
  if (isOddRun(bytes, from, to)) return true;
  let at = from;
  while (at < to) {
    const first = bytes[at] as number;
    if ((ALNUM[first] as number) === 0) {
      if (first === 0x7e) return true;
      at++;
      continue;
    }
    const second = at + 1 < to ? (bytes[at + 1] as number) : 0;
    if (isSpecialStart(first, second)) return true;
    const place = index[(first << 8) | second] as number;
    if (place !== 0)
      for (const { pattern } of lists[place - 1] as Compiled[]) if (to - at >= pattern.length) return true;
    while (at < to && (ALNUM[bytes[at] as number] as number) === 1) at++;
  }
  return false;
}

/** The shortest of the special forms that do not begin with two certain letters. */
const SPECIAL_BYTES_MIN = 50;

/** `ey`, `us`, `AA`, `at`: see `specialEnd`. */
function isSpecialStart(first: number, second: number): boolean {
  return (
    (first === 0x65 && second === 0x79) ||
    (first === 0x75 && second === 0x73) ||
    (first === 0x41 && second === 0x41) ||
    (first === 0x61 && second === 0x74)
  );
}

const CARD_DIGITS_MIN = 13;

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

export function isDigitOrSpace(byte: number): boolean {
  return byte === 0x20 || isDigit(byte);
}
