/**
 * Hops by the digests of what they may have in common with others.
 *
 * A table of places, one hop in each; a map has those whose place was taken. A hop is nearly always alone, and a map alone would be
 * built anew again and again, as all that comes into it goes out soon.
 */
import type { Hop } from './hops.js';

const PLACES = 1 << 12;

export class HopIndex {
  readonly #alikeMax: number;
  readonly #places = new Array<Hop | null>(PLACES).fill(null);
  /** The key by which each has its place. */
  readonly #keys = new Int32Array(PLACES);
  /** By key, oldest first: younger than the one with the same key that has a place. */
  readonly #others = new Map<number, Hop[]>();

  /** `alikeMax`: hops that are remembered with one key. */
  constructor(alikeMax: number) {
    this.#alikeMax = alikeMax;
  }

  /** Remembers `hop` by `key`, 31 bits. Returns whether the oldest with that key was forgotten for it. */
  add(hop: Hop, key: number): boolean {
    const at = key & (PLACES - 1);
    const others = this.#others.size === 0 ? undefined : this.#others.get(key);
    const placed = this.#places[at] as Hop | null;
    if (placed === null && others === undefined) {
      this.#places[at] = hop;
      this.#keys[at] = key;
      return false;
    }
    if (others === undefined) this.#others.set(key, [hop]);
    else others.push(hop);
    const isPlacedAlike = placed !== null && this.#keys[at] === key;
    if ((others?.length ?? 1) + Number(isPlacedAlike) <= this.#alikeMax) return false;
    if (isPlacedAlike) this.#places[at] = null;
    else others?.shift();
    return true;
  }

  remove(hop: Hop, key: number): void {
    const at = key & (PLACES - 1);
    if (this.#places[at] === hop && this.#keys[at] === key) this.#places[at] = null;
    const others = this.#others.size === 0 ? undefined : this.#others.get(key);
    if (others === undefined) return;
    const among = others.indexOf(hop);
    if (among >= 0) others.splice(among, 1);
    if (others.length === 0) this.#others.delete(key);
  }

  /** Whether no other hop has any of its keys, as far as that can be told in no time. */
  isAlone(hop: Hop): boolean {
    for (const key of hop.keys) {
      const at = key & (PLACES - 1);
      if (this.#places[at] !== hop || this.#keys[at] !== key) return false;
      if (this.#others.size > 0 && this.#others.has(key)) return false;
    }
    return true;
  }

  /** Those with `key`, oldest first. */
  *alike(key: number): Generator<Hop> {
    const at = key & (PLACES - 1);
    const placed = this.#places[at] as Hop | null;
    if (placed !== null && this.#keys[at] === key) yield placed;
    yield* this.#others.get(key) ?? [];
  }
}
