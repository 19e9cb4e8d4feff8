/**
 * Finds out at the end of a word whether it may end a name that stands for a secret, or a word of a phrase that one follows.
 * Words are read backwards, byte by byte; case, punctuation and what has no width between the letters are passed over, as
 * `sensitive-names.ts` does. What it says is more than what is so, never less.
 */
import { lazy } from '../lazy.js';
import { BACKSLASH, COLON, EQUALS, isBlank, isQuote } from './byte-text.js';
import { HEADER_ROWS, NAME_ROWS, OTHER_SCRIPTS, QUALIFIERS, QUERY_ROWS } from './name-table.js';

/** What a word may end: a bit each; and whether a longer one may end a phrase. */
export const WordEnd = { anywhere: 1, word: 2, whole: 4, qualifier: 8, phrase: 16, more: 32, parameter: 64 } as const;

/** Letters, from 1 on; 0 for all other bytes. */
export const LETTER_OF: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  const letter = byte | 0x20;
  return byte < 0x80 && letter >= 0x61 && letter <= 0x7a ? letter - 0x60 : 0;
});

const COLUMNS = 27;
/** What of a name is looked at. */
const NAME_BYTES_MAX = 128;

interface Words {
  readonly next: Uint16Array;
  /** Of each node, what ends there. */
  readonly ends: Uint8Array;
  /** Of each node, 1 more than the number of the phrase word that ends there. */
  readonly phrases: Uint8Array;
}

/** Words after which a phrase may go on, each with the bits of its phrases. */
export class WordEnds {
  /** How many bytes said what `at` said last. */
  bytesRead = 0;
  /** The first byte that said what `#endsName` said last; far before all where the beginning of the text did. */
  #first = 0;
  readonly #words: Words;
  readonly #phraseBits: readonly number[];

  constructor(phraseWords: ReadonlyMap<string, number>) {
    const added = [...phraseWords.keys()];
    this.#phraseBits = [...phraseWords.values()];
    this.#words = makeWords(added);
  }

