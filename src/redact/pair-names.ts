/** Names that do not stand right before their separator, or not as they are: `key: string = …`, `variable "key" { default = …`, `%6bey=…`. */
import { AMPERSAND, COLON, hexValue, isBlank, PERCENT } from './byte-text.js';
import { NAME } from './pair-values.js';
import type { RedactionContext } from './redaction-context.js';
import type { NameRule } from './sensitive-names.js';

/** What of a name is looked at. */
export const NAME_BYTES_MAX = 128;

export interface Name {
  start: number;
  end: number;
  isQuoted: boolean;
}

/** `const key: string = …`: what stands before the type is the name. */
export function typedRule(bytes: Buffer, start: number, name: Name, context: RedactionContext): NameRule | null {
  let i = name.start;
  const typed = typedInWords(bytes, start, name, context);
  if (typed !== null) return typed;
  // `key: &str = …`
  while (i > start && name.start - i < 4 && (isBlank(bytes[i - 1]) || bytes[i - 1] === AMPERSAND)) i--;
  if (name.isQuoted || i === start || bytes[i - 1] !== COLON) return null;
  let stop = i - 1;
  while (
    stop > start &&
    (bytes[stop - 1] === 0x3f || bytes[stop - 1] === 0x21 || isBlank(bytes[stop - 1])) &&
    i - stop < 8
  )
    stop--;
  let first = stop;
  const limit = Math.max(start, stop - NAME_BYTES_MAX);
  while (first > limit && (NAME[bytes[first - 1] as number] as number) === 1) first--;
  return context.names.of('field', bytes, first, stop);
}

/** `Dim key As String = …`: of Basic's types that one alone holds text. */
function typedInWords(bytes: Buffer, start: number, name: Name, context: RedactionContext): NameRule | null {
  if (name.isQuoted || name.end - name.start !== 6 || name.start - start < 5 || !isBehindAs(bytes, name.start))
    return null;
  const match = /([\w$]{1,64}) {1,4}As {1,4}String$/i.exec(
    bytes.latin1Slice(Math.max(start, name.start - 80), name.end),
  );
  if (match === null) return null;
  const stop = Math.max(start, name.start - 80) + match.index + (match[1] as string).length;
  return context.names.of('field', bytes, stop - (match[1] as string).replace(/^.*[^\w]/, '').length, stop);
}

function isBehindAs(bytes: Buffer, at: number): boolean {
  let i = at - 1;
  while (i > at - 5 && bytes[i] === 0x20) i--;
  return i < at - 1 && ((bytes[i] as number) | 0x20) === 0x73 && ((bytes[i - 1] as number) | 0x20) === 0x61;
}

/** How far before its default a variable's name is looked for. */
const VARIABLE_BYTES_MAX = 512;

/** `variable "db_password" { default = "…" }` (Terraform): the block's name is that of its default. */
export function variableRule(bytes: Buffer, start: number, name: Name, context: RedactionContext): NameRule | null {
  if (name.end - name.start !== 7 || bytes.latin1Slice(name.start, name.end) !== 'default') return null;
  const from = Math.max(start, name.start - VARIABLE_BYTES_MAX);
  const before = bytes.latin1Slice(from, name.start);
  const at = before.lastIndexOf('variable ');
  if (at < 0 || before.includes('}', at)) return null;
  const variable = /^variable {1,4}\\{0,8}"([\w-]{1,128})\\{0,8}"\s{0,8}\{/.exec(before.slice(at))?.[1];
  return variable === undefined ? null : context.names.ofText('field', variable);
}

/** A name without its escapes is written here, and a zero behind it. */
const UNDONE = Buffer.alloc(NAME_BYTES_MAX + 1);

/** The rule for a name that is percent-encoded once or twice. */
export function encodedRule(
  bytes: Buffer,
  { start, end }: Name,
  place: 'query' | 'field',
  { names }: RedactionContext,
): NameRule | null {
  let length = undo(bytes, start, end);
  let all = 0;
  for (let i = 0; i < length; i++) {
    all |= UNDONE[i] as number;
    if (UNDONE[i] !== PERCENT) continue;
    length = undo(UNDONE, 0, length);
    for (i++; i < length; i++) all |= UNDONE[i] as number;
  }
  // What is beyond ASCII is a character each.
  return all >= 0x80 ? names.ofText(place, UNDONE.latin1Slice(0, length)) : names.of(place, UNDONE, 0, length);
}

/** Writes a name with `%70`, and what else stands for ASCII, undone; returns how long it is. It may be its own source. */
function undo(bytes: Buffer, start: number, end: number): number {
  let length = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    const high = byte === PERCENT && i + 2 < end ? hexValue(bytes[i + 1]) : -1;
    const low = high >= 0 && high < 8 ? hexValue(bytes[i + 2]) : -1;
    if (low >= 0) i += 2;
    UNDONE[length++] = low >= 0 ? high * 16 + low : byte;
  }
  UNDONE[length] = 0;
  return length;
}

/** No further than the name: what is met once a pair must not look at the rest of the text. */
export function hasPercent(bytes: Buffer, { start, end }: Name): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === 0x25) return true;
  return false;
}
