/**
 * Whether a trace has come before, without looking into the database for each that is new.
 *
 * The ids of the newest, which are in no full part yet, are in memory. Each of the full parts behind them has a Bloom filter, which
 * says that an id is not there, or that it is worth looking (https://doi.org/10.1145/362686.362692). What is older than all these comes
 * again as if it were new.
 */

/** Full parts that are remembered: with 65,536 traces each, four million. */
const PARTS_MAX = 64;
/** Bits for each trace of a part: of a thousand new ids, one or two are looked for in vain. */
const BITS = 1 << 20;
const PROBES = 8;

/** The ids of one full part. */
export class IdFilter {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array = new Uint8Array(BITS / 8)) {
    this.bytes = bytes;
  }

  add(key: string): void {
    const { first, step } = hashesOf(key);
    for (let i = 0; i < PROBES; i++) {
      const bit = (first + Math.imul(i, step)) & (BITS - 1);
      (this.bytes as { [at: number]: number })[bit >>> 3] = (this.bytes[bit >>> 3] ?? 0) | (1 << (bit & 7));
    }
  }

  mayHave({ first, step }: Hashes): boolean {
    for (let i = 0; i < PROBES; i++) {
      const bit = (first + Math.imul(i, step)) & (BITS - 1);
      if (((this.bytes[bit >>> 3] ?? 0) & (1 << (bit & 7))) === 0) return false;
    }
    return true;
  }
}

interface Hashes {
  readonly first: number;
  readonly step: number;
}

/** FNV-1a, and MurmurHash3's finalizer for what of it is needed again. */
function hashesOf(key: string): Hashes {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  mixed ^= mixed >>> 16;
  return { first: hash ^ (hash >>> 12), step: mixed | 1 };
}

export class KnownIds {
  /** Of those in no full part. */
  #newest = new Set<string>();
  readonly #parts = new Map<number, IdFilter>();

  add(key: string): void {
    this.#newest.add(key);
  }

  /** Takes back what was added in vain. */
  remove(keys: Iterable<string>): void {
    for (const key of keys) this.#newest.delete(key);
  }

  /** A part is full; what is in none is given anew. */
  fill(part: number, ids: IdFilter, outside: Iterable<string>): void {
    this.remember(part, ids);
    this.#newest = new Set(outside);
  }

  remember(part: number, ids: IdFilter): void {
    this.#parts.set(part, ids);
    for (const oldest of this.#parts.keys()) {
      if (this.#parts.size <= PARTS_MAX) break;
      this.#parts.delete(oldest);
    }
  }

  /** @param isIn asks the database about one part */
  has(key: string, isIn: (part: number) => boolean): boolean {
    if (this.#newest.has(key)) return true;
    if (this.#parts.size === 0) return false;
    const hashes = hashesOf(key);
    for (const [part, ids] of this.#parts) if (ids.mayHave(hashes) && isIn(part)) return true;
    return false;
  }
}
