/**
 * Packets as the bytes of a capture file, in either format. What they are written to is the caller's.
 *
 * pcap (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html), micro- or nanoseconds:
 *
 *     magic u32 · version 2.4 u16 × 2 · 0 u32 × 2 · snap length u32 · link type u32
 *     record: seconds u32 · fraction u32 · captured length u32 · length on the wire u32 · bytes
 *
 * pcapng (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html), nanoseconds, an interface with a name for
 * each one that packets come from:
 *
 *     section header · interface description, … · enhanced packet, …, each `type u32 · length u32 · body · length u32`
 *
 * All of it little-endian. pcap has one link type for the whole file and no names.
 */
import { copyView, type PacketView, viewLength, viewWireLength } from './packet-view.js';

export type CaptureFormat = 'pcap' | 'pcap-nano' | 'pcapng';

/** What a pcapng file says of an interface. */
export interface DescribedInterface {
  readonly name: string;
  readonly linkType: number;
  /** A line about it; empty for none. */
  readonly description?: string;
}

export interface PacketEncoder {
  readonly format: CaptureFormat;
  /** What a file begins with. For pcapng, interfaces follow. */
  head(linkType: number): Buffer;
  /** What stands before the first packet of an interface; for pcap nothing. They are numbered in the order they are described. */
  describe(one: DescribedInterface): Buffer;
  /** The most bytes that a packet with so many captured takes. */
  room(captured: number): number;
  /** Writes a packet of the interface of that number at `at`, and returns where it ends. */
  write(view: PacketView, interfaceNumber: number, into: Buffer, at: number): number;
}

/** Bytes of the header of a pcap record. */
export const RECORD_BYTES = 16;
export const PCAP_HEAD_BYTES = 24;
const TAG_BYTES = 4;
const MICROSECOND_MAGIC = 0xa1b2c3d4;
const NANOSECOND_MAGIC = 0xa1b23c4d;

export function createPacketEncoder(format: CaptureFormat, snapLength: number): PacketEncoder {
  return format === 'pcapng' ? pcapngEncoder(snapLength) : pcapEncoder(format, snapLength);
}

function pcapEncoder(format: 'pcap' | 'pcap-nano', snapLength: number): PacketEncoder {
  const isNano = format === 'pcap-nano';
  return {
    format,
    head(linkType) {
      const head = Buffer.alloc(PCAP_HEAD_BYTES);
      head.writeUInt32LE(isNano ? NANOSECOND_MAGIC : MICROSECOND_MAGIC, 0);
      head.writeUInt16LE(2, 4);
      head.writeUInt16LE(4, 6);
      head.writeUInt32LE(snapLength, 16);
      head.writeUInt32LE(linkType, 20);
      return head;
    },
    describe: () => Buffer.alloc(0),
    room: (captured) => RECORD_BYTES + TAG_BYTES + captured,
    write(view, _number, into, at) {
      const length = viewLength(view, snapLength);
      into.writeUInt32LE(view.seconds, at);
      into.writeUInt32LE(isNano ? view.nanos : Math.floor(view.nanos / 1000), at + 4);
      into.writeUInt32LE(length, at + 8);
      into.writeUInt32LE(viewWireLength(view), at + 12);
      return copyView(view, length, into, at + RECORD_BYTES);
    },
  };
}

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const OPTION_USER_APPLICATION = 4;
const OPTION_IF_NAME = 2;
const OPTION_IF_DESCRIPTION = 3;
const OPTION_IF_TSRESOL = 9;
/** Bytes of an enhanced packet block around the packet. */
const ENHANCED_BYTES = 32;
/** 10⁻⁹. */
const NANOSECONDS = 9;
/** Bytes of one option's text. */
const TEXT_BYTES_MAX = 1024;

function pcapngEncoder(snapLength: number): PacketEncoder {
  return {
    format: 'pcapng',
    head() {
      const body = Buffer.alloc(16);
      body.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
      body.writeUInt16LE(1, 4);
      // The section's length is not known.
      body.fill(0xff, 8, 16);
      return block(SECTION_HEADER, [body, options([[OPTION_USER_APPLICATION, Buffer.from('pcap-sensor')]])]);
    },
    describe({ name, linkType, description = '' }) {
      const body = Buffer.alloc(8);
      body.writeUInt16LE(linkType, 0);
      body.writeUInt32LE(snapLength, 4);
      const texts: [number, Buffer][] = [
        [OPTION_IF_NAME, textOption(name)],
        [OPTION_IF_DESCRIPTION, textOption(description)],
        [OPTION_IF_TSRESOL, Buffer.from([NANOSECONDS])],
      ];
      return block(INTERFACE_DESCRIPTION, [body, options(texts)]);
    },
    room: (captured) => ENHANCED_BYTES + ((captured + TAG_BYTES + 3) & ~3),
    write(view, number, into, at) {
      const length = viewLength(view, snapLength);
      const padded = (length + 3) & ~3;
      const total = ENHANCED_BYTES + padded;
      const time = BigInt(view.seconds) * 1_000_000_000n + BigInt(view.nanos);
      into.writeUInt32LE(ENHANCED_PACKET, at);
      into.writeUInt32LE(total, at + 4);
      into.writeUInt32LE(number, at + 8);
      into.writeUInt32LE(Number(time >> 32n), at + 12);
      into.writeUInt32LE(Number(time & 0xffff_ffffn), at + 16);
      into.writeUInt32LE(length, at + 20);
      into.writeUInt32LE(viewWireLength(view), at + 24);
      const end = copyView(view, length, into, at + 28);
      into.fill(0, end, at + 28 + padded);
      into.writeUInt32LE(total, at + 28 + padded);
      return at + total;
    },
  };
}

function block(type: number, parts: readonly Buffer[]): Buffer {
  const length = 12 + parts.reduce((sum, part) => sum + part.length, 0);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(type, 0);
  head.writeUInt32LE(length, 4);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(length, 0);
  return Buffer.concat([head, ...parts, tail]);
}

/** Options that say something, then their end. */
function options(all: readonly (readonly [code: number, value: Buffer])[]): Buffer {
  const parts = all
    .filter(([, value]) => value.length > 0)
    .map(([code, value]) => {
      const part = Buffer.alloc(4 + ((value.length + 3) & ~3));
      part.writeUInt16LE(code, 0);
      part.writeUInt16LE(value.length, 2);
      value.copy(part, 4);
      return part;
    });
  return Buffer.concat([...parts, Buffer.alloc(4)]);
}

function textOption(text: string): Buffer {
  const bytes = Buffer.from(text);
  return bytes.length <= TEXT_BYTES_MAX ? bytes : Buffer.from(bytes.subarray(0, TEXT_BYTES_MAX).toString('utf8'));
}
