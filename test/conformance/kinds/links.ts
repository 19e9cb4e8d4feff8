/**
 * Link types (https://www.tcpdump.org/linktypes.html), tags and tunnels, each as literal headers by its specification
 * in front of the same two exchanges; and SOCKS in front of HTTP.
 */
import { client, packetsOf, type Side, type Step, server } from '../../support/conversation.js';
import { ethernet, hex, ipv4, udp } from '../../support/packets.js';
import {
  answer,
  CLOSE,
  capture,
  framed,
  get,
  type Kind,
  ok,
  overIpv6,
  post,
  rewrapped,
  said,
  type Variation,
  variation,
} from './variation.js';

const AB: readonly Step[] = [
  get('/a'),
  ok('A'),
  post('/b', 'x=y'),
  answer('201 Made', ['Content-Length: 1'], 'B'),
  ...CLOSE,
];
const AB_RIGHT = [
  said('/a', 'A', { marks: [] }),
  { target: '/b', status: 201, reqBody: 'x=y', body: 'B', marks: [] as string[] },
];

type Wrap = (ip: Buffer, from: Side, index: number) => Buffer;

const le16 = (value: number) => Buffer.from([value & 255, value >> 8]);
const le32 = (value: number) => Buffer.concat([le16(value & 0xffff), le16(value >>> 16)]);
const be16 = (value: number) => Buffer.from([value >> 8, value & 255]);
const be32 = (value: number) => Buffer.concat([be16(value >>> 16), be16(value & 0xffff)]);
const bytes = (...parts: (Buffer | string | number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? hex(part) : Buffer.from(part))));
const named = (name: string, length: number) => Buffer.concat([Buffer.from(name), Buffer.alloc(length - name.length)]);
const typeOf = (ip: Buffer) => (ip.readUInt8(0) >> 4 === 6 ? 0x86dd : 0x0800);

/** Two exchanges on a link of that type. */
const on = (name: string, why: string, linkType: number, wrap: Wrap): Variation =>
  capture(name, why, rewrapped(packetsOf(AB), wrap, linkType), AB_RIGHT);

/** The same over IPv6, whose packets are taken from Ethernet. */
const on6 = (name: string, why: string, linkType: number, wrap: (ip: Buffer, index: number) => Buffer): Variation =>
  capture(
    name,
    why,
    overIpv6(packetsOf(AB)).map((packet, i) => {
      const frame = wrap(packet.frame.subarray(14), i);
      return { time: packet.time, frame, linkType };
    }),
    AB_RIGHT,
  );

/** In Ethernet frames, in tunnels between two other hosts. */
const outer = (payload: Buffer, protocol = 17): Buffer =>
  ethernet(0x0800, ipv4({ protocol, source: '172.16.0.1', destination: '172.16.0.2' }, payload));
const greOf = (protocol: number, payload: Buffer, flags = 0, fields = Buffer.alloc(0)): Buffer =>
  Buffer.concat([be16(flags), be16(protocol), fields, payload]);
const MACS = '020000000001 020000000002';

// --- link types

const NFLOG =
  'linktypes/LINKTYPE_NFLOG: family, version, resource, then attributes of length, type, value, padded to 4; 9 is the payload';
const attribute = (type: number, value: Buffer): Buffer => {
  const length = value.length + 4;
  return Buffer.concat([le16(length), le16(type), value, Buffer.alloc((4 - (length % 4)) % 4)]);
};
const nflog = (family: number, ...attributes: Buffer[]): Buffer => bytes([family, 0, 0, 1], ...attributes);

const PKTAP = 'linktypes/LINKTYPE_PKTAP: XNU bsd/net/pktap.h, a header of 108 bytes, little-endian, with the inner DLT';
function pktap(dlt: number, inner: Buffer, family: number): Buffer {
  return bytes(
    le32(108),
    le32(1),
    le32(dlt),
    named('en0', 24),
    le32(1),
    le32(family),
    le32(dlt === 1 ? 14 : 4),
    le32(0),
    le32(77),
    named('curl', 20),
    le32(0),
    le16(6),
    le16(0),
    le32(77),
    named('curl', 20),
    inner,
  );
}

