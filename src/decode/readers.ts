/** Every header that is read beside Ethernet, IP and TCP, one row each, by what announces it. */
import type { Cursor, HeaderReader } from './cursor.js';
import { readEthernet, readLlc } from './ethernet.js';
import { EXTENSIONS, readExtension } from './ip-reader.js';
import { LinkType } from './link-type.js';
import {
  readCiscoHdlc,
  readEnc,
  readFamily,
  readIpnet,
  readLinuxSll,
  readLinuxSll2,
  readNetanalyzer,
} from './links/cooked.js';
import { readIeee80211 } from './links/ieee80211.js';
import { readNflog } from './links/nflog.js';
import { readPflog } from './links/pflog.js';
import { readPktap } from './links/pktap.js';
import { readPpp, readPppoe, readPppWithDirection } from './links/ppp.js';
import { readAvs, readPpi, readPrism, readRadiotap } from './links/radio.js';
import { Kind, Next } from './next.js';
import { readMpls } from './tags/mpls.js';
import { readCiscoMetadata, readCiscoTtag, readETag, readVnTag } from './tags/switch-tags.js';
import { readVlan } from './tags/vlan.js';
import { readEtherIp } from './tunnels/ether-ip.js';
import { readGeneve } from './tunnels/geneve.js';
import { readGre } from './tunnels/gre.js';
import { readGtp } from './tunnels/gtp.js';
import { readL2tp } from './tunnels/l2tp.js';
import { readNsh } from './tunnels/nsh.js';
import { readTzsp } from './tunnels/tzsp.js';
import { readUdp } from './tunnels/udp.js';
import { readVxlan, readVxlanGpe } from './tunnels/vxlan.js';

const asEthernet: HeaderReader = () => Next.ethernet;
const asIp: HeaderReader = () => Next.ip;

const LINKS: readonly (readonly [linkType: number, HeaderReader])[] = [
  [LinkType.null, readFamily],
  [LinkType.ethernet, asEthernet],
  [LinkType.ppp, readPpp],
  [LinkType.dltRaw, asIp],
  [LinkType.dltRawOpenBsd, asIp],
  [LinkType.pppHdlc, readPpp],
  [LinkType.pppEther, readPppoe],
  [LinkType.raw, asIp],
  [LinkType.ciscoHdlc, readCiscoHdlc],
  [LinkType.ieee80211, readIeee80211],
  [LinkType.loop, readFamily],
  [LinkType.enc, readEnc],
  [LinkType.linuxSll, readLinuxSll],
  [LinkType.pflog, readPflog],
  [LinkType.prism, readPrism],
  [LinkType.radiotap, readRadiotap],
  [LinkType.avs, readAvs],
  [LinkType.pppWithDirection, readPppWithDirection],
  [LinkType.ppi, readPpi],
  [LinkType.ipnet, readIpnet],
  [LinkType.ipv4, asIp],
  [LinkType.ipv6, asIp],
  [LinkType.nflog, readNflog],
  [LinkType.netanalyzer, readNetanalyzer],
  [LinkType.pktap, readPktap],
  [LinkType.linuxSll2, readLinuxSll2],
];

const ETHER_TYPES: readonly (readonly [etherType: number, HeaderReader])[] = [
  [0x6558, asEthernet], // RFC 1701: a bridged frame, in GRE and in Geneve
  [0x8100, readVlan], // IEEE 802.1Q
  [0x88a8, readVlan], // IEEE 802.1ad
  [0x9100, readVlan], // Q-in-Q before 802.1ad
  [0x9200, readVlan],
  [0x8847, readMpls], // RFC 3032
  [0x8848, readMpls], // RFC 5332: with an upstream label
  [0x8864, readPppoe], // RFC 2516
  [0x8909, readCiscoMetadata],
  [0x8926, readVnTag],
  [0x893f, readETag], // IEEE 802.1BR
  [0x894f, readNsh], // RFC 8300
  [0x8988, readCiscoTtag],
];

const PROTOCOLS: readonly (readonly [protocol: number, HeaderReader])[] = [
  [4, () => Next.ipv4], // RFC 2003
  [17, readUdp],
  [41, () => Next.ipv6], // RFC 2473, RFC 4213
  [47, readGre], // RFC 2784
  [97, readEtherIp], // RFC 3378
  [137, readMpls], // RFC 4023
  // Behind IPv4, and in a datagram that was fragmented.
  ...EXTENSIONS.map((protocol) => [protocol, (cursor: Cursor) => readExtension(cursor, protocol)] as const),
];

const UDP_PORTS: readonly (readonly [port: number, HeaderReader])[] = [
  [1701, readL2tp], // RFC 2661
  [2152, readGtp], // 3GPP TS 29.281
  [4754, readGre], // RFC 8086
  [4789, readVxlan], // RFC 7348
  [4790, readVxlanGpe],
  [6081, readGeneve], // RFC 8926
  [6635, readMpls], // RFC 7510
  [8472, readVxlan], // Linux' own port, which flannel and Cilium use
  [37_008, readTzsp],
];

/** By `Next`. */
export const READERS: ReadonlyMap<number, HeaderReader> = new Map([
  ...LINKS.map(([type, reader]) => [Kind.link | type, reader] as const),
  ...ETHER_TYPES,
  ...PROTOCOLS.map(([protocol, reader]) => [Kind.protocol | protocol, reader] as const),
  ...UDP_PORTS.map(([port, reader]) => [Kind.udpPort | port, reader] as const),
  [Next.ethernet, readEthernet],
  [Next.llc, readLlc],
  [Next.ppp, readPpp],
]);
