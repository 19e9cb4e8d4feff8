/** Values of YAML in text: block scalars, sequences on lines of their own and between brackets (YAML 1.2.2 §8.1, §8.2.1, §7.4.1). */
import {
  CARRIAGE_RETURN,
  CLOSE_BRACKET,
  GREATER_THAN,
  isBlank,
  isQuote,
  LINE_FEED,
  OPEN_BRACKET,
} from './byte-text.js';
import type { Cause } from './edits.js';
import { NAME_BYTES_MAX, type Name } from './pair-names.js';
import type { Bare, Text } from './pair-types.js';
import { hasSeparator, indentOf, isLineStart } from './pair-values.js';
import type { NameRule } from './sensitive-names.js';
import { isSecretValue } from './value-shapes.js';

/** `tokens: [a, b]` without quotes, each item judged by itself (YAML 1.2.2 §7.4.1); returns where to go on. */
export function flowList({ view, end, context }: Text, at: number, rule: NameRule, cause: Cause): number {
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

/** `password: |` and the more deeply indented lines below it (YAML block scalars). */
export function blockValue(
  { view, start, end, context }: Text,
  name: Name,
  value: number,
  { rule, cause }: Bare,
): number {
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