const PFLOG =
  'OpenBSD sys/net/if_pflog.h: the first byte is the length without the padding to 4; then the address family';
const pflog = (length: number, family: number, ip: Buffer): Buffer =>
  bytes([length, family, 0, 0], named('em0', 16), Buffer.alloc(((length + 3) & ~3) - 20), ip);

const ENC = 'linktypes/LINKTYPE_ENC: family, SPI, flags, four bytes each';
const WIFI = 'IEEE 802.11-2020 §9.3.2.1 data frames; RFC 1042 LLC/SNAP';
const SNAP = 'aaaa03 000000';
/** `control`: the frame control field; the addresses follow, then what the subtype asks for. */
function wifi(control: string, extra: string, ip: Buffer): Buffer {
  return bytes(`${control} 0000 020000000001 020000000002 020000000003 1000 ${extra} ${SNAP}`, be16(typeOf(ip)), ip);
}

const LINK_TYPES: readonly Variation[] = [
  on('NFLOG', NFLOG, 239, (ip) => nflog(2, attribute(1, hex('0800 01 00')), attribute(9, ip))),
  on('NFLOG with a prefix, an interface and a time in front', NFLOG, 239, (ip) =>
    nflog(
      2,
      attribute(1, hex('0800 03 00')),
      attribute(10, Buffer.from('log:\0')),
      attribute(4, be32(2)),
      attribute(3, Buffer.alloc(16)),
      attribute(9, ip),
    ),
  ),
  on('NFLOG with attributes behind the payload', NFLOG, 239, (ip) =>
    nflog(2, attribute(9, ip), attribute(11, be32(0))),
  ),
  on6('NFLOG, IPv6', NFLOG, 239, (ip) => nflog(10, attribute(1, hex('86dd 01 00')), attribute(9, ip))),
  on('PKTAP of Ethernet', PKTAP, 258, (ip) => pktap(1, framed(ip), 2)),
  on('PKTAP of the loopback', PKTAP, 258, (ip) => pktap(0, bytes(le32(2), ip), 2)),
  on('PKTAP of raw IP', PKTAP, 258, (ip) => pktap(12, ip, 2)),
  on6('PKTAP of the loopback, IPv6', PKTAP, 258, (ip) => pktap(0, bytes(le32(30), ip), 30)),
  on('pflog, 61 bytes', PFLOG, 117, (ip) => pflog(61, 2, ip)),
  on('pflog, 100 bytes with addresses', PFLOG, 117, (ip) => pflog(100, 2, ip)),
  on6('pflog, IPv6 of OpenBSD', PFLOG, 117, (ip) => pflog(61, 24, ip)),
  on6('pflog, IPv6 of FreeBSD', PFLOG, 117, (ip) => pflog(69, 28, ip)),
  on('enc, little-endian', ENC, 109, (ip) => bytes(le32(2), be32(0x1234), le32(0x800), ip)),
  on('enc, big-endian', ENC, 109, (ip) => bytes(be32(2), be32(0x1234), be32(0x800), ip)),
  on6('enc, IPv6 of OpenBSD', ENC, 109, (ip) => bytes(le32(24), be32(7), le32(0x400), ip)),
  on('802.11, from and to the access point', WIFI, 105, (ip, from) =>
    wifi(from === 'client' ? '0801' : '0802', '', ip),
  ),
  on('802.11, QoS data', WIFI, 105, (ip, from) => wifi(from === 'client' ? '8801' : '8802', '0000', ip)),
  on('802.11, QoS data with HT control', WIFI, 105, (ip) => wifi('8881', '0000 00000000', ip)),
  on('802.11, four addresses', WIFI, 105, (ip) => wifi('0803', '020000000004', ip)),
  on('802.11 behind radiotap', 'radiotap.org: version, pad, length, little-endian', 127, (ip) =>
    bytes('00 00 0c00 04800000 02 00 18 00', wifi('0801', '', ip)),
  ),
  on('802.11 behind radiotap, with an FCS', 'radiotap.org: flag 0x10 of field 1', 127, (ip) =>
    bytes('00 00 0900 02000000 10', wifi('0802', '', ip), '00000000'),
  ),
  on('802.11 behind PPI', 'linktypes/LINKTYPE_PPI: version, flags, length, DLT', 192, (ip) =>
    bytes('00 00 0800', le32(105), wifi('8801', '0000', ip)),
  ),
  on('802.11 behind AVS', 'AVS: version and length, big-endian', 163, (ip) =>
    bytes('80211001 00000040', Buffer.alloc(56), wifi('0801', '', ip)),
  ),
  on('802.11 behind Prism', 'linktypes/LINKTYPE_IEEE802_11_PRISM: message and length, little-endian', 119, (ip) =>
    bytes(le32(0x44), le32(144), named('wlan0', 16), Buffer.alloc(120), wifi('0802', '', ip)),
  ),
  on('802.11 behind radiotap, padded', 'radiotap.org: flag 0x20, the header is padded to four bytes', 127, (ip) =>
    bytes(
      '00 00 0900 02000000 20',
      `8801 0000 020000000001 020000000002 020000000003 1000 0000 0000 ${SNAP}`,
      be16(typeOf(ip)),
      ip,
    ),
  ),
  on('802.11, one frame of an aggregate', `${WIFI}; §9.3.2.2`, 105, (ip) =>
    bytes(
      '8801 0000 020000000001 020000000002 020000000003 1000 8000 020000000004 020000000005',
      be16(ip.length + 8),
      SNAP,
      be16(typeOf(ip)),
      ip,
    ),
  ),
  on('PPP with the direction', 'linktypes/LINKTYPE_PPP_WITH_DIR', 204, (ip) => bytes('00 ff03 0021', ip)),
  on('IPNET of Solaris', 'linktypes/LINKTYPE_IPNET: 24 bytes', 226, (ip) => bytes('01 02', Buffer.alloc(22), ip)),
  on('LLC with IP', 'IEEE 802.2: DSAP and SSAP 6', 1, (ip) => bytes(MACS, be16(ip.length + 3), '06 06 03', ip)),
  on6('802.11, IPv6', WIFI, 105, (ip) => wifi('0801', '', ip)),
];

