/**
 * Secrets that give themselves away by their form, wherever they stand: JSON Web Tokens, keys of clouds and other
 * services, private keys, card numbers, passwords in URLs. And the patterns a user adds.
 *
 * Every built-in pattern stops at quotes and angle brackets, so that what it finds lies within one string or element.
 */
import type RE2 from 're2';
import { compilePattern } from '../policy/pattern-set.js';
import { compileRe2 } from '../re2.js';

export interface SecretValues {
  /** RE2 source, to be used without case, that finds something in whatever `mayContain`; null where nothing does. */
  readonly hint: string | null;
  /** Whether `find` might find something. One pass at the speed of memory for most bodies. */
  mayContain(text: string | Buffer): boolean;
  /** Reports each secret as a span of bytes, in no order; spans may overlap. */
  find(bytes: Buffer, report: (start: number, end: number) => void): void;
  /** Whether a user added patterns. */
  readonly hasAdded: boolean;
  /** The same for the patterns a user added only. */
  mayContainAdded(text: string | Buffer): boolean;
  findAdded(bytes: Buffer, report: (start: number, end: number) => void): void;
}

interface SecretForm {
  /** RE2 source of what a text that holds one must contain, whatever its case; short, for it is part of the quick test. */
  hint: string;
  /** The same as plain text, where the case counts. */
  literal?: string;
  /** RE2 source; group 1, where there is one, is the secret. */
  pattern: string;
  flags?: 'i';
  /** Looks closer at a match. */
  accept?: (secret: string, bytes: Buffer, start: number, end: number) => boolean;
}

const FORMS: SecretForm[] = [
  {
    // JSON Web Token, RFC 7519: three parts (JWE: five), of which the first decodes to an object. Two where it was cut.
    hint: 'eyJ[\\w-]{4}',
    literal: 'eyJ',
    pattern: 'eyJ[A-Za-z0-9_-]{6,}\\.[A-Za-z0-9_-]{4,}(?:\\.[A-Za-z0-9_-]*)*',
    accept: (token, bytes, start) =>
      !isWordByte(bytes[start - 1]) && (token.split('.').length > 2 || headerNamesAlgorithm(token)),
  },
  {
    hint: '(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{4}',
    pattern: '\\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\\b',
  },
  {
    // 40 characters of base64 say nothing by themselves; after such a name they do. JSON may escape the slash.
    hint: 'aws|secret',
    pattern: '(?:aws|secret)[^<>]{0,40}?[^A-Za-z0-9/+]((?:[A-Za-z0-9+/]|\\\\/){40})(?:[^A-Za-z0-9/+=]|$)',
    flags: 'i',
    accept: (secret) => /\d/.test(secret) && /[a-z]/.test(secret) && /[A-Z]/.test(secret),
  },
  {
    // PEM, RFC 7468, whose line ends JSON escapes. The labels stay.
    hint: 'PRIVATE KEY',
    literal: 'PRIVATE KEY',
    pattern: 'BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----([^"<>]+?)(?:-----END|["<>]|$)',
  },
  {
    // RFC 3986 §3.2.1; JSON may escape the slashes.
    hint: ':\\\\?/\\\\?/[^\\s/@"\'<>?#\\\\]+@',
    pattern: '\\b[A-Za-z][A-Za-z0-9+.-]*:\\\\?/\\\\?/([^\\s/@"\'<>?#\\\\]+)@',
    accept: (userinfo, bytes, start) =>
      userinfo.includes(':') || /https?:\\?\/\\?\/$/i.test(bytes.toString('latin1', Math.max(0, start - 10), start)),
  },
  {
    hint: 'bearer\\s',
    pattern: '\\bbearer\\s+([\\w.~+/=-]{16,})',
    flags: 'i',
    accept: (token) => /\d/.test(token),
  },
  { hint: 'gh[pousr]_', literal: '_', pattern: '\\b(?:gh[pousr]_[A-Za-z0-9]{36,})' },
  { hint: 'github_pat_', literal: 'github_pat_', pattern: '\\b(?:github_pat_[A-Za-z0-9_]{22,})' },
  { hint: 'glpat-', literal: 'glpat-', pattern: '\\b(?:glpat-[A-Za-z0-9_-]{20,})' },
  { hint: 'xox[abeoprs]-', literal: 'xox', pattern: '\\b(?:xox[abeoprs]-[A-Za-z0-9-]{10,})' },
  { hint: 'k_live_', literal: 'k_live_', pattern: '\\b(?:[sr]k_live_[A-Za-z0-9]{16,})' },
  { hint: 'AIza', literal: 'AIza', pattern: '\\b(?:AIza[A-Za-z0-9_-]{35})' },
  { hint: 'SG\\.', literal: 'SG.', pattern: '\\b(?:SG\\.[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43})' },
  { hint: 'npm_', literal: 'npm_', pattern: '\\b(?:npm_[A-Za-z0-9]{36})' },
];

/** Digits in a row, or in the groups cards are printed in; `find` looks closer. */
const CARD_HINT = '[2-6][0-9]{3}(?:[0-9]{9}|[ +-][0-9]{4})';

