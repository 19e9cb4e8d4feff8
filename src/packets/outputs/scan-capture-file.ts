/**
 * Where a capture file ends that a receiver before this one has left, so that it can be gone on with: a record that was torn
 * is found, and what is no capture file is known as none.
 *
 * in: an open file, the format it should have · out: where its last whole record ends, or null where it makes no sense
 */
import type { FileHandle } from 'node:fs/promises';
import { PCAP_HEAD_BYTES, RECORD_BYTES } from '../../capture/packet-encoder.js';
import { PACKET_BYTES_MAX } from '../packet-bounds.js';

const CHUNK_BYTES = 1 << 20;
const BLOCK_BYTES_MAX = 16 << 20;
const BLOCK_HEAD_BYTES = 8;
const MICROSECONDS = 1_000_000;

/** The length of the record whose head begins at `at`; null where it is none. */
type RecordLength = (bytes: Buffer, at: number) => number | null;

const pcapRecord: RecordLength = (bytes, at) => {
  const captured = bytes.readUInt32LE(at + 8);
  const isRecord = captured <= PACKET_BYTES_MAX + RECORD_BYTES && bytes.readUInt32LE(at + 4) < MICROSECONDS;
  return isRecord ? RECORD_BYTES + captured : null;
};

const pcapngBlock: RecordLength = (bytes, at) => {
  const length = bytes.readUInt32LE(at + 4);
  return length >= 12 && length % 4 === 0 && length <= BLOCK_BYTES_MAX ? length : null;
};

/** `head`: what a pcap file of this kind begins with, byte for byte; for pcapng its first eight bytes count. */
export async function scanCaptureFile(
  file: FileHandle,
  format: 'pcap' | 'pcapng',
  head: Buffer,
): Promise<number | null> {
  const { size } = await file.stat();
  const known = format === 'pcap' ? PCAP_HEAD_BYTES : BLOCK_HEAD_BYTES;
  const first = Buffer.alloc(known);
  const { bytesRead } = await file.read(first, 0, known, 0);
  if (bytesRead < known) return first.subarray(0, bytesRead).equals(head.subarray(0, bytesRead)) ? 0 : null;
  if (!first.equals(head.subarray(0, known))) return null;
  return format === 'pcap'
    ? walk(file, size, PCAP_HEAD_BYTES, RECORD_BYTES, pcapRecord)
    : walk(file, size, 0, BLOCK_HEAD_BYTES, pcapngBlock);
}

async function walk(
  file: FileHandle,
  size: number,
  from: number,
  headBytes: number,
  recordLength: RecordLength,
): Promise<number | null> {
  const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let at = from;
  while (size - at >= headBytes) {
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, at);
    let here = 0;
    while (bytesRead - here >= headBytes) {
      const length = recordLength(chunk, here);
      if (length === null) return null;
      if (at + here + length > size) return at + here;
      here += length;
    }
    if (here === 0) return at;
    at += here;
  }
  return Math.min(at, size);
}
