/**
 * What is known of whole numbers by how far they are apart: each bound says that one is higher than another by no more than
 * so much. Together they bound other differences, which shortest paths find (a difference-bound matrix: Dill, "Timing
 * assumptions and verification of finite-state concurrent systems", 1989).
 *
 * in:  bounds · out: the narrowest that follow from them, or that they contradict each other
 */

export class Differences {
  readonly #size: number;
  /** At `from * size + to`: by how much `to` may be higher than `from`. */
  readonly #most: Float64Array;

  constructor(size: number) {
    this.#size = size;
    this.#most = new Float64Array(size * size).fill(Number.POSITIVE_INFINITY);
    for (let i = 0; i < size; i++) this.#most[i * size + i] = 0;
  }

  /** By how much `to` is higher than `from` at most, and at least. */
  most(from: number, to: number): number {
    return this.#most[from * this.#size + to] as number;
  }
  least(from: number, to: number): number {
    return -this.most(to, from);
  }

  atMost(from: number, to: number, most: number): void {
    const i = from * this.#size + to;
    if (most < (this.#most[i] as number)) this.#most[i] = most;
  }
  atLeast(from: number, to: number, least: number): void {
    this.atMost(to, from, -least);
  }

  /** Finds what follows from the bounds (Floyd–Warshall). Returns whether they can all be true. */
  close(): boolean {
    const size = this.#size;
    for (let via = 0; via < size; via++) {
      for (let from = 0; from < size; from++) {
        const first = this.most(from, via);
        if (first === Number.POSITIVE_INFINITY) continue;
        for (let to = 0; to < size; to++) this.atMost(from, to, first + this.most(via, to));
      }
    }
    for (let i = 0; i < size; i++) if (this.most(i, i) < 0) return false;
    return true;
  }
}