// --- tags between Ethernet and IP

const tagged =
  (type: number, tag: string): Wrap =>
  (ip) =>
    bytes(MACS, be16(type), tag, be16(typeOf(ip)), ip);
const VN_TAG = 'Cisco VN-Tag, EtherType 0x8926: four bytes, then the EtherType';
const E_TAG = 'IEEE 802.1BR-2012 §11.2.1.2, EtherType 0x893F: six bytes, then the EtherType';
const METADATA = 'Cisco Meta Data, EtherType 0x8909: version, length in words, options, then the EtherType';
const TTAG = 'Cisco ttag, EtherType 0x8988: a time of 48 bits, then the EtherType';

const TAGS: readonly Variation[] = [
  on('VN-Tag', VN_TAG, 1, tagged(0x8926, '00000001')),
  on('VN-Tag towards the host', VN_TAG, 1, tagged(0x8926, '80050000')),
  on('VN-Tag in front of a VLAN', VN_TAG, 1, (ip) => bytes(MACS, '8926 00000001 8100 0064', be16(typeOf(ip)), ip)),
  on('E-Tag', E_TAG, 1, tagged(0x893f, '0000 0001 0000')),
  on('E-Tag behind a VLAN', E_TAG, 1, (ip) => bytes(MACS, '8100 0064 893f 2001 0004 0000', be16(typeOf(ip)), ip)),
  on('Cisco metadata with a group tag', METADATA, 1, tagged(0x8909, '01 01 0001 0064')),
  on('Cisco metadata behind a VLAN', METADATA, 1, (ip) =>
    bytes(MACS, '8100 000a 8909 01 01 0001 0064', be16(typeOf(ip)), ip),
  ),
  on('Cisco ttag', TTAG, 1, tagged(0x8988, '0000 1234 5678')),
  on('two Q-in-Q tags', 'IEEE 802.1ad, a guard', 1, tagged(0x88a8, '0064 8100 000a')),
  on6('VN-Tag, IPv6', VN_TAG, 1, (ip) => bytes(MACS, '8926 00000001 86dd', ip)),
  on6('E-Tag, IPv6', E_TAG, 1, (ip) => bytes(MACS, '893f 0000 0001 0000 86dd', ip)),
];

