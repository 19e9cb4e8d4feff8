/** The escapes in JSON strings undone (RFC 8259 §7). */
import { BACKSLASH, hexValue, isDigit, isLetter } from './byte-text.js';
import type { View } from './edits.js';

/** What stands for a control character behind a backslash; of any other byte, the byte. */
const SHORT_ESCAPES: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => byte);
/** Letters that are no escapes. */
const ODD_ESCAPES: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => (isLetter(byte) ? 1 : 0));
for (const short of ['b\b', 'f\f', 'n\n', 'r\r', 't\t']) {
  SHORT_ESCAPES[short.charCodeAt(0)] = short.charCodeAt(1);
  ODD_ESCAPES[short.charCodeAt(0)] = 0;
}

/** The content of a JSON string with its escapes undone (RFC 8259 §7), as UTF-8. */
export function unescaped({ bytes, base, origin }: View, start: number, end: number): View {
  // An escape of n bytes stands for no more.
  const plain = Buffer.allocUnsafe(end - start);
  const places = new Int32Array(end - start + 1);
  let length = 0;
  for (let i = start; i < end; ) {
    const byte = bytes[i] as number;
    const place = origin === null ? base + i : (origin[i] as number);
    places[length] = place;
    if (byte !== BACKSLASH || i + 1 >= end) {
      plain[length++] = byte;
      i++;
      continue;
    }
    const next = bytes[i + 1] as number;
    if (next === 0x75) {
      const unicode = unicodeAt(bytes, i, end);
      const first = length;
      length = pushCharacter(plain, length, unicode >> SIZE_BITS);
      for (let at = first + 1; at < length; at++) places[at] = place;
      i += unicode & SIZE_MASK;
      continue;
    }
    // What is no escape begins after its backslash.
    if ((ODD_ESCAPES[next] as number) === 1) {
      plain[length++] = BACKSLASH;
      places[length] = place;
    }
    plain[length++] = SHORT_ESCAPES[next] as number;
    i += 2;
  }
  places[length] = origin === null ? base + end : (origin[end] as number);
  return { bytes: plain.subarray(0, length), base: 0, origin: places.subarray(0, length + 1) };
}

const SIZE_BITS = 4;
const SIZE_MASK = 15;

/** The character of the `\uXXXX` at `at`, or of two that are a surrogate pair, and in the lowest bits the length of its escapes. */
function unicodeAt(bytes: Buffer, at: number, end: number): number {
  const unit = hexUnit(bytes, at + 2, end);
  // None: the letter.
  if (unit < 0) return (0x75 << SIZE_BITS) | 2;
  if (unit < 0xd800 || unit >= 0xdc00 || bytes[at + 6] !== BACKSLASH || bytes[at + 7] !== 0x75)
    return (unit << SIZE_BITS) | 6;
  const low = hexUnit(bytes, at + 8, end);
  if (low < 0xdc00 || low >= 0xe000) return (unit << SIZE_BITS) | 6;
  return ((0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)) << SIZE_BITS) | 12;
}

/** Writes a character as UTF-8 (RFC 3629 §3); half of a surrogate pair as U+FFFD. Returns where it ends. */
function pushCharacter(to: Buffer, at: number, character: number): number {
  const code = character >= 0xd800 && character < 0xe000 ? 0xfffd : character;
  let end = at;
  if (code < 0x80) to[end++] = code;
  else {
    if (code < 0x800) to[end++] = 0xc0 | (code >> 6);
    else {
      if (code < 0x10000) to[end++] = 0xe0 | (code >> 12);
      else {
        to[end++] = 0xf0 | (code >> 18);
        to[end++] = 0x80 | ((code >> 12) & 0x3f);
      }
      to[end++] = 0x80 | ((code >> 6) & 0x3f);
    }
    to[end++] = 0x80 | (code & 0x3f);
  }
  return end;
}

function hexUnit(bytes: Buffer, at: number, end: number): number {
  if (at + 4 > end) return -1;
  let unit = 0;
  for (let i = at; i < at + 4; i++) {
    const digit = hexValue(bytes[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

/** Whether a backslash stands before a digit, which no escape has: what it divides may be two, or one. */
export function hasOddDigit(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i + 1 < end; i++) if (bytes[i] === BACKSLASH && isDigit(bytes[++i])) return true;
  return false;
}
