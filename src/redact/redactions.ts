/** Which rules replaced something in a trace, and where: never what. */
import { DEFAULT_LIMITS } from '../limits.js';
import type { Redaction, Replacement } from '../trace/trace.js';
import { type Cause, REDACTED, type Replaced } from './edits.js';

export interface Redactions {
  /** What is noted from here on belongs to this side. */
  side(side: 'request' | 'response'): void;
  /** A rule replaced something in `before`, which is now `after`. */
  note(part: string, cause: Cause, before: string, after: string): void;
  /** `isNamed`: the names of the causes belong to the place. */
  noteAll(part: string, changes: Changes, isNamed?: boolean): void;
  /** Runs `work`, and does not note again what was noted before. */
  again<T>(work: () => T): T;
  /** A body was left out. */
  noteOmitted(part: string, reason: string): void;
  /** Enters what was noted elsewhere; its values are not told by themselves. */
  addAll(noted: readonly Redaction[]): void;
  readonly current: 'request' | 'response';
  readonly list: Redaction[];
  /** Each value by itself; null where nobody asked for it. */
  readonly replacements: Replacement[] | null;
}

export interface Changes {
  /** Each once, the first of them. */
  readonly causes: readonly Cause[];
  /** Empty where nobody asked for each value by itself. */
  readonly replaced: readonly Replaced[];
}

const NAME_LENGTH_MAX = 64;

/** A name as it is named: most need no change. */
function shown(name: string): string {
  const end = name.slice(-NAME_LENGTH_MAX);
  return /^[\w.$-]*$/.test(end) ? end : end.replace(/[^\p{L}\p{N}_.$[\]-]+/gu, '_');
}

/** `explains`: each value is noted by itself. */
export function createRedactions(explains: boolean): Redactions {
  return new RedactionList(explains);
}

class RedactionList implements Redactions {
  readonly list: Redaction[] = [];
  readonly replacements: Replacement[] | null;
  current: 'request' | 'response' = 'request';

  constructor(explains: boolean) {
    this.replacements = explains ? [] : null;
  }

  side(next: 'request' | 'response'): void {
    this.current = next;
  }

  note(part: string, cause: Cause, before: string, after: string): void {
    this.#noteRule(part, cause);
    if (this.replacements === null) return;
    for (const text of differences(before, after))
      this.replacements.push({
        where: this.#place(part, cause.name),
        rule: cause.rule,
        ...described(Buffer.from(text)),
      });
  }

  noteAll(part: string, { causes, replaced }: Changes, isNamed = true): void {
    for (const cause of causes) this.#noteRule(part, isNamed ? cause : { rule: cause.rule, name: null });
    for (const { cause, text } of replaced)
      this.replacements?.push({
        where: this.#place(part, isNamed ? cause.name : null),
        rule: cause.rule,
        ...described(text),
      });
  }

  again<T>(work: () => T): T {
    const { replacements } = this;
    const before = replacements?.length ?? 0;
    const result = work();
    const after = replacements?.splice(before) ?? [];
    for (const one of after)
      if (
        !replacements?.some(({ rule, bytes, looks }) => rule === one.rule && bytes === one.bytes && looks === one.looks)
      )
        replacements?.push(one);
    return result;
  }

  noteOmitted(part: string, reason: string): void {
    this.replacements?.push({ where: this.#place(part, null), rule: 'opaque-body', bytes: null, looks: reason });
  }

  #place(part: string, name: string | null): string {
    return `${this.current}.${part}${name === null ? '' : `.${shown(name)}`}`;
  }

  #noteRule(part: string, { rule, name }: Cause): void {
    if (this.list.length < DEFAULT_LIMITS.redactions_max) this.#add(this.#place(part, name), rule);
  }

  addAll(noted: readonly Redaction[]): void {
    for (const { where, rule } of noted) this.#add(where, rule);
  }

  #add(where: string, rule: string): void {
    const { list } = this;
    if (list.length >= DEFAULT_LIMITS.redactions_max) return;
    if (list.some((known) => known.where === where && known.rule === rule)) return;
    list.push({ where, rule });
  }
}

/** The texts of `before` that `REDACTED` stands for in `after`. */
function differences(before: string, after: string): string[] {
  const kept = after.split(REDACTED);
  const found: string[] = [];
  let at = (kept[0] as string).length;
  for (let i = 1; i < kept.length; i++) {
    const next = kept[i] as string;
    const end = i === kept.length - 1 ? before.length - next.length : next === '' ? at : before.indexOf(next, at);
    if (end < at) return found;
    const text = before.slice(at, end);
    if (text !== REDACTED) found.push(text);
    at = end + next.length;
  }
  return found;
}

const KINDS: readonly (readonly [RegExp, string])[] = [
  [/[A-Za-z]/, 'letters'],
  [/[^\0-\x7f]/, 'other letters'],
  [/[0-9]/, 'digits'],
  [/[!-/:-@[-`{-~]/, 'marks'],
  [/\s/, 'spaces'],
];
const LOOKED_AT_MAX = 4096;

/** How long a text is and of what kinds of characters, but none of it. */
function described(text: Buffer): Pick<Replacement, 'bytes' | 'looks'> {
  const start = text.toString('utf8', 0, LOOKED_AT_MAX);
  const kinds = KINDS.filter(([kind]) => kind.test(start)).map(([, words]) => words);
  const last = kinds.pop() ?? 'control characters';
  return { bytes: text.length, looks: kinds.length === 0 ? last : `${kinds.join(', ')} and ${last}` };
}
