/**
 * Spools of the first format, brought into today's: its records had no numbers, and its cursor no checksum.
 *
 *      0       4        8          12         13       14  16       20
 *      | magic | length | checksum | protocol | coding | 0 | traces | payload …
 *
 * in: a directory · out: the same segments in today's format. Each is replaced by a rename, so one that is half done when the
 * sensor is killed is done again.
 */
import { crc32 } from 'node:zlib';
import { BATCH_PROTOCOLS, type Batch } from '../batch.js';
import { CURSOR_NAMES } from './cursor.js';
import { writeRecord } from './record.js';
import { findRecords, segmentNumber } from './segment.js';
import type { SpoolDirectory, SpoolFile } from './spool-directory.js';

const MAGIC = 0x31425350; // "PSB1"
const HEADER_BYTES = 20;
const TEMPORARY = 'converted';

export interface Conversion {
  /** Places where a record should be and is none. */
  readonly damaged: number;
  /** Segments that stay as they were: the disk did not give or take them. */
  readonly left: ReadonlySet<string>;
}

/** Never rejects. */
export async function convertOldSegments(directory: SpoolDirectory): Promise<Conversion> {
  const names = (await directory.list().catch((): string[] => []))
    .filter((name) => segmentNumber(name) !== null)
    .sort();
  const old = new Set<string>();
  for (const name of names) if (await isOld(directory, name).catch(() => false)) old.add(name);
  const left = new Set<string>();
  let damaged = 0;
  if (old.size === 0) return { damaged, left };
  let next = 0;
  for (const name of names) if (!old.has(name)) next = Math.max(next, await endOf(directory, name).catch(() => 0));
  const cursor = await readOldCursor(directory);
  for (const name of old) {
    const number = segmentNumber(name) as number;
    const from = number === cursor.segment ? cursor.offset : 0;
    try {
      if (number < cursor.segment) await directory.remove(name);
      else {
        const converted = await convert(directory, name, from, next);
        next = converted.next;
        if (converted.isDamaged) damaged++;
      }
    } catch {
      left.add(name);
    }
  }
  if (left.size === 0) await directory.remove(CURSOR_NAMES[0]).catch(() => {});
  return { damaged, left };
}

/** Of a segment that was converted before the sensor was killed. */
async function endOf(directory: SpoolDirectory, name: string): Promise<number> {
  const { records } = await findRecords(directory, name);
  return records.reduce((end, { first, traces }) => Math.max(end, first + traces), 0);
}

async function convert(
  directory: SpoolDirectory,
  name: string,
  from: number,
  first: number,
): Promise<{ next: number; isDamaged: boolean }> {
  let next = first;
  let offset = from;
  const old = await directory.open(name);
  await directory.remove(TEMPORARY).catch(() => {});
  const converted = await directory.create(TEMPORARY);
  try {
    const size = await old.size();
    while (offset < size) {
      const record = await readOldRecord(old, offset, size);
      if (record === null) break;
      await converted.append(writeRecord(record.batch, next));
      next += record.batch.count;
      offset += record.bytes;
    }
    await directory.rename(TEMPORARY, name);
    return { next, isDamaged: offset < size };
  } finally {
    await old.close();
    await converted.close();
  }
}

async function isOld(directory: SpoolDirectory, name: string): Promise<boolean> {
  const file = await directory.open(name);
  try {
    const magic = await file.read(0, 4);
    return magic.length === 4 && magic.readUInt32LE(0) === MAGIC;
  } finally {
    await file.close();
  }
}

async function readOldRecord(
  file: SpoolFile,
  offset: number,
  size: number,
): Promise<{ batch: Batch; bytes: number } | null> {
  const header = await file.read(offset, HEADER_BYTES);
  if (header.length < HEADER_BYTES || header.readUInt32LE(0) !== MAGIC) return null;
  const bytes = HEADER_BYTES + header.readUInt32LE(4);
  if (offset + bytes > size) return null;
  const record = await file.read(offset, bytes);
  if (record.readUInt32LE(8) !== crc32(record.subarray(4, 8), crc32(record.subarray(12)))) return null;
  const protocol = BATCH_PROTOCOLS[record.readUInt8(12)];
  if (protocol === undefined) return null;
  const coding = record.readUInt8(13) === 0 ? 'identity' : 'gzip';
  const batch: Batch = {
    ...{ protocol, coding, count: record.readUInt32LE(16) },
    payload: record.subarray(HEADER_BYTES),
    recovered: true,
  };
  return { batch, bytes };
}

async function readOldCursor(directory: SpoolDirectory): Promise<{ segment: number; offset: number }> {
  let file: SpoolFile | undefined;
  let text = '';
  try {
    file = await directory.open(CURSOR_NAMES[0]);
    text = (await file.read(0, 64)).toString('latin1');
  } catch {
    // Nothing had been taken yet.
  }
  await file?.close();
  const [, segment = '0', offset = '0'] = /^(\d+) (\d+)\n$/.exec(text) ?? [];
  return { segment: Number(segment), offset: Number(offset) };
}
