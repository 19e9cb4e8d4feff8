/**
 * What an earlier run left in a spool, put in order.
 *
 * in: a directory · out: entries, oldest first, each a record or a known number of traces whose record is missing
 *
 * The order is that of the traces' numbers, whatever the files are called. What the cursor says has been taken is left out,
 * and so is what comes twice: where two records have the same numbers, the append of the one in the earlier segment had
 * failed, and its traces went another way.
 */
import { CURSOR_NAMES, findCursor } from './cursor.js';
import { convertOldSegments } from './old-format.js';
import {
  type FoundRecord,
  type FoundRecords,
  findRecords,
  newSegment,
  type Segment,
  segmentNumber,
} from './segment.js';
import type { SpoolDirectory } from './spool-directory.js';

export interface Entry {
  /** Null where the record is missing: it was damaged, or its file is gone. */
  readonly segment: Segment | null;
  readonly offset: number;
  readonly bytes: number;
  readonly traces: number;
  /** The number of its first trace. */
  readonly first: number;
  readonly recovered: boolean;
  /** Handed out, its outcome not known. */
  out: boolean;
  /** Its segment was given up meanwhile. */
  gone: boolean;
}

export interface Recovery {
  readonly entries: Entry[];
  /** The number of the next trace. */
  readonly next: number;
  /** Greater than that of any segment there is. */
  readonly nextSegment: number;
  /** Places where a record or the cursor should be and is not. */
  readonly damaged: number;
  /** Files that could not be read or deleted. */
  readonly errors: number;
  /** Bytes of the segments that are left. */
  readonly bytes: number;
}

/** Never rejects. */
export async function recoverSpool(directory: SpoolDirectory): Promise<Recovery> {
  const old = await convertOldSegments(directory);
  const found = await findSegments(directory, old.left);
  const { cursor, damaged, errors } = await findCursor(directory);
  const { entries, next } = inOrder(found.records, cursor?.taken ?? null, cursor?.appended ?? 0);
  let failures = found.errors + errors;
  let bytes = 0;
  for (const segment of found.segments) {
    if (segment.waiting > 0) bytes += segment.bytes;
    else if (segmentNumber(segment.name) !== null) await directory.remove(segment.name).catch(() => failures++);
  }
  return {
    ...{ entries, next, bytes, nextSegment: found.nextSegment },
    damaged: old.damaged + found.damaged + damaged,
    errors: failures,
  };
}

interface RecordInSegment extends FoundRecord {
  readonly segment: Segment;
}

interface FoundSegments {
  readonly segments: Segment[];
  readonly records: RecordInSegment[];
  readonly nextSegment: number;
  readonly damaged: number;
  readonly errors: number;
}

async function findSegments(directory: SpoolDirectory, except: ReadonlySet<string>): Promise<FoundSegments> {
  const segments: Segment[] = [];
  const records: RecordInSegment[] = [];
  let nextSegment = 1;
  let damaged = 0;
  let errors = except.size;
  const names = await directory.list().catch((): string[] => {
    errors++;
    return [];
  });
  for (const name of names.sort()) {
    if ((CURSOR_NAMES as readonly string[]).includes(name)) continue;
    const number = segmentNumber(name);
    nextSegment = Math.max(nextSegment, (number ?? 0) + 1);
    if (except.has(name)) continue;
    let found: FoundRecords;
    try {
      found = await findRecords(directory, name);
    } catch {
      // A directory or a link that somebody else put there is none of ours.
      if (number !== null) errors++;
      continue;
    }
    const segment: Segment = { ...newSegment(number ?? 0), name, bytes: found.bytes };
    segments.push(segment);
    for (const record of found.records) records.push({ ...record, segment });
    damaged += found.damaged;
  }
  return { segments, records, nextSegment, damaged, errors };
}

/** `taken` is null where nothing says how much has been taken: all that is there has not. */
function inOrder(
  records: RecordInSegment[],
  taken: number | null,
  appended: number,
): { entries: Entry[]; next: number } {
  const entries: Entry[] = [];
  records.sort((a, b) => a.first - b.first || b.segment.number - a.segment.number);
  let next = taken ?? records[0]?.first ?? 0;
  const noteMissing = (until: number): void => {
    if (until <= next) return;
    entries.push(newEntry({ segment: null, offset: 0, bytes: 0, traces: until - next, first: next }, true));
    next = until;
  };
  for (const record of records) {
    if (record.first < next) continue;
    noteMissing(record.first);
    entries.push(newEntry(record, true));
    record.segment.waiting++;
    next += record.traces;
  }
  noteMissing(appended);
  return { entries, next };
}

export function newEntry(
  { segment, offset, bytes, traces, first }: FoundRecord & { segment: Segment | null },
  recovered: boolean,
): Entry {
  return { segment, offset, bytes, traces, first, recovered, out: false, gone: false };
}
