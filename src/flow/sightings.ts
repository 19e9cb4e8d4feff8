/**
 * Where segments were seen, by their numbers and bytes: the two copies of one segment that are captured on both sides of an
 * address translation, or inside and outside of a tunnel, agree in them and perhaps in nothing else.
 *
 * A table of fixed size; a sighting whose place another one needs is forgotten, and counted if it was recent.
 */
import type { Counters } from '../counters.js';
import type { Segment } from '../decode/segment.js';
import type { Flow } from './flow.js';
import type { Direction } from './flow-consumer.js';

/** A power of two: more than the connections that begin while a sighting is of use. */
const PLACES = 1 << 14;

/** How far apart the copies of a segment are captured: queues, and interfaces that are read one after the other. */
export const COPIES_APART_NANOS = 0.5e9;

export interface Sighting {
  readonly flow: Flow;
  readonly direction: Direction;
  readonly sequence: number;
  readonly acknowledgement: number;
  /** The bytes of the payload on the wire. */
  readonly length: number;
  /** The payload's first bytes, as a digest. */
  readonly digest: number;
  readonly time: number;
}

/** Bytes of a payload that are compared, through a digest: a snap length may have cut one of the copies behind them. */
const DIGEST_BYTES = 64;

export class Sightings {
  readonly #counters: Counters;
  readonly #places = new Array<Sighting | null>(PLACES).fill(null);

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  note(flow: Flow, direction: Direction, segment: Segment, time: number): void {
    const { sequence, acknowledgement } = segment;
    const at = placeOf(sequence, acknowledgement);
    const before = this.#places[at] as Sighting | null;
    if (before !== null && !before.flow.isForgotten && time - before.time < COPIES_APART_NANOS) {
      this.#counters.legs_evicted++;
    }
    const length = lengthOf(segment);
    this.#places[at] = { flow, direction, sequence, acknowledgement, length, digest: digestOf(segment), time };
  }

  /** The other copy of `segment`; null if none was seen at about the same time. */
  find(segment: Segment, time: number): Sighting | null {
    const { sequence, acknowledgement } = segment;
    const sighting = this.#places[placeOf(sequence, acknowledgement)] as Sighting | null;
    if (sighting === null || sighting.flow.isForgotten) return null;
    const isSame =
      sighting.sequence === sequence &&
      sighting.acknowledgement === acknowledgement &&
      sighting.length === lengthOf(segment) &&
      sighting.digest === digestOf(segment);
    return isSame && Math.abs(time - sighting.time) <= COPIES_APART_NANOS ? sighting : null;
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
  return digest;
}

function placeOf(sequence: number, acknowledgement: number): number {
  const mixed = Math.imul(sequence, 0x85ebca6b) ^ Math.imul(acknowledgement, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 15)) & (PLACES - 1);
}
