/**
 * What a person may have meant by a name that is none.
 *
 * in: the name as given, the names there are · out: the one it is nearest to, or null · pure
 */
import type { OptionTable } from './option-row.js';

/** The option of `table` that `name` stands for, by another name of it or by being close. */
export function nearestOption(name: string, table: OptionTable): string | null {
  const plain = name.toLowerCase().replaceAll('_', '-');
  const known = Object.entries(table).find(([, { alsoCalled }]) => alsoCalled?.includes(plain));
  return known?.[0] ?? nearest(plain, Object.keys(table)) ?? alike(plain, Object.keys(table));
}

/** The one that begins alike, and differs from a long name in less than half of it. */
function alike(name: string, candidates: readonly string[]): string | null {
  const begun = candidates.filter((candidate) => candidate.slice(0, 6) === name.slice(0, 6) && name.length > 6);
  const [best, second] = ranked(name, begun);
  if (best === undefined || best.edits > name.length / 2) return null;
  return second === undefined || second.edits > best.edits ? best.candidate : null;
}

/** The only candidate that begins with `name`, else the nearest within two edits; null if there is none. */
export function nearest(name: string, candidates: readonly string[]): string | null {
  const begun = candidates.filter((candidate) => candidate.startsWith(name));
  if (begun.length === 1) return begun[0] ?? null;
  const [best] = ranked(name, candidates);
  return best !== undefined && best.edits <= 2 ? best.candidate : null;
}

function ranked(name: string, candidates: readonly string[]): { candidate: string; edits: number }[] {
  return candidates
    .map((candidate) => ({ candidate, edits: editDistance(name, candidate) }))
    .sort((a, b) => a.edits - b.edits);
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substitution, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
