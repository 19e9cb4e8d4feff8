/** How the value behind a name and a separator begins and ends in text of any kind. */
import {
  AMPERSAND,
  APOSTROPHE,
  BACKSLASH,
  BACKTICK,
  CARRIAGE_RETURN,
  COLON,
  GREATER_THAN,
  isBlank,
  isQuote,
  LESS_THAN,
  LINE_FEED,
  MINUS,
  OPEN_BRACE,
  OPEN_BRACKET,
  PERCENT,
  QUOTE,
} from './byte-text.js';
import { isEventLine } from './json-blank.js';

/** Letters, digits and what names are joined with. */
export const NAME = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x80 || /[\w.\-[\]$@%/]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/** `Some("…")`, as some languages print what may be missing. */
export function skipWrapper(bytes: Buffer, at: number, end: number): number {
  if (bytes[at] !== 0x53 && bytes[at] !== 0x4a) return at;
  const wrapper = /^(?:Some|Just|Secret(?:String)?)[( ]?(?=\\*["'])/.exec(
    bytes.toString('latin1', at, Math.min(end, at + 32)),
  );
  return wrapper === null ? at : at + wrapper[0].length;
}

/** Tags that say that the value is somewhere else (CloudFormation, Home Assistant, GitLab). */
const REFERENCE = /^!(?:Ref|GetAtt|ImportValue|secret|env|env_var|reference|file)\b/;

export function isReference(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0x21 && REFERENCE.test(bytes.toString('latin1', at, at + 16));
}

/** `&anchor ` and `!tag ` before a value (YAML 1.2.2 §6.9). */
export function skipMarks(bytes: Buffer, at: number, end: number): number {
  let value = at;
  for (let marks = 0; marks < 2 && (bytes[value] === AMPERSAND || bytes[value] === 0x21); marks++) {
    let stop = value + 1;
    while (
      stop < end &&
      stop - value < 64 &&
      (((NAME[bytes[stop] as number] as number) === 1 && bytes[stop] !== PERCENT) || bytes[stop] === 0x21)
    )
      stop++;
    if (stop === value + 1 || bytes[stop] !== 0x20) return value;
    value = stop + 1;
  }
  return value;
}

/** The quote on the line behind `at`, in an event behind its `data:`; `at` where there is none. */
export function nextLine(bytes: Buffer, at: number, end: number): number {
  let i = bytes[at] === CARRIAGE_RETURN ? at + 1 : at;
  if (bytes[i] !== LINE_FEED) return at;
  i++;
  if (isEventLine(bytes, i)) i += 5;
  while (i < end && i - at < 64 && isBlank(bytes[i])) i++;
  return i < end && isQuote(bytes[i]) ? i : at;
}

export function isSame(bytes: Buffer, one: number, other: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[one + i] !== bytes[other + i]) return false;
  return true;
}

/** Whether the first mark behind an identifier is one that code has there. */
function mayBeCode(bytes: Buffer, start: number, stop: number): boolean {
  let i = start;
  while (i < stop && ((NAME[bytes[i] as number] as number) === 1 || bytes[i] === MINUS) && bytes[i] !== DOT) i++;
  const mark = bytes[i];
  return i < stop && (mark === 0x28 || mark === OPEN_BRACE || mark === DOT || mark === 0x3f);
}

const DOT = 0x2e;

/** An identifier that is called, indexed or has members: code, not a value. */
export function isCode(bytes: Buffer, start: number, stop: number, end: number): boolean {
  if (stop < end && (bytes[stop] === 0x28 || bytes[stop] === OPEN_BRACKET)) return true;
  if (!mayBeCode(bytes, start, stop)) return false;
  const text = bytes.toString('latin1', start, Math.min(stop, start + 64));
  if (CODE.test(text)) return true;
  return stop - start <= 64 && MEMBER.test(text) && (MEMBER_NOUN.test(text) || text[1] === '.');
}

const CODE =
  /^(?:[A-Za-z_$][\w$]*\(|[\w-]+\{|(?:this|self|process|config|req|request|res|response|os|env|ctx|props|state|data|options|opts|args|params|body|user|event|var|local|module|each|settings|secrets)\??\.[A-Za-z_$])/;
/** `settings.apiKey`, `e.token`: members, one of which is called like what is assigned. */
const MEMBER = /^[A-Za-z_$][\w$]*(?:\??\.[A-Za-z_$][\w$]*)+(?:[,;)].*)?$/s;
const MEMBER_NOUN = /pass|pwd|token|secret|key|cred|auth|session/i;

export function isBlankThenText(bytes: Buffer, at: number, end: number): boolean {
  let i = at;
  while (i < end && isBlank(bytes[i])) i++;
  if (i >= end || bytes[i] === LINE_FEED || bytes[i] === CARRIAGE_RETURN || bytes[i] === 0x23) return false;
  return bytes[i] !== BACKSLASH && i > at;
}

export function endsBareValue(byte: number, isLine: boolean): boolean {
  if (
    byte <= 0x20 ||
    byte === QUOTE ||
    byte === APOSTROPHE ||
    byte === LESS_THAN ||
    byte === GREATER_THAN ||
    byte === BACKSLASH ||
    byte === AMPERSAND ||
    byte === BACKTICK
  )
    return true;
  if (byte === 0x7c || byte === 0x28) return true;
  return (
    !isLine &&
    (byte === 0x2c ||
      byte === 0x3b ||
      byte === 0x29 ||
      byte === 0x7d ||
      byte === 0x5d ||
      byte === 0x23 ||
      byte === 0x5b)
  );
}

export function isLineStart(bytes: Buffer, start: number, at: number): boolean {
  let i = at;
  while (i > start && at - i < 64 && (isBlank(bytes[i - 1]) || bytes[i - 1] === 0x2d)) i--;
  if (i <= start || bytes[i - 1] === LINE_FEED) return true;
  if (bytes[i - 1] === 0x6e && i - 2 >= start && bytes[i - 2] === BACKSLASH) return true;
  // The last letter of the words below.
  const last = (bytes[i - 1] as number) | 0x20;
  if (last !== 0x74 && last !== 0x76 && last >= 0x30 && last < 0x80) return false;
  const text = bytes.toString('latin1', Math.max(start, i - 8), i);
  return /(?:^|[\n;])(?:export|set|env)$/i.test(text.trimEnd());
}

export function indentOf(bytes: Buffer, start: number, end: number): number {
  let i = start;
  while (i < end && isBlank(bytes[i])) i++;
  return i - start;
}

export function hasSeparator(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === COLON && (bytes[i + 1] as number) <= 0x20) return true;
  return false;
}
