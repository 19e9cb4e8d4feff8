/**
 * The memory of decompression that goes on: windows of what came before, which later bytes refer to. All of them share a part of the
 * budget. Where there is no room for another, the one that was used longest ago is given up.
 */
import type { Counters } from '../counters.js';
import { MemoryBudget } from '../memory-budget.js';

export interface WindowOwner {
  /** Its window is gone, and nothing of it counts any more: what refers to it cannot be had. */
  onWindowEvicted(): void;
}

export class InflateWindows {
  readonly #budget: MemoryBudget;
  readonly #whole: MemoryBudget;
  readonly #counters: Pick<Counters, 'windows_evicted'>;
  /** What each takes, the one used longest ago first. */
  readonly #taken = new Map<WindowOwner, number>();
  #latest: WindowOwner | null = null;

  /** `bytesMax`: of all windows together. */
  constructor(bytesMax: number, budget: MemoryBudget, counters: Pick<Counters, 'windows_evicted'>) {
    this.#budget = new MemoryBudget(bytesMax, budget);
    this.#whole = budget;
    this.#counters = counters;
  }

  /** Takes `bytes` more for `owner`; false where there is no room for them, whoever else is given up. */
  take(owner: WindowOwner, bytes: number): boolean {
    const budget = this.#budget;
    if (bytes > budget.max) return false;
    while (budget.used + bytes > budget.max || bytes > this.#whole.room) if (!this.#evictOther(owner)) return false;
    budget.add(bytes);
    const before = this.#taken.get(owner) ?? 0;
    this.#taken.delete(owner);
    this.#taken.set(owner, before + bytes);
    this.#latest = owner;
    return true;
  }

  /** `owner` uses its window. */
  touch(owner: WindowOwner): void {
    if (owner === this.#latest) return;
    const taken = this.#taken.get(owner);
    if (taken === undefined) return;
    this.#taken.delete(owner);
    this.#taken.set(owner, taken);
    this.#latest = owner;
  }

  /** Gives back what `owner` took. */
  release(owner: WindowOwner): void {
    const taken = this.#taken.get(owner);
    if (taken === undefined) return;
    this.#taken.delete(owner);
    this.#budget.remove(taken);
    if (owner === this.#latest) this.#latest = null;
  }

  #evictOther(owner: WindowOwner): boolean {
    for (const other of this.#taken.keys()) {
      if (other === owner) continue;
      this.release(other);
      this.#counters.windows_evicted++;
      other.onWindowEvicted();
      return true;
    }
    return false;
  }
}
