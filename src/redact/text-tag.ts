/** Tags in text that is no XML as a whole: `<password>…</`, also as `&lt;password&gt;…&lt;/`, or escaped once more. */
import { AMPERSAND, COLON, GREATER_THAN, LESS_THAN, SLASH } from './byte-text.js';
import type { View } from './edits.js';
import { NAME_BYTES_MAX } from './pair-names.js';
import { NAME } from './pair-values.js';
import type { RedactionContext } from './redaction-context.js';
import { isMixedToken, isSecretValue } from './value-shapes.js';

/** The tag that begins at `at`, where there is one; returns where to go on. */
export function readTag(view: View, at: number, end: number, context: RedactionContext): number {
  const { bytes } = view;
  const isEntity = bytes[at] === AMPERSAND;
  const start = isEntity ? entityEnd(bytes, at, LESS) : at + 1;
  if (start < 0) return at + 1;
  let stop = start;
  while (
    stop < end &&
    stop - start < NAME_BYTES_MAX &&
    ((NAME[bytes[stop] as number] as number) === 1 || bytes[stop] === COLON) &&
    bytes[stop] !== SLASH
  )
    stop++;
  if (stop === start) return at + 1;
  const value = isEntity ? entityEnd(bytes, stop, GREATER) : bytes[stop] === GREATER_THAN ? stop + 1 : -1;
  if (value < 0) return stop;
  const rule = context.names.of('field', bytes, start, stop);
  if (rule === null) return Math.min(value, end);
  let last = value;
  const terminator = isEntity ? AMPERSAND : LESS_THAN;
  while (last < end && bytes[last] !== terminator) last++;
  if (last === value || !isSecretValue(rule.value, bytes, value, last)) return last;
  // `--password <password> --token <token>`
  if (isClosing(bytes, last, isEntity) || last >= end || isMixedToken(bytes, value, last))
    context.redactText(view, value, last, context.cause(rule.id, view, start, stop));
  return last;
}

/** `lt;` and `gt;` behind an ampersand, which may be escaped itself. */
const LESS = 0x6c;
const GREATER = 0x67;

/** Where the entity at `at` ends that stands for `<` or `>`; -1 where it is none. */
function entityEnd(bytes: Buffer, at: number, letter: number): number {
  if (bytes[at] !== AMPERSAND) return -1;
  let i = at + 1;
  while (i - at < 16 && bytes[i] === 0x61 && bytes[i + 1] === 0x6d && bytes[i + 2] === 0x70 && bytes[i + 3] === 0x3b)
    i += 4;
  return bytes[i] === letter && bytes[i + 1] === 0x74 && bytes[i + 2] === 0x3b ? i + 3 : -1;
}

function isClosing(bytes: Buffer, at: number, isEntity: boolean): boolean {
  const behind = isEntity ? entityEnd(bytes, at, LESS) : at + 1;
  return behind > 0 && bytes[behind] === SLASH;
}
