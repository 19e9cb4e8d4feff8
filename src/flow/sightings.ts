/**
 * Where segments were seen, by their numbers and bytes: the two copies of one segment that are captured on both sides of an
 * address translation, or inside and outside of a tunnel, agree in them and perhaps in nothing else.
 *
 * A table of fixed size, in buckets; the oldest sighting of a bucket is forgotten for a new one, and counted if it was recent.
 */
import type { Counters } from '../counters.js';
import type { Segment } from '../decode/segment.js';
import type { Flow } from './flow.js';
import type { Direction } from './flow-consumer.js';

/** Powers of two: an interface may show thousands of connections before another one shows the first of them. */
const BUCKETS = 1 << 14;
const WAYS = 4;

/** How far apart the copies of a segment are captured: queues, and interfaces that are read one after the other. */
export const COPIES_APART_NANOS = 0.5e9;

export interface Sighting {
  readonly flow: Flow;
  readonly direction: Direction;
  readonly time: number;
}

/** Bytes of a payload that are compared, through a digest: a snap length may have cut one of the copies behind them. */
const DIGEST_BYTES = 64;

export class Sightings {
  readonly #counters: Counters;
  /** Null where there is none. */
  readonly #flows = new Array<Flow | null>(BUCKETS * WAYS).fill(null);
  readonly #sequences = new Int32Array(BUCKETS * WAYS);
  readonly #acknowledgements = new Int32Array(BUCKETS * WAYS);
  /** Twice the bytes of the payload on the wire, and the direction. */
  readonly #lengths = new Int32Array(BUCKETS * WAYS);
  /** Of the payload's first bytes. */
  readonly #digests = new Int32Array(BUCKETS * WAYS);
  readonly #times = new Float64Array(BUCKETS * WAYS);
  /** Where the one of its flow before it is; -1: nowhere. */
  readonly #before = new Int32Array(BUCKETS * WAYS);

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  note(flow: Flow, direction: Direction, segment: Segment, time: number): void {
    const at = this.#makeRoom(bucketOf(segment), time);
    this.#flows[at] = flow;
    this.#sequences[at] = segment.sequence;
    this.#acknowledgements[at] = segment.acknowledgement;
    this.#lengths[at] = 2 * lengthOf(segment) + direction;
    this.#digests[at] = digestOf(segment);
    this.#times[at] = time;
    this.#before[at] = flow.sightedAt;
    flow.sightedAt = at;
  }

  /** The other copy of `segment`, the latest where there are several; null if none was seen at about the same time. */
  find(segment: Segment, time: number): Sighting | null {
    const first = bucketOf(segment);
    let found = -1;
    for (let at = first; at < first + WAYS; at++) {
      if (this.#flows[at] === null || this.#sequences[at] !== segment.sequence) continue;
      if (this.#acknowledgements[at] !== segment.acknowledgement) continue;
      if (Math.abs(time - (this.#times[at] as number)) > COPIES_APART_NANOS) continue;
      if ((this.#lengths[at] as number) >> 1 !== lengthOf(segment) || this.#digests[at] !== digestOf(segment)) continue;
      if (found < 0 || (this.#times[at] as number) >= (this.#times[found] as number)) found = at;
    }
    const flow = found < 0 ? null : (this.#flows[found] as Flow | null);
    if (flow === null) return null;
    return { flow, direction: ((this.#lengths[found] as number) & 1) as Direction, time: this.#times[found] as number };
  }

  /** `flow` is remembered no longer. */
  forget(flow: Flow): void {
    // Behind one whose place was taken, earlier ones stay until theirs are.
    for (let at = flow.sightedAt; at >= 0 && this.#flows[at] === flow; at = this.#before[at] as number) {
      this.#flows[at] = null;
    }
  }

  /** A place of the bucket that begins at `first`. */
  #makeRoom(first: number, time: number): number {
    let oldest = first;
    for (let at = first; at < first + WAYS; at++) {
      if (this.#flows[at] === null) return at;
      if ((this.#times[at] as number) < (this.#times[oldest] as number)) oldest = at;
    }
    const isRecent = time - (this.#times[oldest] as number) < COPIES_APART_NANOS;
    if (isRecent && this.#flows[oldest]?.isForgotten === false) this.#counters.legs_evicted++;
    return oldest;
  }
}

function lengthOf({ payloadStart, payloadEnd, payloadCut }: Segment): number {
  return payloadEnd - payloadStart + payloadCut;
}

/** FNV-1a. */
function digestOf({ bytes, payloadStart, payloadEnd }: Segment): number {
  const end = Math.min(payloadEnd, payloadStart + DIGEST_BYTES);
  let digest = 0x811c9dc5;
  for (let at = payloadStart; at < end; at++) digest = Math.imul(digest ^ (bytes[at] as number), 0x01000193);
  return digest | 0;
}

/** Where the bucket begins that a segment of these numbers has its place in. */
function bucketOf({ sequence, acknowledgement }: Segment): number {
  const mixed = Math.imul(sequence, 0x85ebca6b) ^ Math.imul(acknowledgement, 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 15)) & (BUCKETS - 1)) * WAYS;
}
