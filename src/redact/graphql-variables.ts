/**
 * Variables of GraphQL that stand for the value of a secret: `login(password: $p)` says it of `p`, wherever its value is
 * (GraphQL, October 2021, §2.10).
 */
import { COLON, isBlank } from './byte-text.js';
import type { NameRule, SensitiveNames } from './sensitive-names.js';

const DOLLAR = 0x24;
const VARIABLES_MAX = 64;
const NAME_BYTES_MAX = 64;

/** Of one document. */
export class GraphqlVariables {
  readonly #bytes: Buffer;
  readonly #names: SensitiveNames;
  /** Read once, and only where a document has variables. */
  #rules: ReadonlyMap<string, NameRule> | null = null;

  constructor(bytes: Buffer, names: SensitiveNames) {
    this.#bytes = bytes;
    this.#names = names;
  }

  /** The rule for the member from `start` to `end` of an object whose name is as long as `variables`. */
  ruleFor(outer: { nameStart: number; nameEnd: number }, start: number, end: number): NameRule | null {
    const bytes = this.#bytes;
    if (bytes.latin1Slice(outer.nameStart, outer.nameEnd) !== 'variables') return null;
    this.#rules ??= rulesIn(bytes, this.#names);
    return this.#rules.size === 0 ? null : (this.#rules.get(bytes.latin1Slice(start, end)) ?? null);
  }
}

function rulesIn(bytes: Buffer, names: SensitiveNames): ReadonlyMap<string, NameRule> {
  const rules = new Map<string, NameRule>();
  for (let at = bytes.indexOf(DOLLAR); at >= 0 && rules.size < VARIABLES_MAX; at = bytes.indexOf(DOLLAR, at + 1)) {
    let colon = at - 1;
    while (colon > 0 && at - colon < 8 && isBlank(bytes[colon])) colon--;
    if (bytes[colon] !== COLON) continue;
    let end = colon;
    while (end > 0 && colon - end < 8 && isBlank(bytes[end - 1])) end--;
    let start = end;
    while (start > 0 && end - start < NAME_BYTES_MAX && isNameByte(bytes[start - 1] as number)) start--;
    const rule = names.of('field', bytes, start, end);
    if (rule === null) continue;
    let stop = at + 1;
    while (stop - at <= NAME_BYTES_MAX && isNameByte(bytes[stop] ?? 0)) stop++;
    rules.set(bytes.latin1Slice(at + 1, stop), rule);
  }
  return rules;
}

function isNameByte(byte: number): boolean {
  const letter = byte | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x5f;
}