// --- tunnels

const VXLAN = 'RFC 7348 §5; Linux’ own port 8472, which flannel and Cilium use';
const GPE = 'draft-ietf-nvo3-vxlan-gpe §3: the P bit, and the next protocol in the last byte';
const GRE_UDP = 'RFC 8086 §3: GRE behind UDP port 4754';
const GTP = '3GPP TS 29.281 §5.1: version 1, message 255; optional fields are four bytes when any of E, S, PN is set';
const ERSPAN = 'draft-foschiano-erspan §4: type II behind a sequence number, type III with the O bit';
const PSEUDOWIRE = 'RFC 4448 §4: an Ethernet frame behind the labels, with a control word or without';
const TZSP = 'TZSP: version, type, protocol, tagged fields up to 1; 0 pads';

const gpe = (next: number, payload: Buffer): Buffer => outer(udp(4790, bytes('0c 0000', [next], '000064 00', payload)));
const gtp = (flags: string, optional: string, ip: Buffer): Buffer => {
  const rest = bytes(optional, ip);
  return outer(udp(2152, bytes(flags, 'ff', be16(rest.length), '00000007', rest)));
};
const tzsp = (type: string, fields: string, payload: Buffer): Buffer =>
  outer(udp(37_008, bytes(type, fields, payload)));

