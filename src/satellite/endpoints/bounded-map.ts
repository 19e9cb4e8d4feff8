/**
 * A map of at most so many keys, which keeps the same ones whatever order they came in: those of least hash.
 *
 * A key that is kept in the end was never left out on the way, so what is counted under it is exact; and two maps merge into
 * what one would have had.
 */

/** FNV-1a of the code units, mixed so that texts that differ at their end differ at both. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** What is under `key`, made if there is room for it; null where there is none. */
export function slot<V>(map: Map<string, V>, key: string, keys_max: number, make: () => V): V | null {
  const there = map.get(key);
  if (there !== undefined) return there;
  if (map.size >= keys_max) {
    const last = lastOf(map);
    if (!isBefore(key, last)) return null;
    map.delete(last);
  }
  const made = make();
  map.set(key, made);
  return made;
}

export function countUp(map: Map<string, number>, key: string, keys_max: number, by = 1): void {
  const before = slot(map, key, keys_max, () => 0);
  if (before !== null) map.set(key, before + by);
}

export function mergeCounts(into: Map<string, number>, from: ReadonlyMap<string, number>, keys_max: number): void {
  for (const [key, count] of from) countUp(into, key, keys_max, count);
}

function lastOf(map: ReadonlyMap<string, unknown>): string {
  let last: string | null = null;
  for (const key of map.keys()) if (last === null || isBefore(last, key)) last = key;
  return last ?? '';
}

function isBefore(key: string, other: string): boolean {
  const difference = hashOf(key) - hashOf(other);
  return difference < 0 || (difference === 0 && key < other);
}
