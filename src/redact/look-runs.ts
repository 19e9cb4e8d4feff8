/**
 * Which runs of letters, digits and marks may hold a token or a card number, asked before any is looked for: most have none. A
 * token is a run of at least 13 bytes, so that of most text only some bytes are read.
 */
import { lazy } from '../lazy.js';
import { type ByteScan, LEAD_BYTES, LONG_RUN_BYTES, Look, TILDE } from './byte-scan.js';
import { mayHideText } from './hidden-base64.js';
import { beginnings as beginningsOf, beginsLike, compileLookPattern, type LookPattern } from './look-pattern.js';
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
  /** What they begin with: three bytes, the first one lowest. */
  readonly beginnings: ReadonlySet<number>;
  /** How many there were. */
  searches: number;
}

export const dispatch = lazy((): Dispatch => {
  const index = new Uint16Array(1 << 16);
  const lists: Compiled[][] = [];
  const all = new Set<number>();
  for (const { id, patterns, isStrict = false } of LOOK_ROWS) {
    for (const source of patterns) {
      const compiled = { rule: `looks:${id}`, isStrict, pattern: compileLookPattern(source) };
      const places = new Set<number>();
      for (const three of beginningsOf(compiled.pattern)) {
        all.add(three);
        places.add(((three & 0xff) << 8) | ((three >> 8) & 0xff));
      }
      for (const place of places) {
        lists.push([...(lists[(index[place] as number) - 1] ?? []), compiled]);
        index[place] = lists.length;
      }
    }
  }
  return { index, lists, beginnings: all, searches: 0 };
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

/** Which bytes a survey tells apart for what is known by its form. */
export const LOOK_SETS = {
  run: RUN,
  code: RUN.map((isRun, byte) => (isRun === 1 && !'.=~:$'.includes(String.fromCharCode(byte)) ? 1 : 0)),
  card: Uint8Array.from({ length: 256 }, (_, byte) => (isCardByte(byte) ? 1 : 0)),
  gap: Uint8Array.from({ length: 256 }, (_, byte) => (isCardByte(byte) && !isDigit(byte) ? 1 : 0)),
};

/** What all tokens begin with, three bytes each: those of rows, `eyJ`, `us1`, `AA`, `atl`. */
export function tokenBeginnings(): number[] {
  const three = (text: string): number => Buffer.from(text).readUIntLE(0, 3);
  const us = Array.from({ length: 10 }, (_, digit) => three(`us${digit}`));
  const aa = Array.from({ length: 256 }, (_, byte) => three('AA\0') | (byte << 16));
  return [...dispatch().beginnings, three('eyJ'), three('atl'), ...us, ...aa];
}

/** A chunk of a text, and what the scan says of it. */
interface Chunk {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly scan: ByteScan;
}

/** Calls back with each run of bytes in which `findLooks` could find something, or base64 that hides text. */
export function eachLookRun(chunk: Chunk, found: (from: number, to: number) => void): void {
  const { looks, lookCount } = chunk.scan;
  const origin = chunk.start - LEAD_BYTES;
  for (let i = 0; i < lookCount; i++) {
    const look = looks[i] as number;
    const at = origin + (look >> 1);
    if ((look & 1) === Look.card) {
      noteCard(chunk.bytes, at, found);
      continue;
    }
    const from = at + 1 - LONG_RUN_BYTES;
    const to = runEnd(chunk, at);
    if (mayHoldRun(chunk, from, to)) found(from, to);
  }
}

/** The number of the lowest bit that is set. */
export function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

/** Where the run ends that has the byte at `at`. */
function runEnd({ bytes, start, end, scan }: Chunk, at: number): number {
  const { noRuns } = scan.bits;
  const origin = start - LEAD_BYTES;
  let place = (at - origin) >> 5;
  let others = (noRuns[place] as number) & (-1 << ((at - origin) & 31));
  while (others === 0 && origin + (place << 5) < end) others = noRuns[++place] as number;
  let to = Math.min(end, others === 0 ? end : origin + (place << 5) + lowestBit(others));
  if (to === end) while (to < bytes.length && (RUN[bytes[to] as number] as number) === 1) to++;
  return to;
}

/** Whether `findLooks` may find something in a run, or there is base64 that hides text. */
function mayHoldRun({ bytes, start, end, scan }: Chunk, from: number, to: number): boolean {
  if (mayHoldToken(bytes, from, to, dispatch())) return true;
  const origin = start - LEAD_BYTES;
  return (to > end || isAny(scan.bits.longCodes, from - origin, to - origin)) && mayHideText(bytes, from, to);
}

/** Whether one of the bits from `from` to `to` is set. */
function isAny(words: Int32Array, from: number, to: number): boolean {
  let place = from >> 5;
  const last = (to - 1) >> 5;
  let word = (words[place] as number) & (-1 << (from & 31));
  for (; place < last; word = words[++place] as number) if (word !== 0) return true;
  return (word & (-1 >>> (31 - ((to - 1) & 31)))) !== 0;
}

/** Whether a run may hold one of the forms that are known by their length, their end or what stands before them. */
function isOddRun(bytes: Buffer, from: number, to: number): boolean {
  if (to - from >= SPECIAL_BYTES_MIN || bytes[to - 1] === 0x3d || bytes[from - 1] === 0x5c) return true;
  // What is behind the `~` of a secret of Azure's may be searched without it.
  if (bytes[from - 1] === TILDE) return true;
  // `…NRAL`
  return bytes[to - 1] === 0x4c && bytes[to - 2] === 0x41;
}

/** The digits of a card, with what sets its groups apart, where a run of them becomes long enough at `at`; and all that is joined to them. */
function noteCard(bytes: Buffer, at: number, found: (from: number, to: number) => void): void {
  let from = at + 1 - LONG_RUN_BYTES;
  let to = at + 1;
  while (to < bytes.length && isCardByte(bytes[to] as number)) to++;
  if (!mayBeCard(bytes, from, to)) return;
  while (from > 0 && (RUN[bytes[from - 1] as number] as number) === 1) from--;
  while (to < bytes.length && (RUN[bytes[to] as number] as number) === 1) to++;
  found(from, to);
}

function isCardByte(byte: number): boolean {
  return isDigit(byte) || byte === 0x20 || byte === 0x2d || byte === 0x2b || byte === 0x2e || isWideGapByte(byte);
}

/** Of the characters beyond ASCII that set the groups of a card apart: see `wideGapLength`. */
export function isWideGapByte(byte: number): boolean {
  return byte >= 0x80 && (byte === 0xc2 || byte === 0xa0 || byte === 0xe2 || byte === 0xaf || byte <= 0x94);
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
function mayHoldToken(bytes: Buffer, from: number, to: number, rows: Dispatch): boolean {
  if (isOddRun(bytes, from, to)) return true;
  for (let at = from; at < to; ) {
    const first = bytes[at] as number;
    if (first === TILDE) return true;
    if ((ALNUM[first] as number) === 0) {
      at++;
      continue;
    }
    if (mayBeginAt(bytes, at, to, rows)) return true;
    while (at < to && (ALNUM[bytes[at] as number] as number) === 1) at++;
  }
  return false;
}

/** Whether a row, or one of the special forms, begins as what begins at `at` does. */
function mayBeginAt(bytes: Buffer, at: number, to: number, { index, lists, beginnings }: Dispatch): boolean {
  const first = bytes[at] as number;
  if (isSpecialStart(bytes, at)) return true;
  const second = at + 1 < to ? (bytes[at + 1] as number) : 0;
  const place = index[(first << 8) | second] as number;
  if (place === 0 || at + 2 >= to || !beginnings.has(first | (second << 8) | ((bytes[at + 2] as number) << 16)))
    return false;
  for (const { pattern } of lists[place - 1] as Compiled[])
    if (to - at >= pattern.length && beginsLike(pattern, bytes, at)) return true;
  return false;
}

/** The shortest of the special forms that do not begin with two certain letters. */
const SPECIAL_BYTES_MIN = 50;

/** `eyJ`, `-us1`, `:AA`, `atl`: see `specialEnd`. */
function isSpecialStart(bytes: Buffer, at: number): boolean {
  const second = bytes[at + 1];
  switch (bytes[at]) {
    case 0x65:
      return second === 0x79 && bytes[at + 2] === 0x4a;
    case 0x75:
      return second === 0x73 && bytes[at - 1] === 0x2d && isDigit(bytes[at + 2] ?? 0);
    case 0x41:
      return second === 0x41 && bytes[at - 1] === 0x3a;
    default:
      return bytes[at] === 0x61 && second === 0x74 && bytes[at + 2] === 0x6c;
  }
}

const CARD_DIGITS_MIN = 13;

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

export function isDigitOrSpace(byte: number): boolean {
  return byte === 0x20 || isDigit(byte);
}
