/**
 * One direction of a flow: where its byte stream stands, and the segments that came before their turn.
 */
import type { MemoryBudget } from '../memory-budget.js';
import type { StreamPlace } from './flow-consumer.js';
import { type HeldSegment, HeldSegments } from './held-segments.js';
import { WINDOW_SCALE_MAX } from './window.js';

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

/** What a held segment takes from the budget beyond its bytes (measured). */
export const HELD_SEGMENT_BYTES = 480;

/** May be held by any stream: a window that was seen may be an old one. */
const HOLDABLE_BYTES_MIN = 1 << 20;

/** The store of every stream that holds nothing, as nearly all do. */
const NONE = new HeldSegments();

export class TcpStream implements StreamPlace {
  /** Whether `next` has a meaning. */
  started = false;
  /** Sequence number of the next byte to deliver. */
  next = 0;
  position = 0;
  acknowledges = 0;
  isSentAgain = false;
  carriedAt = 0;
  /** Whether any byte or gap was delivered. */
  carried = false;
  /** Whether the end was delivered. */
  ended = false;
  /** Whether a FIN was seen, and the sequence number behind the last byte. */
  hasFin = false;
  finSequence = 0;
  /** The highest acknowledgement the other side gave of this stream. */
  hasAcknowledged = false;
  acknowledged = 0;
  held = NONE;
  /** Whether the SYN was seen, and its sequence number. */
  hasSyn = false;
  synSequence = 0;
  /** Where its bytes were seen last: which interface, and which leg. */
  seenAt = -1;
  /** How many of its segments were noted so that copies of them are known, and the number of the last. */
  sightings = 0;
  sighted = 0;
  /** What `next` was at first. */
  first = 0;
  isCut = false;
  /** Whether the SYN acknowledged the other side's. */
  hasSynAck = false;
  heldBytes = 0;
  /** By how many bits its receiver shifts the windows that it advertises, as its SYN says (RFC 7323 §2.2). */
  windowScale = WINDOW_SCALE_MAX;
  /** The largest window that its receiver advertised while it held segments; -1: none was seen. */
  window = -1;

  /** What is held takes from the budget. */
  get heldMemory(): number {
    return this.heldBytes + this.held.length * HELD_SEGMENT_BYTES;
  }

  /** The receiver can take `window` bytes, before they are scaled. */
  noteWindow(window: number): void {
    this.window = Math.max(this.window, window << this.windowScale);
  }

  /** How many bytes may be held: no receiver takes more than its window, and a window grows while it is not looked at. */
  get holdable(): number {
    return this.window < 0 ? Number.POSITIVE_INFINITY : Math.max(HOLDABLE_BYTES_MIN, 2 * this.window);
  }

  startAt(sequence: number): void {
    this.started = true;
    this.first = sequence;
    this.next = sequence;
  }

  /** Its SYN says where it begins: what is held from before that is of another connection. */
  beginAt(sequence: number, budget: MemoryBudget): void {
    this.startAt(sequence);
    while ((((this.held.first?.sequence ?? sequence) - sequence) | 0) < 0) this.shift(budget);
  }

  /** The receiver has all before `acknowledgement`. */
  noteAcknowledged(acknowledgement: number): void {
    if (this.hasAcknowledged && ((acknowledgement - this.acknowledged) | 0) <= 0) return;
    this.hasAcknowledged = true;
    this.acknowledged = acknowledgement;
  }

  /** Whether the receiver has bytes that were never captured, or not yet. */
  get isBehind(): boolean {
    return this.hasAcknowledged && this.isBehindOf(this.acknowledged);
  }

