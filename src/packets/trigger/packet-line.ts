/**
 * A packet in a line, for `packetdebug`: what its headers say, and nothing of what it carries.
 *
 * in: a packet of Ethernet or raw IP · out: `eth0 60 bytes 10.0.0.1:443 > 10.0.0.2:51234 tcp` · pure
 */
import { LINKTYPE_ETHERNET } from '../../capture/link-types.js';
import type { PacketView } from '../../capture/packet-view.js';
import type { PacketOrigin } from './capture/capture-writer.js';

const ETHERNET_BYTES = 14;
const ETHERTYPE_IP = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const PROTOCOLS: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmp6', 132: 'sctp' };

export function packetLine(view: PacketView, origin: PacketOrigin): string {
  const time = `${view.seconds}.${String(view.nanos).padStart(9, '0')}`;
  const packet = view.bytes.subarray(view.offset, view.offset + view.captured);
  return `packet ${time} ${origin.name} ${view.wire} bytes ${headers(packet, origin.linkType)}`;
}

function headers(packet: Buffer, linkType: number): string {
  if (linkType !== LINKTYPE_ETHERNET) return ipHeaders(packet);
  if (packet.length < ETHERNET_BYTES) return 'cut';
  const type = packet.readUInt16BE(12);
  if (type === ETHERTYPE_IP || type === ETHERTYPE_IPV6) return ipHeaders(packet.subarray(ETHERNET_BYTES));
  const mac = (at: number) => packet.toString('hex', at, at + 6).replaceAll(/(..)(?=.)/g, '$1:');
  return `${mac(6)} > ${mac(0)} ethertype 0x${type.toString(16).padStart(4, '0')}`;
}

function ipHeaders(packet: Buffer): string {
  const version = packet.length === 0 ? 0 : (packet[0] as number) >> 4;
  if (version === 4 && packet.length >= 20) {
    const address = (at: number) => packet.subarray(at, at + 4).join('.');
    const ends = { source: address(12), target: address(16) };
    return transport(packet, ((packet[0] as number) & 15) * 4, packet[9] as number, ends);
  }
  if (version === 6 && packet.length >= 40) {
    const address = (at: number) => `[${packet.toString('hex', at, at + 16).replaceAll(/(....)(?=.)/g, '$1:')}]`;
    return transport(packet, 40, packet[6] as number, { source: address(8), target: address(24) });
  }
  return 'cut';
}

function transport(packet: Buffer, at: number, protocol: number, ends: { source: string; target: string }): string {
  const name = PROTOCOLS[protocol] ?? `protocol ${protocol}`;
  const hasPorts = (name === 'tcp' || name === 'udp' || name === 'sctp') && packet.length >= at + 4;
  const port = (where: number) => (hasPorts ? `:${packet.readUInt16BE(where)}` : '');
  return `${ends.source}${port(at)} > ${ends.target}${port(at + 2)} ${name}`;
}
