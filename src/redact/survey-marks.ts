/** What the survey asks of the bytes around a mark or the end of a name: each answer reads a bounded number of them. */
import {
  BACKSLASH,
  COLON,
  EQUALS,
  isBlank,
  isDigit,
  isQuote,
  isWideSeparator,
  MINUS,
  PERCENT,
  SLASH,
  WIDE,
} from './byte-text.js';
import { LETTER_OF, OTHER_ENDS } from './word-ends.js';

/** Whether after the end of a name, and what may close it, a separator follows: no byte is read twice, as long as the ends ascend. */
export class SeparatorAhead {
  #from = 0;
  /** Where it was decided. */
  #stop = -1;
  #isAhead = false;

  forget(): void {
    this.#from = 0;
    this.#stop = -1;
  }

  isAt(bytes: Buffer, end: number): boolean {
    if (end >= this.#from && end <= this.#stop) return this.#isAhead;
    let i = end;
    let isAhead = false;
    for (; i < bytes.length; i++) {
      const byte = bytes[i] as number;
      isAhead =
        byte === COLON ||
        byte === EQUALS ||
        byte === 0x3e ||
        byte === 0x26 ||
        byte === PERCENT ||
        (byte === 0x3c && bytes[i + 1] === 0x2d) ||
        (byte === WIDE && isWideSeparator(bytes, i));
      if (isAhead || (byte < 0x20 && !isBlank(byte)) || (LETTER_OF[byte] as number) > 0) break;
    }
    this.#from = end;
    this.#stop = i;
    this.#isAhead = isAhead;
    return isAhead;
  }
}

/** Whether before the name that begins at `start`, and the quote that opens it, a separator stands: `name="password"`. */
export function isBehindSeparator(bytes: Buffer, start: number): boolean {
  let i = start - 1;
  if (isQuote(bytes[i])) i--;
  const limit = start - BLANKS_MAX;
  while (i >= limit && (isBlank(bytes[i]) || bytes[i] === BACKSLASH)) i--;
  return i >= 0 && (bytes[i] === COLON || bytes[i] === EQUALS || bytes[i] === 0x3b);
}

/** How far before a name a separator is looked for. */
const BLANKS_MAX = 128;

const USERINFO: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[^\t\n\f\r /@"'<>?#\\]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/** The colon of the `://` behind which nothing but a user and a password stand before the `@` at `at`; 0 where there is none. */
export function userinfoColon(bytes: Buffer, at: number): number {
  let i = at - 1;
  while (i > 0 && (USERINFO[bytes[i] as number] as number) === 1) i--;
  if (i === at - 1) return 0;
  for (let slashes = 0; slashes < 2; slashes++) {
    if (i < 1 || bytes[i--] !== SLASH) return 0;
    while (i > 0 && bytes[i] === BACKSLASH) i--;
  }
  return bytes[i] === COLON ? i : 0;
}

/** Where the user's name and password end behind the `://` whose colon is at `colon`, and where they begin. */
export function userinfoOf(bytes: Buffer, colon: number): { start: number; end: number } {
  let start = colon + 1;
  for (let slashes = 0; slashes < 2; slashes++) while (bytes[start++] !== SLASH);
  let end = start;
  while (end < bytes.length && (USERINFO[bytes[end] as number] as number) === 1) end++;
  return { start, end };
}

const FIELD: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[^\t\n\f\r :"']/.test(String.fromCharCode(byte)) ? 1 : 0,
);
const FIELD_BYTES_MAX = 256;

/** Where the field at `at` ends: of a line `host:port:database:user:password`. */
export function fieldEnd(bytes: Buffer, at: number): number {
  const limit = Math.min(bytes.length, at + FIELD_BYTES_MAX);
  let end = at;
  while (end < limit && (FIELD[bytes[end] as number] as number) === 1) end++;
  return end;
}

/** Whether a port and two more fields follow the colon. */
export function mayBePasswordLine(bytes: Buffer, colon: number): boolean {
  let at = colon;
  for (let field = 0; field < 3; field++) {
    const end = fieldEnd(bytes, at + 1);
    if (end === at + 1 || bytes[end] !== COLON || (field === 0 && end - at > 8)) return false;
    at = end;
  }
  return true;
}

/** `$2b$`: the name of a scheme between two of them. */
export function mayBeHash(bytes: Buffer, at: number): boolean {
  const limit = Math.min(bytes.length, at + 24);
  for (let i = at + 1; i < limit; i++) {
    const byte = bytes[i] as number;
    if (byte === 0x24) return i > at + 1;
    if ((LETTER_OF[byte] as number) === 0 && !isDigit(byte) && byte !== 0x2d && byte !== 0x5f) return false;
  }
  return false;
}

/** `@tcp(`, `@unix(`, `@//`. */
export function isDriver(bytes: Buffer, at: number): boolean {
  const byte = bytes[at];
  if (byte === 0x74 || byte === 0x75)
    return /^(?:tcp|unix)\($/.test(bytes.toString('latin1', at, at + (byte === 0x74 ? 4 : 5)));
  let i = at;
  for (let slashes = 0; slashes < 2; slashes++) {
    while (i - at < 64 && bytes[i] === BACKSLASH) i++;
    if (bytes[i++] !== SLASH) return false;
  }
  return true;
}

/** `\8` stands for `8`, so that what it divides is one. */
export function isOddEscape(next: number): boolean {
  return (
    next >= 0x20 &&
    next < 0x7f &&
    (LETTER_OF[next] as number) === 0 &&
    !isQuote(next) &&
    next !== SLASH &&
    next !== BACKSLASH
  );
}

export function isAlnumRun(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++)
    if ((LETTER_OF[bytes[i] as number] as number) === 0 && !isDigit(bytes[i])) return false;
  return true;
}

/** What no letter is, and may belong to a name in quotes all the same. */
const IN_ARGUMENT: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[\d_. -]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/** Whether behind a name in quotes a comma and another quote follow, as in a call: what closes the quotes is looked for once. */
export class ArgumentAhead {
  #from = 0;
  #stop = -1;

  forget(): void {
    this.#from = 0;
    this.#stop = -1;
  }

  isAt(bytes: Buffer, end: number): boolean {
    const limit = Math.min(bytes.length, end + 64);
    let i = this.#quoteEnd(bytes, end, limit);
    if (i < limit && !isQuote(bytes[i]) && bytes[i] !== BACKSLASH) return false;
    while (i < limit && (isQuote(bytes[i]) || bytes[i] === BACKSLASH)) i++;
    while (i < limit && (bytes[i] as number) <= 0x20) i++;
    // `;s:7:` in what PHP serializes.
    if (bytes[i] === 0x3b && bytes[i + 1] === 0x73 && bytes[i + 2] === COLON) return true;
    if (bytes[i++] !== 0x2c) return false;
    while (i < limit && ((bytes[i] as number) <= 0x20 || bytes[i] === BACKSLASH)) i++;
    return isQuote(bytes[i]);
  }

  /** Where from `end` on something else is than what may be part of a name, if that is before `limit`; else `limit`. */
  #quoteEnd(bytes: Buffer, end: number, limit: number): number {
    let i = end >= this.#from && end <= this.#stop ? this.#stop : end;
    if (i === end || i < limit) {
      while (i < limit && (IN_ARGUMENT[bytes[i] as number] as number) === 1) i++;
      if (!(end >= this.#from && end <= this.#stop)) this.#from = end;
      this.#stop = i;
    }
    return Math.min(i, limit);
  }
}

/** Whether behind a name, and perhaps what closes it, a quote stands with nothing but space, `(`, `||` or `??` between. */
export function isBesideQuote(bytes: Buffer, end: number): boolean {
  let i = end;
  while (i < end + 2 && (isQuote(bytes[i]) || bytes[i] === 0x5d || bytes[i] === 0x29)) i++;
  const closed = i;
  while (i < closed + 4 && isBlank(bytes[i])) i++;
  const mark = bytes[i];
  if (mark === 0x28) i++;
  else if ((mark === 0x7c || mark === 0x3f) && bytes[i + 1] === mark) i += 2;
  if (i === closed) return false;
  const limit = i + 12;
  while (i < limit && (isBlank(bytes[i]) || bytes[i] === BACKSLASH)) i++;
  return isQuote(bytes[i]);
}

/** ` -u`, ` -U`, ` --user`, ` --proxy-user`. */
export function isUserOption(bytes: Buffer, at: number): boolean {
  const next = bytes[at + 1];
  if (next !== 0x75 && next !== 0x55 && next !== MINUS) return false;
  if (!isSpaceBefore(bytes, at) && !isArgument(bytes, at)) return false;
  if (next !== MINUS) return true;
  const name = bytes[at + 2];
  return name === 0x75 || name === 0x70;
}

/** Whether at `at` a string begins that follows another in a list: `,"-p…"`. */
export function isArgument(bytes: Buffer, at: number): boolean {
  if (!isQuote(bytes[at - 1])) return false;
  let i = at - 2;
  const limit = Math.max(0, at - 24);
  while (i > limit && (bytes[i] === BACKSLASH || (bytes[i] as number) <= 0x20)) i--;
  return bytes[i] === 0x2c || bytes[i] === 0x5b;
}

/** Letters that passwords follow: `-a`, `-p`, `-P`, `-w`, `-k`, `-K`. */
export function isPasswordLetter(byte: number): boolean {
  return byte === 0x61 || byte === 0x70 || byte === 0x50 || byte === 0x77 || byte === 0x6b || byte === 0x4b;
}

/** `TRUE` or `FALSE` and a tab, as the second column of a file of cookies has them. */
export function isJarFlag(bytes: Buffer, at: number): boolean {
  const first = bytes[at];
  if (first !== 0x54 && first !== 0x46) return false;
  return /^(?:TRUE|FALSE)(?:\t|\\{1,8}t)/.test(bytes.toString('latin1', at, at + 14));
}

/** ` As String` behind a name, as Basic has it. */
export function isBeforeType(bytes: Buffer, end: number): boolean {
  return (
    bytes[end] === 0x20 &&
    ((bytes[end + 1] as number) | 0x20) === 0x61 &&
    ((bytes[end + 2] as number) | 0x20) === 0x73 &&
    bytes[end + 3] === 0x20
  );
}

/** `" {` behind a name, as Terraform's variables have it. */
export function isBeforeBlock(bytes: Buffer, end: number): boolean {
  let i = end;
  while (i < end + 8 && bytes[i] === BACKSLASH) i++;
  if (bytes[i] !== 0x22) return false;
  i++;
  while (i < end + 16 && isBlank(bytes[i])) i++;
  return bytes[i] === 0x7b;
}

/** Whether a quote opens right before `at`, as in a list of arguments: `["--password", …]`. */
export function isFirstInQuotes(bytes: Buffer, at: number): boolean {
  return isQuote(bytes[at - 1]);
}

export function isSpaceBefore(bytes: Buffer, at: number): boolean {
  const before = bytes[at - 1] ?? 0;
  if (before === 0x20 || before === 0x0a || before === 0x0d || before === 0x09 || before === 0x0c) return true;
  return (before === 0x6e || before === 0x72 || before === 0x74) && bytes[at - 2] === BACKSLASH;
}

export function isSpaceOrEscape(byte: number | undefined): boolean {
  return byte === 0x20 || byte === BACKSLASH || byte === 0x0a || byte === 0x0d || byte === 0x09 || byte === 0x0c;
}

/** What of the name of an option is looked at. */
export const OPTION_BYTES_MAX = 128;

/** Whether a letter with an accent, or one of full width, is among the bytes. */
export function mayFold(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if ((byte >= 0xc3 && byte <= 0xc9) || byte === 0xe1 || byte === 0xef || byte === 0xf0) return true;
  }
  return false;
}

/** Whether a name in another script may end among the bytes: punctuation of any kind may follow. */
export function mayEndOther(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start + 1; i < end; i++)
    if (OTHER_ENDS.has(((bytes[i - 1] as number) << 8) | (bytes[i] as number))) return true;
  return false;
}
