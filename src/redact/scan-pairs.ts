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
  CLOSE_BRACKET,
  COLON,
  EQUALS,
  GREATER_THAN,
  isBlank,
  isQuote,
  isWideSeparator,
  LESS_THAN,
  LINE_FEED,
  MINUS,
  OPEN_BRACE,
  OPEN_BRACKET,
  PERCENT,
  QUOTE,
  WIDE,
  WIDE_COLON_END,
} from './byte-text.js';
import type { Cause, View } from './edits.js';
import { NamedValues, ROLE_BYTES_MAX, wrappedEnd } from './named-values.js';
import { isCookieLine, redactAuthorization, redactCookies } from './pair-lines.js';
import { encodedRule, hasPercent, NAME_BYTES_MAX, type Name, typedRule, variableRule } from './pair-names.js';
import type { Bare, Text } from './pair-types.js';
import {
  endsBareValue,
  isBlankThenText,
  isCode,
  isLineStart,
  isReference,
  isSame,
  NAME,
  nextLine,
  skipMarks,
  skipWrapper,
} from './pair-values.js';
import { blockValue, flowList } from './pair-yaml.js';
import { closingQuote, entityBefore, quoteAt } from './quotes.js';
import { redactContainer } from './redact-container.js';
import type { RedactionContext } from './redaction-context.js';
import { readEncoded } from './scan-encoded.js';
import { Step } from './search-steps.js';
import type { NameRule } from './sensitive-names.js';
import { readTag } from './text-tag.js';
import { isMixedToken, isSecretValue } from './value-shapes.js';

/** What separates a name from its value, or begins a tag; the first byte of `：` and `＝`. */
const SEPARATES = new Uint8Array(256);
for (const byte of [COLON, EQUALS, LESS_THAN, GREATER_THAN, AMPERSAND, PERCENT, WIDE]) SEPARATES[byte] = 1;

