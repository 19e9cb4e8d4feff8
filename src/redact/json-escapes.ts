/** The escapes in JSON strings undone (RFC 8259 §7). */
import { BACKSLASH, hexValue, isDigit, isLetter } from './byte-text.js';
import { decodedView, type View } from './edits.js';

const SHORT_ESCAPES = new Map<number, number>([
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
]);

/** The content of a JSON string with its escapes undone (RFC 8259 §7), as UTF-8. */
export function unescaped(view: View, start: number, end: number): View {
  return decodedView(view, start, end, (bytes, from, to, copy, push) => {
    for (let i = from; i < to; ) {
      let found = i;
      while (found < to && bytes[found] !== BACKSLASH) found++;
      if (found >= to - 1) return copy(i, to);
      copy(i, found);
      const next = bytes[found + 1] as number;
      i = next === 0x75 ? pushUnicode(bytes, found, to, push) : found + 2;
      if (next === 0x75) continue;
      // What is no escape begins after its backslash.
      if (isLetter(next) && !SHORT_ESCAPES.has(next)) push(BACKSLASH, found);
      push(SHORT_ESCAPES.get(next) ?? next, found);
    }
  });
}

/** Undoes `\uXXXX` at `at`, or two that are a surrogate pair; returns where it ends. */
function pushUnicode(bytes: Buffer, at: number, end: number, push: (byte: number, from: number) => void): number {
  const unit = hexUnit(bytes, at + 2, end);
  if (unit < 0) {
    push(0x75, at);
    return Math.min(end, at + 2);
  }
  const next =
    unit >= 0xd800 && unit < 0xdc00 && bytes[at + 6] === BACKSLASH && bytes[at + 7] === 0x75
      ? hexUnit(bytes, at + 8, end)
      : -1;
  const isPair = next >= 0xdc00 && next < 0xe000;
  const code = isPair ? 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00) : unit;
  if (code < 0x80) push(code, at);
  else for (const byte of Buffer.from(String.fromCodePoint(code))) push(byte, at);
  return at + (isPair ? 12 : 6);
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
