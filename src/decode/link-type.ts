/**
 * Link-layer header types this sensor reads: values of https://www.tcpdump.org/linktypes.html, and the DLT_ values
 * of Linux' libpcap where they differ.
 */
export const LinkType = {
  null: 0,
  ethernet: 1,
  ppp: 9,
  /** DLT_RAW on Linux. */
  dltRaw: 12,
  /** DLT_RAW on OpenBSD. */
  dltRawOpenBsd: 14,
  pppHdlc: 50,
  pppEther: 51,
  raw: 101,
  ciscoHdlc: 104,
  loop: 108,
  linuxSll: 113,
  ipv4: 228,
  ipv6: 229,
  linuxSll2: 276,
} as const;
