/**
 * Flows by either of their endpoints, for the packets whose addresses do not mirror the other direction's.
 *
 * A table of fixed size, in buckets; a flow whose place another one needs is forgotten, and counted if only one direction of
 * it was seen.
 */
import type { Counters } from '../counters.js';
import type { Flow } from './flow.js';

/** Powers of two. */
const BUCKETS = 1 << 12;
const WAYS = 4;

export class OneWayFlows {
  readonly #counters: Counters;
  readonly #flows = new Array<Flow | null>(BUCKETS * WAYS).fill(null);
  /** Which of a bucket was written last. */
  readonly #last = new Uint8Array(BUCKETS);

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  add(flow: Flow, hash: number): void {
    const bucket = hash & (BUCKETS - 1);
    const way = ((this.#last[bucket] as number) + 1) & (WAYS - 1);
    this.#last[bucket] = way;
    const at = bucket * WAYS + way;
    const before = this.#flows[at];
    if (before?.isOneWay) this.#counters.legs_evicted++;
    this.#flows[at] = flow;
  }

  remove(flow: Flow, hash: number): void {
    const first = (hash & (BUCKETS - 1)) * WAYS;
    for (let at = first; at < first + WAYS; at++) if (this.#flows[at] === flow) this.#flows[at] = null;
  }

  /** The one flow seen in one direction of which `matches` holds, of those with an endpoint of that hash; null if none, or several. */
  only(hash: number, matches: (flow: Flow) => boolean): Flow | null {
    return this.#find(hash, matches, true);
  }

  /** The same, of flows seen in both directions too. */
  any(hash: number, matches: (flow: Flow) => boolean): Flow | null {
    return this.#find(hash, matches, false);
  }

  #find(hash: number, matches: (flow: Flow) => boolean, isOneWay: boolean): Flow | null {
    const first = (hash & (BUCKETS - 1)) * WAYS;
    let found: Flow | null = null;
    for (let at = first; at < first + WAYS; at++) {
      const flow = this.#flows[at];
      if (flow === null || flow === undefined || (isOneWay && !flow.isOneWay) || !matches(flow)) continue;
      if (found !== null && found !== flow) return null;
      found = flow;
    }
    return found;
  }
}
