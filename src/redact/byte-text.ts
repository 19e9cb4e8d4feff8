/** What the walkers ask of single bytes. */

export const QUOTE = 0x22;
export const APOSTROPHE = 0x27;
export const BACKTICK = 0x60;
export const BACKSLASH = 0x5c;
export const AMPERSAND = 0x26;
export const EQUALS = 0x3d;
export const COLON = 0x3a;
export const PERCENT = 0x25;
export const PLUS = 0x2b;
export const LINE_FEED = 0x0a;
export const CARRIAGE_RETURN = 0x0d;
export const LESS_THAN = 0x3c;
export const GREATER_THAN = 0x3e;
export const SLASH = 0x2f;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;
export const OPEN_BRACKET = 0x5b;
export const CLOSE_BRACKET = 0x5d;
export const COMMA = 0x2c;
export const MINUS = 0x2d;

/** The first byte of `：` and `＝`, which separate as their narrow likes do, and the last of the former. */
export const WIDE = 0xef;
export const WIDE_COLON_END = 0x9a;

export function isWideSeparator(bytes: Buffer, at: number): boolean {
  return bytes[at] === WIDE && bytes[at + 1] === 0xbc && (bytes[at + 2] === WIDE_COLON_END || bytes[at + 2] === 0x9d);
}

export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === 0x09;
}

export function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09;
}

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

export function isLetter(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const letter = byte | 0x20;
  return (letter >= 0x61 && letter <= 0x7a && byte < 0x80) || byte >= 0x80;
}

export function isQuote(byte: number | undefined): boolean {
  return byte === QUOTE || byte === APOSTROPHE || byte === BACKTICK;
}

export function hexValue(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
