/**
 * Encodes S2 blocks: greedy matches through a table of the last places of four bytes each, with repeats of the last offset.
 * Block format: `s2-decode.ts`.
 *
 * What is encoded is pcap records. Headers resemble those of the packet before, and what follows is often encrypted, in which
 * nothing is found. So the search begins anew at each record and then looks at ever fewer places, which are the same ones
 * in all records: a packet that repeats another is found by any of them. Bytes that are no records are encoded as well, with less
 * gain.
 *
 * in: bytes · out: a block that any decoder of S2 takes, and never larger than `s2EncodedMax` · pure, one table an encoder
 */

const TABLE_BITS = 14;
/** Offsets that two bytes hold. A farther one takes four, so that a match has to have eight bytes to be worth it. */
const NEAR_MAX = 0xffff;
/** Bytes at the end that are not searched, so that words are read within bounds. */
const MARGIN = 8;
/** Shorter input is not searched: it would save nothing. */
const SEARCHED_MIN = 32;
/** Per so many places looked at in vain, as a power of two, one more is passed over each time. */
const PATIENCE = 2;
/** Head of a pcap record, and where in it its captured length stands. */
const RECORD_BYTES = 16;
const CAPTURED_AT = 8;
/** Shorter literals are copied word by word: the objects that a copy takes would cost more. */
const SHORT_LITERAL = 256;

/** The most bytes of a block that says `length`: all of it as one literal. */
export function s2EncodedMax(length: number): number {
  return uvarintLength(length) + literalTagBytes(length) + length;
}

export interface S2Encoder {
  /** Encodes `from[0, length)` at `to` of `into`, which has room for `s2EncodedMax(length)`, and returns where the block ends. */
  encode(from: Buffer, length: number, into: Buffer, to: number): number;
  /** The same without a search: all of it as one literal. */
  store(from: Buffer, length: number, into: Buffer, to: number): number;
}

export function createS2Encoder(): S2Encoder {
  const table = new Int32Array(1 << TABLE_BITS);
  let viewed: Buffer | null = null;
  let view: DataView = new DataView(new ArrayBuffer(0));
  return {
    encode(from, length, into, to) {
      if (from !== viewed) {
        viewed = from;
        view = new DataView(from.buffer, from.byteOffset, from.length);
      }
      const write = new DataView(into.buffer, into.byteOffset, into.length);
      const start = putUvarint(into, to, length);
      const limit = start + literalTagBytes(length) + length;
      const end =
        length < SEARCHED_MIN ? -1 : encodeMatches({ table, view, write, from, length, into, to: start, limit });
      return end >= 0 ? end : putLiteral(from, 0, length, into, start);
    },
    store: (from, length, into, to) => putLiteral(from, 0, length, into, putUvarint(into, to, length)),
  };
}

interface Work {
  readonly table: Int32Array;
  readonly view: DataView;
  readonly write: DataView;
  readonly from: Buffer;
  readonly length: number;
  readonly into: Buffer;
  readonly to: number;
  /** Where a single literal would end; nothing is gained beyond. */
  readonly limit: number;
}

/** Returns where the elements end; −1 where they are no shorter than a literal. */
function encodeMatches(work: Work): number {
  const { table, view, from, length, into, to: start, limit } = work;
  table.fill(-1);
  const searchEnd = length - MARGIN;
  let to = start;
  /** What has been encoded ends here. */
  let done = 0;
  let at = 1;
  let last = 0;
  /** Where the search began last, and where the next record does. */
  let base = 0;
  let record = nextRecord(view, 0, length);
  table[hash(view.getInt32(0, true))] = 0;
  while (at < searchEnd) {
    if (at >= record) {
      do {
        base = record;
        record = nextRecord(view, record, length);
      } while (record <= at);
    }
    const word = view.getInt32(at, true);
    const slot = hash(word);
    let candidate = table[slot] as number;
    table[slot] = at;
    if (last > 0 && view.getInt32(at - last, true) === word) candidate = at - last;
    else if (candidate < 0 || view.getInt32(candidate, true) !== word || !isWorthIt(view, candidate, at)) {
      at = Math.min(at + 1 + ((at - base) >> PATIENCE), record);
      continue;
    }
    while (at > done && candidate > 0 && from[at - 1] === from[candidate - 1]) {
      at--;
      candidate--;
    }
    // The tags of a literal and a copy, or of a copy and a repeat, take eight bytes at most.
    if (to + (at - done) + 16 > limit) return -1;
    if (at > done) to = putShortLiteral(work, done, at - done, to);
    const offset = at - candidate;
    const matched = matchLength(view, candidate, at, length);
    to = offset === last ? putRepeat(into, to, offset, matched) : putCopy(into, to, offset, matched);
    last = offset;
    at += matched;
    done = at;
    base = at;
    if (at < searchEnd) table[hash(view.getInt32(at - 2, true))] = at - 2;
  }
  if (done < length) {
    if (to + literalTagBytes(length - done) + length - done >= limit) return -1;
    to = putLiteral(from, done, length - done, into, to);
  }
  return to;
}

