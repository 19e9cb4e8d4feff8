/** Every link layer, tunnel and header by literal bytes; nothing throws however short a packet is. */
import { describe, expect, it } from 'vitest';
import { createCounters } from '../../src/counters.js';
import { LinkType } from '../../src/decode/link-type.js';
import { PacketDecoder } from '../../src/decode/packet-decoder.js';
import { IPV4_WORD } from '../../src/decode/segment.js';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { packetBatch } from '../support/packet-batch.js';
import {
  ethernet,
  Flag,
  geneve,
  gre,
  hex,
  ipv4,
  ipv6,
  ipv6Extension,
  linuxSll,
  linuxSll2,
  pppoe,
  tcp,
  udp,
  vlan,
  vxlan,
} from '../support/packets.js';

const PAYLOAD = Buffer.from('payload');
const SEGMENT = tcp(
  { from: 0x9c40, to: 80, sequence: 0xfffffffe, acknowledgement: 7, flags: Flag.ack | Flag.psh },
  PAYLOAD,
);
const V4 = ipv4({ protocol: 6 }, SEGMENT);
const V6 = ipv6({ protocol: 6 }, SEGMENT);

function decodeAll(packet: Buffer, linkType: number, wire = packet.length) {
  const counters = createCounters();
  const decoder = new PacketDecoder(DEFAULT_LIMITS, counters);
  // Not at the start of its memory, and with something else behind it.
  const memory = Buffer.concat([Buffer.alloc(3, 0xaa), packet, Buffer.alloc(64, 0xaa)]);
  const found = decoder.decode(packetBatch(memory, { offset: 3, captured: packet.length, wire }), 0, linkType);
  const { segment: s } = decoder;
  return {
    found,
    counters,
    segment: s,
    payload: found ? s.bytes.toString('latin1', s.payloadStart, s.payloadEnd) : null,
  };
}

/** The number of a network in another. */
const within = (outer: number, inner: number): number => (Math.imul(outer, 0x9e3779b1) + inner) | 0;

