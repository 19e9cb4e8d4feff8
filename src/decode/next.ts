/**
 * What a header says comes next: a number that holds a kind and, within it, the number of the specification. What no
 * reader is there for is reported by these two.
 */

/** The upper half of a `Next`; the lower half is the number. */
export const Kind = {
  /** IEEE 802 numbers, https://www.iana.org/assignments/ieee-802-numbers. */
  etherType: 0x0_0000,
  /** https://www.tcpdump.org/linktypes.html */
  link: 0x1_0000,
  /** https://www.iana.org/assignments/protocol-numbers */
  protocol: 0x2_0000,
  /** https://www.iana.org/assignments/ppp-numbers */
  ppp: 0x3_0000,
  /** The destination service access point of an LLC header (IEEE 802.2). */
  llc: 0x4_0000,
  /** The version nibble of an IP header. */
  ipVersion: 0x5_0000,
  /** The UDP destination port that announces a tunnel. */
  udpPort: 0x6_0000,
  /** The first byte of the frame control field of an 802.11 frame that carries no readable data. */
  wlan: 0x7_0000,
  /** What has no number. */
  unnumbered: 0x8_0000,
} as const;

/** What readers name most. The EtherTypes are their own numbers. */
export const Next = {
  ipv4: 0x0800,
  ipv6: 0x86dd,
  /** IPv4 or IPv6 by the version nibble. */
  ip: Kind.unnumbered | 1,
  /** An Ethernet frame from its addresses on. */
  ethernet: Kind.unnumbered | 2,
  /** LLC (IEEE 802.2), perhaps with SNAP. */
  llc: Kind.unnumbered | 3,
  /** A PPP frame, with or without address and control. */
  ppp: Kind.unnumbered | 4,
  mpls: 0x8847,
  pppoeSession: 0x8864,
  nsh: 0x894f,
  tcp: Kind.protocol | 6,
} as const;

/** The headers contradict themselves or the packet's length. */
export const MALFORMED = -0x7fff_ffff;

/** What comes next cannot be read, although there is a reader for things of this kind: by `next` it is reported. */
export function unread(next: number): number {
  return ~next;
}
