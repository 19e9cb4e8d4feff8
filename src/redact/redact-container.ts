/**
 * Replaces every string, number and word of the object or array that begins at an offset, as far as it goes: what stands under
 * the name of a secret in text that is not JSON as a whole. Its quotes may be escaped, all alike.
 */
import {
  APOSTROPHE,
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  isDigit,
  isSpace,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from './byte-text.js';
import type { Cause, View } from './edits.js';
import { isAsset } from './json-shapes.js';
import { isPlaceholder } from './placeholders.js';
import type { RedactionContext } from './redaction-context.js';
import { isMixedToken } from './value-shapes.js';

/** What ends a word without quotes. */
const ENDS_WORD: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte <= 0x20 || '"\'`\\{}[]()<>,:;=&|'.includes(String.fromCharCode(byte)) ? 1 : 0,
);
const NUMBER = /^-?\d[\d.]*$/;
const WORD_BYTES_MAX = 256;

/** Returns where the container ends. */
export function redactContainer(
  view: View,
  start: number,
  end: number,
  context: RedactionContext,
  cause: Cause,
): number {
  const { bytes } = view;
  if (isSchema(bytes, start, end) || (cause.rule === 'name:token' && isAsset(bytes, start, end))) return start + 1;
  let depth = 0;
  for (let i = start; i < end; ) {
    const byte = bytes[i] as number;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (--depth === 0) return i + 1;
    } else if (byte === QUOTE || byte === APOSTROPHE || byte === BACKSLASH) {
      i = redactQuoted(view, i, end, context, cause);
      continue;
    } else if ((ENDS_WORD[byte] as number) === 0) {
      i = redactWord(view, i, end, context, cause);
      continue;
    }
    i++;
  }
  return end;
}

/** The string whose quote, or the backslash before it, is at `at`; returns where to go on. */
function redactQuoted(view: View, at: number, end: number, context: RedactionContext, cause: Cause): number {
  const { bytes } = view;
  const escapes = backslashes(bytes, at, end);
  const quote = bytes[at + escapes] as number;
  if (quote !== QUOTE && quote !== APOSTROPHE) return at + Math.max(1, escapes);
  const from = at + escapes + 1;
  const stop = stringEnd(bytes, from, end, quote, escapes);
  let next = Math.min(end, stop + escapes + 1);
  while (next < end && isSpace(bytes[next])) next++;
  if (bytes[next] !== COLON && !(bytes[next] === 0x3d && bytes[next + 1] === 0x3e))
    context.redactText(view, from, stop, cause);
  return next;
}

/** A word or number without quotes that is no name; returns where it ends. */
function redactWord(view: View, at: number, end: number, context: RedactionContext, cause: Cause): number {
  const { bytes } = view;
  let stop = at + 1;
  while (stop < end && (ENDS_WORD[bytes[stop] as number] as number) === 0) stop++;
  if (bytes[stop] === COLON || (bytes[stop] === 0x3d && stop + 1 < end && !isSpace(bytes[stop + 1]))) return stop;
  const text = bytes.latin1Slice(at, Math.min(stop, at + WORD_BYTES_MAX));
  if (NUMBER.test(text)) context.redactNumber(view, at, stop, cause);
  else if ((isMixedToken(bytes, at, stop) || isDigit(bytes[at])) && !isPlaceholder(text))
    context.redactText(view, at, stop, cause);
  return stop;
}

const SCHEMA_START =
  /^[{[]\s{0,16}["']?(?:type|required|m(?:in|ax)(?:_?[lL]ength)?|description|format|\$ref)["']?\s?[:=]/;

/** Whether it says how values are to be, in code or in a schema: `{ type: String, minlength: 8 }`. */
function isSchema(bytes: Buffer, start: number, end: number): boolean {
  return SCHEMA_START.test(bytes.latin1Slice(start, Math.min(end, start + 40)));
}

function backslashes(bytes: Buffer, at: number, end: number): number {
  let i = at;
  while (i < end && bytes[i] === BACKSLASH) i++;
  return i - at;
}

function stringEnd(bytes: Buffer, start: number, end: number, quote: number, escapes: number): number {
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    if (byte !== quote && byte !== BACKSLASH) continue;
    const count = backslashes(bytes, i, end);
    if (bytes[i + count] !== quote) {
      i += count - 1;
      continue;
    }
    if (count < escapes || (count - escapes) % (2 * (escapes + 1)) === 0) return i + count - Math.min(count, escapes);
    i += count;
  }
  return end;
}
