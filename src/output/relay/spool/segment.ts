/**
 * Segment files: some megabytes of records each, appended to and deleted whole once everything in them has been taken.
 *
 * in: a file that an earlier run left, in whatever state · out: where its records lie
 */
import { RECORD_HEADER_BYTES, RECORD_MAGIC, type RecordHeader, readRecord, readRecordHeader } from './record.js';
import type { SpoolDirectory, SpoolFile } from './spool-directory.js';

export interface Segment {
  readonly number: number;
  readonly name: string;
  bytes: number;
  /** Records in it that have not been taken. */
  waiting: number;
}

export interface FoundRecord {
  readonly offset: number;
  /** With the header. */
  readonly bytes: number;
  readonly traces: number;
  readonly first: number;
}

export interface FoundRecords {
  readonly records: FoundRecord[];
  /** Of the file. */
  readonly bytes: number;
  /** Places where a record should be and is none. */
  readonly damaged: number;
}

const SEGMENT_NAME = /^(\d{12,15})\.segment$/;
const CHUNK_BYTES = 64 << 10;

export function newSegment(number: number): Segment {
  return { number, name: `${String(number).padStart(12, '0')}.segment`, bytes: 0, waiting: 0 };
}

/** The number in a segment's name; null if it is not one. */
export function segmentNumber(name: string): number | null {
  const digits = SEGMENT_NAME.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}

/**
 * Notes the records of a file by their headers; payloads are looked at when they are taken. What is damaged is skipped to the
 * next header whose checksum is right. A file that is not named as a segment counts as one if it begins as one.
 */
export async function findRecords(directory: SpoolDirectory, name: string): Promise<FoundRecords> {
  const file = await directory.open(name);
  try {
    const bytes = await file.size();
    if (segmentNumber(name) === null && (await recordAt(file, 0, bytes)) === null)
      return { records: [], bytes, damaged: 0 };
    return { bytes, ...(await scan(file, bytes)) };
  } finally {
    await file.close();
  }
}

async function scan(file: SpoolFile, size: number): Promise<{ records: FoundRecord[]; damaged: number }> {
  const records: FoundRecord[] = [];
  let damaged = 0;
  let offset = 0;
  while (offset < size) {
    const record = await recordAt(file, offset, size);
    if (record !== null) {
      records.push(record);
      offset += record.bytes;
      continue;
    }
    damaged++;
    const before = records.at(-1);
    let from = offset + 1;
    // Bytes may be missing in the one before: then this is the middle of one that began earlier than it says.
    if (before !== undefined && readRecord(await file.read(before.offset, before.bytes), true) === null) {
      records.pop();
      from = before.offset + RECORD_HEADER_BYTES;
    }
    const next = await findRecord(file, from, size);
    if (next === null) break;
    offset = next;
  }
  return { records, damaged };
}

async function recordAt(file: SpoolFile, offset: number, size: number): Promise<FoundRecord | null> {
  const header = readRecordHeader(await file.read(offset, RECORD_HEADER_BYTES));
  if (header === null || !fits(header, offset, size)) return null;
  const { payloadBytes, traces, first } = header;
  return { offset, bytes: RECORD_HEADER_BYTES + payloadBytes, traces, first };
}

function fits({ payloadBytes }: RecordHeader, offset: number, size: number): boolean {
  return offset + RECORD_HEADER_BYTES + payloadBytes <= size;
}

/** Where the first record from `from` on begins; null if there is none. */
async function findRecord(file: SpoolFile, from: number, size: number): Promise<number | null> {
  for (let at = from; at + RECORD_HEADER_BYTES <= size; at += CHUNK_BYTES) {
    // A header that begins in this chunk may end in the next.
    const chunk = await file.read(at, CHUNK_BYTES + RECORD_HEADER_BYTES - 1);
    for (let i = chunk.indexOf(RECORD_MAGIC); i >= 0 && i < CHUNK_BYTES; i = chunk.indexOf(RECORD_MAGIC, i + 1)) {
      const header = readRecordHeader(chunk.subarray(i, i + RECORD_HEADER_BYTES));
      if (header !== null && fits(header, at + i, size)) return at + i;
    }
  }
  return null;
}
