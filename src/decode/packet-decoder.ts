/**
 * Packet bytes → TCP segment: link layer, tunnels, IP, TCP.
 *
 * in:  one captured packet and its link type · out: a `Segment`, or a counter that says why there is none
 *
 * Each header is checked for length once and then read by named offsets. Layers are walked by a loop over "what comes
 * next", not by recursion; every turn consumes at least one byte of header, so hostile nesting ends with the packet.
 */
import type { PacketBatch } from '../capture/packet-batch.js';
import type { Counters } from '../counters.js';
import type { Limits } from '../limits.js';
import { i32, u8, u16 } from './bytes.js';
import { type Fragment, FragmentStore } from './fragment-store.js';
import { LinkType } from './link-type.js';
import { IPV4_WORD, Segment } from './segment.js';

// What a header says comes next.
const NEXT_ETHERNET = 0x1_0001;
const NEXT_PPP = 0x1_0002;
/** IPv4 or IPv6 by the version nibble. */
const NEXT_IP = 0x1_0003;
const NEXT_IPV4 = 0x0800;
const NEXT_IPV6 = 0x86dd;
const NEXT_TCP = 0x1_0004;
const NEXT_NOTHING = -1;
const NEXT_MALFORMED = -2;

const ETHERTYPE_VLAN = 0x8100; // IEEE 802.1Q
const ETHERTYPE_QINQ = 0x88a8; // IEEE 802.1ad
const ETHERTYPE_QINQ_OLD = 0x9100;
const ETHERTYPE_MPLS = 0x8847; // RFC 3032
const ETHERTYPE_PPPOE_SESSION = 0x8864; // RFC 2516
const ETHERTYPE_TRANSPARENT_ETHERNET = 0x6558; // RFC 1701, RFC 8926
// Mirrored frames in GRE, draft-foschiano-erspan-03 §4: type II, or I without a header of its own; and III.
const ETHERTYPE_ERSPAN = 0x88be;
const ETHERTYPE_ERSPAN_III = 0x22eb;

const PROTOCOL_HOP_BY_HOP = 0;
const PROTOCOL_IPV4 = 4; // RFC 2003
const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
const PROTOCOL_IPV6 = 41; // RFC 2473, RFC 4213
const PROTOCOL_ROUTING = 43;
const PROTOCOL_FRAGMENT = 44;
const PROTOCOL_GRE = 47; // RFC 2784, RFC 2890
const PROTOCOL_AUTHENTICATION = 51; // RFC 4302
const PROTOCOL_DESTINATION_OPTIONS = 60;
const PROTOCOL_MOBILITY = 135;

const PORT_VXLAN = 4789; // RFC 7348
const PORT_GENEVE = 6081; // RFC 8926

export class PacketDecoder {
  readonly segment = new Segment();
  readonly #counters: Counters;
  readonly #fragments: FragmentStore;
  /** The fragment at hand, written anew for each. */
  readonly #fragment: Fragment;
  /** The time of the packet at hand, which the life of fragments is counted by. */
  #time = 0;
  // Where the payload of the last header lies and how much of it the capture left out, as a function has but one result.
  #payloadBytes: Buffer = Buffer.alloc(0);
  #payloadStart = 0;
  #payloadEnd = 0;
  #payloadCut = 0;

  constructor(limits: Limits, counters: Counters) {
    this.#counters = counters;
    this.#fragments = new FragmentStore(limits, counters);
    const place = { id: 0, protocol: 0, offset: 0, isLast: false };
    this.#fragment = { addresses: this.segment, ...place, bytes: this.#payloadBytes, start: 0, end: 0, time: 0 };
  }

  /** Decodes packet `i` of `batch`. Returns whether `segment` holds a TCP segment; if not, a counter says why. */
  decode(batch: PacketBatch, i: number, linkType: number): boolean {
    const { bytes } = batch;
    const start = batch.offset[i] as number;
    const captured = batch.capturedLength[i] as number;
    this.#time = batch.time[i] as number;
    this.segment.tunnelId = 0;
    const next = this.#link(bytes, start, captured, linkType);
    if (next === NEXT_NOTHING) return false;
    return this.#walk(bytes, this.#payloadStart, start + captured, (batch.wireLength[i] as number) - captured, next);
  }

