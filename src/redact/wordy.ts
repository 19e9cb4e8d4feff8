/**
 * Words and numbers as a person writes them, joined or not: `morning-1`, `Season Pass`, `2026-autumn-term`, `USDC`,
 * `alt+s-key`. Not `hunter2`, `a1b2-c3d4`, `XKCD-7QPL-ZZ9P`.
 *
 * Asked of nearly each value under the name of a secret: text in ASCII is read without an expression, all other with some.
 */

/** Kinds of characters in ASCII: what belongs to a piece, what a value of words never has, and the rest, which sets pieces apart. */
const Kind = { gap: 0, digit: 1, lower: 2, upper: 3, apostrophe: 4, never: 5 } as const;
const KINDS: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[0-9]/.test(character)) return Kind.digit;
  if (/[a-z]/.test(character)) return Kind.lower;
  if (/[A-Z]/.test(character)) return Kind.upper;
  if (character === "'") return Kind.apostrophe;
  return '!$%^*~`\\{}=\n'.includes(character) ? Kind.never : Kind.gap;
});

export function isWordy(text: string): boolean {
  let pieces = 0;
  let isInside = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return isWordyInUnicode(text);
    const kind = KINDS[code] as number;
    if (kind === Kind.never) return false;
    if (kind !== Kind.gap && !isInside) pieces++;
    isInside = kind !== Kind.gap;
  }
  if (pieces === 0 || (pieces > 2 && isOfEqualPieces(text))) return false;
  let words = 0;
  for (let i = 0; i < text.length; ) {
    if ((KINDS[text.charCodeAt(i)] as number) === Kind.gap) {
      i++;
      continue;
    }
    let end = i + 1;
    while (end < text.length && (KINDS[text.charCodeAt(end)] as number) !== Kind.gap) end++;
    const verdict = judged(text, i, end, pieces);
    if (verdict === Verdict.none) return false;
    if (verdict === Verdict.word) words++;
    i = end;
  }
  return words > 0;
}

