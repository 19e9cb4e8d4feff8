/**
 * The pcapng capture file, https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html.
 *
 *   block  type u32 · total length u32 · body, padded to 32 bits · total length u32
 *
 * Sections may change the byte order and begin a new list of interfaces; each interface has its own link type and
 * resolution of time.
 */
import { type CaptureFileFormat, CaptureFormatError, RECORD_BYTES_MAX } from './capture-file-format.js';
import type { PacketBatch } from './packet-batch.js';

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const OBSOLETE_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

/** Resolution and offset can claim any time; behind this one nanoseconds leave 64 bits, in the year 2262. */
const SECONDS_MAX = 9_223_372_035;

const OPTION_END = 0;
const OPTION_IF_NAME = 2;
const OPTION_IF_TSRESOL = 9;
const OPTION_IF_TSOFFSET = 14;

interface Interface {
  id: number;
  snapLength: number;
  /** Ticks a second. */
  resolution: bigint;
  offsetSeconds: number;
}

export class PcapngFormat implements CaptureFileFormat {
  static readonly magic = SECTION_HEADER;
  needed = 12;
  readonly #addInterface: (linkType: number, name?: string) => number;
  #littleEndian = true;
  #interfaces: Interface[] = [];
  #timeBaseSeconds: number | null = null;
  #lastTime = 0;

  constructor(addInterface: (linkType: number, name?: string) => number) {
    this.#addInterface = addInterface;
  }

  read(bytes: Buffer, start: number, end: number, batch: PacketBatch): number {
    let at = start;
    while (batch.count < batch.offset.length) {
      this.needed = 12;
      if (end - at < 12) break;
      let type = this.#u32(bytes, at);
      // The section header's type is the same in both byte orders; its body says which one it is.
      if (bytes.readUInt32BE(at) === SECTION_HEADER) {
        type = SECTION_HEADER;
        this.#littleEndian = bytes.readUInt32LE(at + 8) === BYTE_ORDER_MAGIC;
        if (!this.#littleEndian && bytes.readUInt32BE(at + 8) !== BYTE_ORDER_MAGIC) {
          throw new CaptureFormatError('a section header has no byte-order magic: the file is corrupt from there on');
        }
      }
      const length = this.#u32(bytes, at + 4);
      if (length < 12 || (length & 3) !== 0 || length > RECORD_BYTES_MAX) {
        throw new CaptureFormatError(`a block claims ${length} bytes: the file is corrupt from there on`);
      }
      this.needed = length;
      if (end - at < length) break;
      this.#block(type, bytes, at + 8, at + length - 4, batch);
      at += length;
    }
    return at;
  }

  #block(type: number, bytes: Buffer, at: number, end: number, batch: PacketBatch): void {
    switch (type) {
      case SECTION_HEADER:
        this.#interfaces = [];
        break;
      case INTERFACE_DESCRIPTION:
        if (end - at >= 8) this.#describeInterface(bytes, at, end);
        break;
      case ENHANCED_PACKET: {
        if (end - at < 20) break;
        const source = this.#interfaces[this.#u32(bytes, at)];
        if (source === undefined) break;
        const captured = Math.min(this.#u32(bytes, at + 12), end - at - 20);
        this.#setTime(source, this.#u32(bytes, at + 4), this.#u32(bytes, at + 8));
        this.#packet(batch, source, at + 20, captured, this.#u32(bytes, at + 16));
        break;
      }
      case OBSOLETE_PACKET: {
        if (end - at < 20) break;
        const source = this.#interfaces[this.#u16(bytes, at)];
        if (source === undefined) break;
        const captured = Math.min(this.#u32(bytes, at + 12), end - at - 20);
        this.#setTime(source, this.#u32(bytes, at + 4), this.#u32(bytes, at + 8));
        this.#packet(batch, source, at + 20, captured, this.#u32(bytes, at + 16));
        break;
      }
      case SIMPLE_PACKET: {
        // It has no time of its own, and gets that of the packet before it.
        const source = this.#interfaces[0];
        if (source === undefined || end - at < 4) break;
        const original = this.#u32(bytes, at);
        const limit = source.snapLength === 0 ? original : Math.min(original, source.snapLength);
        this.#packet(batch, source, at + 4, Math.min(limit, end - at - 4), original);
        break;
      }
    }
  }

  #describeInterface(bytes: Buffer, at: number, end: number): void {
    const linkType = this.#u16(bytes, at);
    const snapLength = this.#u32(bytes, at + 4);
    let resolution = 1_000_000n;
    let offsetSeconds = 0;
    let name: string | undefined;
    for (let option = at + 8; option + 4 <= end; ) {
      const code = this.#u16(bytes, option);
      const length = this.#u16(bytes, option + 2);
      const value = option + 4;
      if (code === OPTION_END || value + length > end) break;
      if (code === OPTION_IF_NAME) name = bytes.toString('utf8', value, value + length);
      if (code === OPTION_IF_TSRESOL && length >= 1) {
        const exponent = bytes.readUInt8(value);
        resolution = exponent & 0x80 ? 2n ** BigInt(exponent & 0x7f) : 10n ** BigInt(exponent);
      }
      if (code === OPTION_IF_TSOFFSET && length >= 8) {
        offsetSeconds = Number(this.#littleEndian ? bytes.readBigInt64LE(value) : bytes.readBigInt64BE(value));
      }
      option = value + ((length + 3) & ~3);
    }
    this.#interfaces.push({ id: this.#addInterface(linkType, name), snapLength, resolution, offsetSeconds });
  }

  #setTime(source: Interface, high: number, low: number): void {
    const { resolution, offsetSeconds } = source;
    if (resolution === 1_000_000n && high < 0x20_0000) {
      // The common case fits a float64.
      const micros = high * 2 ** 32 + low;
      const seconds = Math.floor(micros / 1e6);
      this.#set(seconds + offsetSeconds, (micros - seconds * 1e6) * 1000);
      return;
    }
    const ticks = (BigInt(high) << 32n) | BigInt(low);
    const seconds = Number(ticks / resolution);
    this.#set(seconds + offsetSeconds, Number(((ticks % resolution) * 1_000_000_000n) / resolution));
  }

  #set(claimed: number, nanos: number): void {
    const seconds = Math.min(Math.max(0, claimed), SECONDS_MAX);
    this.#timeBaseSeconds ??= seconds;
    this.#lastTime = (seconds - this.#timeBaseSeconds) * 1e9 + nanos;
  }

  #packet(batch: PacketBatch, source: Interface, at: number, captured: number, original: number): void {
    batch.timeBaseSeconds = this.#timeBaseSeconds ?? 0;
    const i = batch.count++;
    batch.time[i] = this.#lastTime;
    batch.offset[i] = at;
    batch.capturedLength[i] = captured;
    batch.wireLength[i] = Math.max(captured, Math.min(original, 0x7fff_ffff));
    batch.interfaceId[i] = source.id;
  }

  #u16(bytes: Buffer, at: number): number {
    return this.#littleEndian ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
  }

  #u32(bytes: Buffer, at: number): number {
    return this.#littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
  }
}