  /** Made once. */
  readonly filter = lazy((): EndFilter => makeFilter(this.#words));

  /**
   * What the word whose last letter is at `at` may end: 1 where a name may end there, and above that the bits of phrases.
   */
  at(bytes: Uint8Array, at: number): number {
    const { next, ends, phrases } = this.#words;
    const limit = Math.max(0, at + 1 - NAME_BYTES_MAX);
    let found = 0;
    let node = 0;
    let i = at;
    let first = at;
    for (; i >= limit; i--) {
      const byte = bytes[i] as number;
      let letter = LETTER_OF[byte] as number;
      if (letter === 0) {
        letter = letterAt(bytes, i, byte);
        if (byte >= 0x80) first = Math.min(first, i - 2);
        if (letter === SKIP) continue;
        if (letter < 0) {
          if (letter === UNSURE) found |= 1;
          break;
        }
      }
      node = next[node * COLUMNS + letter] as number;
      if (node === 0) break;
      const end = ends[node] as number;
      if (end === 0) continue;
      first = Math.min(first, i - 2);
      if ((end & WordEnd.phrase) !== 0) found |= (this.#phraseBits[(phrases[node] as number) - 1] as number) << 1;
      if ((found & 1) !== 0) {
        if ((end & WordEnd.more) === 0) break;
        continue;
      }
      if (mayBeName(bytes, limit, i, end)) found |= 1;
      else if ((end & WordEnd.parameter) !== 0) {
        // What is behind the word says something, and is not read again where the word is remembered.
        first = at - NAME_BYTES_MAX;
        if (isParameter(bytes, i, at + 1)) found |= 1;
      }
      if ((found & 1) === 0 && (end & WordEnd.qualifier) !== 0) {
        if (this.#endsName(bytes, limit, i - 1, 1)) found |= 1;
        first = Math.min(first, this.#first);
      }
    }
    // Where a text begins says something as well.
    this.bytesRead = i < limit ? NAME_BYTES_MAX : at + 1 - Math.min(i, first);
    return found;
  }

  /** Whether a name may end at or before `from`, as a word that qualifies it follows. */
  #endsName(bytes: Uint8Array, limit: number, from: number, qualifiers: number): boolean {
    const { next, ends } = this.#words;
    let node = 0;
    let first = from;
    this.#first = limit - NAME_BYTES_MAX;
    for (let i = from; i >= limit; i--) {
      // No letter depends on more than the two bytes before it.
      first = Math.min(first, i - 2);
      const byte = bytes[i] as number;
      // A number may stand between them.
      if (node === 0 && byte >= 0x30 && byte <= 0x39) continue;
      const letter = letterAt(bytes, i, byte);
      if (letter === SKIP) continue;
      if (letter === UNSURE) return true;
      node = letter === STOP ? 0 : (next[node * COLUMNS + letter] as number);
      if (node === 0) {
        this.#first = first;
        return false;
      }
      const end = ends[node] as number;
      if (mayBeName(bytes, limit, i, end)) return true;
      if ((end & WordEnd.qualifier) === 0 || qualifiers === 2) continue;
      if (this.#endsName(bytes, limit, i - 1, 2)) return true;
      first = Math.min(first, this.#first);
    }
    return false;
  }
}

const SKIP = -1;
const STOP = -2;
const UNSURE = -3;

/** The letter at `i`, or whether it is to be passed over, ends the name, or may be any letter. */
function letterAt(bytes: Uint8Array, i: number, byte: number): number {
  const letter = LETTER_OF[byte] as number;
  if (letter > 0) return letter;
  if (byte >= 0x80) return foldedAt(bytes, i, byte);
  if (byte >= 0x30 && byte <= 0x39) return STOP;
  return SKIP;
}

/** Of U+00C0 to U+024F, the ASCII letter that its compatibility decomposition has; SKIP where it has none. */
const FOLDED = lazy(() =>
  Int8Array.from({ length: 0x250 }, (_, code) => {
    if (UNDIVIDED.has(code)) return UNSURE;
    const plain = String.fromCharCode(code)
      .normalize('NFKD')
      .replace(/[^ -~]/g, '');
    if (code < 0xc0 || plain === '') return SKIP;
    return plain.length === 1 ? LETTER_OF[plain.charCodeAt(0)] || SKIP : UNSURE;
  }),
);

/** ß, Ø, ø, Ð, ð, đ, ı, ł and their capitals. */
const UNDIVIDED = new Set([0xdf, 0xd0, 0xf0, 0xd8, 0xf8, 0x110, 0x111, 0x131, 0x141, 0x142]);

/** The same for the UTF-8 character whose last byte is at `i`. Its first byte is passed over when its turn comes. */
function foldedAt(bytes: Uint8Array, i: number, byte: number): number {
  if (byte >= 0xc0) return SKIP;
  const lead = bytes[i - 1] as number;
  if (lead >= 0xc3 && lead <= 0xc9) return FOLDED()[((lead & 0x1f) << 6) | (byte & 0x3f)] as number;
  // Letters of full width and of mathematics.
  const first = bytes[i - 2] as number;
  if (first === 0xef && (lead === 0xbc || lead === 0xbd)) return UNSURE;
  // Letters with several accents.
  if (first === 0xe1 && lead >= 0xb8 && lead <= 0xbb) return UNSURE;
  return lead === 0x9d || first === 0x9d || lead === 0x84 || lead === 0x85 ? UNSURE : SKIP;
}

const bytesOf = (characters: string): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => (characters.includes(String.fromCharCode(byte)) ? 1 : 0));
/** What follows the name of a parameter or of a segment of a path, or goes on with it. */
const GOES_ON: Uint8Array = bytesOf('=%[]|?/-_.0123456789').map((isOne, byte) => (byte >= 0x80 ? 1 : isOne));
const BEFORE_PARAMETER: Uint8Array = bytesOf('?&#-_.');

/** Whether the word from `start` to `end` may be the name of a parameter, as those of queries are, or of a part of a form. */
function isParameter(bytes: Uint8Array, start: number, end: number): boolean {
  const next = bytes[end] ?? 0;
  if ((GOES_ON[next] as number) === 1) return true;
  const before = bytes[start - 1] ?? 0;
  if (before === EQUALS || (isQuote(before) && bytes[start - 2] === EQUALS)) return true;
  // `?sig: …`, `; sig = …`
  if (next === COLON) return (BEFORE_PARAMETER[before] as number) === 1;
  let i = end;
  while (i - end < 8 && isBlank(bytes[i])) i++;
  return i > end && (bytes[i] === EQUALS || bytes[i] === COLON);
}

/** Whether a name that begins with the letter at `at` may be one of what ends in the same way. */
function mayBeName(bytes: Uint8Array, limit: number, at: number, end: number): boolean {
  if ((end & WordEnd.anywhere) !== 0) return true;
  if ((end & (WordEnd.word | WordEnd.whole)) === 0) return false;
  if (at <= limit) return true;
  const before = bytes[at - 1] as number;
  if ((LETTER_OF[before] as number) === 0) return true;
  if (at > 1 && bytes[at - 2] === BACKSLASH) return true;
  if ((end & WordEnd.word) === 0) return false;
  const first = bytes[at] as number;
  if (first >= 0x61) return false;
  return before >= 0x61 || (bytes[at + 1] as number) >= 0x61;
}

/** Two last bytes of names in scripts without Latin letters, however they are written, and of what has no width and may stand behind one. */
export const OTHER_ENDS: ReadonlySet<number> = new Set(
  [
    ...Object.keys(OTHER_SCRIPTS).flatMap((name) => [
      name,
      name.toUpperCase(),
      name.normalize('NFD'),
      ...accented(name),
    ]),
    ...['\u200b', '\u200c', '\u200d', '\u200e', '\u200f', '\u2060', '\ufeff', '\u00ad'],
  ].map((name) => {
    const text = Buffer.from(name);
    return ((text[text.length - 2] as number) << 8) | (text[text.length - 1] as number);
  }),
);

/** The last letter of a Greek or Cyrillic name with each accent. */
function accented(name: string): string[] {
  const last = name.at(-1) as string;
  if (!/[\u0370-\u052f]/.test(last)) return [];
  const found: string[] = [];
  for (const [from, to] of [
    [0x370, 0x52f],
    [0x1f00, 0x1fff],
  ] as const)
    for (let code = from; code <= to; code++) {
      const letter = String.fromCharCode(code);
      if (letter.toLowerCase().normalize('NFD').startsWith(last)) found.push(letter);
    }
  return found;
}

/** A number at the end is passed over, and one inside ends what is looked at. */
function lettersOf(word: string): string {
  return /\d/.test(word) ? word.replace(/\d+$/, '').replace(/^.*\d/, '') : word;
}

/** Notes where a shorter word ends that a phrase may go on before. */
function noteLonger(word: string, next: Uint16Array, ends: Uint8Array): void {
  let node = 0;
  for (let i = word.length - 1; i > 0; i--) {
    node = next[node * COLUMNS + (LETTER_OF[word.charCodeAt(i)] as number)] as number;
    if ((ends[node] as number) !== 0) ends[node] = (ends[node] as number) | WordEnd.more;
  }
}

function makeWords(phraseWords: readonly string[]): Words {
  const all: [letters: string, end: number, phrase: number][] = [];
  const add = (words: readonly string[], end: number): void => {
    for (const word of words) all.push([lettersOf(word), end, 0]);
  };
  for (const { ends = [], words = [], whole = [] } of QUERY_ROWS) add([...ends, ...words, ...whole], WordEnd.parameter);
  for (const { ends = [], words = [], whole = [] } of [...NAME_ROWS, ...HEADER_ROWS]) {
    add(ends, WordEnd.anywhere);
    add(words, WordEnd.word);
    add(whole, WordEnd.whole);
  }
  // What says that an object is a key (RFC 7517), that a code is one of OAuth, that a value is secret.
  add(['kty', 'granttype', 'sensitive'], WordEnd.whole);
  add(QUALIFIERS, WordEnd.qualifier);
  for (const [i, word] of phraseWords.entries()) all.push([word, WordEnd.phrase, i + 1]);
  const size = all.reduce((sum, [letters]) => sum + letters.length, 1);
  const next = new Uint16Array(size * COLUMNS);
  const ends = new Uint8Array(size);
  const phrases = new Uint8Array(size);
  let used = 1;
  for (const [letters, end, phrase] of all) {
    if (letters === '') continue;
    let node = 0;
    for (let i = letters.length - 1; i >= 0; i--) {
      const slot = node * COLUMNS + (LETTER_OF[letters.charCodeAt(i)] as number);
      if (next[slot] === 0) next[slot] = used++;
      node = next[slot] as number;
    }
    ends[node] = (ends[node] as number) | end;
    if (phrase > 0) phrases[node] = phrase;
  }
  for (const word of phraseWords) noteLonger(word, next, ends);
  return { next, ends, phrases };
}

/**
 * Whether a word of the tables may end behind some bytes, asked without waiting for what the last one said; it says no at nearly
 * all words.
 */
export interface EndFilter {
  /**
   * Of the classes of the last three bytes, the last one lowest, five bits each: 0 where none ends there, 2 where one may, 1 where
   * one may if `fives` has the two letters before as well.
   */
  readonly threes: Uint8Array;
  /** By `fiveIndex`, 1 where a word may end in five letters. */
  readonly fives: Uint8Array;
}

/** Where in `fives` is noted what three letters, as `threes` has them, and the two before say. */
export function fiveIndex(three: number, fourth: number, fifth: number): number {
  return (three ^ (((fourth << 5) | fifth) * FIVE_FACTOR)) & THREE_MASK;
}

export const FIVE_FACTOR = 0x9e5;
export const CLASS_BITS = 5;
export const THREE_MASK = (1 << (3 * CLASS_BITS)) - 1;
/** Classes of what is no letter: passed over, a digit, behind which no name goes on, or what may be any letter. */
const CLASS_SKIP = 0;
export const CLASS_STOP = 27;
const CLASS_ANY = 28;

/** The class of each byte: that of a letter is its number. */
export const END_CLASS: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x80) return CLASS_ANY;
  if (byte >= 0x30 && byte <= 0x39) return CLASS_STOP;
  return LETTER_OF[byte] as number;
});

function makeFilter({ next, ends }: Pick<Words, 'next' | 'ends'>): EndFilter {
  const threes = new Uint8Array(THREE_MASK + 1);
  const fives = new Uint8Array(THREE_MASK + 1);
  for (let index = 0; index <= THREE_MASK; index++) {
    if (!mayEnd(next, ends, index)) continue;
    const node = nodeOf(next, ends, index);
    threes[index] = node === 0 ? 2 : 1;
    if (node === 0) continue;
    for (let fourth = 1; fourth < COLUMNS; fourth++) {
      const four = next[node * COLUMNS + fourth] as number;
      if (four === 0) continue;
      for (let fifth = 1; fifth < COLUMNS; fifth++)
        if ((ends[four] as number) !== 0 || next[four * COLUMNS + fifth] !== 0)
          fives[fiveIndex(index, fourth, fifth)] = 1;
    }
  }
  return { threes, fives };
}

/** The node that three letters lead to; 0 where one of them is none, or where a word has ended before. */
function nodeOf(next: Uint16Array, ends: Uint8Array, index: number): number {
  let node = 0;
  for (let shift = 0; shift < 3 * CLASS_BITS; shift += CLASS_BITS) {
    const symbol = (index >> shift) & 31;
    if (symbol === CLASS_SKIP || symbol >= CLASS_STOP) return 0;
    node = next[node * COLUMNS + symbol] as number;
    if ((ends[node] as number) !== 0) return 0;
  }
  return node;
}

function mayEnd(next: Uint16Array, ends: Uint8Array, index: number): boolean {
  const last = index & 31;
  if (last < 1 || last > 26) return false;
  let node = 0;
  for (let shift = 0; shift < 3 * CLASS_BITS; shift += CLASS_BITS) {
    const symbol = (index >> shift) & 31;
    if (symbol === CLASS_SKIP) continue;
    if (symbol === CLASS_STOP) return false;
    if (symbol > CLASS_STOP) return true;
    node = next[node * COLUMNS + symbol] as number;
    if (node === 0) return false;
    if ((ends[node] as number) !== 0) return true;
  }
  return true;
}