/** As mail providers give passwords to applications, and as licences and recovery codes are written. */
function isOfEqualPieces(text: string): boolean {
  return (
    /^[a-z0-9]{4}(?: [a-z0-9]{4}){3}$/.test(text) ||
    (/^[^A-Z0-9a-z']*([A-Z0-9]{4,})(?:[^A-Z0-9a-z']+[A-Z0-9]{4,})+[^A-Z0-9a-z']*$/.test(text) && isOfOneLength(text))
  );
}

function isOfOneLength(text: string): boolean {
  const pieces = text.split(/[^A-Z0-9]+/).filter((piece) => piece !== '');
  return pieces.every((piece) => piece.length === pieces[0]?.length);
}

const Verdict = { none: 0, other: 1, word: 2 } as const;
type Verdict = (typeof Verdict)[keyof typeof Verdict];

/** What the piece from `start` to `end` is, one of so many. */
function judged(text: string, start: number, end: number, pieces: number): Verdict {
  const length = end - start;
  let digits = 0;
  let lower = 0;
  let upper = 0;
  for (let i = start; i < end; i++) {
    const kind = KINDS[text.charCodeAt(i)] as number;
    if (kind === Kind.digit) digits++;
    else if (kind === Kind.lower) lower++;
    else if (kind === Kind.upper) upper++;
  }
  if (digits === 0 && isWord(text, start, end, { lower, upper, isOneOfMany: pieces > 1 })) return Verdict.word;
  if ((digits === length && length <= 8) || length === 1) return Verdict.other;
  // `2nd`, `200px`
  if (digits > 0 && digits <= 4 && lower >= 2 && digits + lower === length && isDigitAt(text, start + digits - 1))
    return isDigitsFirst(text, start, digits) ? Verdict.word : otherOr(length, pieces, text, start);
  return otherOr(length, pieces, text, start);
}

function otherOr(length: number, pieces: number, text: string, start: number): Verdict {
  if (length <= 4 && pieces > 2) return Verdict.other;
  // `v12`
  const first = text.charCodeAt(start);
  if ((first !== 0x76 && first !== 0x72) || length < 2 || length > 5) return Verdict.none;
  return isDigitsFirst(text, start + 1, length - 1) ? Verdict.other : Verdict.none;
}

function isDigitsFirst(text: string, start: number, count: number): boolean {
  for (let i = start; i < start + count; i++) if (!isDigitAt(text, i)) return false;
  return true;
}

function isDigitAt(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}

interface Letters {
  readonly lower: number;
  readonly upper: number;
  readonly isOneOfMany: boolean;
}

const WORD_LENGTH_MAX = 24;
const RUN_MAX = 4;

/** Whether a piece without digits is a word: by its capitals, its vowels and how they lie. */
function isWord(text: string, start: number, end: number, { lower, upper, isOneOfMany }: Letters): boolean {
  const length = end - start;
  // Two or three letters may be anything, unless a vowel is between consonants or other words stand beside them.
  if (length < 4) {
    if (length < 2 || lower + upper !== length || !isCased(text, start, end, lower, upper)) return false;
    return (
      isOneOfMany ||
      (length === 3 && !isVowelAt(text, start) && isVowelAt(text, start + 1) && !isVowelAt(text, start + 2))
    );
  }
  if (upper === length && length <= 5) return true;
  return length <= WORD_LENGTH_MAX && hasWordCase(text, start, end, lower, upper) && soundsLikeWord(text, start, end);
}

/** `Word`, `word` or `WORD`. */
function isCased(text: string, start: number, end: number, lower: number, upper: number): boolean {
  if (upper === 0 || lower === 0) return true;
  return upper === 1 && (KINDS[text.charCodeAt(start)] as number) === Kind.upper && end > start;
}

/** The same, and words joined by their capitals: `camelCase`, `PascalCaseX`, `wordABC`, `ABCword`. Apostrophes do not count. */
function hasWordCase(text: string, start: number, end: number, lower: number, upper: number): boolean {
  if (lower + upper === 0) return false;
  if (upper === 0 || lower === 0) return true;
  // Lengths of runs of one case: that of the first small letters, then of capitals and small letters in turn.
  let head = 0;
  let capitals = 0;
  let small = 0;
  let words = 0;
  let isJoined = true;
  for (let i = start; i < end; i++) {
    const kind = KINDS[text.charCodeAt(i)] as number;
    if (kind === Kind.apostrophe) continue;
    if (kind === Kind.upper) {
      if (small > 0) {
        if (capitals !== 1 || small < 2) isJoined = false;
        words++;
        capitals = small = 0;
      }
      capitals++;
    } else if (capitals === 0) head++;
    else small++;
  }
  words++;
  if (words === 1) {
    if (head === 0) return capitals === 1 || (capitals >= 2 && small >= 3);
    // `wordABC`, `wordX…`
    return small === 0 ? capitals >= 2 : capitals === 1;
  }
  // The last may be a capital alone.
  return isJoined && capitals === 1 && (small >= 2 || small === 0);
}

function isVowelAt(text: string, at: number): boolean {
  switch (text.charCodeAt(at) | 0x20) {
    case 0x61:
    case 0x65:
    case 0x69:
    case 0x6f:
    case 0x75:
      return true;
    default:
      return false;
  }
}

/** A vowel, or a `y` amid others, and not too many of a kind in a row. */
function soundsLikeWord(text: string, start: number, end: number): boolean {
  let vowels = 0;
  let consonants = 0;
  let hasVowel = false;
  for (let i = start; i < end; i++) {
    const letter = text.charCodeAt(i) | 0x20;
    if (isVowelAt(text, i)) {
      hasVowel = true;
      consonants = 0;
      if (++vowels > RUN_MAX) return false;
      continue;
    }
    vowels = 0;
    if (letter === 0x79 || letter === 0x27) {
      consonants = 0;
      if (letter === 0x79 && isAmidOthers(text, start, i, end)) hasVowel = true;
    } else if (++consonants > RUN_MAX) return false;
  }
  return hasVowel;
}

function isAmidOthers(text: string, start: number, at: number, end: number): boolean {
  if (at - 2 < start || at + 2 >= end) return false;
  return !isVowelAt(text, at - 2) && !isVowelAt(text, at - 1) && !isVowelAt(text, at + 1) && !isVowelAt(text, at + 2);
}

const VOWEL = /[^aeiou]{2}y[^aeiou]{2}|[aeiouáéíóúäöüàèâêôãõåæøœ]/i;

/** The same of text in any script. */
export function isWordyInUnicode(text: string): boolean {
  const pieces = text.split(/[^\p{L}\p{N}']+/u).filter((piece) => piece !== '');
  if (pieces.length === 0 || /[!$%^*~`\\{}=\n]/.test(text)) return false;
  if (/^[a-z0-9]{4}(?: [a-z0-9]{4}){3}$/.test(text)) return false;
  if (
    pieces.length > 2 &&
    pieces.every((piece) => piece.length === pieces[0]?.length && piece.length >= 4 && /^[A-Z0-9]+$/.test(piece))
  )
    return false;
  let words = 0;
  for (const piece of pieces) {
    if (isWordInUnicode(piece, pieces.length > 1)) words++;
    else if (/^\d{1,8}$/.test(piece) || piece.length === 1) continue;
    else if (/^\d{1,4}\p{Ll}{2,}$/u.test(piece)) words++;
    else if (piece.length <= 4 && pieces.length > 2) continue;
    else if (/^[vr]\d{1,4}$/.test(piece)) continue;
    else return false;
  }
  return words > 0;
}

function isWordInUnicode(piece: string, isOneOfMany: boolean): boolean {
  if (/^\p{Lo}+$/u.test(piece)) return true;
  const lower = piece.toLowerCase();
  if (piece.length < 4)
    return (
      /^(?:\p{Lu}?\p{Ll}+|\p{Lu}+)$/u.test(piece) &&
      piece.length > 1 &&
      (isOneOfMany || /^[^aeiou\d][aeiou][^aeiou\d]$/.test(lower))
    );
  if (/^\p{Lu}{2,5}$/u.test(piece)) return true;
  if (
    piece.length > WORD_LENGTH_MAX ||
    !/^(?:\p{Lu}?\p{Ll}+|\p{Lu}+|\p{Ll}*(?:\p{Lu}\p{Ll}{2,})+\p{Lu}?|\p{Ll}+(?:\p{Lu}{2,}|\p{Lu}\p{Ll}+)|\p{Lu}{2,}\p{Ll}{3,})$/u.test(
      piece.replace(/'/g, ''),
    )
  )
    return false;
  return VOWEL.test(piece) && !/[^aeiouyáéíóúäöüàèâêôãõåæøœа-яёα-ω']{5}/i.test(piece) && !/[aeiou]{5}/i.test(piece);
}
