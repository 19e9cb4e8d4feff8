/**
 * Batches on disk while the satellite is away: first in, first out, bounded in bytes.
 *
 * in: batches, appended · out: the same, oldest first, in this run or the next
 *
 * Segment files of some megabytes, appended to and deleted whole once everything in them has been taken; `cursor` names how far
 * the oldest has been taken, replaced by a rename after each batch. A run never appends to a segment of an earlier one, so a tail
 * that was torn when the sensor was killed stays where it is, and is skipped. Nothing is synced: what the kernel was handed outlives
 * the process and its container, which is what a spool beside a task is for. A directory belongs to one sensor.
 *
 * No method rejects: what the disk does not take or give is counted.
 */
import { type FileHandle, mkdir, open, readdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Counters } from '../../../counters.js';
import { UsageError } from '../../../errors.js';
import type { FoldedWarnings } from '../../fold.js';
import type { Batch } from '../batch.js';
import { RECORD_HEADER_BYTES, readRecord, readRecordHeader, writeRecord } from './record.js';

export interface SpooledBatch {
  readonly batch: Batch;
  /** Delivered, refused or given up. */
  remove(): Promise<void>;
  /** To be tried again later. */
  release(): void;
}

export interface Spool {
  /** Batches in it. */
  readonly batches: number;
  /** Appends after everything before it; false if the disk did not take it. */
  append(batch: Batch): Promise<boolean>;
  /** The oldest batch that can be read, left in place; null if there is none. */
  peek(): Promise<SpooledBatch | null>;
  close(): Promise<void>;
}

export interface SpoolOptions {
  directory: string;
  bytesMax: number;
  spool_segment_bytes_max: number;
  counters: Counters;
  warnings: FoldedWarnings;
  /** Batches lost: given up for newer ones, or unreadable. */
  onLost: (traces: number, recovered: boolean) => void;
}

interface Entry {
  readonly offset: number;
  readonly bytes: number;
  readonly traces: number;
  readonly recovered: boolean;
  /** Handed out by `peek`, its outcome not known. */
  out: boolean;
  /** Its segment was given up meanwhile. */
  gone: boolean;
}

interface Segment {
  readonly number: number;
  readonly path: string;
  bytes: number;
  entries: Entry[];
}

const OWNER_ONLY = 0o600;
const SEGMENT_NAME = /^(\d{12})\.segment$/;
const CURSOR_NAME = 'cursor';