const TUNNELS: readonly Variation[] = [
  on('VXLAN on 8472', VXLAN, 1, (ip) => outer(udp(8472, bytes('08 000000 000001 00', framed(ip))))),
  on('VXLAN on 8472, a VLAN inside', VXLAN, 1, (ip) =>
    outer(udp(8472, bytes('08 000000 000001 00', MACS, '8100 0005', be16(typeOf(ip)), ip))),
  ),
  on6('VXLAN on 8472, IPv6 inside', VXLAN, 1, (ip) => outer(udp(8472, bytes('08 000000 000001 00', framed(ip))))),
  on('VXLAN-GPE of Ethernet', GPE, 1, (ip) => gpe(3, framed(ip))),
  on('VXLAN-GPE of IPv4', GPE, 1, (ip) => gpe(1, ip)),
  on6('VXLAN-GPE of IPv6', GPE, 1, (ip) => gpe(2, ip)),
  on('VXLAN-GPE of NSH of IPv4', `${GPE}; RFC 8300 §2.2`, 1, (ip) => gpe(4, bytes('0fc2 02 01 000001ff', ip))),
  on('GRE over UDP', GRE_UDP, 1, (ip) => outer(udp(4754, greOf(0x0800, ip)))),
  on('GRE over UDP with a key, Ethernet inside', GRE_UDP, 1, (ip) =>
    outer(udp(4754, greOf(0x6558, framed(ip), 0x2000, be32(7)))),
  ),
  on6('GRE over UDP, IPv6 inside', GRE_UDP, 1, (ip) => outer(udp(4754, greOf(0x86dd, ip)))),
  on('GTP-U', GTP, 1, (ip) => gtp('30', '', ip)),
  on('GTP-U with a sequence number', GTP, 1, (ip, _, i) => gtp('32', `${i.toString(16).padStart(4, '0')} 00 00`, ip)),
  on('GTP-U with the container of 5G', `${GTP}; TS 38.415: extension 0x85, a length in words`, 1, (ip) =>
    gtp('34', '0000 00 85 01 0009 00', ip),
  ),
  on6('GTP-U, IPv6 inside', GTP, 1, (ip) => gtp('30', '', ip)),
  on('ERSPAN type I', ERSPAN, 1, (ip) => outer(greOf(0x88be, framed(ip)), 47)),
  on('ERSPAN type II', ERSPAN, 1, (ip, _, i) =>
    outer(greOf(0x88be, bytes('1000 0064 00000000', framed(ip)), 0x1000, be32(i)), 47),
  ),
  on('ERSPAN type II, a ttag inside', `${ERSPAN}; ${TTAG}`, 1, (ip, _, i) =>
    outer(
      greOf(0x88be, bytes('1000 0064 00000000', MACS, '8988 0000 1234 5678', be16(typeOf(ip)), ip), 0x1000, be32(i)),
      47,
    ),
  ),
  on('ERSPAN type III', ERSPAN, 1, (ip, _, i) =>
    outer(greOf(0x22eb, bytes('2000 0064 00001234 0000 0000', framed(ip)), 0x1000, be32(i)), 47),
  ),
  on('ERSPAN type III with a subheader', ERSPAN, 1, (ip, _, i) =>
    outer(greOf(0x22eb, bytes('2000 0064 00001234 0000 0001', '0000000000000000', framed(ip)), 0x1000, be32(i)), 47),
  ),
  on('ERSPAN type III, a ttag inside', `${ERSPAN}; ${TTAG}`, 1, (ip, _, i) =>
    outer(
      greOf(
        0x22eb,
        bytes('2000 0064 00001234 0000 0000', MACS, '8988 0000 1234 5678', be16(typeOf(ip)), ip),
        0x1000,
        be32(i),
      ),
      47,
    ),
  ),
  on('MPLS pseudowire with a control word', PSEUDOWIRE, 1, (ip) =>
    bytes(MACS, '8847 00064 1 40', '00000000', framed(ip)),
  ),
  on('MPLS pseudowire without a control word', PSEUDOWIRE, 1, (ip) => bytes(MACS, '8847 00064 1 40', framed(ip))),
  on('MPLS pseudowire behind two labels', PSEUDOWIRE, 1, (ip, _, i) =>
    bytes(MACS, '8847 00064 0 40 000c8 1 40', be32(i & 0xffff), framed(ip)),
  ),
  on('MPLS pseudowire to an address that begins as IPv4 does', PSEUDOWIRE, 1, (ip) =>
    bytes(MACS, '8847 00064 1 40', '450000000001 020000000002', be16(typeOf(ip)), ip),
  ),
  on('MPLS over UDP', 'RFC 7510 §3', 1, (ip) => outer(udp(6635, bytes('00064 1 40', ip)))),
  on('MPLS in IP', 'RFC 4023 §3', 1, (ip) => outer(bytes('00064 1 40', ip), 137)),
  on('EtherIP', 'RFC 3378 §3', 1, (ip) => outer(bytes('3000', framed(ip)), 97)),
  on('L2TP with length and sequence numbers', 'RFC 2661 §3.1', 1, (ip) =>
    outer(udp(1701, bytes('4802', be16(ip.length + 16), '0001 0002 0000 0000 ff03 0021', ip))),
  ),
  on('PPTP', 'RFC 2637 §4.1', 1, (ip, _, i) =>
    outer(bytes('3001 880b', be16(ip.length + 4), '0007', be32(i), 'ff03 0021', ip), 47),
  ),
  on('ERSPAN type III under the EtherType of II', ERSPAN, 1, (ip, _, i) =>
    outer(greOf(0x88be, bytes('2000 0064 00001234 0000 0000', framed(ip)), 0x1000, be32(i)), 47),
  ),
  on('MPLS of IP, a guard', 'RFC 3032 §2.1', 1, (ip) => bytes(MACS, '8847 00064 1 40', ip)),
  on('TZSP of Ethernet', TZSP, 1, (ip) => tzsp('01 00 0001', '01', framed(ip))),
  on('TZSP with fields and padding', TZSP, 1, (ip) => tzsp('01 00 0001', '0a 01 c4 00 29 02 0040 01', framed(ip))),
  on('TZSP of 802.11', TZSP, 1, (ip) => tzsp('01 00 0012', '01', wifi('0801', '', ip))),
  on6('TZSP, IPv6 inside', TZSP, 1, (ip) => tzsp('01 00 0001', '01', framed(ip))),
];

