/**
 * A TCP reset as a whole IP packet (RFC 9293 §3.1, RFC 791 §3.1, RFC 8200 §3).
 *
 *     IPv4                                     IPv6
 *      0  45 00  length = 40                    0  60 00 00 00
 *      4  id 00  40 00 (don't fragment)         4  length = 20  06  40
 *      8  40  06  checksum                      8  source
 *     12  source                               24  destination
 *     16  destination
 *     20  TCP                                  40  TCP
 *
 *     TCP   0  source port, destination port
 *           4  sequence number
 *           8  acknowledgement number
 *          12  50  14 (RST, ACK)  window = 0
 *          16  checksum  00 00
 *
 * in: two endpoints, numbers · out: the packet, both checksums computed · pure
 */
import { IPV4_WORD } from '../decode/segment.js';

export interface ResetEndpoint {
  /** As in `Segment`. */
  readonly words: readonly [number, number, number, number];
  readonly port: number;
}

export interface Reset {
  /** The side that the receiver is to believe it comes from. */
  readonly from: ResetEndpoint;
  readonly to: ResetEndpoint;
  /** What the receiver takes next from `from` (RFC 5961 §3.2: one that is only in the window is challenged). */
  readonly sequence: number;
  /** What `from` takes next from the receiver. */
  readonly acknowledgement: number;
}

const TCP_BYTES = 20;
const PROTOCOL_TCP = 6;
const HOPS = 64;
const DONT_FRAGMENT = 0x4000;
const RST_ACK = 0x14;

export function resetPacket({ from, to, sequence, acknowledgement }: Reset): Buffer {
  const isV4 = from.words[0] === IPV4_WORD;
  const packet = Buffer.alloc((isV4 ? 20 : 40) + TCP_BYTES);
  const tcp = isV4 ? 20 : 40;
  if (isV4) {
    packet.writeUInt16BE(0x4500, 0);
    packet.writeUInt16BE(packet.length, 2);
    packet.writeUInt16BE(DONT_FRAGMENT, 6);
    packet[8] = HOPS;
    packet[9] = PROTOCOL_TCP;
    packet.writeInt32BE(from.words[3] | 0, 12);
    packet.writeInt32BE(to.words[3] | 0, 16);
    packet.writeUInt16BE(checksum(packet, 0, 20, 0), 10);
  } else {
    packet[0] = 0x60;
    packet.writeUInt16BE(TCP_BYTES, 4);
    packet[6] = PROTOCOL_TCP;
    packet[7] = HOPS;
    for (let i = 0; i < 4; i++) {
      packet.writeInt32BE((from.words[i] as number) | 0, 8 + 4 * i);
      packet.writeInt32BE((to.words[i] as number) | 0, 24 + 4 * i);
    }
  }
  packet.writeUInt16BE(from.port, tcp);
  packet.writeUInt16BE(to.port, tcp + 2);
  packet.writeInt32BE(sequence | 0, tcp + 4);
  packet.writeInt32BE(acknowledgement | 0, tcp + 8);
  packet[tcp + 12] = (TCP_BYTES / 4) << 4;
  packet[tcp + 13] = RST_ACK;
  // The pseudo header has both addresses, the protocol and the length (RFC 9293 §3.1, RFC 8200 §8.1).
  packet.writeUInt16BE(checksum(packet, isV4 ? 12 : 8, packet.length, PROTOCOL_TCP + TCP_BYTES), tcp + 16);
  return packet;
}

/** The one's complement of the one's complement sum of 16-bit words (RFC 1071). */
function checksum(bytes: Buffer, start: number, end: number, more: number): number {
  let sum = more;
  for (let at = start; at < end; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
