/** What the JSON walk asks of values: whether a number is a secret, a string a document, a name or a sentence. */
import { BACKSLASH, CLOSE_BRACKET, COMMA, isSpace, MINUS, OPEN_BRACE, OPEN_BRACKET, QUOTE } from './byte-text.js';
import type { Blanks } from './json-blank.js';
import type { Frame } from './json-frames.js';
import type { NameRule } from './sensitive-names.js';
import { isSecretValue } from './value-shapes.js';

/** So many digits under the name of a token are a count, or its number in the vocabulary of a language model. */
const COUNT_DIGITS_MAX = 5;

export function isSecretNumber(rule: NameRule, bytes: Buffer, start: number, end: number): boolean {
  if (rule.value === null) return true;
  if (rule.reach === 'strings') return rule.id === 'name:password' && end - start >= 4;
  if (rule.id === 'name:token' && rule.value === 'token') return end - start > COUNT_DIGITS_MAX;
  if (rule.value === 'card') return isSecretValue('card', bytes, start, end);
  // Zeros at the beginning of a code are lost in a number.
  if (rule.value === 'code' || rule.value === 'pin')
    return end - start < 3 || isSecretValue(rule.value, bytes, start, end);
  return true;
}

/** Whether a string's content looks like the beginning of JSON or XML, perhaps after space. */
export function mayBeDocument(bytes: Buffer, start: number, end: number): boolean {
  let i = start;
  while (i < end && isSpace(bytes[i])) i++;
  return i < end && (bytes[i] === OPEN_BRACE || bytes[i] === OPEN_BRACKET || bytes[i] === 0x3c);
}

/** Whether names of headers and their values alternate in an array, and this is a name: `["Host","a","X-Api-Key","…"]`. */
export function isHeaderName(bytes: Buffer, { index, nameStart, nameEnd }: Frame, start: number, end: number): boolean {
  if (index === 0 || index % 2 !== 0 || !bytes.subarray(start, end).includes(MINUS)) return false;
  return /headers?$/i.test(bytes.latin1Slice(Math.max(nameStart, nameEnd - 16), nameEnd));
}

/** Whether one more string and the end of the array follow. */
export function isPair(bytes: Buffer, blanks: Blanks, at: number, end: number): boolean {
  let i = at;
  while (i < end && (isSpace(bytes[i]) || bytes[i] === COMMA)) i++;
  if (bytes[i] !== QUOTE) return false;
  const limit = Math.min(end, i + 512);
  for (i++; i < limit && bytes[i] !== QUOTE; i++) if (bytes[i] === BACKSLASH) i++;
  i = blanks.skip(i + 1, end);
  return bytes[i] === CLOSE_BRACKET;
}

/** Whether there are as many words as no name has: the title of an article. */
export function isSentence(bytes: Buffer, start: number, end: number): boolean {
  let blanks = 0;
  for (let i = start; i < end; i++) if (bytes[i] === 0x20) blanks++;
  return blanks > NAME_BLANKS_MAX;
}

const NAME_BLANKS_MAX = 2;

export function isLiteral(bytes: Buffer, start: number, end: number): boolean {
  const first = bytes[start];
  if (end - start > 5 || end - start < 4 || (first !== 0x74 && first !== 0x66 && first !== 0x6e)) return false;
  const word = bytes.latin1Slice(start, end);
  return word === 'true' || word === 'false' || word === 'null';
}
