/** Values of `INSERT INTO … (name, password) VALUES ('ann', '…')`, whose names stand in a list of their own (ISO 9075-2 §14.11). */
import type RE2 from 're2';
import { lazy } from '../lazy.js';
import { compileRe2 } from '../re2.js';
import { APOSTROPHE, BACKSLASH, COMMA, isSpace } from './byte-text.js';
import type { View } from './edits.js';
import type { RedactionContext } from './redaction-context.js';
import { Step } from './search-steps.js';
import type { NameRule } from './sensitive-names.js';
import { isSecretValue } from './value-shapes.js';

const insert = lazy(() => compileRe2('insert\\s+into[^()]*\\(([^()]*)\\)\\s*values\\s*', 'gi'));
const COLUMNS_MAX = 256;
const [OPEN, CLOSE] = [0x28, 0x29];

export function redactInserts(view: View, start: number, end: number, context: RedactionContext): void {
  const text = view.bytes.subarray(start, end);
  if (!text.includes('VALUES') && !text.includes('values')) return;
  const expression: RE2 = insert();
  expression.lastIndex = 0;
  for (;;) {
    const match = expression.exec(text) as unknown as (Buffer[] & { index: number }) | null;
    if (match === null || !context.take(Step.insert)) return;
    const [whole, list] = match as unknown as [Buffer, Buffer];
    const rules = rulesOf(list, context);
    let at = start + match.index + whole.length;
    if (rules !== null) at = readRows(view, at, end, { rules, context });
    expression.lastIndex = Math.max(at - start, match.index + whole.length);
  }
}

/** The rule of each column; null where none is a secret's. */
function rulesOf(list: Buffer, { names }: RedactionContext): (NameRule | null)[] | null {
  const rules = list
    .toString('latin1')
    .split(',', COLUMNS_MAX)
    .map((name) => names.ofText('field', name.replace(/[\s\\"'`[\]]+/g, '')));
  return rules.some((rule) => rule !== null) ? rules : null;
}

interface Rows {
  rules: readonly (NameRule | null)[];
  context: RedactionContext;
}

/** Reads `(…), (…)`, as far as it goes; returns where it ends. */
function readRows(view: View, start: number, end: number, { rules, context }: Rows): number {
  const { bytes } = view;
  let i = start;
  let column = 0;
  let isInside = false;
  for (; i < end; i++) {
    const byte = bytes[i] as number;
    if (!isInside) {
      if (byte === OPEN) isInside = true;
      else if (byte !== COMMA && !isSpace(byte)) return i;
      column = 0;
    } else if (byte === CLOSE) isInside = false;
    else if (byte === COMMA) column++;
    else if (byte === APOSTROPHE) {
      const stop = stringEnd(bytes, i + 1, end);
      const rule = rules[column] ?? null;
      if (rule !== null && stop > i + 1 && isSecretValue(rule.value, bytes, i + 1, stop))
        context.redactText(view, i + 1, stop, {
          rule: rule.id,
          name: null,
        });
      i = stop;
    }
  }
  return i;
}

/** A quote is doubled in a string, or comes after a backslash. */
function stringEnd(bytes: Buffer, start: number, end: number): number {
  let i = start;
  for (; i < end; i++) {
    const byte = bytes[i];
    if (byte === BACKSLASH) i++;
    else if (byte === APOSTROPHE) {
      if (bytes[i + 1] !== APOSTROPHE) break;
      i++;
    }
  }
  return Math.min(i, end);
}
