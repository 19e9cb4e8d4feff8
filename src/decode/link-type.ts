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
  ieee80211: 105,
  loop: 108,
  enc: 109,
  linuxSll: 113,
  pflog: 117,
  prism: 119,
  radiotap: 127,
  avs: 163,
  pppWithDirection: 204,
  ppi: 192,
  ipnet: 226,
  ipv4: 228,
  ipv6: 229,
  nflog: 239,
  netanalyzer: 240,
  pktap: 258,
  linuxSll2: 276,
} as const;
