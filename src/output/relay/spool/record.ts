/**
 * A batch as it lies in a segment file of the spool.
 *
 *      0       4        8             12             16       20         21       22  24            32
 *      | magic | length | head's CRC | payload's CRC | traces | protocol | coding | 0 | first trace | payload …
 *
 * Little-endian. `length` is the payload's; `protocol` is a place in `BATCH_PROTOCOLS`; `coding` is 0 for identity, 1 for
 * gzip. Traces are numbered through the whole life of a spool, and `first trace` is the number of the batch's first one: a gap
 * between two records says how many traces are missing. The head's CRC-32 is over the other 28 bytes of the head, so nothing
 * of it is believed where a bit has changed; the payload's CRC-32 is part of what it covers.
 */
import { crc32 } from 'node:zlib';
import { BATCH_PROTOCOLS, type Batch } from '../batch.js';

export const RECORD_HEADER_BYTES = 32;

/** Begins with a byte that no UTF-8 has, so that no JSON holds what looks like a record. */
export const RECORD_MAGIC: Buffer = Buffer.from([0xff, 0x50, 0x53, 0x32]);

const LENGTH = 4;
const HEAD_CHECKSUM = 8;
const PAYLOAD_CHECKSUM = 12;
const TRACES = 16;
const PROTOCOL = 20;
const CODING = 21;
const FIRST = 24;

/** No batch is anywhere near it; a length beyond is damage. */
const PAYLOAD_BYTES_MAX = 256 << 20;

export interface RecordHeader {
  readonly payloadBytes: number;
  readonly traces: number;
  /** The number of its first trace in this spool. */
  readonly first: number;
}

/** `first` is the number of the batch's first trace. */
export function writeRecord(batch: Batch, first: number): Buffer {
  const record = Buffer.alloc(RECORD_HEADER_BYTES + batch.payload.length);
  RECORD_MAGIC.copy(record);
  record.writeUInt32LE(batch.payload.length, LENGTH);
  record.writeUInt32LE(crc32(batch.payload), PAYLOAD_CHECKSUM);
  record.writeUInt32LE(batch.count, TRACES);
  record.writeUInt8(BATCH_PROTOCOLS.indexOf(batch.protocol), PROTOCOL);
  record.writeUInt8(batch.coding === 'identity' ? 0 : 1, CODING);
  record.writeBigUInt64LE(BigInt(first), FIRST);
  record.writeUInt32LE(headChecksum(record), HEAD_CHECKSUM);
  batch.payload.copy(record, RECORD_HEADER_BYTES);
  return record;
}

/** The header at the beginning of `bytes`, or null if there is none. Only `readRecord` says whether the payload is whole. */
export function readRecordHeader(bytes: Buffer): RecordHeader | null {
  if (bytes.length < RECORD_HEADER_BYTES || RECORD_MAGIC.compare(bytes, 0, RECORD_MAGIC.length) !== 0) return null;
  if (bytes.readUInt32LE(HEAD_CHECKSUM) !== headChecksum(bytes)) return null;
  const payloadBytes = bytes.readUInt32LE(LENGTH);
  const traces = bytes.readUInt32LE(TRACES);
  const first = Number(bytes.readBigUInt64LE(FIRST));
  if (payloadBytes > PAYLOAD_BYTES_MAX || !Number.isSafeInteger(first + traces)) return null;
  return { payloadBytes, traces, first };
}

/** The batch, or null where a single bit of it is wrong. */
export function readRecord(record: Buffer, recovered: boolean): Batch | null {
  const header = readRecordHeader(record);
  if (header === null || record.length !== RECORD_HEADER_BYTES + header.payloadBytes) return null;
  const payload = record.subarray(RECORD_HEADER_BYTES);
  if (record.readUInt32LE(PAYLOAD_CHECKSUM) !== crc32(payload)) return null;
  const protocol = BATCH_PROTOCOLS[record.readUInt8(PROTOCOL)];
  // A later version of the sensor wrote it.
  if (protocol === undefined) return null;
  const coding = record.readUInt8(CODING) === 0 ? 'identity' : 'gzip';
  return { protocol, coding, count: header.traces, payload, recovered };
}

function headChecksum(record: Buffer): number {
  return crc32(record.subarray(PAYLOAD_CHECKSUM, RECORD_HEADER_BYTES), crc32(record.subarray(0, HEAD_CHECKSUM)));
}
