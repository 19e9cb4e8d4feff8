/**
 * What packets carried that is not read: how many of each kind and number. A packet's bytes choose the number, so that only
 * so many are remembered; packets of others are counted together.
 *
 * in:  a `Next` for each packet that is not read · out: counts with words, most first
 */
import { numberText } from './number-names.js';

/** Packets that were not read, and what they carried, in words. */
export interface UnreadKind {
  readonly what: string;
  readonly packets: number;
}

export class UnreadPackets {
  readonly #max: number;
  readonly #counts = new Map<number, number>();
  #others = 0;

  constructor(max: number) {
    this.#max = max;
  }

  note(next: number): void {
    const count = this.#counts.get(next);
    if (count !== undefined) this.#counts.set(next, count + 1);
    else if (this.#counts.size < this.#max) this.#counts.set(next, 1);
    else this.#others++;
  }

  list(): UnreadKind[] {
    const list = [...this.#counts].map(([next, packets]) => ({ what: numberText(next), packets }));
    list.sort((a, b) => b.packets - a.packets);
    if (this.#others > 0) list.push({ what: 'others', packets: this.#others });
    return list;
  }
}
