/**
 * Runs of packets as the bytes of a capture file.
 *
 * in: runs of pcap records · out: pieces of bytes to append, and what no file of that kind can hold
 *
 * A pcap file has one link type. In one of Ethernet, packets that begin with their IP header get an Ethernet header whose
 * addresses are zero, as loopback has it, so that readers find them. pcapng has an interface for each sensor and link type.
 */
import { LINKTYPE_ETHERNET, LINKTYPE_RAW } from '../../capture/link-types.js';
import { createPacketEncoder, RECORD_BYTES } from '../../capture/packet-encoder.js';
import { createPacketView } from '../../capture/packet-view.js';
import type { PacketRun } from './packet-output.js';

export interface RunEncoder {
  /** What a file begins with; from then on, interfaces are described anew. */
  begin(linkType: number): Buffer;
  /** The bytes of a run; null where the file's link type is another one. */
  encode(run: PacketRun): Buffer | null;
}

const ETHERNET_BYTES = 14;
const TYPE_IPV4 = 0x0800;
const TYPE_IPV6 = 0x86dd;

export function createRunEncoder(format: 'pcap' | 'pcapng', snapLength: number): RunEncoder {
  return format === 'pcap' ? pcapRuns(snapLength) : pcapngRuns(snapLength);
}

function pcapRuns(snapLength: number): RunEncoder {
  const encoder = createPacketEncoder('pcap', snapLength);
  let fileLinkType = LINKTYPE_ETHERNET;
  return {
    begin(linkType) {
      fileLinkType = linkType;
      return encoder.head(linkType);
    },
    encode({ linkType, records, packets }) {
      if (linkType === fileLinkType) return records;
      return fileLinkType === LINKTYPE_ETHERNET && linkType === LINKTYPE_RAW ? asEthernet(records, packets) : null;
    },
  };
}

function asEthernet(records: Buffer, packets: number): Buffer {
  const bytes = Buffer.alloc(records.length + packets * ETHERNET_BYTES);
  let to = 0;
  for (let at = 0; at < records.length; ) {
    const captured = records.readUInt32LE(at + 8);
    records.copy(bytes, to, at, at + 8);
    bytes.writeUInt32LE(captured + ETHERNET_BYTES, to + 8);
    bytes.writeUInt32LE(records.readUInt32LE(at + 12) + ETHERNET_BYTES, to + 12);
    const version = (records[at + RECORD_BYTES] ?? 0) >> 4;
    bytes.writeUInt16BE(version === 6 ? TYPE_IPV6 : TYPE_IPV4, to + RECORD_BYTES + ETHERNET_BYTES - 2);
    to += RECORD_BYTES + ETHERNET_BYTES;
    records.copy(bytes, to, at + RECORD_BYTES, at + RECORD_BYTES + captured);
    to += captured;
    at += RECORD_BYTES + captured;
  }
  return bytes;
}

function pcapngRuns(snapLength: number): RunEncoder {
  const encoder = createPacketEncoder('pcapng', snapLength);
  const view = createPacketView();
  /** Interfaces described in this file, by sensor and link type. */
  let numbers = new Map<string, number>();
  return {
    begin() {
      numbers = new Map();
      return encoder.head(LINKTYPE_ETHERNET);
    },
    encode({ origin, linkType, records, packets }) {
      const own = `${linkType} ${origin.key}`;
      const isOwn = numbers.has(own) || numbers.size < INTERFACES_MAX;
      const key = isOwn ? own : `${linkType} `;
      const known = numbers.get(key);
      const number = known ?? numbers.size;
      const name = isOwn ? origin.name : 'others';
      const description = known === undefined ? encoder.describe({ name, linkType }) : EMPTY;
      numbers.set(key, number);
      const bytes = Buffer.allocUnsafeSlow(description.length + records.length + packets * PACKET_MORE_BYTES);
      let to = description.copy(bytes);
      view.bytes = records;
      for (let at = 0; at < records.length; ) {
        view.seconds = records.readUInt32LE(at);
        view.nanos = records.readUInt32LE(at + 4) * 1000;
        view.captured = records.readUInt32LE(at + 8);
        view.wire = records.readUInt32LE(at + 12);
        view.offset = at + RECORD_BYTES;
        to = encoder.write(view, number, bytes, to);
        at = view.offset + view.captured;
      }
      return bytes.subarray(0, to);
    },
  };
}

const EMPTY = Buffer.alloc(0);
/** Interfaces of a file: of further sensors, those of a link type share one. */
const INTERFACES_MAX = 4096;
/** What a packet of pcapng takes more than a record: 32 bytes and padding for 16. */
const PACKET_MORE_BYTES = 32 - RECORD_BYTES + 3;
