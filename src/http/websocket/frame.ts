/**
 * The frames of a WebSocket (RFC 6455 §5.2), by their headers.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-------+-+-------------+-------------------------------+
 * |F|R|R|R| Opcode|M|   Length    |   Length (16), where that is  |
 * |I|S|S|S|  (4)  |A|     (7)     |   126; Length (64), where it  |
 * |N|1|2|3|       |K|             |   is 127 …                    |
 * +-+-+-+-+-------+-+-------------+-------------------------------+
 * |            Masking key (32), where the frame is masked        |
 * +---------------------------------------------------------------+
 * ```
 */

export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export const FRAME_HEADER_BYTES_MAX = 14;
const CONTROL_BYTES_MAX = 125;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/** What `FrameHeader.read` returns where there is no header: not all of it is here, or it can be none. */
export const INCOMPLETE = 0;
export const INVALID = -1;

/** One object for all frames of a direction. */
export class FrameHeader {
  isFinal = false;
  /** RSV1: the message is compressed (RFC 7692 §6). */
  isCompressed = false;
  opcode = 0;
  isMasked = false;
  readonly mask = Buffer.alloc(4);
  /** Of the payload. */
  length = 0;
  /** Whether it is written in no more bytes than it takes, as it has to be. */
  isMinimal = true;

  get isControl(): boolean {
    return this.opcode >= Opcode.close;
  }

  /** Reads the header at `bytes[start]`. Returns its length, or `INCOMPLETE`, or `INVALID`. */
  read(bytes: Buffer, start: number, end: number): number {
    if (end - start < 2) return start < end && !isFirstByte(bytes[start] as number) ? INVALID : INCOMPLETE;
    const first = bytes[start] as number;
    const second = bytes[start + 1] as number;
    if (!isFirstByte(first)) return INVALID;
    const short = second & 0x7f;
    const lengthBytes = short === LENGTH_64 ? 8 : short === LENGTH_16 ? 2 : 0;
    const isMasked = (second & 0x80) !== 0;
    const size = 2 + lengthBytes + (isMasked ? 4 : 0);
    if ((first & 0x08) !== 0 && short > CONTROL_BYTES_MAX) return INVALID;
    if (end - start < size) return INCOMPLETE;
    // The most significant bit is 0.
    if (lengthBytes === 8 && (bytes[start + 2] as number) >= 0x80) return INVALID;
    this.isFinal = (first & 0x80) !== 0;
    this.isCompressed = (first & 0x40) !== 0;
    this.opcode = first & 0x0f;
    this.isMasked = isMasked;
    this.length =
      lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(start + 2) : longLength(bytes, start + 2);
    this.isMinimal = lengthBytes === 0 || this.length >= (lengthBytes === 2 ? LENGTH_16 : 1 << 16);
    if (isMasked) bytes.copy(this.mask, 0, start + size - 4, start + size);
    return size;
  }
}

/** Beyond 2^53 to the next that can be said: no such frame is ever read to its end. */
function longLength(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

/** Whether a frame can begin so: no extension has RSV2 and RSV3, control frames are whole, other opcodes are reserved. */
function isFirstByte(byte: number): boolean {
  if ((byte & 0x30) !== 0) return false;
  const opcode = byte & 0x0f;
  if (opcode >= Opcode.close) return opcode <= Opcode.pong && (byte & 0xc0) === 0x80;
  return opcode <= Opcode.binary;
}

/** Undoes the masking of `bytes[start, end)` in place; `phase`: of the first of them in its payload. */
export function unmask(bytes: Buffer, start: number, end: number, mask: Buffer, phase: number): void {
  for (let i = start; i < end; i++) {
    bytes[i] = (bytes[i] as number) ^ (mask[(phase + i - start) & 3] as number);
  }
}
