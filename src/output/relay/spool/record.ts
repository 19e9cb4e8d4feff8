/**
 * A batch as it lies in a segment file of the spool.
 *
 *      0       4       8          12        13      14      16     20
 *      | magic | length | checksum | protocol | coding | 0 | traces | payload …
 *
 * Little-endian. `length` is the payload's; `protocol` is a place in `BATCH_PROTOCOLS`; `coding` is 0 for identity, 1 for
 * gzip. `checksum` is the CRC-32 of bytes 12 to the payload's end, continued over `length`, so that a wrong length cannot find
 * a right checksum.
 */
import { crc32 } from 'node:zlib';
import { BATCH_PROTOCOLS, type Batch } from '../batch.js';

export const RECORD_HEADER_BYTES = 20;

const MAGIC = 0x31425350; // "PSB1"
const LENGTH = 4;
const CHECKSUM = 8;
const CHECKED = 12;
const PROTOCOL = 12;
const CODING = 13;
const TRACES = 16;

/** No batch is anywhere near it; a length beyond is damage. */
const PAYLOAD_BYTES_MAX = 256 << 20;

export interface RecordHeader {
  readonly payloadBytes: number;
  readonly traces: number;
}

export function writeRecord(batch: Batch): Buffer {
  const record = Buffer.alloc(RECORD_HEADER_BYTES + batch.payload.length);
  record.writeUInt32LE(MAGIC, 0);
  record.writeUInt32LE(batch.payload.length, LENGTH);
  record.writeUInt8(BATCH_PROTOCOLS.indexOf(batch.protocol), PROTOCOL);
  record.writeUInt8(batch.coding === 'identity' ? 0 : 1, CODING);
  record.writeUInt32LE(batch.count, TRACES);
  batch.payload.copy(record, RECORD_HEADER_BYTES);
  record.writeUInt32LE(checksumOf(record), CHECKSUM);
  return record;
}

/** The header, or null if this is not one. Only `readRecord` says whether the payload is whole. */
export function readRecordHeader(header: Buffer): RecordHeader | null {
  if (header.length < RECORD_HEADER_BYTES || header.readUInt32LE(0) !== MAGIC) return null;
  const payloadBytes = header.readUInt32LE(LENGTH);
  if (payloadBytes > PAYLOAD_BYTES_MAX) return null;
  return { payloadBytes, traces: header.readUInt32LE(TRACES) };
}

/** The batch, or null where a single bit of it is wrong. */
export function readRecord(record: Buffer, recovered: boolean): Batch | null {
  const header = readRecordHeader(record);
  if (header === null || record.length !== RECORD_HEADER_BYTES + header.payloadBytes) return null;
  if (record.readUInt32LE(CHECKSUM) !== checksumOf(record)) return null;
  const protocol = BATCH_PROTOCOLS[record.readUInt8(PROTOCOL)];
  // A later version of the sensor wrote it.
  if (protocol === undefined) return null;
  return {
    protocol,
    coding: record.readUInt8(CODING) === 0 ? 'identity' : 'gzip',
    count: header.traces,
    payload: record.subarray(RECORD_HEADER_BYTES),
    recovered,
  };
}

function checksumOf(record: Buffer): number {
  return crc32(record.subarray(LENGTH, CHECKSUM), crc32(record.subarray(CHECKED)));
}