// --- SOCKS

const SOCKS5 = 'RFC 1928 §3, §4, §6: a greeting, a request and their answers, then what is relayed';
const SOCKS4 = 'SOCKS 4 (Ying-Da Lee): a request of eight bytes and a user id up to NUL, an answer of eight bytes';
const to = (...parts: string[]) => client(hex(parts.join(' ')));
const back = (...parts: string[]) => server(hex(parts.join(' ')));

const SOCKS: readonly Variation[] = [
  variation(
    '5, an IPv4 address',
    SOCKS5,
    [to('05 01 00'), back('05 00'), to('05 01 00 01 0a000002 0050'), back('05 00 00 01 0a000001 9c40'), ...AB],
    AB_RIGHT,
  ),
  variation(
    '5, a name',
    SOCKS5,
    [to('05 02 00 02'), back('05 00'), to('05 01 00 03 05 612e636f6d 0050'), back('05 00 00 01 00000000 0000'), ...AB],
    AB_RIGHT,
  ),
  variation(
    '5, an IPv6 address',
    SOCKS5,
    [
      to('05 01 00'),
      back('05 00'),
      to('05 01 00 04 20010db8000000000000000000000002 0050'),
      back('05 00 00 04 20010db8000000000000000000000001 9c40'),
      ...AB,
    ],
    AB_RIGHT,
  ),
  variation(
    '5, with user and password',
    `${SOCKS5}; RFC 1929`,
    [
      to('05 01 02'),
      back('05 02'),
      to('01 01 75 01 70'),
      back('01 00'),
      to('05 01 00 01 0a000002 0050'),
      back('05 00 00 01 0a000001 9c40'),
      ...AB,
    ],
    AB_RIGHT,
  ),
  variation(
    '5, cut into bytes',
    SOCKS5,
    [
      to('05'),
      to('01'),
      to('00'),
      back('05'),
      back('00'),
      to('05 01 00 01 0a00'),
      to('0002 0050'),
      back('05 00 00'),
      back('01 0a000001 9c40'),
      ...AB,
    ],
    AB_RIGHT,
  ),
  variation(
    '5, refused',
    SOCKS5,
    [to('05 01 00'), back('05 00'), to('05 01 00 01 0a000002 0050'), back('05 05 00 01 00000000 0000'), ...CLOSE],
    [],
  ),
  variation('4', SOCKS4, [to('04 01 0050 0a000002 00'), back('00 5a 0050 0a000002'), ...AB], AB_RIGHT),
  variation(
    '4, with a user',
    SOCKS4,
    [to('04 01 0050 0a000002 726f6f74 00'), back('00 5a 0000 00000000'), ...AB],
    AB_RIGHT,
  ),
  variation(
    '4A, a name',
    SOCKS4,
    [to('04 01 0050 00000001 00 612e636f6d 00'), back('00 5a 0050 0a000002'), ...AB],
    AB_RIGHT,
  ),
];

export const LINKS: readonly Kind[] = [
  { kind: 'link types', variations: LINK_TYPES },
  { kind: 'tags between Ethernet and IP', variations: TAGS },
  { kind: 'tunnels', variations: TUNNELS },
  { kind: 'SOCKS in front of HTTP', variations: SOCKS },
];
