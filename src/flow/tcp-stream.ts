/**
 * One direction of a flow: where its byte stream stands, and the segments that came before their turn.
 */
import type { MemoryBudget } from '../memory-budget.js';

/** Bytes that wait for the ones before them, or for the other stream. A copy: packets do not outlive their batch. */
export interface HeldSegment {
  sequence: number;
  bytes: Buffer;
  /** Bytes behind `bytes` that the capture cut off. */
  cut: number;
  acknowledgement: number;
  time: number;
}

/** What a held segment costs beyond its bytes, for the budget. */
export const HELD_SEGMENT_BYTES = 160;

const NONE: HeldSegment[] = [];

export class TcpStream {
  /** Whether `next` has a meaning. */
  started = false;
  /** Sequence number of the next byte to deliver. */
  next = 0;
  /** Where `next` began. */
  first = 0;
  /** Whether the SYN was seen, and its sequence number. */
  hasSyn = false;
  synSequence = 0;
  /** Whether a FIN was seen, and the sequence number behind the last byte. */
  hasFin = false;
  finSequence = 0;
  /** Whether the consumer was told of the end. */
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
   * Holds a copy of `from[start, end)`, less what is held already: the first byte seen at a place wins. Returns the
   * number of segments stored.
   */
  hold(
    sequence: number,
    from: Buffer,
    start: number,
    end: number,
    cut: number,
    acknowledgement: number,
    time: number,
    budget: MemoryBudget,
  ): number {
    if (this.held === NONE) this.held = [];
    const held = this.held;
    if (held.length > 0) this.#noteEarlier(sequence, end - start, acknowledgement, budget);
    let stored = 0;
    let at = sequence;
    let cursor = start;
    // Where this belongs: most often at the end.
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
    // Of a packet cut off in its header there is but the length.
    const isAllCut = start === end && cut > 0 && cursor === start;
    while (cursor < end || (isAllCut && stored === 0)) {
      const after = held[i];
      const room = after === undefined ? end - cursor : Math.min(end - cursor, (after.sequence - at) | 0);
      if (room > 0 || isAllCut) {
        const isTail = cursor + room === end;
        const copy = Buffer.allocUnsafeSlow(room);
        from.copy(copy, 0, cursor, cursor + room);
        held.splice(i, 0, { sequence: at, bytes: copy, cut: isTail ? cut : 0, acknowledgement, time });
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
   * Bytes held already have come again in a segment that acknowledges less: so they were first sent before what the held
   * one acknowledges, which was a retransmission. They need not wait for that.
   */
  #noteEarlier(sequence: number, length: number, acknowledgement: number, budget: MemoryBudget): void {
    const { held } = this;
    // Backwards, as what comes most often lies behind all that is held, until what lies before it.
    for (let i = held.length - 1; i >= 0; i--) {
      const piece = held[i] as HeldSegment;
      if (((piece.sequence + piece.bytes.length - sequence) | 0) <= 0) return;
      const from = Math.max(0, (sequence - piece.sequence) | 0);
      const to = Math.min(piece.bytes.length, ((sequence - piece.sequence) | 0) + length);
      if (from >= to || ((acknowledgement - piece.acknowledgement) | 0) >= 0) continue;
      const parts: HeldSegment[] = [];
      if (from > 0) parts.push({ ...piece, bytes: piece.bytes.subarray(0, from), cut: 0 });
      const isTail = to === piece.bytes.length;
      const again = piece.bytes.subarray(from, to);
      const at = (piece.sequence + from) | 0;
      parts.push({ ...piece, sequence: at, bytes: again, cut: isTail ? piece.cut : 0, acknowledgement });
      if (!isTail) parts.push({ ...piece, sequence: (piece.sequence + to) | 0, bytes: piece.bytes.subarray(to) });
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

  /** Forgets what is held. Returns the number of segments. */
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
