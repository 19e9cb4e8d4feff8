/**
 * A name for what a segment of a path stands for, from the word before it: `users` → `userId`, `line-items` → `lineItemId`.
 */
import type { ValueKind } from './path-values.js';

/** `listUsers`, `list-users`, `list_users` → `list`, `users`. */
export function tokensOf(word: string): string[] {
  return word
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((token) => token.length > 1);
}

/** `before`: the word before it; null where there is none. */
export function parameterName(before: string | null, kind: ValueKind | null): string {
  if (kind === 'date' || kind === 'email') return kind;
  const tokens = before === null ? [] : tokensOf(before);
  if (tokens.length === 0) return 'id';
  const last = singular(tokens.pop() as string);
  const [first = last, ...rest] = [...tokens, last];
  return `${first}${rest.map((token) => token.charAt(0).toUpperCase() + token.slice(1)).join('')}Id`;
}

const IRREGULAR: ReadonlyMap<string, string> = new Map([
  ['people', 'person'],
  ['children', 'child'],
  ['series', 'series'],
  ['news', 'news'],
]);

export function singular(word: string): string {
  const irregular = IRREGULAR.get(word);
  if (irregular !== undefined) return irregular;
  if (word.length > 4 && word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  if (/(?:ss|sh|ch|x)es$/.test(word)) return word.slice(0, -2);
  return word.length > 3 && word.endsWith('s') && !/(?:ss|us|is)$/.test(word) ? word.slice(0, -1) : word;
}
