/** QUIC is counted by its looks, packets and connections. The datagrams are those of RFC 9001, Appendix A, or begin like them. */
import { describe, expect, it } from 'vitest';
import { createCounters } from '../../src/counters.js';
import { LinkType } from '../../src/decode/link-type.js';
import { PacketDecoder } from '../../src/decode/packet-decoder.js';
import { QuicFlows, quicServerPort } from '../../src/flow/quic-flows.js';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { packetBatch } from '../support/packet-batch.js';
import { ethernet, hex, ipv4, ipv6, udp, vlan } from '../support/packets.js';

/** A.2 and A.3: an Initial of a client, which fills 1200 bytes, and the server's. */
const CLIENT_INITIAL = Buffer.concat([
  hex('c000000001 08 8394c8f03e515708 00 00 449e 7b9aec34'),
  Buffer.alloc(1178, 0x5a),
]);
const SERVER_INITIAL = Buffer.concat([
  hex('cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd2'),
  Buffer.alloc(108, 0x5a),
]);
/** A.5: the whole of a packet with a short header. */
const SHORT = hex('4cfe4189655e5cd55c41f69080575d7999c25a5bfb');

const datagram = (from: number, to: number, payload: Buffer): Buffer => {
  const packet = udp(to, payload);
  packet.writeUInt16BE(from, 0);
  return packet;
};
const inIpv4 = (from: number, to: number, payload: Buffer) =>
  ethernet(0x0800, ipv4({ protocol: 17 }, datagram(from, to, payload)));
/** The other way. */
const back = (from: number, to: number, payload: Buffer) =>
  ethernet(0x0800, ipv4({ protocol: 17, source: '10.9.0.2', destination: '10.9.0.1' }, datagram(from, to, payload)));

function countQuic(packet: Buffer): number {
  const counters = createCounters();
  const decoder = new PacketDecoder(DEFAULT_LIMITS, counters);
  decoder.decode(
    packetBatch(packet, { offset: 0, captured: packet.length, wire: packet.length }),
    0,
    LinkType.ethernet,
  );
  expect(counters.packets_not_tcp).toBe(1);
  return counters.packets_quic;
}

const withVersion = (version: string) => Buffer.concat([hex(`c0 ${version}`), CLIENT_INITIAL.subarray(5)]);

describe('what looks like QUIC', () => {
  it.each([
    ['an Initial of a client', inIpv4(50_000, 443, CLIENT_INITIAL)],
    ['an Initial of a server', inIpv4(443, 50_000, SERVER_INITIAL)],
    ['a short header on port 443', inIpv4(50_000, 443, SHORT)],
    ['a short header from port 443', inIpv4(443, 50_000, SHORT)],
    ['an Initial on another port', inIpv4(50_000, 4433, CLIENT_INITIAL)],
    ['version 2 on another port', inIpv4(50_000, 4433, withVersion('6b3343cf'))],
    ['a draft on another port', inIpv4(50_000, 4433, withVersion('ff00001d'))],
    ['a reserved version on another port', inIpv4(50_000, 4433, withVersion('1a2a3a4a'))],
    ['a version of its maker on port 443', inIpv4(50_000, 443, withVersion('51303436'))],
    ['IPv6', ethernet(0x86dd, ipv6({ protocol: 17 }, datagram(50_000, 443, CLIENT_INITIAL)))],
    ['behind a VLAN tag', ethernet(0x8100, vlan(5, 0x0800, ipv4({ protocol: 17 }, datagram(1, 443, SHORT))))],
  ])('%s', (_name, packet) => {
    expect(countQuic(packet)).toBe(1);
  });

  it.each([
    ['a short header on another port', inIpv4(50_000, 4433, SHORT)],
    ['a packet that is too short', inIpv4(50_000, 443, SHORT.subarray(1))],
    ['DTLS on port 443', inIpv4(50_000, 443, Buffer.concat([hex('16fefd0000'), Buffer.alloc(60)]))],
    ['WireGuard on port 443', inIpv4(50_000, 443, Buffer.concat([hex('01000000'), Buffer.alloc(144, 7)]))],
    ['an unknown version on another port', inIpv4(50_000, 4433, withVersion('51303436'))],
    ['an id that is too long', inIpv4(50_000, 443, Buffer.concat([hex('c000000001 15'), Buffer.alloc(60)]))],
    ['DNS', inIpv4(50_000, 53, Buffer.concat([hex('c0de 0100 0001'), Buffer.alloc(60)]))],
  ])('is not %s', (_name, packet) => {
    expect(countQuic(packet)).toBe(0);
  });
});

describe('connections', () => {
  function countFlows(packets: readonly Buffer[], max = DEFAULT_LIMITS.quic_flows_max) {
    const counters = createCounters();
    const flows = new QuicFlows({ quic_flows_max: max }, counters, 7);
    const ports: number[] = [];
    const decoder = new PacketDecoder(DEFAULT_LIMITS, counters, (one) => {
      if (flows.note(one)) ports.push(quicServerPort(one));
    });
    for (const packet of packets)
      decoder.decode(packetBatch(packet, { offset: 0, captured: packet.length, wire: packet.length }), 0, 1);
    return { ports, counters };
  }

  it('are counted once, whichever side sends, by the port of the server', () => {
    const { ports, counters } = countFlows([
      inIpv4(50_000, 443, CLIENT_INITIAL),
      back(443, 50_000, SERVER_INITIAL),
      inIpv4(50_000, 443, SHORT),
      back(443, 50_001, SHORT),
      back(8443, 50_002, SERVER_INITIAL),
      inIpv4(40_001, 40_000, CLIENT_INITIAL),
      inIpv4(40_001, 40_002, CLIENT_INITIAL),
    ]);
    expect(ports).toEqual([443, 443, 8443, 40_000, 40_002]);
    expect(counters).toMatchObject({ packets_quic: 7, flows_quic: 5, quic_flows_evicted: 0 });
  });

  it('are remembered up to the limit, the oldest being forgotten', () => {
    const packets = [1, 2, 3, 3, 1].map((port) => inIpv4(port, 443, SHORT));
    expect(countFlows(packets, 2).counters).toMatchObject({ flows_quic: 4, quic_flows_evicted: 2 });
  });
});
