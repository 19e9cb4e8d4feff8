/**
 * Packets as a pcapng file with times in nanoseconds: a section header, an interface for each link type and interface
 * number, and an enhanced packet block for each packet (draft-ietf-opsawg-pcapng, §4.1, §4.2, §4.3).
 */
import type { CapturedPacket } from './variation.js';

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
/** Of the first packet: in 2023, as in other captures of the project. */
const START = 1_700_000_000_000_000_000n;

export function pcapng(packets: readonly CapturedPacket[]): Buffer {
  const numbers = new Map<string, number>();
  const interfaces: Buffer[] = [];
  const blocks = packets.map((packet) => {
    const { frame, time, linkType = 1, captured = frame.length, interfaceId = 0 } = packet;
    const key = `${interfaceId} ${linkType}`;
    if (!numbers.has(key)) {
      numbers.set(key, numbers.size);
      interfaces.push(interfaceDescription(linkType));
    }
    const header = Buffer.alloc(20);
    const at = START + BigInt(Math.round(time));
    header.writeUInt32LE(numbers.get(key) as number, 0);
    header.writeUInt32LE(Number(at >> 32n), 4);
    header.writeUInt32LE(Number(at & 0xffff_ffffn), 8);
    header.writeUInt32LE(captured, 12);
    header.writeUInt32LE(frame.length, 16);
    return block(ENHANCED_PACKET, Buffer.concat([header, frame.subarray(0, captured)]));
  });
  return Buffer.concat([sectionHeader(), ...interfaces, ...blocks]);
}

function sectionHeader(): Buffer {
  const body = Buffer.alloc(16, 0xff);
  body.writeUInt32LE(0x1a2b3c4d, 0);
  body.writeUInt16LE(1, 4);
  body.writeUInt16LE(0, 6);
  return block(SECTION_HEADER, body);
}

function interfaceDescription(linkType: number): Buffer {
  const body = Buffer.alloc(20);
  body.writeUInt16LE(linkType, 0);
  // if_tsresol: 10^-9 seconds; then the end of the options.
  body.writeUInt16LE(9, 8);
  body.writeUInt16LE(1, 10);
  body.writeUInt8(9, 12);
  return block(INTERFACE_DESCRIPTION, body);
}

function block(type: number, body: Buffer): Buffer {
  const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(padded.length + 12, 0);
  const head = Buffer.alloc(4);
  head.writeUInt32LE(type, 0);
  return Buffer.concat([head, length, padded, length]);
}