/** Where the record behind the one at `at` begins, at most `length`. */
function nextRecord(view: DataView, at: number, length: number): number {
  if (length - at < RECORD_BYTES) return length;
  const captured = view.getInt32(at + CAPTURED_AT, true);
  return captured < 0 || captured > length - at - RECORD_BYTES ? length : at + RECORD_BYTES + captured;
}

function isWorthIt(view: DataView, candidate: number, at: number): boolean {
  return at - candidate <= NEAR_MAX || view.getInt32(candidate + 4, true) === view.getInt32(at + 4, true);
}

function hash(word: number): number {
  return Math.imul(word, 0x1e35a7bd) >>> (32 - TABLE_BITS);
}

/** How many bytes from `at` on are those from `candidate` on; the first four are known to be. */
function matchLength(view: DataView, candidate: number, at: number, end: number): number {
  let length = 4;
  while (at + length + 4 <= end && view.getInt32(candidate + length, true) === view.getInt32(at + length, true))
    length += 4;
  while (at + length < end && view.getUint8(candidate + length) === view.getUint8(at + length)) length++;
  return length;
}

export function uvarintLength(value: number): number {
  let bytes = 1;
  for (let left = value; left >= 0x80; left = Math.floor(left / 128)) bytes++;
  return bytes;
}

function putUvarint(into: Buffer, to: number, value: number): number {
  let left = value;
  let at = to;
  for (; left >= 0x80; left = Math.floor(left / 128)) into[at++] = (left & 0x7f) | 0x80;
  into[at++] = left;
  return at;
}

function literalTagBytes(length: number): number {
  if (length === 0) return 0;
  if (length <= 60) return 1;
  if (length <= 1 << 8) return 2;
  if (length <= 1 << 16) return 3;
  return length <= 1 << 24 ? 4 : 5;
}

function putLiteral(from: Buffer, start: number, length: number, into: Buffer, to: number): number {
  if (length === 0) return to;
  const extra = literalTagBytes(length) - 1;
  const value = length - 1;
  let at = to;
  into[at++] = (extra === 0 ? value : 59 + extra) << 2;
  for (let i = 0; i < extra; i++) into[at++] = value >>> (8 * i);
  if (length < 32) for (let i = 0; i < length; i++) into[at + i] = from[start + i] as number;
  else from.copy(into, at, start, start + length);
  return at + length;
}

function putShortLiteral(work: Work, start: number, length: number, to: number): number {
  const { view, write, from, into } = work;
  if (length > SHORT_LITERAL || length < 4) return putLiteral(from, start, length, into, to);
  let at = to;
  if (length <= 60) into[at++] = (length - 1) << 2;
  else {
    into[at++] = 60 << 2;
    into[at++] = length - 1;
  }
  const words = length - 4;
  for (let i = 0; i < words; i += 4) write.setInt32(at + i, view.getInt32(start + i, true), true);
  // The last word overlaps the one before where the length is no multiple of four.
  write.setInt32(at + words, view.getInt32(start + words, true), true);
  return at + length;
}

function putCopy(into: Buffer, to: number, offset: number, length: number): number {
  if (offset > NEAR_MAX) {
    const run = length > 64 ? 60 : length;
    into[to] = ((run - 1) << 2) | 3;
    into.writeUInt32LE(offset, to + 1);
    return run < length ? putRepeat(into, to + 5, offset, length - run) : to + 5;
  }
  if (length > 64) {
    if (offset < 2048) {
      into[to] = ((offset >> 8) << 5) | (4 << 2) | 1;
      into[to + 1] = offset;
      return putRepeat(into, to + 2, offset, length - 8);
    }
    putCopy2(into, to, offset, 60);
    return putRepeat(into, to + 3, offset, length - 60);
  }
  if (length >= 12 || offset >= 2048) return putCopy2(into, to, offset, length);
  into[to] = ((offset >> 8) << 5) | ((length - 4) << 2) | 1;
  into[to + 1] = offset;
  return to + 2;
}

function putCopy2(into: Buffer, to: number, offset: number, length: number): number {
  into[to] = ((length - 1) << 2) | 2;
  into[to + 1] = offset;
  into[to + 2] = offset >> 8;
  return to + 3;
}

/** Of at most 16 MiB, which no block has. */
function putRepeat(into: Buffer, to: number, offset: number, length: number): number {
  if (length <= 8) {
    into[to] = ((length - 4) << 2) | 1;
    into[to + 1] = 0;
    return to + 2;
  }
  if (length < 12 && offset < 2048) {
    into[to] = ((offset >> 8) << 5) | ((length - 4) << 2) | 1;
    into[to + 1] = offset;
    return to + 2;
  }
  const extra = length < 264 ? 1 : length < 65_540 ? 2 : 3;
  const base = extra === 1 ? 8 : extra === 2 ? 260 : 65_540;
  into[to] = ((4 + extra) << 2) | 1;
  into[to + 1] = 0;
  for (let i = 0; i < extra; i++) into[to + 2 + i] = (length - base) >>> (8 * i);
  return to + 2 + extra;
}
