/**
 * The link types, tags and tunnels of the conformance kinds, each cut at every place, and each with every byte of its
 * headers changed: nothing throws, nothing is read past the packet's end, every packet ends as a segment or in a counter.
 */
import { describe, expect, it } from 'vitest';
import { createCounters } from '../../src/counters.js';
import { PacketDecoder } from '../../src/decode/packet-decoder.js';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { LINKS } from '../conformance/kinds/links.js';
import { packetBatch } from '../support/packet-batch.js';
import { ethernet, hex, ipv4, udp } from '../support/packets.js';

/** Any byte of it in a payload comes from behind the packet. */
const FOREIGN = 0xf5;

function decode(packet: Buffer, linkType: number, wire = packet.length) {
  const counters = createCounters();
  const decoder = new PacketDecoder(DEFAULT_LIMITS, counters);
  const memory = Buffer.concat([packet, Buffer.alloc(300, FOREIGN)]);
  const found = decoder.decode(packetBatch(memory, { offset: 0, captured: packet.length, wire }), 0, linkType);
  const { packets_malformed, packets_not_ip, packets_not_tcp, packets_unknown_link, fragments_seen } = counters;
  const reasons = packets_malformed + packets_not_ip + packets_not_tcp + packets_unknown_link + fragments_seen;
  const { segment } = decoder;
  return { found, reasons, segment, unread: decoder.unread.list() };
}

const VARIATIONS = LINKS.filter(({ kind }) => !kind.startsWith('SOCKS')).flatMap(({ variations }) => variations);

describe('cut and changed anywhere', () => {
  it.each(VARIATIONS.map(({ name, packets }) => [name, packets] as const))('%s', (_, packets) => {
    const { frame, linkType = 1 } = packets[3]!;
    for (let length = 0; length < frame.length; length++) {
      for (const wire of [length, frame.length]) {
        const { found, reasons, segment } = decode(frame.subarray(0, length), linkType, wire);
        expect(reasons).toBe(found ? 0 : 1);
        if (found) expect(segment.payloadEnd).toBeLessThanOrEqual(length);
      }
    }
    for (let at = 0; at < frame.length; at++) {
      for (const value of [0, 1, 0x45, 0x60, 0x80, 0xff]) {
        const changed = Buffer.from(frame);
        changed[at] = value;
        const { found, reasons, segment } = decode(changed, linkType);
        expect(reasons).toBe(found ? 0 : 1);
        if (found) expect(segment.payloadEnd).toBeLessThanOrEqual(frame.length);
      }
    }
  });
});

describe('what is not read', () => {
  const inUdp = (port: number, payload: string) => ethernet(0x0800, ipv4({ protocol: 17 }, udp(port, hex(payload))));
  it.each([
    ['EtherType 0x0806 (ARP)', 1, ethernet(0x0806, Buffer.alloc(28))],
    ['EtherType 0x1234', 1, ethernet(0x1234, Buffer.alloc(28))],
    ['LLC 0x42 (STP)', 1, ethernet(38, Buffer.alloc(38, 0x42))],
    ['LLC 0xaa (SNAP of another organisation)', 1, ethernet(38, hex(`aaaa03 00000c 2000 ${'00'.repeat(30)}`))],
    ['IP protocol 50 (ESP)', 101, ipv4({ protocol: 50 }, Buffer.alloc(20))],
    ['IP protocol 17 (UDP)', 1, inUdp(53, '0001')],
    ['IP protocol 17 (UDP)', 1, inUdp(2152, '32 01 0004 00000000 0000 0000')],
    ['IP protocol 253', 101, ipv4({ protocol: 253 }, Buffer.alloc(20))],
    ['PPP protocol 0xc021 (LCP)', 9, hex('ff03 c021 01010004')],
    ['IP version 5', 101, Buffer.alloc(40, 0x50)],
    ['link type 147 (USER0)', 147, Buffer.alloc(40)],
    ['link type 189 (USB_LINUX)', 189, Buffer.alloc(40)],
    ['link type 290', 290, Buffer.alloc(40)],
    ['802.11 frame control 0x80', 105, Buffer.alloc(40, 0x80)],
  ])('is named: %s', (what, linkType, packet) => {
    expect(decode(packet, linkType).unread).toEqual([{ what, packets: 1 }]);
  });

  it('is counted together beyond the limit', () => {
    const decoder = new PacketDecoder({ ...DEFAULT_LIMITS, unread_kinds_max: 2 }, createCounters());
    for (const type of [0x1000, 0x1001, 0x1001, 0x1002, 0x1003]) {
      const packet = ethernet(type, Buffer.alloc(50));
      decoder.decode(packetBatch(packet, { offset: 0, captured: packet.length, wire: packet.length }), 0, 1);
    }
    expect(decoder.unread.list()).toEqual([
      { what: 'EtherType 0x1001', packets: 2 },
      { what: 'EtherType 0x1000', packets: 1 },
      { what: 'others', packets: 2 },
    ]);
  });
});
