/**
 * Segment files: some megabytes of records each, appended to and deleted whole once everything in them has been taken.
 *
 * in: a directory that an earlier run may have left · out: its segments, oldest first, with where their records lie
 */

import { RECORD_HEADER_BYTES, readRecordHeader } from './record.js';
import type { SpoolDirectory, SpoolFile } from './spool-directory.js';

export interface Entry {
  readonly offset: number;
  readonly bytes: number;
  readonly traces: number;
  readonly recovered: boolean;
  /** Handed out, its outcome not known. */
  out: boolean;
  /** Its segment was given up meanwhile. */
  gone: boolean;
}

export interface Segment {
  readonly number: number;
  readonly name: string;
  bytes: number;
  /** Oldest first. */
  readonly entries: Entry[];
}

/** How far the oldest segment has been taken; every segment with a smaller number has been taken whole. */
export interface Cursor {
  readonly segment: number;
  readonly offset: number;
}

export interface FoundSegments {
  readonly segments: Segment[];
  /** Greater than that of any segment there was, also of one that is gone and that the cursor still names. */
  readonly nextNumber: number;
  /** Places where a record should be and is none. */
  readonly torn: number;
  /** Files that could not be read or deleted. */
  readonly errors: number;
}

const SEGMENT_NAME = /^(\d{12})\.segment$/;
const CURSOR_NAME = 'cursor';

export function newSegment(number: number): Segment {
  return { number, name: `${String(number).padStart(12, '0')}.segment`, bytes: 0, entries: [] };
}

export function writeCursor(directory: SpoolDirectory, { segment, offset }: Cursor): Promise<void> {
  return directory.replace(CURSOR_NAME, `${segment} ${offset}\n`);
}

/** What an earlier run left, without what the cursor says has been taken. Never rejects. */
export async function findSegments(directory: SpoolDirectory): Promise<FoundSegments> {
  const names = await directory.list().catch((): string[] => []);
  const cursor = await readCursor(directory);
  const segments: Segment[] = [];
  let nextNumber = cursor.segment + 1;
  let torn = 0;
  let errors = 0;
  for (const name of names.sort()) {
    const number = Number(SEGMENT_NAME.exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(number)) continue;
    nextNumber = Math.max(nextNumber, number + 1);
    const segment = newSegment(number);
    try {
      if (!(await scan(directory, segment, number === cursor.segment ? cursor.offset : 0))) torn++;
      if (number >= cursor.segment && segment.entries.length > 0) segments.push(segment);
      else await directory.remove(name);
    } catch {
      errors++;
    }
  }
  return { segments, nextNumber, torn, errors };
}

async function readCursor(directory: SpoolDirectory): Promise<Cursor> {
  let file: SpoolFile | undefined;
  let text = '';
  try {
    file = await directory.open(CURSOR_NAME);
    text = (await file.read(0, await file.size())).toString('latin1');
  } catch {
    // Nothing has been taken yet.
  }
  await file?.close();
  const match = /^(\d+) (\d+)\n$/.exec(text);
  return match === null ? { segment: 0, offset: 0 } : { segment: Number(match[1]), offset: Number(match[2]) };
}

/**
 * Notes the records from `from` on, by their headers; false if something else follows them. What lies behind damage
 * cannot be found any more.
 */
async function scan(directory: SpoolDirectory, segment: Segment, from: number): Promise<boolean> {
  const file = await directory.open(segment.name);
  try {
    segment.bytes = await file.size();
    let offset = from;
    while (offset < segment.bytes) {
      const record = readRecordHeader(await file.read(offset, RECORD_HEADER_BYTES));
      const bytes = RECORD_HEADER_BYTES + (record?.payloadBytes ?? 0);
      if (record === null || offset + bytes > segment.bytes) return false;
      segment.entries.push({ offset, bytes, traces: record.traces, recovered: true, out: false, gone: false });
      offset += bytes;
    }
    return true;
  } finally {
    await file.close();
  }
}
