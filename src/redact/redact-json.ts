/**
 * Finds what must not leave in JSON (RFC 8259) without building a value from it: one walk over the tokens, so that
 * every byte outside a redacted value stays as it was, numbers keep their digits, and a body cut short is no obstacle.
 *
 *     string → "REDACTED" · number → 0 · true, false, null and "" stay: there is nothing to hide in them
 *
 * The walk is lenient, for what is sent as JSON: lines of JSON, server-sent events, comments, names and strings in
 * other quotes or none. It asks only what a name is and which value follows it.
 */
import { DECODED_BYTES_MAX, decodedView, type Edits, type View } from './edits.js';
import { type SensitiveNames, Sensitivity } from './sensitive-names.js';

export interface Span {
  start: number;
  end: number;
}

export interface JsonContext {
  names: SensitiveNames;
  /** Spans of the view found by value, ascending. */
  found: readonly Span[];
  /** The JSON is in the midst of other text: a string ends with its line, a bare word is prose. */
  inProse: boolean;
  /** Redacts a document inside a string. */
  redactDocument(view: View): void;
  /** Whether a document in a string too large to be decoded may hold a secret. */
  mayHoldSecret(bytes: Buffer): boolean;
}

export function redactJson(view: View, edits: Edits, context: JsonContext): void {
  const { bytes } = view;
  const { length } = bytes;
  const { names, found, inProse } = context;
  let depth = 0;
  /** Sensitivity of the name last read, for the value that follows. */
  let pending: Sensitivity = Sensitivity.none;
  /** Depth of the outermost container all of which is secret, or 0. */
  let deepDepth = 0;
  /** Depth and sensitivity of the array whose own elements are secret, or 0. */
  let listDepth = 0;
  let listSensitivity: Sensitivity = Sensitivity.none;
  let nextFound = 0;
  /** The last byte read that is neither space nor part of a token. */
  let mark = 0;

  function sensitivity(): Sensitivity {
    if (deepDepth > 0) return Sensitivity.deep;
    return pending === Sensitivity.none && depth > 0 && depth === listDepth ? listSensitivity : pending;
  }

  /** Calls back with what of the token from `start` to `end` was found by value. */
  function eachFound(start: number, end: number, redact: (from: number, to: number) => void): void {
    while (nextFound < found.length && (found[nextFound] as Span).end <= start) nextFound++;
    for (let i = nextFound; i < found.length && (found[i] as Span).start < end; i++) {
      const span = found[i] as Span;
      if (span.end > start) redact(Math.max(start, span.start), Math.min(end, span.end));
    }
  }

  function redactFoundInString(start: number, end: number): void {
    if (nextFound === found.length) return;
    eachFound(start, end, (from, to) => {
      // Half an escape would break the string.
      if (isInEscape(bytes, start, from) || isInEscape(bytes, start, to)) edits.text(view, start, end);
      else edits.text(view, from, to);
    });
  }

  /** Reads the string with the content from `start` to `end`; returns where to go on. */
  function readString(start: number, end: number, hasEscapes: boolean, hasMarks: boolean): number {
    const after = Math.min(end + 1, length);
    const colon = skipSpace(bytes, after);
    if (end < length && bytes[colon] === COLON) {
      if (hasEscapes) pending = names.field(unescaped(view, start, end).bytes.toString());
      else
        pending = names.mayBeField(bytes, start, end)
          ? names.field(bytes.toString('utf8', start, end))
          : Sensitivity.none;
      redactFoundInString(start, end);
      return colon + 1;
    }
    if (sensitivity() !== Sensitivity.none) {
      edits.text(view, start, end);
    } else {
      if (mayHoldDocument(bytes, start, end) || (hasMarks && mayHidePairs(bytes, start, end))) redactInside(start, end);
      redactFoundInString(start, end);
    }
    pending = Sensitivity.none;
    return after;
  }

  function redactInside(start: number, end: number): void {
    if (end - start <= DECODED_BYTES_MAX) context.redactDocument(unescaped(view, start, end));
    else if (context.mayHoldSecret(bytes.subarray(start, end))) edits.text(view, start, end);
  }

  function readQuoted(start: number, quote: number): number {
    let end = start;
    let hasEscapes = false;
    let hasApostrophe = false;
    for (; end < length; end++) {
      const byte = bytes[end];
      if (byte === quote) break;
      if (inProse && byte === LINE_FEED) return start;
      if (byte === BACKSLASH) {
        hasEscapes = true;
        end++;
      } else if (byte === APOSTROPHE) {
        hasApostrophe = true;
      }
    }
    return readString(start, Math.min(end, length), hasEscapes, hasEscapes || hasApostrophe);
  }

  function readNumber(start: number): number {
    let end = start + 1;
    while (isNumberByte(bytes[end])) end++;
    if (sensitivity() >= Sensitivity.scalars) edits.number(view, start, end);
    else if (nextFound < found.length) eachFound(start, end, () => edits.number(view, start, end));
    pending = Sensitivity.none;
    return end;
  }

  function readWord(start: number): number {
    let end = start + 1;
    while (isWordByte(bytes[end]) || isDigit(bytes[end])) end++;
    const colon = skipSpace(bytes, end);
    if (bytes[colon] === COLON) {
      // In prose only a quoted value is one: "password: must be long" is advice.
      const isName = !inProse || isQuote(bytes[skipSpace(bytes, colon + 1)]);
      pending = isName ? names.field(bytes.toString('utf8', start, end)) : Sensitivity.none;
      eachFound(start, end, (from, to) => edits.text(view, from, to));
      return colon + 1;
    }
    if (!isLiteral(bytes, start, end)) {
      if (!inProse && sensitivity() !== Sensitivity.none) edits.text(view, start, end);
      eachFound(start, end, (from, to) => edits.text(view, from, to));
    }
    pending = Sensitivity.none;
    return end;
  }

  function open(isArray: boolean): void {
    const inside = sensitivity();
    depth++;
    if (inside === Sensitivity.deep) {
      if (deepDepth === 0) deepDepth = depth;
    } else if (inside !== Sensitivity.none && isArray) {
      listDepth = depth;
      listSensitivity = inside;
    }
    pending = Sensitivity.none;
  }

  function close(): void {
    if (depth === deepDepth) deepDepth = 0;
    if (depth === listDepth) listDepth = 0;
    if (depth > 0) depth--;
    pending = Sensitivity.none;
  }

  for (let i = 0; i < length; ) {
    const byte = bytes[i] as number;
    if (byte === QUOTE || (byte === APOSTROPHE && (inProse ? pending !== Sensitivity.none : mayStartValue(mark)))) {
      i = readQuoted(i + 1, byte);
      mark = bytes[i - 1] === COLON ? COLON : QUOTE;
    } else if (isDigit(byte) || (byte === MINUS && isDigit(bytes[i + 1]))) {
      i = readNumber(i);
    } else if (isWordByte(byte)) {
      i = readWord(i);
      mark = bytes[i - 1] === COLON ? COLON : byte;
    } else {
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) open(byte === OPEN_BRACKET);
      else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) close();
      else if (byte === COMMA) pending = Sensitivity.none;
      if (!isSpace(byte)) mark = byte;
      i++;
    }
  }
}

