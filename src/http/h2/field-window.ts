/**
 * The dynamic table of HPACK (RFC 7541 §2.3.2) as far as it was seen: the fields inserted since the connection was joined, or
 * since bytes were lost that may have held insertions.
 *
 * Indices count from the newest entry and an encoder refers to no entry that it has evicted, so the k-th newest insertion is
 * what index k means, whatever the table's size is and whatever was evicted. One that was inserted before is unknown. How many
 * are kept is only a matter of memory: those the encoder's table can still have.
 */
import type { MemoryBudget } from '../../memory-budget.js';

export interface Entry {
  /** Null where it was a reference to an entry that is unknown. */
  readonly name: string | null;
  readonly value: string;
}

/** What an entry counts beyond its bytes (§4.1), which is about what it takes. */
const ENTRY_BYTES = 32;
/** The size of a table of which nothing else was said (RFC 9113 §6.5.2). */
const TABLE_BYTES = 4096;
const COMPACT_AT = 64;

export class FieldWindow {
  readonly #budget: MemoryBudget;
  readonly #bytesMax: number;
  readonly #entries: Entry[] = [];
  /** Of the oldest that is kept. */
  #first = 0;
  #bytes = 0;
  /** The most that the encoder's table may hold, as far as is known. */
  #tableBytes = TABLE_BYTES;
  /** Insertions since the window began that were let go. */
  #letGo = 0;

  /** `bytesMax`: of the entries kept, whatever the size of the table. */
  constructor(bytesMax: number, budget: MemoryBudget) {
    this.#bytesMax = bytesMax;
    this.#budget = budget;
    this.resize(TABLE_BYTES);
  }

  /** The `k`-th newest, from 1; undefined where it is not known. */
  at(k: number): Entry | undefined {
    const entry = this.#entries[this.#entries.length - k];
    if (entry !== undefined && k <= this.#entries.length - this.#first) return entry;
    // One that was let go is still in the table: it is larger than was known.
    if (k <= this.#entries.length - this.#first + this.#letGo) this.resize(this.#tableBytes * 2);
    return undefined;
  }

  insert(entry: Entry): void {
    this.#entries.push(entry);
    const bytes = bytesOf(entry);
    this.#bytes += bytes;
    this.#budget.add(bytes);
    this.#trim();
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
    this.#entries.length = 0;
    this.#first = 0;
    this.#letGo = 0;
    this.#budget.remove(this.#bytes);
    this.#bytes = 0;
  }

  #trim(): void {
    const entries = this.#entries;
    while (this.#bytes > this.#tableBytes) {
      const bytes = bytesOf(entries[this.#first] as Entry);
      this.#first++;
      this.#letGo++;
      this.#bytes -= bytes;
      this.#budget.remove(bytes);
    }
    if (this.#first > COMPACT_AT && this.#first * 2 > entries.length) {
      entries.splice(0, this.#first);
      this.#first = 0;
    }
  }
}

function bytesOf({ name, value }: Entry): number {
  return (name?.length ?? 0) + value.length + ENTRY_BYTES;
}
