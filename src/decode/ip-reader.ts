/**
 * IPv4 (RFC 791 §3.1), IPv6 (RFC 8200 §3) and its extension headers (§4), fragments put together.
 *
 *     IPv4   0 version, words (1) │ 2 length (2) │ 4 id (2) │ 6 flags, offset (2) │ 9 protocol (1) │ 12 source │ 16 destination
 *     IPv6   0 version (1) │ 4 payload length (2) │ 6 next header (1) │ 8 source (16) │ 24 destination (16)
 */
import type { Counters } from '../counters.js';
import type { Limits } from '../limits.js';
import type { MemoryBudget } from '../memory-budget.js';
import { i32, u8, u16 } from './bytes.js';
import type { Cursor } from './cursor.js';
import { type Fragment, FragmentStore } from './fragment-store.js';
import { Kind, MALFORMED } from './next.js';
import { IPV4_WORD, type Segment } from './segment.js';

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51; // RFC 4302
const DESTINATION_OPTIONS = 60;
const MOBILITY = 135;

/** The packet is a fragment, and its datagram is not whole yet, or was given up. */
export const INCOMPLETE = -0x7fff_fffe;

export class IpReader {
  readonly #segment: Segment;
  readonly #counters: Counters;
  readonly #fragments: FragmentStore;
  /** The fragment at hand, written anew for each. */
  readonly #fragment: Fragment;
  /** The time of the packet at hand, which the life of fragments is counted by. */
  time = 0;

  /** Writes the addresses of each header into `segment`. */
  constructor(segment: Segment, limits: Limits, counters: Counters, budget: MemoryBudget) {
    this.#segment = segment;
    this.#counters = counters;
    this.#fragments = new FragmentStore(limits, counters, budget);
    const place = { id: 0, protocol: 0, offset: 0, isLast: false };
    this.#fragment = { addresses: segment, ...place, bytes: NO_BYTES, start: 0, end: 0, time: 0 };
  }

  /** Over the memory budget: gives up fragments that wait. */
  shed(): void {
    this.#fragments.shed();
  }

  /** No packet comes any more. */
  finish(): void {
    this.#fragments.finish();
  }

  /** Reads the header at the cursor. Returns what comes next, `INCOMPLETE` or `MALFORMED`. */
  ipv4(cursor: Cursor): number {
    const { bytes, at, end } = cursor;
    if (end - at < 20) return MALFORMED;
    const headerLength = (u8(bytes, at) & 0x0f) << 2;
    let totalLength = u16(bytes, at + 2);
    // Segmentation offload over 64 KiB leaves it zero; the captured length is all there is to go by.
    if (totalLength === 0) totalLength = end - at + cursor.cut;
    if (headerLength < 20 || headerLength > totalLength || end - at < headerLength) return MALFORMED;
    const segment = this.#segment;
    segment.sourceWord0 = IPV4_WORD;
    segment.sourceWord1 = IPV4_WORD;
    segment.sourceWord2 = IPV4_WORD;
    segment.sourceWord3 = i32(bytes, at + 12);
    segment.destinationWord0 = IPV4_WORD;
    segment.destinationWord1 = IPV4_WORD;
    segment.destinationWord2 = IPV4_WORD;
    segment.destinationWord3 = i32(bytes, at + 16);
    enterPayload(cursor, at + headerLength, at + totalLength);
    const protocol = u8(bytes, at + 9);
    const fragmentation = u16(bytes, at + 6);
    // More fragments, or not the first.
    if ((fragmentation & 0x3fff) === 0) return Kind.protocol | protocol;
    const isLast = (fragmentation & 0x2000) === 0;
    return this.#join(cursor, u16(bytes, at + 4), protocol, (fragmentation & 0x1fff) << 3, isLast);
  }

  /** As `ipv4`. */
  ipv6(cursor: Cursor): number {
    const { bytes, at, end } = cursor;
    if (end - at < 40) return MALFORMED;
    const segment = this.#segment;
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
    const wireEnd = payloadLength === 0 ? end + cursor.cut : at + 40 + payloadLength;
    enterPayload(cursor, at + 40, wireEnd);
    return this.#behindIpv6(cursor, u8(bytes, at + 6));
  }

  #behindIpv6(cursor: Cursor, firstProtocol: number): number {
    let protocol = firstProtocol;
    for (;;) {
      if (protocol === FRAGMENT) {
        const { bytes, at } = cursor;
        if (cursor.left < 8) return MALFORMED;
        protocol = u8(bytes, at);
        const offset = u16(bytes, at + 2) & 0xfff8;
        const isLast = (u8(bytes, at + 3) & 1) === 0;
        cursor.at += 8;
        // An atomic fragment (RFC 6946) is a whole datagram. Headers behind any other are part of what was fragmented, and
        // are read when that is whole.
        if (offset !== 0 || !isLast) return this.#join(cursor, i32(bytes, at + 4), protocol, offset, isLast);
      } else if (isExtension(protocol)) {
        const next = readExtension(cursor, protocol);
        if (next < 0) return next;
        protocol = next & 0xff;
      } else {
        return Kind.protocol | protocol;
      }
    }
  }

  /**
   * Adds the payload, a fragment, to its datagram; when that is whole, it becomes the payload. Returns what it is, or
   * `INCOMPLETE`.
   */
  #join(cursor: Cursor, id: number, protocol: number, offset: number, isLast: boolean): number {
    this.#counters.fragments_seen++;
    if (cursor.cut > 0) {
      this.#counters.fragments_dropped++;
      return INCOMPLETE;
    }
    const fragment = this.#fragment;
    this.#segment.tunnelId = cursor.network;
    fragment.id = id;
    fragment.protocol = protocol;
    fragment.offset = offset;
    fragment.isLast = isLast;
    fragment.bytes = cursor.bytes;
    fragment.start = cursor.at;
    fragment.end = cursor.end;
    fragment.time = this.time;
    const datagram = this.#fragments.add(fragment);
    if (datagram === null) return INCOMPLETE;
    cursor.bytes = datagram.bytes;
    cursor.at = 0;
    cursor.end = datagram.bytes.length;
    return Kind.protocol | datagram.protocol;
  }
}

const NO_BYTES = Buffer.alloc(0);

/** `wireEnd` is where the packet says that its payload ends; behind it there may be link-layer padding. */
function enterPayload(cursor: Cursor, start: number, wireEnd: number): void {
  const { end } = cursor;
  cursor.at = start;
  if (wireEnd < end) cursor.end = Math.max(wireEnd, start);
  cursor.cut = wireEnd > end ? wireEnd - end : 0;
}

export const EXTENSIONS: readonly number[] = [HOP_BY_HOP, ROUTING, AUTHENTICATION, DESTINATION_OPTIONS, MOBILITY];

function isExtension(protocol: number): boolean {
  return EXTENSIONS.includes(protocol);
}

/** An extension header (RFC 8200 §4, RFC 4302 §2): 0 next header (1) │ 1 length (1) │ … */
export function readExtension(cursor: Cursor, protocol: number): number {
  const { bytes, at, left } = cursor;
  if (left < 8) return MALFORMED;
  const length = u8(bytes, at + 1);
  cursor.at += protocol === AUTHENTICATION ? (length + 2) << 2 : (length + 1) << 3;
  return cursor.left < 0 ? MALFORMED : Kind.protocol | u8(bytes, at);
}
