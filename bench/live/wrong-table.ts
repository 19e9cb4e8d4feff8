/** Wrong exchanges as lines for people: what is wrong in the same way is one line, with its number and the first id. */
import type { Wrong } from './compare.js';

export function wrongLines(where: string, wrong: readonly Wrong[]): string[] {
  const kinds = new Map<string, { first: Wrong; count: number }>();
  for (const one of wrong) {
    const kind = one.what.replaceAll(/[A-Z]+ \S*[?&]id=\S*|\d+/g, '#');
    const known = kinds.get(kind);
    if (known === undefined) kinds.set(kind, { first: one, count: 1 });
    else known.count++;
  }
  return [...kinds.values()].map(({ first, count }) => `wrong: ${where}: ${count} like ${first.id} ${first.what}`);
}
