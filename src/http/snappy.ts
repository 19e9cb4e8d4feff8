/**
 * Snappy undone (github.com/google/snappy: format_description.txt, framing_format.txt): as the calls of gRPC have it, in frames or as one
 * block.
 *
 * in:  bytes and a cap · out: their content up to the cap; or an `Error` where they are none
 *
 *     block    length (varint) · elements …
 *              00 literal, 01 copy of 4 to 11 bytes, 10 and 11 copies, by the lowest bits of an element
 *     frames   type (8) · length (24, little-endian) · checksum (32) and a block, or bytes as they are
 */

const STREAM_IDENTIFIER = Buffer.from([0xff, 6, 0, 0, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59]);
const FRAME_HEADER_BYTES = 4;
const CHECKSUM_BYTES = 4;
const Chunk = { compressed: 0, uncompressed: 1, firstSkippable: 0x80 } as const;

export interface SnappyContent {
  readonly content: Buffer;
  /** Whether there is more. */
  readonly truncated: boolean;
}

/** `isPartial`: the end of `input` is missing, so that it is no error if it ends early. */
export function decodeSnappy(input: Buffer, bytesMax: number, isPartial: boolean): SnappyContent {
  if (!isFramed(input)) return decodeBlock(input, bytesMax, isPartial);
  const pieces: Buffer[] = [];
  let left = bytesMax;
  let truncated = false;
  for (let at = 0; at < input.length && !truncated; ) {
    if (at + FRAME_HEADER_BYTES > input.length) return ended(pieces, isPartial);
    const type = input[at] as number;
    const start = at + FRAME_HEADER_BYTES;
    const end = start + input.readUIntLE(at + 1, 3);
    at = end;
    if (end > input.length && !isPartial) return ended(pieces, isPartial);
    if (type >= Chunk.firstSkippable) continue;
    if (type > Chunk.uncompressed) throw new Error(`a chunk of type ${type} is reserved`);
    const payload = input.subarray(start + CHECKSUM_BYTES, end);
    const piece =
      type === Chunk.compressed
        ? decodeBlock(payload, left, end > input.length)
        : { content: payload.subarray(0, left), truncated: payload.length > left };
    pieces.push(piece.content);
    left -= piece.content.length;
    truncated = piece.truncated;
  }
  return { content: Buffer.concat(pieces), truncated };
}

function isFramed(input: Buffer): boolean {
  const length = Math.min(input.length, STREAM_IDENTIFIER.length);
  return input.subarray(0, length).equals(STREAM_IDENTIFIER.subarray(0, length));
}

function ended(pieces: readonly Buffer[], isPartial: boolean): SnappyContent {
  if (!isPartial) throw new Error('it ends in the middle of a chunk');
  return { content: Buffer.concat(pieces), truncated: true };
}

/** One object for each block: where it is read, and where written. */
class Block {
  at = 0;
  used = 0;
  /** What it says of its content. */
  length = 0;
  readonly input: Buffer;

  constructor(input: Buffer) {
    this.input = input;
  }

  /** Bytes, little-endian; NaN where they are not there. */
  number(bytes: number): number {
    const from = this.at;
    this.at += bytes;
    return this.at > this.input.length ? Number.NaN : this.input.readUIntLE(from, bytes);
  }
}

function decodeBlock(input: Buffer, bytesMax: number, isPartial: boolean): SnappyContent {
  const block = new Block(input);
  const length = blockLength(block);
  block.length = length;
  const out = Buffer.allocUnsafe(Math.min(length, bytesMax));
  while (block.used < out.length) {
    if (block.at >= input.length || !element(block, out)) {
      if (!isPartial) throw new Error('it ends in the middle of a block');
      return { content: out.subarray(0, block.used), truncated: true };
    }
  }
  if (block.at < input.length && out.length === length) throw new Error('there is more than its length says');
  return { content: out, truncated: length > out.length };
}

function blockLength(block: Block): number {
  let length = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = block.input[block.at++] ?? 0;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return length;
  }
  throw new Error('its length has no end');
}

/** Reads one element, into what there is room for. Returns whether all of it was there. */
function element(block: Block, out: Buffer): boolean {
  const tag = block.number(1);
  switch (tag & 3) {
    case 0: {
      const short = tag >> 2;
      const length = (short < 60 ? short : block.number(short - 59)) + 1;
      if (Number.isNaN(length)) return false;
      expectRoom(block, length);
      const end = Math.min(block.at + length, block.input.length, block.at + out.length - block.used);
      const isWhole = block.at + length <= block.input.length;
      block.used += block.input.copy(out, block.used, block.at, end);
      block.at += length;
      return isWhole;
    }
    case 1:
      return copy(block, out, ((tag >> 5) << 8) | block.number(1), ((tag >> 2) & 7) + 4);
    case 2:
      return copy(block, out, block.number(2), (tag >> 2) + 1);
    default:
      return copy(block, out, block.number(4), (tag >> 2) + 1);
  }
}

function copy(block: Block, out: Buffer, offset: number, length: number): boolean {
  if (block.at > block.input.length) return false;
  expectRoom(block, length);
  if (offset === 0 || offset > block.used) throw new Error('a copy of what is not there');
  const end = Math.min(block.used + length, out.length);
  // It may run into what it writes.
  for (let to = block.used; to < end; to++) out[to] = out[to - offset] as number;
  block.used = end;
  return true;
}

function expectRoom(block: Block, length: number): void {
  if (block.used + length > block.length) throw new Error('there is more than its length says');
}
