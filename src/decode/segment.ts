/**
 * A TCP segment as decoded: one object for each decoder, written anew for each packet.
 *
 * Addresses are four 32-bit words, network order, signed. An IPv4 address is the last word, behind three of `IPV4_WORD`,
 * so that one key serves both families. As an IPv6 address that would be multicast (RFC 4291 §2.7), which no TCP endpoint
 * has, whereas IPv6 packets do carry IPv4-mapped addresses.
 */
export const IPV4_WORD = -1;

export class Segment {
  sourceWord0 = 0;
  sourceWord1 = 0;
  sourceWord2 = 0;
  sourceWord3 = 0;
  destinationWord0 = 0;
  destinationWord1 = 0;
  destinationWord2 = 0;
  destinationWord3 = 0;
  sourcePort = 0;
  destinationPort = 0;
  /** The virtual network that tags and encapsulations name (VLAN, VXLAN and Geneve VNI, GRE key), else 0. */
  tunnelId = 0;
  /** Whether a switch mirrored it from somewhere in its network (ERSPAN). */
  isMirrored = false;
  /** Sequence and acknowledgement numbers as signed 32-bit integers; compare by difference (RFC 9293 §3.4). */
  sequence = 0;
  acknowledgement = 0;
  /** Bits of `TcpFlag`. */
  flags = 0;
  /** Where the payload lies: valid until the next packet is decoded. */
  bytes: Buffer = EMPTY;
  /** Where its TCP header begins; its options run from 20 bytes behind that to the payload. */
  headerStart = 0;
  payloadStart = 0;
  payloadEnd = 0;
  /** Payload bytes the packet had on the wire but the capture cut off. */
  payloadCut = 0;
}

const EMPTY = Buffer.alloc(0);

/** Control bits, RFC 9293 §3.1. */
export const TcpFlag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 } as const;
