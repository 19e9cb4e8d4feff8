/**
 * Queries in which nothing can be: short values under names that are no secret's. Most are of this kind, and need no walk.
 *
 * in: a query · out: whether it is plain; of one that is not, nothing is known
 */
import { DEFAULT_LIMITS } from '../limits.js';
import type { SensitiveNames } from './sensitive-names.js';

/** What is no longer is neither a token nor a card, nor anything that is encoded. */
const PLAIN_LENGTH_MAX = 12;
/** Nor a social security number: `123-45-6789`. */
const NO_PII_LENGTH_MAX = 10;

const AMPERSAND = 0x26;
const EQUALS = 0x3d;

/** Letters, digits and marks that neither encode anything nor set a password apart. */
const PLAIN: Uint8Array = Uint8Array.from({ length: 128 }, (_, byte) =>
  /[A-Za-z0-9_.,:;*~/-]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

export class PlainQueries {
  readonly #names: SensitiveNames;
  readonly #lengthMax: number;
  /** Whether a name says nothing of a value. */
  readonly #known = new Map<string, boolean>();

  /** `pii`: whether what names people is looked for. */
  constructor(names: SensitiveNames, pii: boolean) {
    this.#names = names;
    this.#lengthMax = pii ? NO_PII_LENGTH_MAX : PLAIN_LENGTH_MAX;
  }

  has(query: string): boolean {
    const { length } = query;
    let start = 0;
    let equals = -1;
    for (let i = 0; i <= length; i++) {
      const code = i === length ? AMPERSAND : query.charCodeAt(i);
      if (code === AMPERSAND) {
        if (i - (equals < 0 ? start : equals + 1) > this.#lengthMax) return false;
        if (equals >= 0 && !this.#isPlainName(query, start, equals)) return false;
        start = i + 1;
        equals = -1;
      } else if (code === EQUALS) {
        if (equals >= 0) return false;
        equals = i;
      } else if (code >= PLAIN.length || PLAIN[code] === 0) return false;
    }
    return true;
  }

  #isPlainName(query: string, start: number, end: number): boolean {
    if (end - start > this.#lengthMax) return false;
    const name = query.slice(start, end);
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const bytes = Buffer.from(name);
    const isPlain =
      name !== 'code' &&
      this.#names.ofText('query', name) === null &&
      this.#names.role(bytes, 0, bytes.length) === null;
    // A copy, as a slice would keep the head it is from.
    if (this.#known.size < DEFAULT_LIMITS.redaction_names_max) this.#known.set(bytes.toString(), isPlain);
    return isPlain;
  }
}
