/**
 * Finds names with their values in text of any kind: `password=…`, `"token": "…"`, `api_key: …` on a line of its own,
 * `'password' => '…'`, `<password>…</password>` inside a text, `&quot;token&quot;:&quot;…&quot;`. Quotes may be escaped
 * any number of times, so that code, logs, command lines and JSON inside strings need no parser of their own.
 *
 * One pass: a separator is met, the name before it is judged by how it ends, and only a secret's name costs more.
 */
import {
  AMPERSAND,
  BACKSLASH,
  CARRIAGE_RETURN,
  CLOSE_BRACKET,
  COLON,
  EQUALS,
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
import type { View } from './edits.js';
import { encodedRule, hasPercent, NAME_BYTES_MAX, type Name, typedRule, variableRule } from './pair-names.js';
import {
  endsBareValue,
  hasSeparator,
  indentOf,
  isBlankThenText,
  isCode,
  isLineStart,
  isSame,
  NAME,
  nextLine,
  skipMarks,
  skipWrapper,
} from './pair-values.js';
import { closingQuote, entityBefore, quoteAt } from './quotes.js';
import { redactContainer } from './redact-container.js';
import type { RedactionContext } from './redaction-context.js';
import { readEncoded } from './scan-encoded.js';
import type { NameRule } from './sensitive-names.js';
import { isMixedToken, isSecretValue } from './value-shapes.js';

/** What separates a name from its value, or begins a tag. */
const SEPARATES = new Uint8Array(256);
for (const byte of [COLON, EQUALS, LESS_THAN, GREATER_THAN, AMPERSAND, PERCENT]) SEPARATES[byte] = 1;

export function scanPairs(view: View, start: number, end: number, context: RedactionContext): void {
  const { bytes } = view;
  let first = start;
  while (first < end && (SEPARATES[bytes[first] as number] as number) === 0) first++;
  if (first === end) return;
  const name: Name = { start: 0, end: 0, isQuoted: false };
  const named: Named = { rule: null, until: 0 };
  for (let i = first; i < end; ) {
    const byte = bytes[i] as number;
    if ((SEPARATES[byte] as number) === 0) {
      i++;
      continue;
    }
    // `password -> x`, `password <- x`
    if ((byte === GREATER_THAN && bytes[i - 1] === MINUS) || (byte === LESS_THAN && bytes[i + 1] === MINUS)) {
      const arrow = byte === LESS_THAN ? i : i - 1;
      const behind = arrow + 2;
      // Without space it leads to a member: `token->value`.
      i =
        arrow > start && isBlank(bytes[behind]) && readName(bytes, start, arrow, name)
          ? readPair({ view, start, end, context }, name, behind, named)
          : behind;
      continue;
    }
    if (byte === GREATER_THAN) {
      i++;
      continue;
    }
    if (byte === LESS_THAN || byte === AMPERSAND) {
      i = readTag(view, i, end, context);
      continue;
    }
    if (byte === PERCENT) {
      i = readEncoded(view, { start, at: i, end }, context);
      continue;
    }
    const after = afterSeparator(bytes, i, end);
    if (after === 0) {
      i = skipOperator(bytes, i, end);
      continue;
    }
    i = readName(bytes, start, i, name) ? readPair({ view, start, end, context }, name, after, named) : after;
  }
}

/** Where the value may begin, or 0 where the byte at `at` is part of an operator. */
function afterSeparator(bytes: Buffer, at: number, end: number): number {
  const next = at + 1 < end ? (bytes[at + 1] as number) : 0;
  if (bytes[at] === COLON) return next === EQUALS ? at + 2 : next === COLON || next === 0x2f ? 0 : at + 1;
  if (next === EQUALS || next === 0x7e) return 0;
  const before = at > 0 ? (bytes[at - 1] as number) : 0;
  if (before === 0x21 || before === LESS_THAN || before === GREATER_THAN) return 0;
  return next === GREATER_THAN ? at + 2 : at + 1;
}

function skipOperator(bytes: Buffer, at: number, end: number): number {
  let i = at + 1;
  while (i < end && (bytes[i] === EQUALS || bytes[i] === COLON)) i++;
  return i;
}

/** Finds the name that ends before the separator at `at`. */
function readName(bytes: Buffer, start: number, at: number, name: Name): boolean {
  let end = at;
  while (end > start && at - end < 8 && isBlank(bytes[end - 1])) end--;
  // `||=`, `??=`
  if (
    end === at &&
    end - 2 > start &&
    (bytes[end - 1] === 0x7c || bytes[end - 1] === 0x3f) &&
    bytes[end - 2] === bytes[end - 1]
  ) {
    end -= 2;
    while (end > start && at - end < 8 && isBlank(bytes[end - 1])) end--;
  }
  if (end === start) return false;
  // `settings["api_key"] = …`
  if (bytes[end - 1] === CLOSE_BRACKET && end - 2 > start && isQuote(bytes[end - 2])) end--;
  const last = bytes[end - 1] as number;
  const entity = last === 0x3b ? entityBefore(bytes, start, end) : 0;
  const limit = Math.max(start, end - NAME_BYTES_MAX);
  name.isQuoted = isQuote(last) || entity > 0;
  if (name.isQuoted) {
    let stop = end - (entity || 1);
    while (stop > start && bytes[stop - 1] === BACKSLASH) stop--;
    let first = stop;
    while (
      first > limit &&
      !isQuote(bytes[first - 1]) &&
      bytes[first - 1] !== LINE_FEED &&
      !(entity > 0 && bytes[first - 1] === 0x3b)
    )
      first--;
    name.start = first;
    name.end = stop;
    return first < stop;
  }
  let first = end;
  while (first > limit && (NAME[bytes[first - 1] as number] as number) === 1) first--;
  name.start = first;
  name.end = end;
  // `Api key: …`
  return first < end;
}

interface Text {
  readonly view: View;
  readonly start: number;
  readonly end: number;
  readonly context: RedactionContext;
}

/** What `name: DB_PASSWORD` says of a `value:` that follows it soon. */
interface Named {
  rule: NameRule | null;
  until: number;
}

/** Judges the pair; returns where to go on. */
function readPair(text: Text, name: Name, after: number, named: Named): number {
  const { view, start, end, context } = text;
  const { bytes } = view;
  const before = name.start > start ? (bytes[name.start - 1] as number) : 0;
  const isParameter =
    before === 0x3f || before === AMPERSAND || before === 0x23 || (before === 0x3b && bytes[after - 1] === EQUALS);
  let rule = context.names.of(isParameter ? 'query' : 'field', bytes, name.start, name.end);
  if (rule === null && hasPercent(bytes, name))
    rule = encodedRule(bytes, name, isParameter ? 'query' : 'field', context);
  let value = after;
  while (value < end && value - after < 8 && isBlank(bytes[value])) value++;
  if (name.isQuoted) value = nextLine(bytes, value, end);
  if (rule === null && bytes[after - 1] === EQUALS)
    rule = typedRule(bytes, start, name, context) ?? variableRule(bytes, start, name, context);
  if (rule === null && name.end - name.start <= 16) {
    const role = context.names.role(bytes, name.start, name.end);
    if (role === 'valuing' && value < named.until) rule = named.rule;
    else if (role === 'naming') noteNamed(text, value, named);
  }
  if (rule === null || value >= end) return after;
  value = skipWrapper(bytes, value, end);
  const cause = context.cause(rule.id, view, name.start, name.end);
  value = skipMarks(bytes, value, end);
  const first = bytes[value] as number;
  if (first === OPEN_BRACKET && rule.reach !== 'deep' && bytes[after - 1] === COLON)
    return flowList({ view, start, end, context }, value, rule, cause);
  if (
    (first === OPEN_BRACE || first === OPEN_BRACKET) &&
    rule.reach === 'deep' &&
    (name.isQuoted || bytes[after - 1] === EQUALS || bytes[after - 1] === COLON)
  )
    return redactContainer(view, value, end, context.edits, cause);
  const open = quoteAt(bytes, value, end);
  if (open > 0) {
    const from = value + open;
    // What closes a call: `getpass("Password: ")`.
    if (bytes[from] === 0x29) return from;
    const stop = closingQuote(bytes, value, open, end);
    // `"""…"""`: an empty string, and the quote of another.
    if (stop === from && isSame(bytes, stop, stop + open, open))
      return redactBlockString(text, stop + 2 * open, open, cause);
    const isSecret = isSecretValue(rule.value, bytes, from, stop) && !isText(bytes, from, stop, rule);
    if (isSecret) context.redactText(view, from, stop, cause);
    const changed = changedValue({ view, start, end, context }, stop + open, rule, cause);
    if (changed > 0) return changed;
    return isSecret ? Math.min(end, stop + 1) : from;
  }
  if (bytes[value] === 0x6e && bytes.toString('latin1', value, value + 4) === 'null') {
    const changed = changedValue({ view, start, end, context }, value + 4, rule, cause);
    if (changed > 0) return changed;
  }
  return readBareValue(text, name, { value, rule, cause, isParameter, isAssigned: bytes[after - 1] !== COLON });
}

/** `tokens: [a, b]` without quotes, each item judged by itself (YAML 1.2.2 §7.4.1); returns where to go on. */
function flowList({ view, end, context }: Text, at: number, rule: NameRule, cause: Bare['cause']): number {
  const { bytes } = view;
  for (let from = at + 1; from < end; ) {
    while (from < end && (bytes[from] as number) <= 0x20) from++;
    if (isQuote(bytes[from])) from++;
    let to = from;
    while (
      to < end &&
      bytes[to] !== 0x2c &&
      bytes[to] !== CLOSE_BRACKET &&
      bytes[to] !== OPEN_BRACKET &&
      bytes[to] !== LINE_FEED
    )
      to++;
    let stop = to;
    while (stop > from && ((bytes[stop - 1] as number) <= 0x20 || isQuote(bytes[stop - 1]))) stop--;
    if (stop > from && isSecretValue(rule.value, bytes, from, stop)) context.redactText(view, from, stop, cause);
    if (bytes[to] !== 0x2c) return Math.max(at + 1, to);
    from = to + 1;
  }
  return end;
}

/** `"old" -> "new"`, as plans print what will change: the value behind the arrow; returns where to go on, or 0. */
function changedValue({ view, end, context }: Text, at: number, rule: NameRule, cause: Bare['cause']): number {
  const { bytes } = view;
  let i = at;
  while (i < end && i - at < 8 && isBlank(bytes[i])) i++;
  if ((bytes[i] !== MINUS && bytes[i] !== EQUALS) || bytes[i + 1] !== GREATER_THAN) return 0;
  i += 2;
  const arrow = i;
  while (i < end && i - arrow < 8 && isBlank(bytes[i])) i++;
  const open = quoteAt(bytes, i, end);
  if (open === 0) return 0;
  const from = i + open;
  const stop = closingQuote(bytes, i, open, end);
  if (stop <= from || !isSecretValue(rule.value, bytes, from, stop)) return 0;
  context.redactText(view, from, stop, cause);
  return Math.min(end, stop + 1);
}

/** A string in three quotes, from behind them. */
function redactBlockString({ view, end, context }: Text, from: number, open: number, cause: Bare['cause']): number {
  const stop = closingQuote(view.bytes, from - open, open, end);
  if (stop > from) context.redactText(view, from, stop, cause);
  return Math.min(end, stop + 3 * open);
}

function isText(bytes: Buffer, start: number, end: number, rule: NameRule): boolean {
  return rule.value === null && bytes.subarray(start, end).length === 0;
}

/** How far a `value:` may be from the `name:` that names it. */
const NAMED_BYTES_MAX = 200;

function noteNamed({ view, end, context }: Text, value: number, named: Named): void {
  const { bytes } = view;
  const from = value + quoteAt(bytes, value, end);
  let stop = from;
  while (stop < end && stop - from < NAME_BYTES_MAX && (NAME[bytes[stop] as number] as number) === 1) stop++;
  named.rule = context.names.of('field', bytes, from, stop);
  named.until = named.rule === null ? 0 : stop + NAMED_BYTES_MAX;
}

interface Bare {
  value: number;
  rule: NameRule;
  cause: ReturnType<RedactionContext['cause']>;
  isParameter: boolean;
  isAssigned: boolean;
}

/** A value without quotes: up to a space or a mark, or on a line of its own the rest of it. */
function readBareValue(text: Text, name: Name, { value, rule, cause, isParameter, isAssigned }: Bare): number {
  const { view, start, end, context } = text;
  const { bytes } = view;
  const isLine = !isParameter && isLineStart(bytes, start, name.start - (name.isQuoted ? 1 : 0));
  let stop = value;
  while (stop < end && !endsBareValue(bytes[stop] as number, isLine && isAssigned)) stop++;
  if (stop === value) return blockValue(text, name, value, { value, rule, cause, isParameter, isAssigned });
  const isAlone = isLine && !isBlankThenText(bytes, stop, end);
  if (isAssigned && (isParameter || isAlone || bytes[value - 1] === EQUALS)) {
    if (
      isSecretValue(rule.value, bytes, value, stop) &&
      !isCode(bytes, value, stop, end) &&
      !isOwnName(bytes, name, value, stop)
    )
      context.redactText(view, value, stop, cause);
    else if (isAlone === false) return stop;
    return stop;
  }
  if (rule.id === 'name:authorization' && isLine) return redactLine(text, value, cause);
  const isTaken = isAlone
    ? isSecretValue(rule.value, bytes, value, stop) && !isCode(bytes, value, stop, end)
    : isMixedToken(bytes, value, stop) &&
      isSecretValue(rule.value, bytes, value, stop) &&
      !isCode(bytes, value, stop, end);
  if (isTaken) context.redactText(view, value, stop, cause);
  // What follows may itself be a name.
  return isTaken ? stop : value;
}

/** `self.password = password`: a variable of the same name. */
function isOwnName(bytes: Buffer, name: Name, start: number, stop: number): boolean {
  const length = stop - start;
  return length <= name.end - name.start && isSame(bytes, name.end - length, start, length);
}

function redactLine({ view, end, context }: Text, value: number, cause: Bare['cause']): number {
  const { bytes } = view;
  let stop = value;
  while (
    stop < end &&
    bytes[stop] !== LINE_FEED &&
    bytes[stop] !== CARRIAGE_RETURN &&
    bytes[stop] !== QUOTE &&
    bytes[stop] !== BACKSLASH
  )
    stop++;
  let scheme = value;
  while (scheme < stop && !isBlank(bytes[scheme]) && bytes[scheme] !== EQUALS) scheme++;
  if (bytes[scheme] === EQUALS && scheme - value < 24) return value;
  const hasScheme = scheme < stop && scheme - value < 24;
  if (!hasScheme && !isMixedToken(bytes, value, stop)) return stop;
  if (hasScheme && /^[a-z, -]*$/i.test(bytes.toString('latin1', value, stop)) && stop - scheme < 16) return stop;
  context.redactText(view, hasScheme ? scheme + 1 : value, stop, cause);
  return stop;
}

/** `password: |` and the more deeply indented lines below it (YAML block scalars). */
function blockValue({ view, start, end, context }: Text, name: Name, value: number, { rule, cause }: Bare): number {
  const { bytes } = view;
  if (bytes[value] === LINE_FEED || bytes[value] === CARRIAGE_RETURN)
    return listValue({ view, start, end, context }, name, value, rule);
  if (value >= end || (bytes[value] !== 0x7c && bytes[value] !== GREATER_THAN)) return value;
  let lineStart = name.start;
  while (lineStart > start && bytes[lineStart - 1] !== LINE_FEED && name.start - lineStart < NAME_BYTES_MAX)
    lineStart--;
  const indent = indentOf(bytes, lineStart, end);
  let line = bytes.indexOf(LINE_FEED, value);
  if (line < 0 || line - value > 4) return value + 1;
  for (line++; line < end; ) {
    let next = bytes.indexOf(LINE_FEED, line);
    if (next < 0 || next > end) next = end;
    const inner = indentOf(bytes, line, next);
    if (inner <= indent && inner < next - line) break;
    context.redactText(view, line + inner, next, cause);
    line = next + 1;
  }
  return Math.min(line, end);
}

/** `api_keys:` and the items on the lines below it, `- …` (YAML block sequences). Only what has no name itself. */
function listValue({ view, start, end, context }: Text, name: Name, value: number, rule: NameRule): number {
  const { bytes } = view;
  if (!isLineStart(bytes, start, name.start - (name.isQuoted ? 1 : 0))) return value;
  const cause = context.cause(rule.id, view, name.start, name.end);
  let line = bytes.indexOf(LINE_FEED, value) + 1;
  while (line > 0 && line < end) {
    let next = bytes.indexOf(LINE_FEED, line);
    if (next < 0 || next > end) next = end;
    let from = line + indentOf(bytes, line, next);
    if (bytes[from] !== 0x2d || !isBlank(bytes[from + 1])) break;
    from += 1 + indentOf(bytes, from + 1, next);
    let to = next;
    while (to > from && ((bytes[to - 1] as number) <= 0x20 || isQuote(bytes[to - 1]))) to--;
    if (isQuote(bytes[from])) from++;
    // An item with a name of its own has its own list, and what follows belongs to that.
    if (hasSeparator(bytes, from, next)) break;
    if (to > from && isSecretValue(rule.value, bytes, from, to)) context.redactText(view, from, to, cause);
    line = next + 1;
  }
  return value;
}

/** `<password>…</`, also as `&lt;password&gt;…&lt;`; returns where to go on. */
function readTag({ bytes, base, origin }: View, at: number, end: number, context: RedactionContext): number {
  const isEntity = bytes[at] === AMPERSAND;
  if (isEntity && !(bytes[at + 1] === 0x6c && bytes[at + 2] === 0x74 && bytes[at + 3] === 0x3b)) return at + 1;
  const start = at + (isEntity ? 4 : 1);
  let stop = start;
  while (
    stop < end &&
    stop - start < NAME_BYTES_MAX &&
    ((NAME[bytes[stop] as number] as number) === 1 || bytes[stop] === COLON) &&
    bytes[stop] !== 0x2f
  )
    stop++;
  if (stop === start) return at + 1;
  const closes = isEntity ? bytes[stop] === AMPERSAND && bytes[stop + 1] === 0x67 : bytes[stop] === GREATER_THAN;
  if (!closes) return stop;
  const rule = context.names.of('field', bytes, start, stop);
  const value = stop + (isEntity ? 4 : 1);
  if (rule === null) return Math.min(value, end);
  let last = value;
  const terminator = isEntity ? AMPERSAND : LESS_THAN;
  while (last < end && bytes[last] !== terminator) last++;
  const view: View = { bytes, base, origin };
  if (last > value && isSecretValue(rule.value, bytes, value, last))
    context.redactText(view, value, last, context.cause(rule.id, view, start, stop));
  return last;
}
