/**
 * One direction of a flow: where its byte stream stands, and the segments that came before their turn.
 */
import type { MemoryBudget } from '../memory-budget.js';

/** Payload at its place in the stream. */
export interface Piece {
  sequence: number;
  /** The payload is `bytes[start, end)`. */
  bytes: Buffer;
  start: number;
  end: number;
  /** Bytes behind it that the capture cut off. */
  cut: number;
  acknowledgement: number;
  time: number;
}

/** Bytes that wait for the ones before them, or for the other stream: a copy, as packets do not outlive their batch. */
export interface HeldSegment {
  sequence: number;
  bytes: Buffer;
  /** Bytes behind `bytes` that the capture cut off. */
  cut: number;
  acknowledgement: number;
  time: number;
}

/** What a held segment takes from the budget beyond its bytes. */
export const HELD_SEGMENT_BYTES = 160;

const NONE: HeldSegment[] = [];

export class TcpStream {
  /** Whether `next` has a meaning. */
  started = false;
  /** Sequence number of the next byte to deliver. */
  next = 0;
  /** What `next` was at first. */
  first = 0;
  /** Whether the SYN was seen, and its sequence number. */
  hasSyn = false;
  synSequence = 0;
  /** Whether a FIN was seen, and the sequence number behind the last byte. */
  hasFin = false;
  finSequence = 0;
  /** Whether the end was delivered. */
  ended = false;
  /** Whether any byte or gap was delivered. */
  carried = false;
  /** The highest acknowledgement the other side gave of this stream. */
  hasAcknowledged = false;
  acknowledged = 0;
  /** Sorted by sequence number, disjoint. */
  held: HeldSegment[] = NONE;
  heldBytes = 0;

  startAt(sequence: number): void {
    this.started = true;
    this.first = sequence;
    this.next = sequence;
  }

  /** Whether the receiver has bytes that were never captured, or not yet. */
  get isBehind(): boolean {
    return this.hasAcknowledged && this.isBehindOf(this.acknowledged);
  }

  /** Whether `acknowledgement` covers bytes that were not delivered yet. */
  isBehindOf(acknowledgement: number): boolean {
    if (!this.started || this.ended) return false;
    const behind = (acknowledgement - this.next) | 0;
    // A FIN takes one sequence number and no byte.
    return behind > 0 && !(behind === 1 && this.hasFin && this.next === this.finSequence);
  }

  /**
   * Holds a copy of `piece`, less what is held already: the first byte seen at a place wins. Returns the number of
   * segments stored.
   */
  hold(piece: Piece, budget: MemoryBudget): number {
    if (this.held === NONE) this.held = [];
    const held = this.held;
    const { bytes, end, acknowledgement, time } = piece;
    if (held.length > 0) this.#noteEarlier(piece, budget);
    let stored = 0;
    let at = piece.sequence;
    let cursor = piece.start;
    // Its place, which is most often the end.
    let i = held.length;
    while (i > 0 && (((held[i - 1] as HeldSegment).sequence - at) | 0) > 0) i--;
    if (i > 0) {
      const before = held[i - 1] as HeldSegment;
      const covered = ((before.sequence + before.bytes.length) | 0) - at;
      if ((covered | 0) > 0) {
        cursor += covered | 0;
        at = (at + covered) | 0;
      }
    }
    // When a packet is cut off in its header, its length is all there is to hold.
    const isAllCut = piece.start === end && piece.cut > 0 && cursor === piece.start;
    while (cursor < end || (isAllCut && stored === 0)) {
      const after = held[i];
      const room = after === undefined ? end - cursor : Math.min(end - cursor, (after.sequence - at) | 0);
      if (room > 0 || isAllCut) {
        const isTail = cursor + room === end;
        const copy = Buffer.allocUnsafeSlow(room);
        bytes.copy(copy, 0, cursor, cursor + room);
        held.splice(i, 0, { sequence: at, bytes: copy, cut: isTail ? piece.cut : 0, acknowledgement, time });
        this.heldBytes += room;
        budget.add(room + HELD_SEGMENT_BYTES);
        stored++;
        i++;
        cursor += room;
        at = (at + room) | 0;
      }
      if (cursor >= end || after === undefined) break;
      cursor += after.bytes.length;
      at = (at + after.bytes.length) | 0;
      i++;
    }
    return stored;
  }

  /**
   * Held bytes that come again in a segment which acknowledges less were first sent before what the held one
   * acknowledges: the held one was a retransmission. So they need not wait for what it acknowledges.
   */
  #noteEarlier({ sequence, start, end, acknowledgement }: Piece, budget: MemoryBudget): void {
    const { held } = this;
    const length = end - start;
    // Backwards, as most often all that is held lies before the piece: then the first look ends it.
    for (let i = held.length - 1; i >= 0; i--) {
      const segment = held[i] as HeldSegment;
      if (((segment.sequence + segment.bytes.length - sequence) | 0) <= 0) return;
      const from = Math.max(0, (sequence - segment.sequence) | 0);
      const to = Math.min(segment.bytes.length, ((sequence - segment.sequence) | 0) + length);
      if (from >= to || ((acknowledgement - segment.acknowledgement) | 0) >= 0) continue;
      const parts: HeldSegment[] = [];
      if (from > 0) parts.push({ ...segment, bytes: segment.bytes.subarray(0, from), cut: 0 });
      const isTail = to === segment.bytes.length;
      const again = segment.bytes.subarray(from, to);
      const at = (segment.sequence + from) | 0;
      parts.push({ ...segment, sequence: at, bytes: again, cut: isTail ? segment.cut : 0, acknowledgement });
      if (!isTail) parts.push({ ...segment, sequence: (segment.sequence + to) | 0, bytes: segment.bytes.subarray(to) });
      held.splice(i, 1, ...parts);
      budget.add((parts.length - 1) * HELD_SEGMENT_BYTES);
    }
  }

  /** Takes the first held segment out. */
  shift(budget: MemoryBudget): HeldSegment | undefined {
    const first = this.held.shift();
    if (first !== undefined) {
      this.heldBytes -= first.bytes.length;
      budget.remove(first.bytes.length + HELD_SEGMENT_BYTES);
    }
    return first;
  }

  /** Lets go of all that is held. Returns the number of segments. */
  release(budget: MemoryBudget): number {
    const count = this.held.length;
    if (count > 0) {
      budget.remove(this.heldBytes + count * HELD_SEGMENT_BYTES);
      this.held = NONE;
      this.heldBytes = 0;
    }
    return count;
  }
}
