/**
 * The traces of the list: new ones come at one end, old ones at the other, and each is found by its place.
 *
 * Bounded: what is beyond `ROWS_MAX` is let go, the oldest first, and asked for again where somebody goes there.
 */
import type { Row } from './ask.js';

export const ROWS_MAX = 100_000;

export class Rows {
  /** What came since the first page, the newest last. */
  #newer: Row[] = [];
  /** The first page and those after it, the newest first. */
  #older: Row[] = [];
  /** Where to ask on; null where there is nothing older. */
  next: number | null = null;
  /** Whether there has been an answer. */
  isAsked = false;

  get length(): number {
    return this.#newer.length + this.#older.length;
  }

  /** The newest is 0. */
  at(index: number): Row | undefined {
    const { length } = this.#newer;
    return index < length ? this.#newer[length - 1 - index] : this.#older[index - length];
  }

  indexOf(seq: number): number {
    // By halves: numbers fall from the newest to the oldest.
    let low = 0;
    let high = this.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.at(middle)?.seq ?? 0;
      if (found === seq) return middle;
      if (found > seq) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  get newest(): number {
    return this.at(0)?.seq ?? 0;
  }

  /** Those that came, the oldest first. Out: how many are new. */
  addNewer(rows: readonly Row[]): number {
    const last = this.newest;
    const fresh = rows.filter(({ seq }) => seq > last);
    this.#newer.push(...fresh);
    const surplus = this.length - ROWS_MAX;
    if (surplus > 0) {
      const fromOlder = Math.min(surplus, this.#older.length);
      this.#older.length -= fromOlder;
      this.#newer.splice(0, surplus - fromOlder);
      this.next = this.at(this.length - 1)?.seq ?? null;
    }
    return fresh.length;
  }

  addOlder(rows: readonly Row[], next: number | null): void {
    this.#older.push(...rows.slice(0, ROWS_MAX - this.length));
    this.next = next;
    this.isAsked = true;
  }
}