/** @throws UsageError if the directory cannot be used */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { directory, counters } = options;
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await readdir(directory);
    await writeFile(join(directory, '.writable'), '', { mode: OWNER_ONLY });
    await unlink(join(directory, '.writable'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOSPC')
      throw new UsageError(`--spool-dir ${directory}: ${message}; name a directory that can be written`);
  }

  const segments: Segment[] = await findSegments(directory, counters);
  let next = (segments.at(-1)?.number ?? 0) + 1;
  let writer: { segment: Segment; file: FileHandle } | null = null;
  let turn: Promise<unknown> = Promise.resolve();

  for (const segment of segments)
    for (const entry of segment.entries) {
      counters.recovered_traces += entry.traces;
      counters.spool_traces += entry.traces;
    }
  for (const segment of segments) counters.spool_bytes += segment.bytes;

  const failed = (what: string, error: unknown): void => {
    counters.spool_errors++;
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    options.warnings.warn(`spool ${what} ${reason}`, { directory, reason }, `the spool cannot ${what}: ${reason}`);
  };

  /** One operation at a time, in the order they were asked for. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work);
    turn = result.catch(() => {});
    return result;
  };

  const lose = (entry: Entry): void => {
    counters.spool_traces -= entry.traces;
    options.onLost(entry.traces, entry.recovered);
  };

  const drop = async (segment: Segment): Promise<void> => {
    const index = segments.indexOf(segment);
    if (index >= 0) segments.splice(index, 1);
    counters.spool_bytes -= segment.bytes;
    if (writer?.segment === segment) {
      await writer.file.close().catch(() => {});
      writer = null;
    }
    await unlink(segment.path).catch((error) => failed('delete', error));
  };

  const makeRoom = async (bytes: number): Promise<void> => {
    while (segments.length > 0 && counters.spool_bytes + bytes > options.bytesMax) {
      const oldest = segments[0] as Segment;
      for (const entry of oldest.entries) {
        entry.gone = true;
        // Of a batch that is being sent, the answer decides.
        if (!entry.out) lose(entry);
      }
      await drop(oldest);
      options.warnings.warn(
        'spool full',
        { directory, bytesMax: options.bytesMax },
        'the spool is full: its oldest goes',
      );
    }
  };

  const append = async (batch: Batch): Promise<boolean> => {
    const record = writeRecord(batch);
    if (record.length > options.bytesMax) return false;
    await makeRoom(record.length);
    try {
      if (writer !== null && writer.segment.bytes >= options.spool_segment_bytes_max) {
        await writer.file.close();
        writer = null;
      }
      if (writer === null) {
        const path = join(directory, `${String(next).padStart(12, '0')}.segment`);
        const file = await open(path, 'ax', OWNER_ONLY);
        const segment: Segment = { number: next++, path, bytes: 0, entries: [] };
        segments.push(segment);
        writer = { segment, file };
      }
    } catch (error) {
      failed('open a segment', error);
      writer = null;
      return false;
    }
    const { segment, file } = writer;
    try {
      await file.appendFile(record);
    } catch (error) {
      failed('write', error);
      // What was written of it must not stand before the next record; if even that fails, a new segment is begun.
      await file.truncate(segment.bytes).catch(() => {
        writer = null;
      });
      if (segment.entries.length === 0) await drop(segment);
      return false;
    }
    segment.entries.push({
      offset: segment.bytes,
      bytes: record.length,
      traces: batch.count,
      recovered: batch.recovered,
      out: false,
      gone: false,
    });
    segment.bytes += record.length;
    counters.spool_bytes += record.length;
    counters.spool_traces += batch.count;
    counters.spool_batches_written++;
    return true;
  };

  const read = async (segment: Segment, entry: Entry): Promise<Batch | null> => {
    let file: FileHandle | undefined;
    try {
      file = await open(segment.path, 'r');
      const record = Buffer.alloc(entry.bytes);
      const { bytesRead } = await file.read(record, 0, entry.bytes, entry.offset);
      const batch = readRecord(record.subarray(0, bytesRead), entry.recovered);
      if (batch === null) counters.spool_records_torn++;
      return batch;
    } catch (error) {
      failed('read', error);
      return null;
    } finally {
      await file?.close().catch(() => {});
    }
  };

  /** Forgets the oldest entry of a segment, which is the oldest of all. */
  const forget = async (segment: Segment, entry: Entry): Promise<void> => {
    segment.entries.shift();
    // Also the one being written: read to its end and kept, it would grow for ever.
    if (segment.entries.length === 0) return drop(segment);
    const temporary = join(directory, `${CURSOR_NAME}.new`);
    try {
      await writeFile(temporary, `${segment.number} ${entry.offset + entry.bytes}\n`, { mode: OWNER_ONLY });
      await rename(temporary, join(directory, CURSOR_NAME));
    } catch (error) {
      failed('note what was sent', error);
    }
  };

  const peek = async (): Promise<SpooledBatch | null> => {
    for (;;) {
      const segment = segments.find(({ entries }) => entries.length > 0);
      const entry = segment?.entries[0];
      if (segment === undefined || entry === undefined) return null;
      const batch = await read(segment, entry);
      if (batch === null) {
        lose(entry);
        await forget(segment, entry);
        continue;
      }
      entry.out = true;
      counters.spool_batches_read++;
      return {
        batch,
        remove: () =>
          inTurn(async () => {
            counters.spool_traces -= entry.traces;
            if (!entry.gone) await forget(segment, entry);
          }),
        release() {
          entry.out = false;
          if (entry.gone) lose(entry);
        },
      };
    }
  };

  return {
    get batches() {
      let count = 0;
      for (const { entries } of segments) count += entries.length;
      return count;
    },
    append: (batch) => inTurn(() => append(batch)),
    peek: () => inTurn(peek),
    close: () =>
      inTurn(async () => {
        await writer?.file.close().catch(() => {});
        writer = null;
      }),
  };
}

/** What an earlier run left: its segments, oldest first, without what the cursor says has been taken. */
async function findSegments(directory: string, counters: Counters): Promise<Segment[]> {
  const names = await readdir(directory).catch((): string[] => []);
  const cursor = await readCursor(join(directory, CURSOR_NAME));
  const segments: Segment[] = [];
  for (const name of names.sort()) {
    const number = Number(SEGMENT_NAME.exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(number)) continue;
    const path = join(directory, name);
    const segment = await scanSegment(path, number, number === cursor.segment ? cursor.offset : 0, counters);
    if (segment === null || number < cursor.segment || segment.entries.length === 0)
      await unlink(path).catch(() => counters.spool_errors++);
    else segments.push(segment);
  }
  return segments;
}

async function readCursor(path: string): Promise<{ segment: number; offset: number }> {
  const match = /^(\d+) (\d+)\n$/.exec(await readFile(path, 'utf8').catch(() => ''));
  return match === null ? { segment: 0, offset: 0 } : { segment: Number(match[1]), offset: Number(match[2]) };
}

/** The records from `from` on, by their headers; what follows damage cannot be found any more, and is counted as one. */
async function scanSegment(path: string, number: number, from: number, counters: Counters): Promise<Segment | null> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const { size } = await stat(path);
    const segment: Segment = { number, path, bytes: size, entries: [] };
    const header = Buffer.alloc(RECORD_HEADER_BYTES);
    let offset = from;
    while (offset < size) {
      const { bytesRead } = await file.read(header, 0, RECORD_HEADER_BYTES, offset);
      const record = readRecordHeader(header.subarray(0, bytesRead));
      const bytes = RECORD_HEADER_BYTES + (record?.payloadBytes ?? 0);
      if (record === null || offset + bytes > size) {
        counters.spool_records_torn++;
        break;
      }
      segment.entries.push({ offset, bytes, traces: record.traces, recovered: true, out: false, gone: false });
      offset += bytes;
    }
    return segment;
  } catch {
    counters.spool_errors++;
    return null;
  } finally {
    await file?.close().catch(() => {});
  }
}
