/** What characters of a text are, asked of each by itself, so that no text is read more than once. */
import { lazy } from '../lazy.js';

/** A bit for what each character is that JavaScript's strings have in one unit. */
const LETTER = 1;
const SPACE = 2;

const sorts = lazy(() =>
  Uint8Array.from({ length: 0x10000 }, (_, code) => {
    const character = String.fromCharCode(code);
    return (/\p{L}/u.test(character) ? LETTER : 0) | (/\s/.test(character) ? SPACE : 0);
  }),
);

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isSpace(code: number): boolean {
  return code < 0x80 ? code === 0x20 || (code >= 0x09 && code <= 0x0d) : ((sorts()[code] as number) & SPACE) !== 0;
}

/** Whether a letter (`\p{L}`) is at `at`, whose unit is `code`. */
function isLetterAt(text: string, at: number, code: number): boolean {
  if (code < 0x80) return (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
  if (code < 0xd800 || code >= 0xdc00) return ((sorts()[code] as number) & LETTER) !== 0;
  return /^\p{L}/u.test(text.slice(at, at + 2));
}

function endsLine(code: number): boolean {
  return code === 0x0a || code === 0x0d || code === 0x2028 || code === 0x2029;
}

/** Whether there is a word with a letter behind a space, and before that what is no digit: `new password`, not `1 x`. */
export function hasWordsApart(text: string): boolean {
  let last = -1;
  let isBehind = false;
  let isApart = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isSpace(code)) {
      if (!isApart) isBehind = last >= 0 && !isDigit(last);
      isApart = true;
      continue;
    }
    isApart = false;
    last = code;
    if (isBehind && isLetterAt(text, i, code)) return true;
  }
  return false;
}

/** Whether in a line a letter stands somewhere between two digits, or anywhere two of the marks `=+/` beside each other. */
export function isMixedLine(text: string): boolean {
  let isBehindDigit = false;
  let isBehindBoth = false;
  let isBehindMark = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const isMark = code === 0x3d || code === 0x2b || code === 0x2f;
    if (isMark && isBehindMark) return true;
    isBehindMark = isMark;
    if (endsLine(code)) isBehindDigit = isBehindBoth = false;
    else if (isDigit(code)) {
      if (isBehindBoth) return true;
      isBehindDigit = true;
    } else if (isBehindDigit && !isBehindBoth) isBehindBoth = isLetterAt(text, i, code);
  }
  return false;
}
