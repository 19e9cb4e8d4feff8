/**
 * What a flow that waits gives up first.
 *
 * in:  a flow with segments that wait · out: the stream that goes on, and over which bytes
 *
 * Where both streams miss bytes, the ones sent first are given up first, so that gaps come in the order in which their
 * bytes were sent, whichever side was seen first: what a segment acknowledges was sent before it (RFC 9293 §3.4).
 */
import type { Flow } from './flow.js';
import type { Direction } from './flow-consumer.js';

export interface GivenUp {
  direction: Direction;
  /** The stream's next byte behind what is given up; null: nothing, its first segment does not wait for the other stream. */
  upTo: number | null;
}

/** `flow` holds at least one segment. */
export function firstToGiveUp({ stream0, stream1 }: Flow): GivenUp {
  const first0 = stream0.held.first;
  const first1 = stream1.held.first;
  if (first0 === undefined || first1 === undefined) {
    if (first0 !== undefined)
      return inFrontOf(0, first0.sequence, first0.acknowledgement, stream1.isBehindOf(first0.acknowledgement));
    const sequence = first1?.sequence ?? 0;
    const acknowledgement = first1?.acknowledgement ?? 0;
    return inFrontOf(1, sequence, acknowledgement, stream0.isBehindOf(acknowledgement));
  }
  // A stream whose next segment is here waits only for what that segment acknowledges of the other.
  const isNext0 = ((first0.sequence - stream0.next) | 0) <= 0;
  const isNext1 = ((first1.sequence - stream1.next) | 0) <= 0;
  // Each acknowledges the other, so the one that came later is a retransmission of bytes first sent before the other.
  if (isNext0 && isNext1) return { direction: first0.time > first1.time ? 0 : 1, upTo: null };
  if (isNext1) return { direction: 0, upTo: first1.acknowledgement };
  if (isNext0) return { direction: 1, upTo: first0.acknowledgement };
  // The segment that acknowledges nothing missing was sent first.
  if (!stream1.isBehindOf(first0.acknowledgement)) return { direction: 0, upTo: first0.sequence };
  if (!stream0.isBehindOf(first1.acknowledgement)) return { direction: 1, upTo: first1.sequence };
  // Each acknowledges what is missing of the other: what is missing in front of the one sent first comes first, and then
  // what it acknowledges.
  const isFirst0 = ((first1.acknowledgement - first0.sequence) | 0) > 0;
  return isFirst0 ? { direction: 0, upTo: first0.sequence } : { direction: 1, upTo: first1.sequence };
}

/** Only one stream holds a segment: what it acknowledges and the capture lacks, then what is missing in front of it. */
function inFrontOf(direction: Direction, sequence: number, acknowledgement: number, isBehind: boolean): GivenUp {
  return isBehind ? { direction: direction === 0 ? 1 : 0, upTo: acknowledgement } : { direction, upTo: sequence };
}
