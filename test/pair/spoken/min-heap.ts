/** Values by their keys, the smallest first; of equal keys the one that was pushed first. */
export class MinHeap<T> {
  readonly #entries: { key: number; order: number; value: T }[] = [];
  #pushed = 0;

  push(key: number, value: T): void {
    const entries = this.#entries;
    const entry = { key, order: this.#pushed++, value };
    let at = entries.length;
    entries.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, entries[parent] as typeof entry)) break;
      entries[at] = entries[parent] as typeof entry;
      at = parent;
    }
    entries[at] = entry;
  }

  pop(): { key: number; value: T } | null {
    const entries = this.#entries;
    const first = entries[0];
    const last = entries.pop();
    if (first === undefined || last === undefined) return null;
    if (entries.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= entries.length) break;
      const right = entries[child + 1];
      if (right !== undefined && isBefore(right, entries[child] as typeof last)) child++;
      if (!isBefore(entries[child] as typeof last, last)) break;
      entries[at] = entries[child] as typeof last;
      at = child;
    }
    entries[at] = last;
    return first;
  }
}

function isBefore(a: { key: number; order: number }, b: { key: number; order: number }): boolean {
  return a.key < b.key || (a.key === b.key && a.order < b.order);
}
