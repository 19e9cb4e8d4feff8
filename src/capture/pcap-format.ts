/**
 * The classic capture file, https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html (libpcap's savefile(5)).
 *
 *   file    magic u32 · major u16 · minor u16 · reserved u64 · snaplen u32 · linktype u32 (FCS bits on top)
 *   packet  seconds u32 · fraction u32 · captured length u32 · original length u32 · data
 */
import { type CaptureFileFormat, CaptureFormatError, RECORD_BYTES_MAX } from './capture-file-format.js';
import type { PacketBatch } from './packet-batch.js';

const FILE_HEADER_BYTES = 24;
const PACKET_HEADER_BYTES = 16;

const MICROSECONDS = 0xa1b2c3d4;
const NANOSECONDS = 0xa1b23c4d;
/** As written by the patched libpcap of 1990s' Linux: eight more bytes a packet header. */
const MODIFIED = 0xa1b2cd34;

/** No packet is longer, and a length that claims more must not overflow a signed integer. */
const WIRE_BYTES_MAX = 0x7fff_ffff;

const swap = (value: number): number =>
  (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;

const MAGICS: ReadonlySet<number> = new Set(
  [MICROSECONDS, NANOSECONDS, MODIFIED].flatMap((magic) => [magic, swap(magic)]),
);

export class PcapFormat implements CaptureFileFormat {
  needed = FILE_HEADER_BYTES;
  readonly #addInterface: (linkType: number) => number;
  readonly #littleEndian: boolean;
  readonly #nanosPerFraction: number;
  readonly #packetHeaderBytes: number;
  #interfaceId = -1;
  #timeBaseSeconds = -1;

  /** `magicBigEndian`: the file's first four bytes, read as big-endian. */
  constructor(magicBigEndian: number, addInterface: (linkType: number) => number) {
    this.#addInterface = addInterface;
    const known = [MICROSECONDS, NANOSECONDS, MODIFIED].includes(magicBigEndian);
    this.#littleEndian = !known;
    const magic = known ? magicBigEndian : swap(magicBigEndian);
    this.#nanosPerFraction = magic === NANOSECONDS ? 1 : 1000;
    this.#packetHeaderBytes = magic === MODIFIED ? PACKET_HEADER_BYTES + 8 : PACKET_HEADER_BYTES;
  }

  static isMagic(magicBigEndian: number): boolean {
    return MAGICS.has(magicBigEndian);
  }

  read(bytes: Buffer, start: number, end: number, batch: PacketBatch): number {
    let at = start;
    if (this.#interfaceId < 0) {
      if (end - at < FILE_HEADER_BYTES) return at;
      // The low 16 bits; above them are reserved bits and the length of a frame check sequence.
      this.#interfaceId = this.#addInterface(this.#u32(bytes, at + 20) & 0xffff);
      at += FILE_HEADER_BYTES;
    }
    const headerBytes = this.#packetHeaderBytes;
    const nanosPerFraction = this.#nanosPerFraction;
    const id = this.#interfaceId;
    const { time, offset, capturedLength, wireLength, interfaceId } = batch;
    const capacity = offset.length;
    while (batch.count < capacity) {
      this.needed = headerBytes;
      if (end - at < headerBytes) break;
      const captured = this.#u32(bytes, at + 8);
      if (captured > RECORD_BYTES_MAX - headerBytes) {
        throw new CaptureFormatError(`a packet claims ${captured} bytes: the file is corrupt from there on`);
      }
      this.needed = headerBytes + captured;
      if (end - at < headerBytes + captured) break;
      const seconds = this.#u32(bytes, at);
      if (this.#timeBaseSeconds < 0) this.#timeBaseSeconds = seconds;
      batch.timeBaseSeconds = this.#timeBaseSeconds;
      const i = batch.count++;
      time[i] = (seconds - this.#timeBaseSeconds) * 1e9 + this.#u32(bytes, at + 4) * nanosPerFraction;
      offset[i] = at + headerBytes;
      capturedLength[i] = captured;
      wireLength[i] = Math.max(captured, Math.min(this.#u32(bytes, at + 12), WIRE_BYTES_MAX));
      interfaceId[i] = id;
      at += headerBytes + captured;
    }
    return at;
  }

  #u32(bytes: Buffer, at: number): number {
    return this.#littleEndian ? u32LittleEndian(bytes, at) : bytes.readUInt32BE(at);
  }
}

// Called four times a packet. The place has been checked, so that `readUInt32LE` would check it again.
function u32LittleEndian(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}