/** The content of a JSON string with its escapes undone (RFC 8259 §7), as UTF-8. */
function unescaped(view: View, start: number, end: number): View {
  return decodedView(view, start, end, (bytes, from, to, copy, push) => {
    for (let i = from; i < to; ) {
      const found = bytes.indexOf(BACKSLASH, i);
      if (found < 0 || found >= to - 1) return copy(i, to);
      copy(i, found);
      const next = bytes[found + 1] as number;
      if (next !== LETTER_U) {
        push(SHORT_ESCAPES.get(next) ?? next, found);
        i = found + 2;
        continue;
      }
      const digits = bytes.toString('latin1', found, Math.min(to, found + 12));
      const size = /^\\u[dD][89abAB]..\\u[dD][c-fC-F]../.test(digits) ? 12 : 6;
      const units = digits.slice(0, size).match(/(?<=\\u)[0-9a-fA-F]{4}/g) ?? [];
      const text = String.fromCharCode(...units.map((unit) => Number.parseInt(unit, 16)));
      for (const decoded of Buffer.from(text)) push(decoded, found);
      i = found + size;
    }
  });
}

const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const COMMA = 0x2c;
const MINUS = 0x2d;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LETTER_U = 0x75;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const LINE_FEED = 0x0a;

const SHORT_ESCAPES = new Map<number, number>([
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
]);

/** Whether a string's content looks like the beginning of JSON or XML, perhaps after space, perhaps escaped. */
function mayHoldDocument(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET || byte === 0x3c /* < */) return true;
    if (byte === BACKSLASH) {
      if (bytes[i + 1] === LETTER_U) return /^(?:7b|5b|3c)$/i.test(bytes.toString('latin1', i + 4, i + 6));
      if (!isSpace(SHORT_ESCAPES.get(bytes[++i] as number))) return false;
    } else if (!isSpace(byte)) {
      return false;
    }
  }
  return false;
}

/** Whether the string has quotes in it, as code and queries do, or plain characters written as escapes. */
function mayHidePairs(bytes: Buffer, start: number, end: number): boolean {
  const content = bytes.subarray(start, end);
  return content.includes('\\"') || content.includes('\\u00') || content.includes(": '");
}

/** Whether `at` is inside an escape of the string that begins at `start`, so that a cut there would break it. */
function isInEscape(bytes: Buffer, start: number, at: number): boolean {
  for (let i = at - 1; i >= start && i > at - 6; i--) {
    if (bytes[i] !== BACKSLASH) continue;
    let run = i;
    while (run > start && bytes[run - 1] === BACKSLASH) run--;
    // A backslash after an odd number of them is escaped itself.
    if ((i - run) % 2 === 0) return at < i + (bytes[i + 1] === LETTER_U ? 6 : 2);
  }
  return false;
}

function skipSpace(bytes: Buffer, start: number): number {
  let i = start;
  while (isSpace(bytes[i])) i++;
  return i;
}

function mayStartValue(mark: number): boolean {
  return mark === 0 || mark === COLON || mark === COMMA || mark === OPEN_BRACE || mark === OPEN_BRACKET;
}

function isLiteral(bytes: Buffer, start: number, end: number): boolean {
  if (end - start > 5) return false;
  const word = bytes.toString('latin1', start, end);
  return word === 'true' || word === 'false' || word === 'null';
}

function isQuote(byte: number | undefined): boolean {
  return byte === QUOTE || byte === APOSTROPHE;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function isNumberByte(byte: number | undefined): boolean {
  return isDigit(byte) || byte === 0x2e || byte === 0x2b || byte === 0x2d || byte === 0x65 || byte === 0x45;
}

function isWordByte(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const letter = byte | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || byte === 0x5f || byte === 0x24 || byte >= 0x80;
}