const PACKETS: [name: string, linkType: number, packet: Buffer, tunnelId?: number][] = [
  ['Ethernet, IPv4', LinkType.ethernet, ethernet(0x0800, V4)],
  ['Ethernet, IPv6', LinkType.ethernet, ethernet(0x86dd, V6)],
  ['Ethernet, padded to 60 bytes', LinkType.ethernet, ethernet(0x0800, Buffer.concat([V4, Buffer.alloc(9, 0x55)]))],
  ['Ethernet, IPv6, padded', LinkType.ethernet, ethernet(0x86dd, Buffer.concat([V6, Buffer.alloc(9, 0x55)]))],
  ['802.1Q', LinkType.ethernet, ethernet(0x8100, vlan(5, 0x0800, V4)), 5],
  ['802.1Q with a priority alone', LinkType.ethernet, ethernet(0x8100, vlan(0x6000, 0x0800, V4))],
  ['802.1ad QinQ', LinkType.ethernet, ethernet(0x88a8, vlan(5, 0x8100, vlan(6, 0x86dd, V6))), within(5, 6)],
  ['QinQ of old', LinkType.ethernet, ethernet(0x9100, vlan(5, 0x8100, vlan(6, 0x0800, V4))), within(5, 6)],
  ['PPPoE session', LinkType.ethernet, ethernet(0x8864, pppoe(Buffer.concat([hex('0021'), V4])))],
  [
    'PPPoE session, IPv6, protocol compressed',
    LinkType.ethernet,
    ethernet(0x8864, pppoe(Buffer.concat([hex('57'), V6]))),
  ],
  ['PPPoE in 802.1Q', LinkType.ethernet, ethernet(0x8100, vlan(1, 0x8864, pppoe(Buffer.concat([hex('0021'), V4])))), 1],
  ['MPLS, two labels', LinkType.ethernet, ethernet(0x8847, Buffer.concat([hex('00010040 00011140'), V4]))],
  [
    '802.3 with LLC and SNAP',
    LinkType.ethernet,
    ethernet(8 + V4.length, Buffer.concat([hex('aaaa03 000000 0800'), V4])),
  ],
  ['PPPoE link', LinkType.pppEther, pppoe(Buffer.concat([hex('0021'), V4]))],
  ['Linux SLL', LinkType.linuxSll, linuxSll(0x0800, V4)],
  ['Linux SLL, tagged', LinkType.linuxSll, linuxSll(0x8100, vlan(9, 0x86dd, V6)), 9],
  ['Linux SLL2', LinkType.linuxSll2, linuxSll2(0x86dd, V6)],
  ['null, little-endian', LinkType.null, Buffer.concat([hex('02000000'), V4])],
  ['null, big-endian, IPv6 of macOS', LinkType.null, Buffer.concat([hex('0000001e'), V6])],
  ['loop', LinkType.loop, Buffer.concat([hex('00000002'), V4])],
  ['raw IPv4', LinkType.raw, V4],
  ['raw IPv6', LinkType.raw, V6],
  ['DLT_RAW', LinkType.dltRaw, V6],
  ['DLT_RAW of OpenBSD', LinkType.dltRawOpenBsd, V4],
  ['LINKTYPE_IPV4', LinkType.ipv4, V4],
  ['LINKTYPE_IPV6', LinkType.ipv6, V6],
  ['Cisco HDLC', LinkType.ciscoHdlc, Buffer.concat([hex('0f00 0800'), V4])],
  ['PPP with address and control', LinkType.ppp, Buffer.concat([hex('ff03 0021'), V4])],
  ['PPP without', LinkType.ppp, Buffer.concat([hex('0057'), V6])],
  ['PPP in HDLC', LinkType.pppHdlc, Buffer.concat([hex('ff03 0021'), V4])],
  ['IPv4 options', LinkType.raw, ipv4({ protocol: 6, options: hex('01010101 94040000') }, SEGMENT)],
  ['GSO: total length zero', LinkType.raw, ipv4({ protocol: 6, totalLength: 0 }, SEGMENT)],
  ['IPv6 GSO: payload length zero', LinkType.raw, ipv6({ protocol: 6, totalLength: 0 }, SEGMENT)],
  [
    'IPv6 extension headers',
    LinkType.raw,
    ipv6({ protocol: 0 }, ipv6Extension(60, ipv6Extension(43, ipv6Extension(6, SEGMENT, 2)), 1)),
  ],
  [
    'IPv6 authentication header',
    LinkType.raw,
    ipv6({ protocol: 51 }, Buffer.concat([hex('06 04 0000 00000001 00000001 000000000000000000000000'), SEGMENT])),
  ],
  [
    'IPv4 authentication header',
    LinkType.raw,
    ipv4({ protocol: 51 }, Buffer.concat([hex('06 04 0000 00000001 00000001 000000000000000000000000'), SEGMENT])),
  ],
  [
    'IPv6 atomic fragment (RFC 6946)',
    LinkType.raw,
    ipv6({ protocol: 44 }, Buffer.concat([hex('06 00 0000 00000001'), SEGMENT])),
  ],
  [
    'TCP options',
    LinkType.raw,
    ipv4(
      { protocol: 6 },
      tcp({ from: 0x9c40, sequence: -2, acknowledgement: 7, options: hex('0101080a 00000001 00000002') }, PAYLOAD),
    ),
  ],
  ['IP in IP', LinkType.raw, ipv4({ protocol: 4, source: '1.1.1.1' }, V4)],
  ['IPv6 in IPv4', LinkType.raw, ipv4({ protocol: 41 }, V6)],
  ['IPv4 in IPv6', LinkType.raw, ipv6({ protocol: 4 }, V4)],
  ['GRE', LinkType.raw, ipv4({ protocol: 47 }, gre(0x0800, V4))],
  ['GRE with a key', LinkType.raw, ipv4({ protocol: 47 }, gre(0x86dd, V6, 77)), 77],
  [
    'GRE with checksum and sequence number',
    LinkType.raw,
    ipv4({ protocol: 47 }, Buffer.concat([hex('9000 0800 00000000 00000001'), V4])),
  ],
  ['GRE with Ethernet inside', LinkType.raw, ipv4({ protocol: 47 }, gre(0x6558, ethernet(0x0800, V4)))],
  ['ERSPAN type I', LinkType.raw, ipv4({ protocol: 47 }, gre(0x88be, ethernet(0x0800, V4)))],
  [
    'ERSPAN type II',
    LinkType.raw,
    ipv4({ protocol: 47 }, Buffer.concat([hex('1000 88be 00000001 1001000000000000'), ethernet(0x0800, V4)])),
  ],
  [
    'ERSPAN type III',
    LinkType.raw,
    ipv4({ protocol: 47 }, Buffer.concat([hex('1000 22eb 00000001 20010000 00000000 00000000'), ethernet(0x0800, V4)])),
  ],
  [
    'VXLAN, as AWS mirrors traffic',
    LinkType.ethernet,
    ethernet(0x0800, ipv4({ protocol: 17 }, vxlan(0xabcdef, ethernet(0x0800, V4)))),
    0xabcdef,
  ],
  [
    'VXLAN over IPv6',
    LinkType.raw,
    ipv6({ protocol: 17 }, vxlan(3, ethernet(0x8100, vlan(1, 0x86dd, V6)))),
    within(3, 1),
  ],
  [
    'Geneve with options',
    LinkType.raw,
    ipv4({ protocol: 17 }, geneve(5, 0x6558, ethernet(0x0800, V4), hex('0102 03 01 00000000'))),
    5,
  ],
  ['Geneve with IP inside', LinkType.raw, ipv4({ protocol: 17 }, geneve(6, 0x0800, V4)), 6],
  [
    'a tunnel in a tunnel',
    LinkType.raw,
    ipv4({ protocol: 47 }, gre(0x0800, ipv4({ protocol: 17 }, vxlan(9, ethernet(0x0800, V4))))),
    9,
  ],
];

