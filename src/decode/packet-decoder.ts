/**
 * Packet bytes → TCP segment: link layer, tags and tunnels, IP, TCP.
 *
 * in:  one captured packet and its link type · out: a `Segment`, or a counter that says why there is none
 *
 * Each header is checked for length once and then read by named offsets. Headers are walked by a loop over "what comes
 * next", not by recursion, and no more than `headers_max` of them. Ethernet, IP and TCP are read here, as nearly every packet
 * has nothing else; the others are rows in `readers.ts`.
 */
import type { PacketBatch } from '../capture/packet-batch.js';
import type { Counters } from '../counters.js';
import type { Limits } from '../limits.js';
import { MemoryBudget } from '../memory-budget.js';
import { u8, u16 } from './bytes.js';
import { Cursor } from './cursor.js';
import { readEthernet } from './ethernet.js';
import { INCOMPLETE, IpReader } from './ip-reader.js';
import { LinkType } from './link-type.js';
import { Kind, MALFORMED, Next, unread } from './next.js';
import { isQuic, QUIC_PORT } from './quic.js';
import { READERS } from './readers.js';
import { Segment } from './segment.js';
import { readTcp } from './tcp-header.js';
import { UnreadPackets } from './unread-packets.js';

const KIND_MASK = ~0xffff;
const PROTOCOL_UDP = 17;
const UDP_HEADER_BYTES = 8;

export class PacketDecoder {
  readonly segment = new Segment();
  /** What came that could not be read, by kind and number. */
  readonly unread: UnreadPackets;
  readonly #counters: Counters;
  readonly #headersMax: number;
  readonly #cursor = new Cursor();
  readonly #ip: IpReader;
  readonly #onQuic: (datagram: Segment) => void;

  /** `onQuic` takes the endpoints of each datagram that looks like QUIC, valid during the call. */
  constructor(
    limits: Limits,
    counters: Counters,
    onQuic: (datagram: Segment) => void = () => {},
    budget: MemoryBudget = new MemoryBudget(limits.memory_bytes_max),
  ) {
    this.#onQuic = onQuic;
    this.#counters = counters;
    this.#headersMax = limits.headers_max;
    this.#ip = new IpReader(this.segment, limits, counters, budget);
    this.unread = new UnreadPackets(limits.unread_kinds_max);
  }

  /**
   * Decodes packet `i` of `batch`, whose moment it is: the life of fragments is counted by that. Returns whether `segment`
   * holds a TCP segment; if not, a counter says why.
   */
  decode(batch: PacketBatch, i: number, linkType: number, moment = batch.time[i] as number): boolean {
    const cursor = this.#cursor;
    const captured = batch.capturedLength[i] as number;
    const start = batch.offset[i] as number;
    cursor.bytes = batch.bytes;
    cursor.at = start;
    cursor.end = start + captured;
    cursor.cut = (batch.wireLength[i] as number) - captured;
    cursor.network = 0;
    cursor.padded = false;
    cursor.mirrored = false;
    this.#ip.time = moment;
    return this.#walk(cursor, linkType === LinkType.ethernet ? Next.ethernet : Kind.link | (linkType & 0xffff));
  }

  /** Over the memory budget: gives up fragments that wait. */
  shed(): void {
    this.#ip.shed();
  }

  /** No packet comes any more. */
  finish(): void {
    this.#ip.finish();
  }

  #walk(cursor: Cursor, first: number): boolean {
    let next = first;
    for (let headers = 0; headers < this.#headersMax; headers++) {
      switch (next) {
        case Next.ethernet:
          next = readEthernet(cursor);
          break;
        case Next.ip:
          next = ipVersion(cursor);
          break;
        case Next.ipv4:
          next = this.#ip.ipv4(cursor);
          break;
        case Next.ipv6:
          next = this.#ip.ipv6(cursor);
          break;
        case Next.tcp:
          return this.#tcp(cursor);
        default: {
          const reader = READERS.get(next);
          if (reader === undefined) return this.#unread(next);
          next = reader(cursor);
        }
      }
      if (next < 0) {
        if (next === INCOMPLETE) return false;
        return next === MALFORMED ? this.#malformed() : this.#unread(~next);
      }
    }
    return this.#malformed();
  }

  #tcp(cursor: Cursor): boolean {
    if (!readTcp(cursor, this.segment)) return this.#malformed();
    if (this.segment.payloadCut > 0) this.#counters.packets_cut_short++;
    return true;
  }

  #unread(next: number): boolean {
    const kind = next & KIND_MASK;
    // The port announced no tunnel.
    const isDatagram = kind === Kind.udpPort;
    if (isDatagram) this.#noteQuic();
    const what = isDatagram ? Kind.protocol | PROTOCOL_UDP : next;
    if (kind === Kind.link) this.#counters.packets_unknown_link++;
    else if (what === next && kind !== Kind.protocol) this.#counters.packets_not_ip++;
    else this.#counters.packets_not_tcp++;
    this.unread.note(what);
    return false;
  }

  /** The cursor stands behind the UDP header. */
  #noteQuic(): void {
    const { bytes, at, end, network } = this.#cursor;
    const source = u16(bytes, at - UDP_HEADER_BYTES);
    const destination = u16(bytes, at - UDP_HEADER_BYTES + 2);
    if (!isQuic(bytes, at, end, source === QUIC_PORT || destination === QUIC_PORT)) return;
    this.#counters.packets_quic++;
    const { segment } = this;
    segment.sourcePort = source;
    segment.destinationPort = destination;
    segment.tunnelId = network;
    this.#onQuic(segment);
  }

  #malformed(): boolean {
    this.#counters.packets_malformed++;
    return false;
  }
}

function ipVersion({ bytes, at, end }: Cursor): number {
  if (at >= end) return MALFORMED;
  const version = u8(bytes, at) >> 4;
  if (version === 4) return Next.ipv4;
  return version === 6 ? Next.ipv6 : unread(Kind.ipVersion | version);
}
