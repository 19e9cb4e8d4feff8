/** Private keys in their armour: RFC 7468, RFC 4880, RFC 4716. */
import type { View } from './edits.js';
import type { RedactionContext } from './redaction-context.js';
import { Step } from './search-steps.js';

/** Private keys in their armour (RFC 7468, RFC 4880, RFC 4716): the labels stay. */
export function redactArmour(view: View, context: RedactionContext): void {
  const { bytes } = view;
  // A search for one byte is over sooner than for the label, and many texts have no such letter.
  if (!bytes.includes(0x56)) return;
  const cause = { rule: 'looks:private-key', name: null };
  for (let at = bytes.indexOf(LABEL); at >= 0; ) {
    const label = at + LABEL.length;
    let start = label;
    if (bytes.toString('latin1', start, start + 6) === ' BLOCK') start += 6;
    while (start < bytes.length && (bytes[start] === 0x2d || (start === label && bytes[start] === 0x20))) start++;
    const isBegin = start - label >= 4 && /BEGIN [A-Z0-9 ]*$/.test(bytes.toString('latin1', Math.max(0, at - 40), at));
    at = bytes.indexOf(LABEL, label);
    if (!context.take(Step.phrase)) return;
    if (!isBegin) continue;
    let end = bytes.indexOf('---', start);
    if (end < 0 || (at >= 0 && end > at)) end = at < 0 ? bytes.length : end;
    redactLines(view, start, Math.min(end < 0 ? bytes.length : end, bytes.length), { context, cause });
  }
}

const LABEL = 'PRIVATE KEY';

interface Lines {
  context: RedactionContext;
  cause: { rule: string; name: null };
}

/** All up to a quote or an angle bracket; in an array of lines each of them. */
function redactLines(view: View, start: number, end: number, { context, cause }: Lines): void {
  const { bytes } = view;
  let stop = start;
  while (stop < end && bytes[stop] !== 0x22 && bytes[stop] !== 0x3c && bytes[stop] !== 0x3e && bytes[stop] !== 0x27)
    stop++;
  if (bytes[stop - 1] === 0x5c && bytes[stop] === 0x22) while (stop > start && bytes[stop - 1] === 0x5c) stop--;
  if (stop > start) context.redactText(view, start, stop, cause);
  for (let i = stop; i < end; ) {
    if (!isBase64(bytes[i] as number)) {
      i++;
      continue;
    }
    let last = i + 1;
    while (last < end && isBase64(bytes[last] as number)) last++;
    if (last - i >= 8) context.redactText(view, i, last, cause);
    else if (last - i > 2) return;
    i = last;
  }
}

function isBase64(byte: number): boolean {
  const letter = byte | 0x20;
  return (
    (letter >= 0x61 && letter <= 0x7a) ||
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2b ||
    byte === 0x2f ||
    byte === 0x3d
  );
}
