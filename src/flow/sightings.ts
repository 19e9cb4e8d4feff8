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

/** A sighting takes 32 bytes, and a bucket two lines of the processor's cache: nearly each one is looked at once, and far from the last. */
const WORDS = 8;
const Word = {
  sequence: 0,
  acknowledgement: 1,
  /** Twice the bytes of the payload on the wire, and the direction. */
  length: 2,
  /** Of the payload's first bytes. */
  digest: 3,
  /** Where the one of its flow before it is; -1: nowhere. */
  before: 4,
} as const;
/** The time, in words of twice the size. */
const LONG_WORDS = WORDS / 2;
const TIME = 3;

export class Sightings {
  readonly #counters: Counters;
  /** Null where there is none. */
  readonly #flows = new Array<Flow | null>(BUCKETS * WAYS).fill(null);
  readonly #words = new Int32Array(BUCKETS * WAYS * WORDS);
  readonly #longs = new Float64Array(this.#words.buffer);

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  note(flow: Flow, direction: Direction, segment: Segment, time: number): void {
    const at = this.#makeRoom(bucketOf(segment), time);
    const words = this.#words;
    const word = at * WORDS;
    this.#flows[at] = flow;
    words[word + Word.sequence] = segment.sequence;
    words[word + Word.acknowledgement] = segment.acknowledgement;
    words[word + Word.length] = 2 * lengthOf(segment) + direction;
    words[word + Word.digest] = digestOf(segment);
    words[word + Word.before] = flow.sightedAt;
    this.#longs[at * LONG_WORDS + TIME] = time;
    flow.sightedAt = at;
  }

  /** The other copy of `segment`, the latest where there are several; null if none was seen at about the same time. */
  find(segment: Segment, time: number): Sighting | null {
    const first = bucketOf(segment);
    const words = this.#words;
    let found = -1;
    for (let at = first; at < first + WAYS; at++) {
      const word = at * WORDS;
      if (words[word + Word.sequence] !== segment.sequence) continue;
      if (words[word + Word.acknowledgement] !== segment.acknowledgement || this.#flows[at] === null) continue;
      if (Math.abs(time - this.#timeOf(at)) > COPIES_APART_NANOS) continue;
      if ((words[word + Word.length] as number) >> 1 !== lengthOf(segment)) continue;
      if (words[word + Word.digest] !== digestOf(segment)) continue;
      if (found < 0 || this.#timeOf(at) >= this.#timeOf(found)) found = at;
    }
    const flow = found < 0 ? null : (this.#flows[found] as Flow | null);
    if (flow === null) return null;
    const direction = ((words[found * WORDS + Word.length] as number) & 1) as Direction;
    return { flow, direction, time: this.#timeOf(found) };
  }

  /** `flow` is remembered no longer. */
  forget(flow: Flow): void {
    // Behind one whose place was taken, earlier ones stay until theirs are.
    for (let at = flow.sightedAt; at >= 0 && this.#flows[at] === flow; ) {
      this.#flows[at] = null;
      at = this.#words[at * WORDS + Word.before] as number;
    }
  }

  #timeOf(at: number): number {
    return this.#longs[at * LONG_WORDS + TIME] as number;
  }

  /** A place of the bucket that begins at `first`. */
  #makeRoom(first: number, time: number): number {
    let oldest = first;
    for (let at = first; at < first + WAYS; at++) {
      if (this.#flows[at] === null) return at;
      if (this.#timeOf(at) < this.#timeOf(oldest)) oldest = at;
    }
    const isRecent = time - this.#timeOf(oldest) < COPIES_APART_NANOS;
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
