/**
 * How many things happened in the last minute, from one count for each quarter of a second, in bounded memory. It errs on
 * the side of caution: the oldest quarter counts whole until all of it is more than a minute old.
 */
export interface SlidingCount {
  /** At least as many as in any window of one minute that ends at `now`. */
  total(now: number): number;
  /** Counts one more at `now`; returns its slot, for `takeBack`. */
  add(now: number): number;
  /** Undoes an `add`, if it still counts. */
  takeBack(slot: number): void;
}

const SLOT_MILLIS = 250;
const SLOTS = 60_000 / SLOT_MILLIS + 1;

/** Times are in milliseconds; one that runs backwards counts as the latest seen. */
export function createSlidingCount(): SlidingCount {
  const counts = new Int32Array(SLOTS);
  let latest = Number.NEGATIVE_INFINITY;
  let total = 0;

  function advance(now: number): void {
    const slot = Math.floor(now / SLOT_MILLIS);
    if (slot <= latest) return;
    for (let i = Math.max(latest + 1, slot - SLOTS + 1); i <= slot; i++) {
      total -= counts[place(i)] as number;
      counts[place(i)] = 0;
    }
    latest = slot;
  }

  return {
    total(now) {
      advance(now);
      return total;
    },
    add(now) {
      advance(now);
      (counts[place(latest)] as number)++;
      total++;
      return latest;
    },
    takeBack(slot) {
      if (slot <= latest - SLOTS) return;
      (counts[place(slot)] as number)--;
      total--;
    },
  };
}

function place(slot: number): number {
  return ((slot % SLOTS) + SLOTS) % SLOTS;
}
