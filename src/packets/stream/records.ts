/**
 * The pcap records of microseconds that a block decodes to.
 *
 *     seconds u32 · microseconds u32 · captured length u32 · length on the wire u32 · bytes      little-endian
 *
 * in: bytes from the network · out: how many of them are whole records that make sense · pure
 */
import { RECORD_BYTES } from '../../capture/packet-encoder.js';
import { PACKET_BYTES_MAX } from '../packet-bounds.js';

const MICROSECONDS = 1_000_000;

export interface CheckedRecords {
  /** Packets that make sense, from the beginning on. */
  readonly packets: number;
  /** Where the last of them ends. */
  readonly end: number;
}

/** Walks over records up to the first that makes no sense: what stands behind that cannot be found. */
export function checkRecords(bytes: Buffer): CheckedRecords {
  let at = 0;
  let packets = 0;
  while (bytes.length - at >= RECORD_BYTES) {
    const captured = bytes.readUInt32LE(at + 8);
    if (captured > PACKET_BYTES_MAX || captured > bytes.length - at - RECORD_BYTES) break;
    if (bytes.readUInt32LE(at + 4) >= MICROSECONDS || bytes.readUInt32LE(at + 12) < captured) break;
    at += RECORD_BYTES + captured;
    packets++;
  }
  return { packets, end: at };
}