export function scanPairs(view: View, start: number, end: number, context: RedactionContext): void {
  const { bytes } = view;
  let first = start;
  while (first < end && (SEPARATES[bytes[first] as number] as number) === 0) first++;
  if (first === end) return;
  const name: Name = { start: 0, end: 0, isQuoted: false };
  const text: Text = { view, start, end, context };
  const named = new NamedValues();
  for (let i = first; i < end; ) {
    const byte = bytes[i] as number;
    if ((SEPARATES[byte] as number) === 0) {
      i++;
      continue;
    }
    if (!context.take(Step.mark)) return;
    // `password -> x`, `password <- x`
    if ((byte === GREATER_THAN && bytes[i - 1] === MINUS) || (byte === LESS_THAN && bytes[i + 1] === MINUS)) {
      const arrow = byte === LESS_THAN ? i : i - 1;
      const behind = arrow + 2;
      // Without space it leads to a member: `token->value`.
      i =
        arrow > start && isBlank(bytes[behind]) && readName(bytes, start, arrow, name)
          ? readPair(text, name, behind, named)
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
    i = readName(bytes, start, i, name) ? readPair(text, name, after, named) : after;
  }
}

/** Where the value may begin, or 0 where the byte at `at` is part of an operator. */
function afterSeparator(bytes: Buffer, at: number, end: number): number {
  const next = at + 1 < end ? (bytes[at + 1] as number) : 0;
  if (bytes[at] === WIDE) return isWideSeparator(bytes, at) ? Math.min(end, at + 3) : 0;
  if (bytes[at] === COLON) return next === EQUALS ? at + 2 : next === COLON || next === 0x2f ? 0 : at + 1;
  if (next === 0x7e) return 0;
  const before = at > 0 ? (bytes[at - 1] as number) : 0;
  if (next === EQUALS) return before === 0x21 ? 0 : comparedValue(bytes, at, end);
  if (before === 0x21 || before === LESS_THAN || before === GREATER_THAN) return 0;
  return next === GREATER_THAN ? at + 2 : at + 1;
}

/** `password == "…"`: where what is compared with begins, if it is in quotes; else 0. */
function comparedValue(bytes: Buffer, at: number, end: number): number {
  let i = at + 1;
  while (i < end && i - at < 3 && bytes[i] === EQUALS) i++;
  const behind = i;
  while (i < end && i - behind < 4 && isBlank(bytes[i])) i++;
  return isQuote(bytes[i]) ? behind : 0;
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
    if (last === QUOTE && bytes[stop - 1] === QUOTE && stop > start) stop--;
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

/** Judges the pair; returns where to go on. */
function readPair(text: Text, name: Name, after: number, named: NamedValues): number {
  const { view, start, end, context } = text;
  const { bytes } = view;
  const isParameter = isParameterName(bytes, start, name, after);
  const place = isParameter ? 'query' : 'field';
  let rule = context.names.of(place, bytes, name.start, name.end);
  if (rule === null && hasPercent(bytes, name)) rule = encodedRule(bytes, name, place, context);
  let value = after;
  while (value < end && value - after < 8 && isBlank(bytes[value])) value++;
  if (name.isQuoted) value = nextLine(bytes, value, end);
  if (rule === null && bytes[after - 1] === EQUALS)
    rule = typedRule(bytes, start, name, context) ?? variableRule(bytes, start, name, context);
  if ((rule === null || rule.value === 'opaque') && name.end - name.start <= ROLE_BYTES_MAX)
    rule = named.read(text, name, value) ?? rule;
  if (rule === null || value >= end || !context.take(Step.value)) return after;
  value = skipWrapper(bytes, value, end);
  const cause = context.cause(rule.id, view, name.start, name.end);
  if (isReference(bytes, value)) return value;
  value = skipMarks(bytes, value, end);
  const first = bytes[value] as number;
  if (first === OPEN_BRACKET && rule.reach !== 'deep' && bytes[after - 1] === COLON)
    return flowList(text, value, rule, cause);
  if (
    (first === OPEN_BRACE || first === OPEN_BRACKET) &&
    rule.reach === 'deep' &&
    (name.isQuoted || bytes[after - 1] === EQUALS || bytes[after - 1] === COLON)
  )
    return redactContainer(view, value, end, context, cause);
  const open = quoteAt(bytes, value, end);
  if (open > 0) return readQuotedValue(text, name, { value, after, open }, rule, cause);
  if (bytes[value] === 0x6e && bytes.toString('latin1', value, value + 4) === 'null') {
    const changed = changedValue(text, value + 4, rule, cause);
    if (changed > 0) return changed;
  }
  const isAssigned = bytes[after - 1] !== COLON && bytes[after - 1] !== WIDE_COLON_END;
  return readBareValue(text, name, { value, rule, cause, isParameter, isAssigned });
}

/** Whether what stands before the name says that it is one of a query, or of a list of parameters: `?`, `&`, `; `, `, `. */
function isParameterName(bytes: Buffer, start: number, name: Name, after: number): boolean {
  if (name.start <= start) return false;
  const before = bytes[name.start - 1] as number;
  if (before === 0x3f || before === AMPERSAND || before === 0x23) return true;
  if (bytes[after - 1] !== EQUALS) return false;
  return (
    before === 0x3b ||
    before === 0x2c ||
    before === 0x7e ||
    (before === 0x20 && name.start - 2 >= start && bytes[name.start - 2] === 0x2c)
  );
}

interface Quoted {
  readonly value: number;
  /** Behind the separator. */
  readonly after: number;
  /** The length of the quote. */
  readonly open: number;
}

/** A value in quotes; returns where to go on. */
function readQuotedValue(text: Text, name: Name, { value, after, open }: Quoted, rule: NameRule, cause: Cause): number {
  const { view, end, context } = text;
  const { bytes } = view;
  const from = value + open;
  // What closes a call: `getpass("Password: ")`.
  if (bytes[from] === 0x29) return from;
  const stop = closingQuote(bytes, value, open, end);
  if (stop === from) {
    // `"""…"""`: an empty string, and the quote of another.
    if (isSame(bytes, stop, stop + open, open)) return redactBlockString(text, stop + 2 * open, open, cause);
    const doubled = doubledEnd(bytes, name, from, end);
    if (doubled > 0) {
      if (isSecretValue(rule.value, bytes, from + 1, doubled)) context.redactText(view, from + 1, doubled, cause);
      return doubled;
    }
  }
  context.take(Step.judged, Math.min(256, stop - from));
  // What is compared with may be a word of any kind, as short as parsers have them.
  const isCompared = bytes[after - 1] === EQUALS && bytes[after - 2] === EQUALS;
  const isSecret =
    isSecretValue(rule.value, bytes, from, stop) &&
    !(isCompared && (stop - from < 8 || !isMixedToken(bytes, from, stop)));
  if (isSecret) context.redactText(view, from, stop, cause);
  const changed = changedValue(text, stop + open, rule, cause);
  if (changed > 0) return changed;
  return isSecret ? Math.min(end, stop + 1) : from;
}

/** `""name"":""…""`, as a cell of a table has JSON (RFC 4180 §2.7): where the value ends that begins behind `at`; 0 where it is none. */
function doubledEnd(bytes: Buffer, name: Name, at: number, end: number): number {
  if (bytes[at] !== QUOTE && bytes[at - 1] !== QUOTE) return 0;
  if (bytes[name.end] !== QUOTE || bytes[name.end + 1] !== QUOTE || bytes[name.start - 2] !== QUOTE) return 0;
  for (let i = at + 1; i < end; i++) if (bytes[i] === QUOTE) return bytes[i + 1] === QUOTE ? i : 0;
  return 0;
}

/** `"old" -> "new"`, as plans print what will change: the value behind the arrow; returns where to go on, or 0. */
function changedValue({ view, end, context }: Text, at: number, rule: NameRule, cause: Cause): number {
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
function redactBlockString({ view, end, context }: Text, from: number, open: number, cause: Cause): number {
  const stop = closingQuote(view.bytes, from - open, open, end);
  if (stop > from) context.redactText(view, from, stop, cause);
  return Math.min(end, stop + 3 * open);
}

/** A value without quotes: up to a space or a mark, or on a line of its own the rest of it. */
function readBareValue(text: Text, name: Name, { value, rule, cause, isParameter, isAssigned }: Bare): number {
  const { view, start, end, context } = text;
  const { bytes } = view;
  if (rule.id === 'name:session' && isCookieLine(bytes, name, value)) return redactCookies(text, name, value, cause);
  const isLine = !isParameter && isLineStart(bytes, start, name.start - (name.isQuoted ? 1 : 0));
  let stop = value;
  while (stop < end && !endsBareValue(bytes[stop] as number, isLine && isAssigned)) stop++;
  if (stop === value && (bytes[value] === 0x28 || bytes[value] === LESS_THAN)) {
    const close = wrappedEnd(bytes, value, end);
    if (close > 0 && isSecretInside(text, value + 1, close, rule)) context.redactText(view, value + 1, close, cause);
    return close > 0 ? close : value;
  }
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
  if (rule.id === 'name:authorization' && isLine) return redactAuthorization(text, value, cause);
  const isTaken = isAlone
    ? isSecretValue(rule.value, bytes, value, stop) && !isCode(bytes, value, stop, end)
    : isMixedToken(bytes, value, stop) &&
      isSecretValue(rule.value, bytes, value, stop) &&
      !isCode(bytes, value, stop, end);
  if (isTaken) context.redactText(view, value, stop, cause);
  // What follows may itself be a name.
  return isTaken ? stop : value;
}

/** Whether what stands in brackets is a secret, and not its name: `password=<user-password1>`. */
function isSecretInside({ view: { bytes }, context }: Text, start: number, end: number, rule: NameRule): boolean {
  return (
    isMixedToken(bytes, start, end) &&
    isSecretValue(rule.value, bytes, start, end) &&
    context.names.of('field', bytes, start, end) === null
  );
}

/** `self.password = password`: a variable of the same name. */
function isOwnName(bytes: Buffer, name: Name, start: number, stop: number): boolean {
  const length = stop - start;
  return length <= name.end - name.start && isSame(bytes, name.end - length, start, length);
}
