/**
 * Names in text that stand beside their values rather than before them: `name: DB_PASSWORD`, `value: …` on the next line, or on
 * the one before.
 */
import { GREATER_THAN, LINE_FEED } from './byte-text.js';
import { NAME_BYTES_MAX, type Name } from './pair-names.js';
import type { Text } from './pair-types.js';
import { endsBareValue, NAME } from './pair-values.js';
import { closingQuote, quoteAt } from './quotes.js';
import type { NameRule } from './sensitive-names.js';
import { isSecretValue } from './value-shapes.js';

/** How far a value may be from its name. */
const NAMED_BYTES_MAX = 200;
/** A longer name says what is beside it of nothing. */
export const ROLE_BYTES_MAX = 16;

/** Of one piece of text. */
export class NamedValues {
  #rule: NameRule | null = null;
  #until = 0;
  /** A name was read whose value has not come yet. */
  #isOpen = false;
  /** Where a value begins whose name has not come yet; -1 where there is none. */
  #valueStart = -1;

  /** Reads a pair whose name says nothing of a secret, or little; returns the rule for its value, if another pair says it. */
  read(text: Text, name: Name, value: number): NameRule | null {
    const role = text.context.names.role(text.view.bytes, name.start, name.end);
    if (role === 'naming') this.#noteName(text, name, value);
    if (role !== 'valuing') return null;
    const isOpen = this.#isOpen;
    this.#isOpen = false;
    if (value < this.#until) return this.#rule;
    this.#valueStart = isOpen ? -1 : value;
    return null;
  }

  #noteName(text: Text, { start }: Name, value: number): void {
    const { view, end, context } = text;
    const { bytes } = view;
    const from = value + quoteAt(bytes, value, end);
    let stop = from;
    while (stop < end && stop - from < NAME_BYTES_MAX && (NAME[bytes[stop] as number] as number) === 1) stop++;
    const rule = context.names.of('field', bytes, from, stop);
    const before = this.#valueStart;
    this.#valueStart = -1;
    if (rule !== null && before >= 0 && start - before <= NAMED_BYTES_MAX) {
      redactBefore(text, before, rule);
      this.#until = 0;
      return;
    }
    this.#isOpen = true;
    this.#rule = rule;
    this.#until = rule === null ? 0 : stop + NAMED_BYTES_MAX;
  }
}

/** The value at `at`, whose name comes behind it. */
function redactBefore({ view, end, context }: Text, at: number, rule: NameRule): void {
  const { bytes } = view;
  const open = quoteAt(bytes, at, end);
  const start = at + open;
  let stop = open > 0 ? closingQuote(bytes, at, open, end) : start;
  if (open === 0)
    while (stop < end && bytes[stop] !== LINE_FEED && !endsBareValue(bytes[stop] as number, false)) stop++;
  if (stop > start && isSecretValue(rule.value, bytes, start, stop))
    context.redactText(view, start, stop, { rule: rule.id, name: null });
}

/** `(…)` and `<…>` around a value that a machine made; returns where it ends, or 0. */
export function wrappedEnd(bytes: Buffer, at: number, end: number): number {
  const close = bytes[at] === 0x28 ? 0x29 : GREATER_THAN;
  const limit = Math.min(end, at + NAMED_BYTES_MAX);
  for (let i = at + 1; i < limit; i++) {
    if (bytes[i] === close) return i;
    if (endsBareValue(bytes[i] as number, false)) return 0;
  }
  return 0;
}
