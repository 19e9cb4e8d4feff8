/**
 * What a JSON document as a whole says of members whose names say nothing: the data of a Kubernetes Secret, the code of an OAuth
 * request, a password that Terraform made up.
 */
import type { NameRule } from './sensitive-names.js';

/** `{"sensitive":true,"value":"…"}` (Terraform's outputs). */
export const SENSITIVE: NameRule = { id: 'name:sensitive', value: 'any', reach: 'deep' };

interface Kind {
  readonly names: readonly string[];
  readonly rule: NameRule;
  /** Read once a document, and only where it has such a member. */
  is(bytes: Buffer): boolean;
}

const KINDS: readonly Kind[] = [
  {
    names: ['data', 'stringData'],
    rule: { id: 'name:kubernetes-secret', value: 'any', reach: 'deep' },
    // Its kind may stand behind what it holds.
    is: (bytes) =>
      bytes.includes('"Secret"') && /"kind"\s{0,8}:\s{0,8}"Secret"/.test(bytes.latin1Slice(0, bytes.length)),
  },
  {
    names: ['code'],
    rule: { id: 'name:oauth-code', value: 'opaque', reach: 'strings' },
    is: (bytes) => bytes.includes('"grant_type"'),
  },
  {
    names: ['result'],
    rule: { id: 'name:password', value: 'token', reach: 'strings' },
    is: (bytes) => bytes.includes('"random_password"'),
  },
];

const NAMES: ReadonlyMap<string, number> = new Map(KINDS.flatMap(({ names }, i) => names.map((name) => [name, i])));
/** What such a name begins with, and how long it is: nearly all others differ there. */
const BEGINNINGS: Uint8Array = new Uint8Array(256);
for (const name of NAMES.keys())
  BEGINNINGS[name.charCodeAt(0)] = (BEGINNINGS[name.charCodeAt(0)] as number) | bitOf(name.length);

function bitOf(length: number): number {
  return length <= 4 ? 1 : length <= 6 ? 2 : 4;
}

const NAME_LENGTH_MAX = 10;

export class DocumentKinds {
  readonly #bytes: Buffer;
  readonly #known: (boolean | undefined)[] = [];

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The rule for a member that has none by its name alone. */
  ruleFor(start: number, end: number): NameRule | null {
    const length = end - start;
    if (length > NAME_LENGTH_MAX || ((BEGINNINGS[this.#bytes[start] as number] as number) & bitOf(length)) === 0)
      return null;
    const kind = NAMES.get(this.#bytes.latin1Slice(start, end));
    if (kind === undefined) return null;
    const { is, rule } = KINDS[kind] as Kind;
    this.#known[kind] ??= is(this.#bytes);
    return this.#known[kind] ? rule : null;
  }
}

export function isSensitive(bytes: Buffer, start: number, end: number): boolean {
  return end - start === 9 && bytes.latin1Slice(start, end) === 'sensitive';
}
