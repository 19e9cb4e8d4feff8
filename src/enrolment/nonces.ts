/**
 * The nonces of requests that were taken, so that none is taken twice, within a bound.
 *
 * in: a nonce, the time that its request says · out: whether it is new
 *
 * Nonces lie in buckets of one second of that time. When there are too many, the bucket of the earliest second goes, and from
 * then on nothing as early is taken: what was forgotten cannot be taken again.
 */
export class Nonces {
  readonly #max: number;
  readonly #buckets = new Map<number, Set<string>>();
  #count = 0;
  /** Requests of this second and before are not taken. */
  #floor: number;

  /** @param since milliseconds since 1970: what was taken before is not known, and nothing of then is taken */
  constructor(max: number, since: number) {
    this.#max = max;
    this.#floor = secondOf(since) - 1;
  }

  get size(): number {
    return this.#count;
  }

  /** Whether requests of `time` are too early to be taken. */
  isBeyond(time: number): boolean {
    return secondOf(time) <= this.#floor;
  }

  /** Whether the nonce is new; it is known from then on. */
  add(nonce: string, time: number): boolean {
    if (this.isBeyond(time)) return false;
    const second = secondOf(time);
    let bucket = this.#buckets.get(second);
    if (bucket === undefined) {
      bucket = new Set();
      this.#buckets.set(second, bucket);
    }
    if (bucket.has(nonce)) return false;
    bucket.add(nonce);
    this.#count++;
    if (this.#count > this.#max) this.#forgetThrough(Math.min(...this.#buckets.keys()));
    return true;
  }

  /** Forgets what is earlier than `time`, which is not taken any more. */
  forget(time: number): void {
    const last = secondOf(time) - 1;
    if (last > this.#floor) this.#forgetThrough(last);
  }

  #forgetThrough(last: number): void {
    this.#floor = Math.max(this.#floor, last);
    for (const [second, bucket] of this.#buckets) {
      if (second > last) continue;
      this.#count -= bucket.size;
      this.#buckets.delete(second);
    }
  }
}

function secondOf(millis: number): number {
  return Math.floor(millis / 1000);
}
