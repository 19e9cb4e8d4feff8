/**
 * The patterns a user adds, found anywhere; in JSON what they match is replaced token by token, so that it stays JSON.
 *
 * A match takes as long as a thousand bytes without one, and whoever sends a text can make it match everywhere: of a text that
 * matches too often what is left is replaced as one.
 */
import type RE2 from 're2';
import { DEFAULT_LIMITS } from '../limits.js';
import { compilePattern } from '../policy/pattern-set.js';
import { APOSTROPHE, BACKSLASH, COLON, isDigit, isLetter, QUOTE } from './byte-text.js';
import type { Cause, View } from './edits.js';
import type { RedactionContext } from './redaction-context.js';

export interface AddedPatterns {
  readonly size: number;
  redact(view: View, context: RedactionContext, isJson: boolean): void;
}

interface Span {
  start: number;
  end: number;
  /** Which pattern found it: they are numbered as they were given, from 1. */
  cause: Cause;
}

const TOO_MANY: Cause = { rule: 'bound:matches', name: null };

/** Matches that a text of so many bytes may have. */
function matchesMax(bytes: number): number {
  return Math.max(
    DEFAULT_LIMITS.redaction_matches_max,
    (bytes / 1024) * DEFAULT_LIMITS.redaction_matches_per_kibibyte_max,
  );
}

/** @throws SyntaxError that names a pattern RE2 cannot read */
export function createAddedPatterns(patterns: readonly string[]): AddedPatterns {
  const expressions = patterns.map((pattern, i) => ({
    expression: compilePattern(pattern, 'g'),
    cause: { rule: `pattern:${i + 1}`, name: null },
  }));
  return {
    size: patterns.length,
    redact(view, context, isJson) {
      if (expressions.length === 0) return;
      const found: Span[] = [];
      const { length } = view.bytes;
      const most = matchesMax(length) / expressions.length;
      for (const { expression, cause } of expressions) {
        const done = eachMatch(expression, view.bytes, most, (start, end) => found.push({ start, end, cause }));
        if (done < length) found.push({ start: done, end: length, cause: TOO_MANY });
      }
      if (found.length === 0) return;
      const spans = disjoint(found);
      if (isJson) redactTokens(view, spans, context);
      else for (const { start, end, cause } of spans) context.redactText(view, start, end, cause);
    },
  };
}

/** The same bytes, ascending, with matches that overlap joined, so that each token meets only its own. */
function disjoint(found: Span[]): Span[] {
  found.sort((a, b) => a.start - b.start);
  const spans: Span[] = [];
  for (const span of found) {
    const last = spans.at(-1);
    if (last !== undefined && span.start < last.end) last.end = Math.max(last.end, span.end);
    else spans.push({ ...span });
  }
  return spans;
}

/**
 * Calls back with each match, or with its first group where it has one, up to so many, those of nothing among them. Returns
 * where the next one begins, or the end of the text where there are no more.
 */
function eachMatch(expression: RE2, bytes: Buffer, most: number, found: (start: number, end: number) => void): number {
  expression.lastIndex = 0;
  for (let count = 0; ; count++) {
    const match = expression.exec(bytes) as unknown as (Buffer[] & { index: number }) | null;
    if (match === null) return bytes.length;
    if (count >= most) return match.index;
    const whole = match[0] as Buffer;
    if (whole.length === 0) {
      expression.lastIndex = match.index + 1;
      if (match.index >= bytes.length) return bytes.length;
      continue;
    }
    const group = match[1];
    if (group === undefined) {
      found(match.index, match.index + whole.length);
      continue;
    }
    const start = match.index + whole.indexOf(group);
    found(start, start + group.length);
    // What ended this match may begin the next.
    expression.lastIndex = Math.max(start + group.length, match.index + 1);
  }
}

/** Of what was found, the parts that lie in strings, numbers and words, each of which is replaced as its kind. */
function redactTokens(view: View, found: readonly Span[], context: RedactionContext): void {
  const { bytes } = view;
  let next = 0;
  for (let i = 0; i < bytes.length && next < found.length; ) {
    const byte = bytes[i] as number;
    if (byte === QUOTE || (byte === APOSTROPHE && !isLetter(bytes[i - 1]))) {
      const start = i + 1;
      let end = start;
      let hasEscapes = false;
      for (; end < bytes.length && bytes[end] !== byte; end++) {
        if (bytes[end] !== BACKSLASH) continue;
        hasEscapes = true;
        end++;
      }
      end = Math.min(end, bytes.length);
      next = eachPart(found, next, { start, end }, (from, to, cause) => {
        // Half an escape would break the string.
        const isWhole = hasEscapes && (isInEscape(bytes, start, from) || isInEscape(bytes, start, to));
        context.redactText(view, isWhole ? start : from, isWhole ? end : to, cause);
      });
      i = end + 1;
    } else if (isDigit(byte) || (byte === 0x2d && isDigit(bytes[i + 1]))) {
      const start = i++;
      while (i < bytes.length && (isDigit(bytes[i]) || /[.+\-eE]/.test(String.fromCharCode(bytes[i] as number)))) i++;
      const end = i;
      next = eachPart(found, next, { start, end }, (_from, _to, cause) =>
        context.redactNumber(view, start, end, cause),
      );
    } else if (isLetter(byte)) {
      const start = i++;
      while (i < bytes.length && isLetter(bytes[i])) i++;
      const end = i;
      if (
        !/^(?:true|false|null)$/.test(bytes.toString('latin1', start, Math.min(end, start + 6))) ||
        bytes[i] === COLON
      )
        next = eachPart(found, next, { start, end }, (from, to, cause) => context.redactText(view, from, to, cause));
    } else {
      i++;
    }
  }
}

/** Calls back with what of a token was found; returns the first match that may reach behind it. */
function eachPart(
  found: readonly Span[],
  first: number,
  token: Omit<Span, 'cause'>,
  redact: (from: number, to: number, cause: Cause) => void,
): number {
  let next = first;
  while (next < found.length && (found[next] as Span).end <= token.start) next++;
  for (let i = next; i < found.length && (found[i] as Span).start < token.end; i++) {
    const span = found[i] as Span;
    if (span.end > token.start) redact(Math.max(token.start, span.start), Math.min(token.end, span.end), span.cause);
  }
  return next;
}

/** Whether `at` is inside an escape of the string that begins at `start`, so that a cut there would break it. */
function isInEscape(bytes: Buffer, start: number, at: number): boolean {
  for (let i = at - 1; i >= start && i > at - 6; i--) {
    if (bytes[i] !== BACKSLASH) continue;
    let run = i;
    while (run > start && i - run < 4096 && bytes[run - 1] === BACKSLASH) run--;
    // A backslash after an odd number of them is escaped itself.
    if ((i - run) % 2 === 0) return at < i + (bytes[i + 1] === 0x75 ? 6 : 2);
  }
  return false;
}
