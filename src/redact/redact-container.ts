/**
 * Replaces every string and number of the object or array that begins at an offset, as far as it goes: what stands under
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
import type { Cause, Edits, View } from './edits.js';

/** Returns where the container ends. */
export function redactContainer(view: View, start: number, end: number, edits: Edits, cause: Cause): number {
  const { bytes } = view;
  let depth = 0;
  for (let i = start; i < end; ) {
    const byte = bytes[i] as number;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (--depth === 0) return i + 1;
    } else if (byte === QUOTE || byte === APOSTROPHE || byte === BACKSLASH) {
      const escapes = backslashes(bytes, i, end);
      const quote = bytes[i + escapes] as number;
      if (quote !== QUOTE && quote !== APOSTROPHE) {
        i += Math.max(1, escapes);
        continue;
      }
      const from = i + escapes + 1;
      const stop = stringEnd(bytes, from, end, quote, escapes);
      let next = Math.min(end, stop + escapes + 1);
      while (next < end && isSpace(bytes[next])) next++;
      if (bytes[next] !== COLON && !(bytes[next] === 0x3d && bytes[next + 1] === 0x3e))
        edits.text(view, from, stop, cause);
      i = next;
      continue;
    } else if (isDigit(byte)) {
      let stop = i + 1;
      while (stop < end && (isDigit(bytes[stop]) || bytes[stop] === 0x2e)) stop++;
      edits.number(view, i, stop, cause);
      i = stop;
      continue;
    }
    i++;
  }
  return end;
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
