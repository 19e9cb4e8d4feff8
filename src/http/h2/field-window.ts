/**
 * The dynamic table of HPACK (RFC 7541 §2.3.2) as far as it was seen: the fields inserted since the connection was joined, or
 * since bytes were lost that may have held insertions.
 *
 * Indices count from the newest entry and an encoder refers to no entry that it has evicted, so the k-th newest insertion is
 * what index k means, whatever the table's size is and whatever was evicted. One that was inserted before is unknown. How many
 * are kept is only a matter of memory: those the encoder's table can still have.
 *
 * Names and values lie in two rings, as an object an entry would cost more than all else about it.
 */
import type { MemoryBudget } from '../../memory-budget.js';

/** What an entry counts beyond its bytes (§4.1), which is about what it takes. */
const ENTRY_BYTES = 32;
/** The size of a table of which nothing else was said (RFC 9113 §6.5.2). */
const TABLE_BYTES = 4096;
/** Places of a ring, a power of two. */
const PLACES_MIN = 32;

export class FieldWindow {
  readonly #budget: MemoryBudget;
  readonly #bytesMax: number;
  /** The field at a place that `find` returns. Null: its name was a reference to an entry that is unknown. */
  names: (string | null)[] = [];
  values: string[] = [];
  /** Counts of insertions: up to the oldest that is kept, and all. Their lowest bits are places. */
  #first = 0;
  #count = 0;
  #bytes = 0;
  /** The most that the encoder's table may hold, as far as is known. */
  #tableBytes = TABLE_BYTES;

  /** `bytesMax`: of the entries kept, whatever the size of the table. */
  constructor(bytesMax: number, budget: MemoryBudget) {
    this.#bytesMax = bytesMax;
    this.#budget = budget;
    this.resize(TABLE_BYTES);
  }

  /** The place of the `k`-th newest, from 1; -1 where it is not known. */
  find(k: number): number {
    if (k <= this.#count - this.#first) return (this.#count - k) & (this.names.length - 1);
    // One that was let go is still in the table: it is larger than was known.
    if (k <= this.#count) this.resize(this.#tableBytes * 2);
    return -1;
  }

  insert(name: string | null, value: string): void {
    if (this.#count - this.#first === this.names.length) this.#grow();
    const place = this.#count++ & (this.names.length - 1);
    this.names[place] = name;
    this.values[place] = value;
    const bytes = (name === null ? 0 : name.length) + value.length + ENTRY_BYTES;
    this.#bytes += bytes;
    this.#budget.add(bytes);
    if (this.#bytes > this.#tableBytes) this.#trim();
  }

  /** The encoder's table holds `bytes` at most. */
  resize(bytes: number): void {
    this.#tableBytes = Math.min(bytes, this.#bytesMax);
    this.#trim();
  }

  /** The decoder lets the encoder's table hold as much; it says when it does less (§4.2). */
  allow(bytes: number): void {
    if (bytes > this.#tableBytes) this.resize(bytes);
  }

  /** Insertions may have been missed: nothing that was inserted before can be found any more. */
  forget(): void {
    this.names = [];
    this.values = [];
    this.#first = 0;
    this.#count = 0;
    this.#budget.remove(this.#bytes);
    this.#bytes = 0;
  }

  #trim(): void {
    while (this.#bytes > this.#tableBytes) {
      const place = this.#first++ & (this.names.length - 1);
      const bytes = (this.names[place]?.length ?? 0) + (this.values[place] as string).length + ENTRY_BYTES;
      this.names[place] = null;
      this.values[place] = '';
      this.#bytes -= bytes;
      this.#budget.remove(bytes);
    }
  }

  #grow(): void {
    const { names, values } = this;
    const places = Math.max(PLACES_MIN, names.length * 2);
    const newNames: (string | null)[] = new Array(places).fill(null);
    const newValues: string[] = new Array(places).fill('');
    for (let i = this.#first; i < this.#count; i++) {
      newNames[i & (places - 1)] = names[i & (names.length - 1)] as string | null;
      newValues[i & (places - 1)] = values[i & (names.length - 1)] as string;
    }
    this.names = newNames;
    this.values = newValues;
  }
}