describe('layers', () => {
  it.each(PACKETS)('%s', (_, linkType, packet, tunnelId = 0) => {
    const { found, segment, payload, counters } = decodeAll(packet, linkType);
    expect(found).toBe(true);
    expect(payload).toBe('payload');
    expect(segment).toMatchObject({
      sourcePort: 40_000,
      destinationPort: 80,
      sequence: -2,
      acknowledgement: 7,
      tunnelId,
    });
    expect(segment.payloadCut).toBe(0);
    expect(counters).toMatchObject({ packets_malformed: 0, packets_cut_short: 0 });
    const isV6 = segment.sourceWord0 !== IPV4_WORD;
    expect(segment.sourceWord0).toBe(isV6 ? 0x20010db8 : IPV4_WORD);
    expect(segment.sourceWord3).toBe(isV6 ? 1 : 0x0a090001);
    expect(segment.destinationWord3).toBe(isV6 ? 2 : 0x0a090002);
    expect(segment.flags & Flag.ack).toBe(Flag.ack);
  });

  it.each(PACKETS)('%s: cut anywhere, it neither throws nor reads past its end', (_, linkType, packet) => {
    for (let length = 0; length < packet.length; length++) {
      const cut = packet.subarray(0, length);
      // As long on the wire as captured: a short packet, not a cut one.
      const short = decodeAll(cut, linkType);
      if (short.found) expect('payload'.startsWith(short.payload ?? '?')).toBe(true);
      // Cut by the snap length: what is missing is known.
      const snapped = decodeAll(cut, linkType, packet.length);
      const { counters } = snapped;
      const reasons = counters.packets_malformed + counters.packets_not_ip + counters.packets_not_tcp;
      expect(reasons).toBe(snapped.found ? 0 : 1);
      if (snapped.found) {
        expect('payload'.startsWith(snapped.payload ?? '?')).toBe(true);
        expect(snapped.segment.payloadCut).toBeLessThanOrEqual(PAYLOAD.length + 9);
      }
    }
  });

  it('knows what the snap length cut of the payload, and of the options before it', () => {
    const packet = ipv4({ protocol: 6 }, tcp({ options: hex('0101080a 00000001 00000002') }, PAYLOAD));
    for (const kept of [6, 0, -3, -12]) {
      const { segment, found } = decodeAll(
        packet.subarray(0, packet.length - PAYLOAD.length + kept),
        LinkType.raw,
        packet.length,
      );
      expect(found).toBe(true);
      expect(segment.payloadEnd - segment.payloadStart).toBe(Math.max(0, kept));
      expect(segment.payloadCut).toBe(PAYLOAD.length - Math.max(0, kept));
    }
    expect(decodeAll(packet.subarray(0, packet.length - PAYLOAD.length - 13), LinkType.raw, packet.length).found).toBe(
      false,
    );
  });
});