export function createSecretValues(patterns: readonly string[], defaults: boolean): SecretValues {
  const added = patterns.map((pattern) => compilePattern(pattern, 'g'));
  const finders = (defaults ? FORMS : []).map((form) => ({
    ...form,
    expression: compileRe2(form.pattern, `g${form.flags ?? ''}`),
    mayMatch: compileRe2(form.hint, form.flags),
  }));
  const source = defaults ? [...FORMS.map(({ hint }) => hint), CARD_HINT].join('|') : null;
  const hint = source === null ? null : compileRe2(source, 'i');

  function mayContainAdded(text: string | Buffer): boolean {
    return added.some((expression) => {
      expression.lastIndex = 0;
      return expression.test(text);
    });
  }

  function findAdded(bytes: Buffer, report: (start: number, end: number) => void): void {
    for (const expression of added) eachMatch(expression, bytes, report);
  }

  return {
    hint: source,
    hasAdded: added.length > 0,
    mayContain: (text) => hint?.test(text) === true || mayContainAdded(text),
    mayContainAdded,
    find(bytes, report) {
      if (hint?.test(bytes)) {
        for (const { expression, accept, literal, mayMatch } of finders) {
          if (literal === undefined ? !mayMatch.test(bytes) : !bytes.includes(literal)) continue;
          eachMatch(expression, bytes, (start, end, text) => {
            if (accept === undefined || accept(text, bytes, start, end)) report(start, end);
          });
        }
        findCards(bytes, report);
      }
      findAdded(bytes, report);
    },
    findAdded,
  };
}

/** Calls back with each match, or with its first group where it has one. */
function eachMatch(expression: RE2, bytes: Buffer, found: (start: number, end: number, text: string) => void): void {
  expression.lastIndex = 0;
  for (;;) {
    const match = expression.exec(bytes) as unknown as (Buffer[] & { index: number }) | null;
    if (match === null) return;
    const whole = match[0] as Buffer;
    if (whole.length === 0) {
      expression.lastIndex = match.index + 1;
      if (match.index >= bytes.length) return;
      continue;
    }
    const group = match[1];
    if (group === undefined) {
      found(match.index, match.index + whole.length, whole.toString('latin1'));
      continue;
    }
    const start = match.index + whole.indexOf(group);
    found(start, start + group.length, group.toString('latin1'));
    // What ended this match may begin the next.
    expression.lastIndex = Math.max(start + group.length, match.index + 1);
  }
}

function headerNamesAlgorithm(token: string): boolean {
  return Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').includes('"alg"');
}

function isWordByte(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const letter = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (letter >= 0x61 && letter <= 0x7a) || byte === 0x5f || byte === 0x2d;
}

/**
 * Reports numbers of 13 to 19 digits that stand by themselves, begin and are as long as an issuer's, and pass the Luhn
 * test (ISO/IEC 7812): in a row, or in groups of 4-4-4-4 or 4-6-5 set apart by one space, dash or plus.
 */
function findCards(bytes: Buffer, report: (start: number, end: number) => void): void {
  for (let i = 0; i < bytes.length; ) {
    if (!isDigit(bytes[i])) {
      i++;
      continue;
    }
    const start = i;
    const groups: number[] = [];
    const digits: number[] = [];
    const separator = bytes[start + 4] as number;
    for (;;) {
      const groupStart = i;
      while (isDigit(bytes[i])) {
        if (digits.length <= 19) digits.push((bytes[i] as number) - 0x30);
        i++;
      }
      groups.push(i - groupStart);
      if (!isSeparator(separator) || bytes[i] !== separator || !isDigit(bytes[i + 1]) || groups.length === 4) break;
      i++;
    }
    const before = bytes[start - 1];
    if (before === 0x2e || (before !== 0x2d && isWordByte(before)) || isWordByte(bytes[i])) continue;
    if (bytes[i] === 0x2e && isDigit(bytes[i + 1])) continue;
    const grouping = groups.join('-');
    if (groups.length > 1 && grouping !== '4-4-4-4' && grouping !== '4-6-5') continue;
    if (isIssued(digits) && passesLuhn(digits)) report(start, i);
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function isSeparator(byte: number): boolean {
  return byte === 0x20 || byte === 0x2d || byte === 0x2b;
}

/** Whether an issuer has numbers of this beginning and length. Without it, every tenth long number would be a card. */
function isIssued(digits: readonly number[]): boolean {
  const { length } = digits;
  const prefix = digits.slice(0, 4).reduce((number, digit) => number * 10 + digit, 0);
  const two = Math.floor(prefix / 100);
  const three = Math.floor(prefix / 10);
  if (prefix >= 4000 && prefix <= 4999) return length === 13 || length === 16 || length === 19; // Visa
  if ((two >= 51 && two <= 55) || (prefix >= 2221 && prefix <= 2720)) return length === 16; // Mastercard
  if (two === 34 || two === 37) return length === 15; // American Express
  if (prefix === 6011 || two === 65 || (three >= 644 && three <= 649)) return length >= 16 && length <= 19; // Discover
  if ((three >= 300 && three <= 305) || two === 36 || two === 38) return length === 14; // Diners Club
  if (prefix >= 3528 && prefix <= 3589) return length === 16; // JCB
  return two === 62 && length >= 16 && length <= 19; // UnionPay
}

function passesLuhn(digits: readonly number[]): boolean {
  let sum = 0;
  for (let i = digits.length - 1, double = false; i >= 0; i--, double = !double) {
    const digit = digits[i] as number;
    sum += double ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
  }
  return sum % 10 === 0;
}
