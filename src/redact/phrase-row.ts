/** What rows of phrases are made of: see `phrase-table.ts`. */
import { isMixedToken } from './value-shapes.js';
import { isWordy } from './wordy.js';

export interface PhraseRow {
  readonly id: string;
  /** Words, their letters alone. */
  readonly words: readonly string[];
  /** 1 for each byte that may follow the word. */
  readonly follows: Uint8Array;
  /** Quickly, whether it is worth to look closer behind the word that ends before `at`, where such a byte follows. */
  readonly mayGoOn: (bytes: Buffer, at: number) => boolean;
  /** What must begin within `PIECE_BYTES_AHEAD` for that: a piece with an odd byte, or one as long as a key. */
  readonly needs?: 'odd' | 'long';
  /** Whether the next few words say that there is no such piece that counts: asked before it is looked for. */
  readonly isRuledOut?: (bytes: Buffer, at: number) => boolean;
  /** Whether `head` may find anything at all: asked before it, where it would say no nearly always. */
  readonly isSecretAhead?: (bytes: Buffer, at: number) => boolean;
  /** Source of an expression from the end of the word to the secret: each part has a bound, so that it takes a bounded time. */
  readonly head: string;
  readonly isExact?: boolean;
  /** 1 for each byte of the secret, and how many there are at least; or where a secret ends that begins at `at`, -1 for none. */
  readonly secret: SecretBytes | ((bytes: Buffer, at: number) => number);
  /** Judges the secret by its first bytes. */
  readonly accept?: (secret: string) => boolean;
  /** It stands before the word: `head` finds it, as its first group, by looking back. */
  readonly isBefore?: boolean;
  /** What ends a sentence is no part of it. */
  readonly isInSentence?: boolean;
}

export interface SecretBytes {
  readonly set: Uint8Array;
  readonly min: number;
}

/** What sets the words of a command apart in a list of its arguments: `","`. */
export const APART = `\\\\{0,8}["'][\\t\\n\\f\\r ]{0,8},[\\t\\n\\f\\r ]{0,8}\\\\{0,8}["']`;

const WHITE = '[\\t\\n\\f\\r ]';
/** Space, also as it is written in strings. */
export const SPACE = `(?:${WHITE}|\\\\{1,8}[nrt])`;
export const VALUE = '[^\\t\\n\\f\\r "\'<>\\\\`]';

export function setOf(source: string): Uint8Array {
  const expression = new RegExp(source);
  return Uint8Array.from({ length: 256 }, (_, byte) => (expression.test(String.fromCharCode(byte)) ? 1 : 0));
}

export const VALUE_BYTES = setOf(VALUE);
/** A digit, or a mark that words have not. */
export const ODD_BYTES = setOf('[0-9!#$@^*~]');

/** What may follow the word in a sentence. */
export const IN_SENTENCE = setOf('[ :\\\\<\\n\\r\\t&*|]');

/** Where the byte that follows says enough. */
export const always = (): boolean => true;

export function isDigitByte(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

export function isMixed(text: string): boolean {
  const bytes = Buffer.from(text);
  return isMixedToken(bytes, 0, bytes.length);
}

export function isUrlOrPath(text: string): boolean {
  if (/^(?:[a-z][a-z0-9+.-]{0,32}:)?\/|^\.{1,2}\//i.test(text)) return true;
  // Base64 has slashes too, but no words between them.
  const segments = text.split('/');
  return (
    segments.length > 2 &&
    segments.filter((segment) => segment.length > 2 && isWordy(segment)).length * 3 >= segments.length
  );
}