describe('what is no TCP segment', () => {
  it.each([
    ['ARP', 'packets_not_ip', LinkType.ethernet, ethernet(0x0806, Buffer.alloc(28))],
    ['LLC without SNAP', 'packets_not_ip', LinkType.ethernet, ethernet(38, Buffer.alloc(38, 0x42))],
    ['IP version 5', 'packets_not_ip', LinkType.raw, Buffer.alloc(40, 0x50)],
    ['PPP LCP', 'packets_not_ip', LinkType.ppp, hex('ff03 c021 01010004')],
    ['UDP', 'packets_not_tcp', LinkType.raw, ipv4({ protocol: 17 }, udp(53, Buffer.alloc(20)))],
    ['ICMP', 'packets_not_tcp', LinkType.raw, ipv4({ protocol: 1 }, Buffer.alloc(20))],
    ['VXLAN without the I flag', 'packets_not_tcp', LinkType.raw, ipv4({ protocol: 17 }, udp(4789, Buffer.alloc(60)))],
    ['PPTP', 'packets_not_tcp', LinkType.raw, ipv4({ protocol: 47 }, hex('3081 880b 00000000'))],
    ['no next header', 'packets_not_tcp', LinkType.raw, ipv6({ protocol: 59 }, Buffer.alloc(0))],
    ['a header length under five words', 'packets_malformed', LinkType.raw, Buffer.concat([hex('44'), V4.subarray(1)])],
    [
      'a total length under the header',
      'packets_malformed',
      LinkType.raw,
      ipv4({ protocol: 6, totalLength: 19 }, SEGMENT),
    ],
    [
      'a data offset under five words',
      'packets_malformed',
      LinkType.raw,
      ipv4({ protocol: 6 }, Buffer.alloc(40, 0x40)),
    ],
    ['a link type nobody reads', 'packets_unknown_link', 147, V4],
  ] as const)('%s', (_, counter, linkType, packet) => {
    const { found, counters } = decodeAll(packet, linkType);
    expect(found).toBe(false);
    expect(counters[counter]).toBe(1);
  });

  it('reads as many headers as the limit says, and ends however deep the nesting', () => {
    const nested = (depth: number) => {
      let packet = V4;
      for (let i = 0; i < depth; i++) packet = ipv4({ protocol: 4 }, packet);
      return packet;
    };
    // Of each tunnel two, and of the packet within its version, its header and TCP's.
    const depth = (DEFAULT_LIMITS.headers_max - 3) >> 1;
    expect(decodeAll(nested(depth), LinkType.raw).payload).toBe('payload');
    const deeper = decodeAll(nested(depth + 2), LinkType.raw);
    expect(deeper.payload).toBeNull();
    expect(deeper.counters.packets_malformed).toBe(1);
    expect(decodeAll(nested(2999), LinkType.raw).counters.packets_malformed).toBe(1);
    expect(decodeAll(Buffer.from('81008100'.repeat(15_000), 'hex'), LinkType.ethernet).found).toBe(false);
    expect(decodeAll(Buffer.concat([hex('ffffffffffff ffffffffffff 8847'), Buffer.alloc(60_000)]), 1).found).toBe(
      false,
    );
  });
});
