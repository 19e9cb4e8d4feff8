/**
 * Decodes one S2 block (the block format of Snappy, and repeats), as klauspost/compress/s2 encodes it.
 *
 *     decoded length   uvarint
 *     element, …       by the two low bits of its first byte, the tag
 *       00 literal     length − 1 in the upper six bits, or, from 60 on, in 1 to 4 bytes behind it; then the bytes
 *       01 copy        length in 3 bits, offset in 11; offset 0 repeats the last offset, with lengths of up to 24 bits
 *       10 copy        length in 6 bits, offset in 16
 *       11 copy        length in 6 bits, offset in 32
 *
 * in: bytes from the network · out: bytes, in memory that is as large as the block says, which is looked at first · pure
 *
 * A block costs time in proportion to what it decodes to: each element writes at least a byte.
 */

/** What decoding ends in, when it does not end in bytes. */
export const S2_CORRUPT = -1;

/** No block says that it decodes to more: a uvarint may take ten bytes, and 32 bits of it count. */
const LENGTH_MAX = 0xffff_ffff;
const UVARINT_BYTES_MAX = 10;
/** From here on the runtime's own copying is worth the call, and the objects that it takes. */
const LONG_COPY = 256;

/** How many bytes the uvarint at `start` takes; 0 where there is none. */
export function uvarintBytes(block: Uint8Array, start: number, end: number): number {
  const last = Math.min(end, start + UVARINT_BYTES_MAX);
  for (let at = start; at < last; at++) {
    if ((block[at] as number) >= 0x80) continue;
    // The tenth byte has room for one bit.
    return at - start === UVARINT_BYTES_MAX - 1 && (block[at] as number) > 1 ? 0 : at - start + 1;
  }
  return 0;
}

/** What a block says it decodes to; `S2_CORRUPT` where it says nothing, or more than a block may. */
export function s2DecodedLength(block: Uint8Array, start: number, end: number): number {
  const bytes = uvarintBytes(block, start, end);
  if (bytes === 0) return S2_CORRUPT;
  let value = 0;
  for (let i = bytes - 1; i >= 0; i--) value = value * 128 + ((block[start + i] as number) & 0x7f);
  return value > LENGTH_MAX ? S2_CORRUPT : value;
}

/**
 * Decodes `block[start, end)` into `into`, which must have as many bytes as `s2DecodedLength` says. Returns their number,
 * or `S2_CORRUPT`; `into` then holds anything.
 */
export function decodeS2(block: Uint8Array, start: number, end: number, into: Uint8Array): number {
  const length = s2DecodedLength(block, start, end);
  if (length < 0 || length > into.length) return S2_CORRUPT;
  const read = new DataView(block.buffer, block.byteOffset, block.length);
  const write = new DataView(into.buffer, into.byteOffset, into.length);
  let at = start + uvarintBytes(block, start, end);
  let to = 0;
  let offset = 0;
  while (at < end) {
    const tag = block[at++] as number;
    let run: number;
    switch (tag & 3) {
      case 0: {
        run = (tag >> 2) + 1;
        if (run > 60) {
          const extra = run - 60;
          if (at + extra > end) return S2_CORRUPT;
          run = littleEndian(block, at, extra) + 1;
          at += extra;
        }
        if (run > end - at || run > length - to) return S2_CORRUPT;
        if (run >= LONG_COPY) into.set(block.subarray(at, at + run), to);
        else copyWords(read, at, write, to, run);
        at += run;
        to += run;
        continue;
      }
      case 1: {
        if (at >= end) return S2_CORRUPT;
        const low = ((tag & 0xe0) << 3) | (block[at++] as number);
        run = ((tag >> 2) & 7) + 4;
        if (low !== 0) offset = low;
        else if (run > 8) {
          const extra = run - 8;
          if (at + extra > end) return S2_CORRUPT;
          run = littleEndian(block, at, extra) + (REPEAT_BASE[extra] as number);
          at += extra;
        }
        break;
      }
      default: {
        const bytes = (tag & 1) === 0 ? 2 : 4;
        if (at + bytes > end) return S2_CORRUPT;
        run = (tag >> 2) + 1;
        offset = littleEndian(block, at, bytes);
        at += bytes;
      }
    }
    if (offset === 0 || offset > to || run > length - to) return S2_CORRUPT;
    if (run >= LONG_COPY) repeatWithin(into, to, offset, run);
    // Words that lie at least a word apart do not overlap.
    else if (offset >= 4) copyWords(write, to - offset, write, to, run);
    else for (let i = 0; i < run; i++) into[to + i] = into[to + i - offset] as number;
    to += run;
  }
  return to === length ? length : S2_CORRUPT;
}

/** The shortest length of a repeat by the bytes that its length takes. */
const REPEAT_BASE = [0, 8, 260, 65_540];

function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  let value = bytes[at] as number;
  if (count > 1) value |= (bytes[at + 1] as number) << 8;
  if (count > 2) value |= (bytes[at + 2] as number) << 16;
  return count > 3 ? value + (bytes[at + 3] as number) * 0x100_0000 : value;
}

function copyWords(read: DataView, at: number, write: DataView, to: number, run: number): void {
  let i = 0;
  for (; i + 4 <= run; i += 4) write.setInt32(to + i, read.getInt32(at + i, true), true);
  for (; i < run; i++) write.setUint8(to + i, read.getUint8(at + i));
}

/** Copies what lies `offset` before; where that is less than `run`, it goes on with what it has just copied. */
function repeatWithin(into: Uint8Array, to: number, offset: number, run: number): void {
  const from = to - offset;
  if (offset === 1) {
    into.fill(into[from] as number, to, to + run);
    return;
  }
  // Each round has twice as much to copy from.
  let done = Math.min(offset, run);
  into.copyWithin(to, from, from + done);
  while (done < run) {
    const more = Math.min(done, run - done);
    into.copyWithin(to + done, to, to + more);
    done += more;
  }
}
