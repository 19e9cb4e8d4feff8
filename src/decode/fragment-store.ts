/**
 * IP fragments → whole datagrams (RFC 791 §3.2, RFC 8200 §4.5, RFC 815).
 *
 * in:  fragments in any order · out: each datagram when its last missing byte has come
 *
 * The first byte seen at a place wins over later ones. The store is bounded in datagrams, in bytes and in time; when it is
 * full, the oldest datagram is evicted and its pieces are counted. What it holds is in the memory budget: what there is no room
 * for is not taken, and where others need the room, datagrams are shed.
 */
import type { Counters } from '../counters.js';
import type { Limits } from '../limits.js';
import type { MemoryBudget } from '../memory-budget.js';
import { IPV4_WORD, type Segment } from './segment.js';

/** The largest datagram IP can carry (16-bit length). */
const DATAGRAM_BYTES_MAX = 65_535;

/** One fragment: the range `bytes[start, end)`, valid during the call, whose place in its datagram is `offset`. */
export interface Fragment {
  /** The segment whose addresses and tunnel are set; nothing else of it is read. */
  addresses: Segment;
  id: number;
  protocol: number;
  offset: number;
  isLast: boolean;
  bytes: Buffer;
  start: number;
  end: number;
  /** Nanoseconds. */
  time: number;
}

interface Piece {
  start: number;
  end: number;
}

/** What a datagram takes beside its bytes, and each of its pieces (measured). */
const DATAGRAM_BYTES = 400;

interface Datagram {
  bytes: Buffer;
  protocol: number;
  /** The ranges that have come, sorted and disjoint. */
  pieces: Piece[];
  /** Known when the last fragment has come, else -1. */
  length: number;
  firstSeen: number;
}

export class FragmentStore {
  // Insertion order is age.
  readonly #datagrams = new Map<string, Datagram>();
  readonly #limits: Limits;
  readonly #counters: Counters;
  readonly #budget: MemoryBudget;
  /** The longest piece of memory of those given up: so that a flood does not cost new memory for each of its packets. */
  #spare: Buffer | null = null;

  constructor(limits: Limits, counters: Counters, budget: MemoryBudget) {
    this.#limits = limits;
    this.#counters = counters;
    this.#budget = budget;
  }

  get size(): number {
    return this.#datagrams.size;
  }

  /** Adds `fragment`. Returns its datagram if that is whole now, else null. */
  add(fragment: Fragment): { bytes: Buffer; protocol: number } | null {
    const { protocol, offset, isLast, time } = fragment;
    const length = fragment.end - fragment.start;
    // All fragments but the last carry a multiple of eight bytes (RFC 8200 §4.5); none reaches over the largest datagram.
    if (offset + length > DATAGRAM_BYTES_MAX || (!isLast && (length & 7) !== 0) || length === 0) {
      this.#counters.fragments_dropped++;
      return null;
    }
    this.#expire(time);
    const key = keyOf(fragment);
    let datagram = this.#datagrams.get(key);
    if (datagram === undefined) {
      if (this.#datagrams.size >= this.#limits.fragmented_datagrams_max) this.#evictOldest();
      this.#budget.add(DATAGRAM_BYTES);
      datagram = { bytes: Buffer.allocUnsafe(0), protocol, pieces: [], length: -1, firstSeen: time };
      this.#datagrams.set(key, datagram);
    }
    // Only the first fragment's next header counts (RFC 8200 §4.5).
    if (offset === 0) datagram.protocol = protocol;
    if (isLast && datagram.length < 0) datagram.length = offset + length;
    if (datagram.bytes.length < offset + length && !this.#grow(datagram, offset + length)) {
      this.#giveUp(key, datagram);
      // This one was not placed yet.
      this.#counters.fragments_dropped++;
      return null;
    }
    place(datagram, fragment);
    if (datagram.pieces.length > this.#limits.fragment_pieces_max) {
      this.#giveUp(key, datagram);
      return null;
    }
    const first = datagram.pieces[0];
    if (datagram.length < 0 || first === undefined || first.start !== 0 || first.end < datagram.length) return null;
    this.#forget(key, datagram);
    return { bytes: datagram.bytes.subarray(0, datagram.length), protocol: datagram.protocol };
  }

  #expire(time: number): void {
    for (const [key, datagram] of this.#datagrams) {
      if (time - datagram.firstSeen < this.#limits.fragment_timeout_nanos) return;
      this.#giveUp(key, datagram);
    }
  }

  /** Makes room for `bytes` of a datagram, at the cost of older ones; false where there is none. */
  #grow(datagram: Datagram, bytes: number): boolean {
    const length = Math.min(DATAGRAM_BYTES_MAX, Math.max(bytes, datagram.bytes.length * 2));
    while (this.#budget.room < length) {
      const [oldest] = this.#datagrams.values();
      if (oldest === undefined || oldest === datagram) return false;
      this.#evictOldest();
    }
    this.#budget.add(length - datagram.bytes.length);
    const grown = this.#takeMemory(length);
    datagram.bytes.copy(grown);
    datagram.bytes = grown;
    return true;
  }

