/** Percent-encoded pairs in text: the value of a parameter that is a URL or a query itself. */
import { DECODED_BYTES_MAX, type View } from './edits.js';
import type { RedactionContext } from './redaction-context.js';
import { Step } from './search-steps.js';
import { decoded } from './walk-form.js';

/**
 * `redirect=https%3A%2F%2Fa.example%2F%3Ftoken%3D…`: where a separator is percent-encoded, what it stands in is read as
 * what it means. Returns where to go on.
 */
export function readEncoded(
  view: View,
  { start, at, end }: { start: number; at: number; end: number },
  context: RedactionContext,
): number {
  const { bytes } = view;
  if (!isEncodedSeparator(bytes, at, end)) return at + 1;
  let from = at;
  while (from > start && (ENCODED[bytes[from - 1] as number] as number) === 1) from--;
  let to = at;
  while (to < end && (ENCODED[bytes[to] as number] as number) === 1) to++;
  if (!context.take(Step.byte, to - from)) return end;
  if (to - from > DECODED_BYTES_MAX || !context.spend(to - from))
    context.redactText(view, from, to, { rule: 'bound:work', name: null });
  else context.redactDocument(decoded(view, from, to, 1));
  return to;
}

/** `%3D`, `%3A`, `%22`, or one of them encoded once more. */
function isEncodedSeparator(bytes: Buffer, at: number, end: number): boolean {
  let i = at + 1;
  while (i + 1 < end && bytes[i] === 0x32 && bytes[i + 1] === 0x35) i += 2;
  if (i + 1 >= end) return false;
  const second = (bytes[i + 1] as number) | 0x20;
  if (bytes[i] === 0x33) return second === 0x64 || second === 0x61;
  return bytes[i] === 0x32 && bytes[i + 1] === 0x32;
}

/** What a value in a URL is made of. */
const ENCODED = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x80 && /[\w.~%+*!@$,:/-]/.test(String.fromCharCode(byte)) ? 1 : 0,
);
