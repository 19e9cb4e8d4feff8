/**
 * What stands on the wire between a PacketStreamer sensor and its receiver, byte for byte. Numbers are little-endian.
 *
 *     authentication   magic · key length u16 · key, zeros up to 64 bytes     sensor → receiver, once, where it is on
 *     its answer       magic · 00                                             receiver → sensor
 *     frame            magic · block length u32 · S2 block                    sensor → receiver, again and again
 *     acknowledgement  de ef ec ac · frames u64                               receiver → sensor, where both ends are ours
 *
 * A block decodes to whole pcap records of microseconds (seconds u32, microseconds u32, captured u32, on the wire u32,
 * bytes). Blocks that decode to nothing carry what a stock receiver has no word for:
 *
 *     00                    a keep-alive
 *     80 … 80 00, n times   what follows has the nth of the announced link types, counted from 1
 *     00 literal            an announcement, as JSON (`announcement.ts`), which a stock receiver drops with one line
 */
import { timingSafeEqual } from 'node:crypto';
import { uvarintBytes } from './s2-decode.js';

export const MAGIC = Buffer.from([0xde, 0xef, 0xec, 0xe0]);
const ACKNOWLEDGEMENT_MAGIC = Buffer.from([0xde, 0xef, 0xec, 0xac]);
export const FRAME_HEAD_BYTES = 8;
export const AUTH_BYTES = 64;
export const ACKNOWLEDGEMENT_BYTES = 12;
const AUTH_KEY_AT = 6;
export const AUTH_KEY_BYTES_MAX = AUTH_BYTES - AUTH_KEY_AT;
/** Link types that can be announced: a uvarint has so many bytes to say that another one follows. */
export const LINK_TYPES_MAX = 9;

export const KEEP_ALIVE = frameOf(Buffer.from([0]));

/** A frame around a block. */
export function frameOf(block: Buffer): Buffer {
  const frame = Buffer.allocUnsafeSlow(FRAME_HEAD_BYTES + block.length);
  putFrameHead(frame, 0, block.length);
  block.copy(frame, FRAME_HEAD_BYTES);
  return frame;
}

export function putFrameHead(into: Buffer, at: number, blockLength: number): void {
  MAGIC.copy(into, at);
  into.writeUInt32LE(blockLength, at + 4);
}

export function hasMagic(bytes: Buffer, at: number): boolean {
  return bytes.readUInt32BE(at) === 0xdeefece0;
}

/** Says that what follows has the link type announced at `index`. */
export function linkTypeFrame(index: number): Buffer {
  return frameOf(Buffer.concat([Buffer.alloc(index + 1, 0x80), Buffer.from([0])]));
}

/** A frame that carries `text`, of at most 64 KiB, in a block that decodes to nothing. */
export function carryingFrame(text: Buffer): Buffer {
  const tag = Buffer.from([0, 61 << 2, 0, 0]);
  tag.writeUInt16LE(text.length - 1, 2);
  return frameOf(Buffer.concat([tag, text]));
}

/** What a block that decodes to nothing says: a text, a link type's index, or, where both are null, that it is a keep-alive. */
export interface EmptyBlock {
  readonly text: Buffer | null;
  readonly linkTypeIndex: number | null;
}

/** Reads a block whose decoded length is 0. Null where it is neither of the three. */
export function readEmptyBlock(block: Buffer): EmptyBlock | null {
  const zero = uvarintBytes(block, 0, block.length);
  if (zero === block.length) return { text: null, linkTypeIndex: zero > 1 ? zero - 2 : null };
  const tag = block[zero] as number;
  if ((tag & 3) !== 0) return null;
  const extra = Math.max(0, (tag >> 2) - 59);
  if (extra > 2 || zero + 1 + extra > block.length) return null;
  const length = (extra === 0 ? tag >> 2 : block.readUIntLE(zero + 1, extra)) + 1;
  const from = zero + 1 + extra;
  return from + length === block.length ? { text: block.subarray(from), linkTypeIndex: null } : null;
}

/** The record that a sensor authenticates itself with; `key` has at most `AUTH_KEY_BYTES_MAX` bytes of UTF-8. */
export function authRecord(key: string): Buffer {
  const record = Buffer.alloc(AUTH_BYTES);
  MAGIC.copy(record);
  record.writeUInt16LE(Buffer.byteLength(key), 4);
  record.write(key, AUTH_KEY_AT);
  return record;
}

export const AUTH_ACCEPTED = Buffer.concat([MAGIC, Buffer.from([0])]);

/** Whether `record` carries `key`; takes as long whatever is wrong with it. */
export function carriesKey(record: Buffer, key: string): boolean {
  const given = Buffer.from(record);
  const length = given.readUInt16LE(4);
  // A sensor may leave anything behind its key.
  for (let at = AUTH_KEY_AT; at < AUTH_BYTES; at++) if (at >= AUTH_KEY_AT + length) given[at] = 0;
  return timingSafeEqual(given, authRecord(key));
}

/**
 * Whether the first eight bytes of a connection are those of an authentication record, and not of a frame of at most
 * `blockBytesMax`. A key of one character cannot be distinguished from a frame of some MiB.
 */
export function beginsAuthentication(head: Buffer, blockBytesMax: number): boolean {
  return head.readUInt32LE(4) > blockBytesMax && head.readUInt16LE(4) <= AUTH_KEY_BYTES_MAX;
}

export function acknowledgement(frames: number): Buffer {
  const bytes = Buffer.alloc(ACKNOWLEDGEMENT_BYTES);
  ACKNOWLEDGEMENT_MAGIC.copy(bytes);
  bytes.writeBigUInt64LE(BigInt(frames), 4);
  return bytes;
}

/** How many frames an acknowledgement names; null where the bytes are none. */
export function readAcknowledgement(bytes: Buffer): number | null {
  if (!bytes.subarray(0, 4).equals(ACKNOWLEDGEMENT_MAGIC)) return null;
  const frames = bytes.readBigUInt64LE(4);
  return frames > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(frames);
}