  /** The capture's own header. Sets where its payload starts; returns what that is. */
  #link(bytes: Buffer, start: number, captured: number, linkType: number): number {
    this.#payloadStart = start;
    switch (linkType) {
      case LinkType.ethernet:
        return NEXT_ETHERNET;
      case LinkType.raw:
      case LinkType.dltRaw:
      case LinkType.dltRawOpenBsd:
      case LinkType.ipv4:
      case LinkType.ipv6:
        return NEXT_IP;
      case LinkType.null:
      case LinkType.loop:
        // A 4-byte protocol family, in the capturing machine's byte order or the network's; the values for IPv6 differ
        // between systems. The version nibble behind it is the same everywhere.
        this.#payloadStart = start + 4;
        return NEXT_IP;
      case LinkType.linuxSll:
        if (captured < 16) return this.#malformedLink();
        this.#payloadStart = start + 16;
        return u16(bytes, start + 14);
      case LinkType.linuxSll2:
        if (captured < 20) return this.#malformedLink();
        this.#payloadStart = start + 20;
        return u16(bytes, start);
      case LinkType.ciscoHdlc:
        // Address, control, EtherType.
        if (captured < 4) return this.#malformedLink();
        this.#payloadStart = start + 4;
        return u16(bytes, start + 2);
      case LinkType.ppp:
      case LinkType.pppHdlc:
        return NEXT_PPP;
      case LinkType.pppEther:
        return ETHERTYPE_PPPOE_SESSION;
      default:
        this.#counters.packets_unknown_link++;
        return NEXT_NOTHING;
    }
  }

  /** From the header `firstNext` on. `cut` is how many bytes of the packet the capture left out behind `end`. */
  #walk(packet: Buffer, start: number, packetEnd: number, packetCut: number, firstNext: number): boolean {
    let bytes = packet;
    let at = start;
    let end = packetEnd;
    let cut = packetCut;
    let next = firstNext;
    for (;;) {
      switch (next) {
        case NEXT_ETHERNET:
          if (end - at < 14) return this.#malformed();
          next = u16(bytes, at + 12);
          at += 14;
          // A length, not a type (IEEE 802.3): LLC/SNAP may carry a type, RFC 1042.
          if (next < 0x600) {
            if (end - at < 8 || u16(bytes, at) !== 0xaaaa) return this.#notIp();
            next = u16(bytes, at + 6);
            at += 8;
          }
          break;
        case ETHERTYPE_VLAN:
        case ETHERTYPE_QINQ:
        case ETHERTYPE_QINQ_OLD:
          if (end - at < 4) return this.#malformed();
          next = u16(bytes, at + 2);
          at += 4;
          break;
        case ETHERTYPE_MPLS: {
          let isBottom = false;
          while (!isBottom) {
            if (end - at < 4) return this.#malformed();
            isBottom = (u8(bytes, at + 2) & 1) === 1;
            at += 4;
          }
          next = NEXT_IP;
          break;
        }
        case ETHERTYPE_PPPOE_SESSION:
          if (end - at < 6) return this.#malformed();
          at += 6;
          next = NEXT_PPP;
          break;
        case NEXT_PPP:
          next = this.#ppp(bytes, at, end);
          if (next === NEXT_MALFORMED) return this.#malformed();
          at = this.#payloadStart;
          break;
        case ETHERTYPE_TRANSPARENT_ETHERNET:
          next = NEXT_ETHERNET;
          break;
        case NEXT_IP: {
          if (at >= end) return this.#malformed();
          const version = u8(bytes, at) >> 4;
          next = version === 4 ? NEXT_IPV4 : version === 6 ? NEXT_IPV6 : NEXT_NOTHING;
          break;
        }
        case NEXT_IPV4:
        case NEXT_IPV6: {
          const protocol = next === NEXT_IPV4 ? this.#ipv4(bytes, at, end, cut) : this.#ipv6(bytes, at, end, cut);
          if (protocol < 0) return false;
          bytes = this.#payloadBytes;
          at = this.#payloadStart;
          end = this.#payloadEnd;
          cut = this.#payloadCut;
          if (protocol === PROTOCOL_TCP) return this.#tcp(bytes, at, end, cut);
          next = this.#beyondIp(bytes, at, end, protocol);
          at = this.#payloadStart;
          if (next === NEXT_TCP) return this.#tcp(bytes, at, end, cut);
          if (next === NEXT_NOTHING) {
            this.#counters.packets_not_tcp++;
            return false;
          }
          break;
        }
        default:
          return this.#notIp();
      }
    }
  }

  /**
   * RFC 1662 §2: address and control may be there or compressed away; so may half of the protocol (RFC 1661 §6.5). Sets
   * where the payload starts; returns what it is.
   */
  #ppp(bytes: Buffer, start: number, end: number): number {
    let at = start;
    if (end - at >= 2 && u8(bytes, at) === 0xff && u8(bytes, at + 1) === 0x03) at += 2;
    if (end - at < 2) return NEXT_MALFORMED;
    let protocol = u8(bytes, at);
    at += 1;
    if ((protocol & 1) === 0) {
      protocol = (protocol << 8) | u8(bytes, at);
      at += 1;
    }
    this.#payloadStart = at;
    return protocol === 0x21 ? NEXT_IPV4 : protocol === 0x57 ? NEXT_IPV6 : NEXT_NOTHING;
  }

  /** RFC 791 §3.1. Returns the protocol, or -1 if there is no payload to go on with. */
  #ipv4(bytes: Buffer, at: number, end: number, cut: number): number {
    if (end - at < 20) return this.#malformedIp();
    const headerLength = (u8(bytes, at) & 0x0f) << 2;
    let totalLength = u16(bytes, at + 2);
    // Segmentation offload over 64 KiB leaves it zero; the captured length is all there is to go by.
    if (totalLength === 0) totalLength = end - at + cut;
    if (headerLength < 20 || headerLength > totalLength || end - at < headerLength) return this.#malformedIp();
    const segment = this.segment;
    segment.sourceWord0 = IPV4_WORD;
    segment.sourceWord1 = IPV4_WORD;
    segment.sourceWord2 = IPV4_WORD;
    segment.sourceWord3 = i32(bytes, at + 12);
    segment.destinationWord0 = IPV4_WORD;
    segment.destinationWord1 = IPV4_WORD;
    segment.destinationWord2 = IPV4_WORD;
    segment.destinationWord3 = i32(bytes, at + 16);
    this.#setPayload(bytes, at + headerLength, end, at + totalLength);
    const protocol = u8(bytes, at + 9);
    const fragmentation = u16(bytes, at + 6);
    // More fragments, or not the first.
    if ((fragmentation & 0x3fff) === 0) return protocol;
    const isLast = (fragmentation & 0x2000) === 0;
    return this.#join(u16(bytes, at + 4), protocol, (fragmentation & 0x1fff) << 3, isLast);
  }

  /** RFC 8200 §3 and its extension headers §4. Returns the protocol, or -1. */
  #ipv6(bytes: Buffer, at: number, end: number, cut: number): number {
    if (end - at < 40) return this.#malformedIp();
    const segment = this.segment;
    segment.sourceWord0 = i32(bytes, at + 8);
    segment.sourceWord1 = i32(bytes, at + 12);
    segment.sourceWord2 = i32(bytes, at + 16);
    segment.sourceWord3 = i32(bytes, at + 20);
    segment.destinationWord0 = i32(bytes, at + 24);
    segment.destinationWord1 = i32(bytes, at + 28);
    segment.destinationWord2 = i32(bytes, at + 32);
    segment.destinationWord3 = i32(bytes, at + 36);
    const payloadLength = u16(bytes, at + 4);
    // Zero: a jumbo payload (RFC 2675) or segmentation offload over 64 KiB.
    const wireEnd = payloadLength === 0 ? end + cut : at + 40 + payloadLength;
    return this.#ipv6Payload(bytes, at + 40, end, wireEnd, u8(bytes, at + 6));
  }

  /** Past the extension headers that begin at `at`. `wireEnd` as for `#setPayload`. */
  #ipv6Payload(bytes: Buffer, at: number, end: number, wireEnd: number, firstProtocol: number): number {
    let protocol = firstProtocol;
    let start = at;
    let isFragment = false;
    let isLast = false;
    let id = 0;
    let offset = 0;
    for (;;) {
      if (
        protocol === PROTOCOL_HOP_BY_HOP ||
        protocol === PROTOCOL_ROUTING ||
        protocol === PROTOCOL_DESTINATION_OPTIONS ||
        protocol === PROTOCOL_MOBILITY
      ) {
        if (end - start < 8) return this.#malformedIp();
        protocol = u8(bytes, start);
        start += (u8(bytes, start + 1) + 1) << 3;
      } else if (protocol === PROTOCOL_AUTHENTICATION) {
        if (end - start < 8) return this.#malformedIp();
        protocol = u8(bytes, start);
        start += (u8(bytes, start + 1) + 2) << 2;
      } else if (protocol === PROTOCOL_FRAGMENT && !isFragment) {
        if (end - start < 8) return this.#malformedIp();
        protocol = u8(bytes, start);
        offset = u16(bytes, start + 2) & 0xfff8;
        isLast = (u8(bytes, start + 3) & 1) === 0;
        id = i32(bytes, start + 4);
        start += 8;
        // An atomic fragment (RFC 6946) is a whole datagram.
        isFragment = offset !== 0 || !isLast;
        // Headers behind this one are part of what was fragmented, and are read when that is whole.
        if (isFragment) break;
      } else {
        break;
      }
    }
    if (start > end) return this.#malformedIp();
    this.#setPayload(bytes, start, end, wireEnd);
    return isFragment ? this.#join(id, protocol, offset, isLast) : protocol;
  }

  /** `wireEnd` is where the packet says that its payload ends; behind it there may be link-layer padding. */
  #setPayload(bytes: Buffer, start: number, end: number, wireEnd: number): void {
    this.#payloadBytes = bytes;
    this.#payloadStart = start;
    this.#payloadEnd = wireEnd < end ? Math.max(wireEnd, start) : end;
    this.#payloadCut = wireEnd > end ? wireEnd - end : 0;
  }

  /**
   * Adds the payload, a fragment, to its datagram; when that is whole, it becomes the payload. Returns the protocol, or -1
   * if there is no payload to go on with.
   */
  #join(id: number, protocol: number, offset: number, isLast: boolean): number {
    this.#counters.fragments_seen++;
    if (this.#payloadCut > 0) {
      this.#counters.fragments_dropped++;
      return -1;
    }
    const fragment = this.#fragment;
    fragment.id = id;
    fragment.protocol = protocol;
    fragment.offset = offset;
    fragment.isLast = isLast;
    fragment.bytes = this.#payloadBytes;
    fragment.start = this.#payloadStart;
    fragment.end = this.#payloadEnd;
    fragment.time = this.#time;
    const datagram = this.#fragments.add(fragment);
    if (datagram === null) return -1;
    this.#payloadBytes = datagram.bytes;
    this.#payloadStart = 0;
    this.#payloadEnd = datagram.bytes.length;
    this.#payloadCut = 0;
    return datagram.protocol;
  }

  /** Extension headers of a datagram that was fragmented, then as `#beyondIp`. */
  #beyondFragments(bytes: Buffer, start: number, end: number, firstProtocol: number): number {
    let protocol = firstProtocol;
    let at = start;
    while (protocol === PROTOCOL_DESTINATION_OPTIONS || protocol === PROTOCOL_AUTHENTICATION) {
      if (end - at < 8) return NEXT_NOTHING;
      const words = u8(bytes, at + 1);
      const length = protocol === PROTOCOL_AUTHENTICATION ? (words + 2) << 2 : (words + 1) << 3;
      protocol = u8(bytes, at);
      at += length;
    }
    if (at > end) return NEXT_NOTHING;
    this.#payloadStart = at;
    return protocol === PROTOCOL_TCP ? NEXT_TCP : this.#beyondIp(bytes, at, end, protocol);
  }

  /** The tunnel headers on top of IP. Sets where the inner packet starts; returns what it is. */
  #beyondIp(bytes: Buffer, at: number, end: number, protocol: number): number {
    this.#payloadStart = at;
    switch (protocol) {
      case PROTOCOL_IPV4:
        return NEXT_IPV4;
      case PROTOCOL_IPV6:
        return NEXT_IPV6;
      case PROTOCOL_GRE:
        return this.#gre(bytes, at, end);
      case PROTOCOL_UDP:
        return this.#udpTunnel(bytes, at, end);
      case PROTOCOL_DESTINATION_OPTIONS:
      case PROTOCOL_AUTHENTICATION:
        return this.#beyondFragments(bytes, at, end, protocol);
      default:
        return NEXT_NOTHING;
    }
  }

  /** RFC 2784 §2, with the optional fields of RFC 2890 §2. */
  #gre(bytes: Buffer, at: number, end: number): number {
    if (end - at < 4) return NEXT_NOTHING;
    const flags = u16(bytes, at);
    if ((flags & 7) !== 0) return NEXT_NOTHING; // version 1 is PPTP's
    let length = 4;
    if (flags & 0x8000) length += 4; // checksum
    if (flags & 0x2000) {
      if (end - at < length + 4) return NEXT_NOTHING;
      this.segment.tunnelId = i32(bytes, at + length);
      length += 4;
    }
    const hasSequence = (flags & 0x1000) !== 0;
    if (hasSequence) length += 4;
    if (end - at < length) return NEXT_NOTHING;
    const protocol = u16(bytes, at + 2);
    this.#payloadStart = at + length;
    if (protocol === ETHERTYPE_ERSPAN) {
      if (hasSequence) this.#payloadStart += 8;
      return NEXT_ETHERNET;
    }
    if (protocol === ETHERTYPE_ERSPAN_III) {
      if (end - at < length + 12) return NEXT_NOTHING;
      // The O bit announces a platform-specific subheader.
      this.#payloadStart += (u8(bytes, at + length + 11) & 1) === 1 ? 20 : 12;
      return NEXT_ETHERNET;
    }
    return protocol;
  }

  /** The tunnels that a UDP destination port announces. */
  #udpTunnel(bytes: Buffer, at: number, end: number): number {
    if (end - at < 16) return NEXT_NOTHING;
    const port = u16(bytes, at + 2);
    if (port === PORT_VXLAN) {
      // RFC 7348 §5: flags with the I bit, reserved, VNI, reserved.
      if ((u8(bytes, at + 8) & 0x08) === 0) return NEXT_NOTHING;
      this.segment.tunnelId = i32(bytes, at + 12) >>> 8;
      this.#payloadStart = at + 16;
      return NEXT_ETHERNET;
    }
    if (port === PORT_GENEVE) {
      // RFC 8926 §3.4: version and options' length in words, flags, protocol, VNI.
      const optionsLength = (u8(bytes, at + 8) & 0x3f) << 2;
      if (u8(bytes, at + 8) >> 6 !== 0 || end - at < 16 + optionsLength) return NEXT_NOTHING;
      this.segment.tunnelId = i32(bytes, at + 12) >>> 8;
      this.#payloadStart = at + 16 + optionsLength;
      return u16(bytes, at + 10);
    }
    return NEXT_NOTHING;
  }

  /** RFC 9293 §3.1. */
  #tcp(bytes: Buffer, at: number, end: number, cut: number): boolean {
    if (end - at < 20) return this.#malformed();
    const headerLength = (u8(bytes, at + 12) >> 4) << 2;
    if (headerLength < 20) return this.#malformed();
    let payloadStart = at + headerLength;
    if (payloadStart > end) {
      // The snap length may end among the options; what lies behind them is then all cut.
      cut -= payloadStart - end;
      if (cut < 0) return this.#malformed();
      payloadStart = end;
    }
    const segment = this.segment;
    segment.sourcePort = u16(bytes, at);
    segment.destinationPort = u16(bytes, at + 2);
    segment.sequence = i32(bytes, at + 4);
    segment.acknowledgement = i32(bytes, at + 8);
    segment.flags = u8(bytes, at + 13);
    segment.bytes = bytes;
    segment.payloadStart = payloadStart;
    segment.payloadEnd = end;
    segment.payloadCut = cut;
    if (cut > 0) this.#counters.packets_cut_short++;
    return true;
  }

  #malformed(): boolean {
    this.#counters.packets_malformed++;
    return false;
  }

  #malformedIp(): number {
    this.#counters.packets_malformed++;
    return -1;
  }

  #malformedLink(): number {
    this.#counters.packets_malformed++;
    return NEXT_NOTHING;
  }

  #notIp(): boolean {
    this.#counters.packets_not_ip++;
    return false;
  }
}