  /** Nothing is read of it that was not written. */
  #takeMemory(length: number): Buffer {
    const spare = this.#spare;
    if (spare === null || spare.length < length) return Buffer.allocUnsafeSlow(length);
    this.#spare = null;
    return spare.subarray(0, length);
  }

  /** Gives up what waits, the oldest first, until the memory budget is relieved. */
  shed(): void {
    while (this.#datagrams.size > 0 && !this.#budget.relieved) this.#evictOldest();
  }

  /** No packet comes any more: lets go of what waits. */
  finish(): void {
    for (const [key, datagram] of this.#datagrams) this.#giveUp(key, datagram);
  }

  #forget(key: string, datagram: Datagram): void {
    this.#datagrams.delete(key);
    this.#budget.remove(DATAGRAM_BYTES + datagram.bytes.length);
  }

  /** Gives a datagram up. */
  #giveUp(key: string, datagram: Datagram): void {
    this.#forget(key, datagram);
    this.#counters.fragments_dropped += datagram.pieces.length;
    if (datagram.bytes.length > (this.#spare?.length ?? 0)) this.#spare = datagram.bytes;
  }

  #evictOldest(): void {
    const oldest = this.#datagrams.entries().next().value;
    if (oldest !== undefined) this.#giveUp(...oldest);
  }
}

/** Copies the parts of the fragment that nothing has filled yet, and merges its range into the pieces. */
function place(datagram: Datagram, { offset, bytes: from, start, end }: Fragment): void {
  const fragmentEnd = offset + end - start;
  const merged: Piece = { start: offset, end: fragmentEnd };
  const kept: Piece[] = [];
  let at = offset;
  for (const piece of datagram.pieces) {
    if (piece.end < offset || piece.start > fragmentEnd) {
      kept.push(piece);
      continue;
    }
    if (piece.start > at) from.copy(datagram.bytes, at, start + at - offset, start + piece.start - offset);
    if (piece.end > at) at = piece.end;
    merged.start = Math.min(merged.start, piece.start);
    merged.end = Math.max(merged.end, piece.end);
  }
  if (at < fragmentEnd) from.copy(datagram.bytes, at, start + at - offset, end);
  kept.push(merged);
  datagram.pieces = kept.sort((a, b) => a.start - b.start);
}

function keyOf({ addresses: a, id, protocol }: Fragment): string {
  // RFC 791 §3.2 has the protocol in the key, RFC 8200 §4.5 has not; a fragment's first header decides there.
  const family = a.sourceWord0 === IPV4_WORD ? protocol : -1;
  return `${a.sourceWord0},${a.sourceWord1},${a.sourceWord2},${a.sourceWord3},${a.destinationWord0},${a.destinationWord1},${a.destinationWord2},${a.destinationWord3},${id},${family},${a.tunnelId}`;
}
