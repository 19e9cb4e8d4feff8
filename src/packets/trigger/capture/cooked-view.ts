/**
 * A packet of any interface under the link type that libpcap gives all of them together, LINUX_SLL
 * (https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html), so that a pcap file can hold them side by side.
 *
 *     packet type u16 · ARPHRD_ u16 · address length u16 · source address 8 bytes · protocol u16 · payload, big-endian
 *
 * in: a packet that begins with an Ethernet or an IP header · out: the same with this header in its place
 *
 * Whether a packet came or went is not known here: one to a single address is given as one to this host.
 */
import { LINKTYPE_ETHERNET } from '../../../capture/link-types.js';
import { copyView, createPacketView, type PacketView, viewLength } from '../../../capture/packet-view.js';

export const LINKTYPE_LINUX_SLL = 113;
const SLL_BYTES = 16;
const ETHERNET_BYTES = 14;
const TO_US = 0;
const BROADCAST = 1;
const MULTICAST = 2;
const ARPHRD_ETHER = 1;
const ARPHRD_NONE = 0xfffe;
const ETHERTYPE_IP = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
/** A packet whose tag was taken off has it put back first. */
const PACKET_BYTES_MAX = 262_144 + 4;

export function createCooker(): (view: PacketView, linkType: number) => PacketView {
  const cooked = createPacketView();
  let memory = Buffer.alloc(0);
  return (view, linkType) => {
    const length = viewLength(view, PACKET_BYTES_MAX);
    const isEthernet = linkType === LINKTYPE_ETHERNET && length >= ETHERNET_BYTES;
    // The payload lands behind the header, whichever of the two is longer.
    const shift = isEthernet ? SLL_BYTES - ETHERNET_BYTES : SLL_BYTES;
    if (memory.length < length + shift) memory = Buffer.alloc(length + shift);
    copyView(view, length, memory, shift);
    if (isEthernet) cookEthernet(memory, shift);
    else cookIp(memory);
    cooked.bytes = memory;
    cooked.offset = 0;
    cooked.captured = length + shift;
    cooked.wire = view.wire + (length - view.captured) + shift;
    cooked.seconds = view.seconds;
    cooked.nanos = view.nanos;
    cooked.vlanTag = 0;
    return cooked;
  };
}

function cookEthernet(memory: Buffer, at: number): void {
  const first = memory[at] as number;
  const isBroadcast = memory.readUIntBE(at, 6) === 0xffff_ffff_ffff;
  const source = memory.readUIntBE(at + 6, 6);
  // The ethertype is where the protocol is to be: both are the two bytes before the payload.
  memory.writeUInt16BE(isBroadcast ? BROADCAST : (first & 1) === 1 ? MULTICAST : TO_US, 0);
  memory.writeUInt16BE(ARPHRD_ETHER, 2);
  memory.writeUInt16BE(6, 4);
  memory.writeUIntBE(source, 6, 6);
  memory.writeUInt16BE(0, 12);
}

function cookIp(memory: Buffer): void {
  memory.fill(0, 0, SLL_BYTES);
  memory.writeUInt16BE(TO_US, 0);
  memory.writeUInt16BE(ARPHRD_NONE, 2);
  memory.writeUInt16BE((memory[SLL_BYTES] as number) >> 4 === 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP, 14);
}
