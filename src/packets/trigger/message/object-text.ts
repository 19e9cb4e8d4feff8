/**
 * The entries of a JSON object as they were written, for a reader that is as strict as the one messages were made for.
 *
 * in: the text of a message (RFC 8259) · out: names with the text of their values, in order and with repeats · pure
 *
 * `JSON.parse` cannot do: of a repeated name it keeps only the last value, though an earlier one of a wrong type has to
 * refuse the message, and it takes `10.0` for an integer. It does check the syntax, so that the walk here need not.
 */

/** `value` is JSON in itself. */
export interface ObjectEntry {
  readonly name: string;
  readonly value: string;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/** @throws SyntaxError where the text is not JSON, or no object; `null` is an object without entries */
export function objectEntries(text: string): ObjectEntry[] {
  const value: unknown = JSON.parse(text);
  if (value === null) return [];
  if (typeof value !== 'object' || Array.isArray(value)) throw new SyntaxError('it is not an object');
  const entries: ObjectEntry[] = [];
  const end = text.lastIndexOf('}');
  for (let at = text.indexOf('{') + 1; at < end; ) {
    const opening = text.indexOf('"', at);
    if (opening < 0 || opening >= end) break; // an object without entries
    const closing = endOfString(text, opening);
    const from = text.indexOf(':', closing) + 1;
    const to = endOfValue(text, from, end);
    entries.push({ name: JSON.parse(text.slice(opening, closing)), value: text.slice(from, to).trim() });
    at = to + 1;
  }
  return entries;
}

/** Behind the quote that closes the string that begins at `at`. */
function endOfString(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) i++;
    else if (code === QUOTE) return i + 1;
  }
  return text.length;
}

/** Where the comma behind a value is, or the object's end. */
function endOfValue(text: string, from: number, end: number): number {
  let depth = 0;
  for (let i = from; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i) - 1;
    // Brackets and braces differ in one bit.
    else if ((code & ~0x20) === 0x5b) depth++;
    else if ((code & ~0x20) === 0x5d) depth--;
    else if (code === COMMA && depth === 0) return i;
  }
  return end;
}
