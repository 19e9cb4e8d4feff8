/**
 * A stretch of a connection that is kept as it came, because only what follows it can tell which response answers which
 * request (`matching.ts`).
 *
 * in:  the bytes, gaps and ends of both streams · out: the same, to be read again
 */
import type { Direction, EndCause } from '../../flow/flow-consumer.js';
import type { MemoryBudget } from '../../memory-budget.js';

/** Bytes of one segment. */
export interface Piece {
  /** Of its first byte in its stream. */
  readonly place: number;
  readonly bytes: Buffer;
  /** What the segment acknowledges of the other stream. */
  readonly acknowledges: number;
  readonly time: number;
}

/** What a piece takes beyond its bytes. */
const PIECE_BYTES = 200;

/** One direction. */
export class StretchSide {
  /** In order; lost bytes are missing between them. */
  readonly pieces: Piece[] = [];
  /** The place of its first byte, and the one behind its last. */
  first: number;
  position: number;
  /** Whether a message begins at its first byte. */
  isPlaced: boolean;
  ended: EndCause | null = null;
  /** Whether it has ended with nothing missing behind what has come. */
  isWhole = false;
  /** Where the bytes in front of it begin that were lost; its first byte where none were. */
  lostFrom: number;

  constructor(place: number, isPlaced: boolean) {
    this.first = place;
    this.lostFrom = place;
    this.position = place;
    this.isPlaced = isPlaced;
  }
}

export class Stretch {
  readonly side0: StretchSide;
  readonly side1: StretchSide;
  readonly startTime: number;
  /** Whether the next response of one side answers the next request of the other where it begins. */
  isBased = false;
  /** What it takes from the budget. */
  reserved = 0;
  readonly #budget: MemoryBudget;

  constructor(budget: MemoryBudget, side0: StretchSide, side1: StretchSide, time: number) {
    this.#budget = budget;
    this.side0 = side0;
    this.side1 = side1;
    this.startTime = time;
  }

  side(direction: Direction): StretchSide {
    return direction === 0 ? this.side0 : this.side1;
  }

  /** Keeps a copy of `bytes[start, end)`, which lie at `place`. */
  append(
    direction: Direction,
    bytes: Buffer,
    start: number,
    end: number,
    { place, acknowledges, time }: Segment,
  ): void {
    const side = this.side(direction);
    if (side.pieces.length === 0 && !side.isPlaced) side.first = place;
    const copy = Buffer.allocUnsafeSlow(end - start);
    bytes.copy(copy, 0, start, end);
    side.pieces.push({ place, bytes: copy, acknowledges, time });
    side.position = place + copy.length;
    this.reserved += copy.length + PIECE_BYTES;
    this.#budget.add(copy.length + PIECE_BYTES);
  }

  get hasEnded(): boolean {
    return this.side0.ended !== null && this.side1.ended !== null;
  }

  release(): void {
    this.#budget.remove(this.reserved);
    this.reserved = 0;
  }
}

export interface Segment {
  readonly place: number;
  readonly acknowledges: number;
  readonly time: number;
}