  /** How many numbers its receiver has acknowledged that are of nothing delivered. */
  get missing(): number {
    return this.isBehind ? (this.acknowledged - this.next) | 0 : 0;
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
    if (this.held === NONE) this.held = new HeldSegments();
    const { held } = this;
    const { bytes, end, acknowledgement, time } = piece;
    const { last } = held;
    if (last === undefined || ((endOf(last) - piece.sequence) | 0) <= 0) {
      // Most often all that is held lies before the piece.
      this.#append(piece, budget);
      return 1;
    }
    this.#noteEarlier(piece, budget);
    let stored = 0;
    let at = piece.sequence;
    let cursor = piece.start;
    held.seek(at);
    const { before } = held;
    if (before !== undefined) {
      const covered = (endOf(before) - at) | 0;
      if (covered > 0) {
        cursor += covered;
        at = (at + covered) | 0;
      }
    }
    // When a packet is cut off in its header, its length is all there is to hold.
    const isAllCut = piece.start === end && piece.cut > 0 && cursor === piece.start;
    while (cursor < end || (isAllCut && stored === 0)) {
      const { after } = held;
      const room = after === undefined ? end - cursor : Math.min(end - cursor, (after.sequence - at) | 0);
      if (room > 0 || isAllCut) {
        const isTail = cursor + room === end;
        const copy = Buffer.allocUnsafeSlow(room);
        bytes.copy(copy, 0, cursor, cursor + room);
        held.insert({ sequence: at, bytes: copy, cut: isTail ? piece.cut : 0, acknowledgement, time });
        this.heldBytes += room;
        budget.add(room + HELD_SEGMENT_BYTES);
        stored++;
        cursor += room;
        at = (at + room) | 0;
      }
      if (cursor >= end || after === undefined) break;
      cursor += after.bytes.length;
      at = (at + after.bytes.length) | 0;
      held.next();
    }
    return stored;
  }

  #append({ sequence, bytes, start, end, cut, acknowledgement, time }: Piece, budget: MemoryBudget): void {
    const length = end - start;
    const copy = Buffer.allocUnsafeSlow(length);
    bytes.copy(copy, 0, start, end);
    this.held.append({ sequence, bytes: copy, cut, acknowledgement, time });
    this.heldBytes += length;
    budget.add(length + HELD_SEGMENT_BYTES);
  }

  /**
   * Held bytes that come again in a segment which acknowledges less were first sent before what the held one
   * acknowledges: the held one was a retransmission. So they need not wait for what it acknowledges.
   */
  #noteEarlier({ sequence, start, end, acknowledgement }: Piece, budget: MemoryBudget): void {
    const { held } = this;
    const length = end - start;
    for (held.seek((sequence + length - 1) | 0); ; held.back()) {
      const { before: segment } = held;
      if (segment === undefined || ((endOf(segment) - sequence) | 0) <= 0) return;
      if (((acknowledgement - segment.acknowledgement) | 0) >= 0) continue;
      const { bytes, cut } = segment;
      const from = Math.max(0, (sequence - segment.sequence) | 0);
      const to = Math.min(bytes.length, ((sequence - segment.sequence) | 0) + length);
      if (from >= to) continue;
      const isTail = to === bytes.length;
      if (!isTail) held.insert({ ...segment, sequence: (segment.sequence + to) | 0, bytes: bytes.subarray(to) });
      if (!isTail) held.back();
      if (from > 0) {
        const again = { ...segment, sequence: (segment.sequence + from) | 0, bytes: bytes.subarray(from, to) };
        held.insert({ ...again, cut: isTail ? cut : 0, acknowledgement });
        held.back();
        segment.bytes = bytes.subarray(0, from);
        segment.cut = 0;
      } else {
        segment.bytes = bytes.subarray(0, to);
        segment.cut = isTail ? cut : 0;
        segment.acknowledgement = acknowledgement;
      }
      budget.add((Number(!isTail) + Number(from > 0)) * HELD_SEGMENT_BYTES);
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

  /** Knows what another stream of the same bytes knows of their beginning, and holds what that held. */
  join(other: TcpStream, budget: MemoryBudget): void {
    if (!this.hasSyn && other.hasSyn) {
      this.hasSyn = true;
      this.hasSynAck = other.hasSynAck;
      this.synSequence = other.synSequence;
      this.windowScale = other.windowScale;
    }
    for (let held = other.shift(budget); held !== undefined; held = other.shift(budget)) {
      this.hold({ ...held, start: 0, end: held.bytes.length }, budget);
    }
  }

  /** Lets go of all that is held. Returns the number of segments. */
  release(budget: MemoryBudget): number {
    const count = this.held.length;
    if (count > 0) {
      budget.remove(this.heldMemory);
      this.held = NONE;
      this.heldBytes = 0;
    }
    return count;
  }
}

/** The sequence number behind a segment. */
function endOf({ sequence, bytes }: HeldSegment): number {
  return (sequence + bytes.length) | 0;
}
