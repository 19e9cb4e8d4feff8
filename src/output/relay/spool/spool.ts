/**
 * Batches on disk while the receiver is away: first in, first out, bounded in bytes.
 *
 * in: batches, appended · out: the same, oldest first, in this run or the next
 *
 * `cursor` names how far the oldest segment has been taken, replaced by a rename after each batch. A run never appends to
 * a segment of an earlier one, so a tail that was torn when the sensor was killed stays where it is, and is skipped. Nothing
 * is synced: what the kernel was handed outlives the process and its container, which is what a spool beside a task is for.
 * A directory belongs to one sensor.
 *
 * No method rejects: what the disk does not take or give is counted.
 */
import type { Counters } from '../../../counters.js';
import type { FoldedWarnings } from '../../fold.js';
import type { Batch } from '../batch.js';
import { readRecord, writeRecord } from './record.js';
import { type Entry, type FoundSegments, findSegments, newSegment, type Segment, writeCursor } from './segment.js';
import { openSpoolDirectory, type SpoolDirectory, type SpoolFile } from './spool-directory.js';

export interface SpooledBatch {
  readonly batch: Batch;
  /** Delivered, refused or given up. */
  remove(): Promise<void>;
  /** To be tried again later. */
  release(): void;
}

export interface Spool {
  /** Traces that an earlier run left, as they were found. */
  readonly recoveredTraces: number;
  /** Batches in it. */
  readonly batches: number;
  /** Appends after everything before it; false if the disk did not take it. */
  append(batch: Batch): Promise<boolean>;
  /** The oldest batch that can be read, left in place; null if there is none. */
  peek(): Promise<SpooledBatch | null>;
  close(): Promise<void>;
}

export interface SpoolContext {
  directory: string;
  bytesMax: number;
  spool_segment_bytes_max: number;
  counters: Counters;
  warnings: FoldedWarnings;
  /** Batches lost: given up for newer ones, or unreadable. */
  onLost: (traces: number, recovered: boolean) => void;
  /** The files of `directory`; those on disk, if absent. */
  files?: SpoolDirectory;
}

/** @throws UsageError if the directory cannot be used */
export async function openSpool(context: SpoolContext): Promise<Spool> {
  const files = context.files ?? (await openSpoolDirectory(context.directory));
  return new SegmentedSpool(context, files, await findSegments(files));
}

class SegmentedSpool implements Spool {
  readonly #context: SpoolContext;
  readonly #files: SpoolDirectory;
  /** Oldest first. */
  readonly #segments: Segment[];
  readonly recoveredTraces: number;
  #nextNumber: number;
  #bytes = 0;
  #writer: { segment: Segment; file: SpoolFile } | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(context: SpoolContext, files: SpoolDirectory, found: FoundSegments) {
    this.#context = context;
    this.#files = files;
    this.#segments = found.segments;
    this.#nextNumber = found.nextNumber;
    const { counters } = context;
    counters.spool_records_torn += found.torn;
    counters.spool_errors += found.errors;
    let recoveredTraces = 0;
    for (const { bytes, entries } of found.segments) {
      this.#hold(bytes);
      for (const { traces } of entries) recoveredTraces += traces;
    }
    this.recoveredTraces = recoveredTraces;
    counters.recovered_traces += recoveredTraces;
    counters.spool_traces += recoveredTraces;
  }

  get batches(): number {
    return this.#segments.reduce((sum, { entries }) => sum + entries.length, 0);
  }

  append(batch: Batch): Promise<boolean> {
    return this.#inTurn(() => this.#append(batch));
  }

  peek(): Promise<SpooledBatch | null> {
    return this.#inTurn(() => this.#peek());
  }

  close(): Promise<void> {
    return this.#inTurn(() => this.#closeWriter());
  }

  /** One operation at a time, in the order they were asked for. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }

  async #append(batch: Batch): Promise<boolean> {
    const { counters, bytesMax } = this.#context;
    const record = writeRecord(batch);
    if (record.length > bytesMax) return false;
    await this.#makeRoom(record.length);
    const segment = await this.#write(record);
    if (segment === null) return false;
    const { count: traces, recovered } = batch;
    segment.entries.push({ offset: segment.bytes, bytes: record.length, traces, recovered, out: false, gone: false });
    segment.bytes += record.length;
    this.#hold(record.length);
    counters.spool_traces += traces;
    counters.spool_batches_written++;
    return true;
  }

  /** The segment that took the record at its end; null if none did. */
  async #write(record: Buffer): Promise<Segment | null> {
    const writer = await this.#openWriter();
    if (writer === null) return null;
    const { segment, file } = writer;
    try {
      await file.append(record);
      return segment;
    } catch (error) {
      this.#noteFailure('write', error);
      // What was written of it must not stand before the next record; if even that fails, a new segment is begun.
      await file.truncate(segment.bytes).catch(() => this.#closeWriter());
      if (segment.entries.length === 0) await this.#drop(segment);
      return null;
    }
  }

  async #openWriter(): Promise<{ segment: Segment; file: SpoolFile } | null> {
    if (this.#writer !== null && this.#writer.segment.bytes >= this.#context.spool_segment_bytes_max)
      await this.#closeWriter();
    if (this.#writer !== null) return this.#writer;
    const segment = newSegment(this.#nextNumber);
    try {
      this.#writer = { segment, file: await this.#files.create(segment.name) };
    } catch (error) {
      this.#noteFailure('open a segment', error);
      return null;
    }
    this.#nextNumber++;
    this.#segments.push(segment);
    return this.#writer;
  }

  async #closeWriter(): Promise<void> {
    await this.#writer?.file.close();
    this.#writer = null;
  }

  /** Gives up the oldest segments until `bytes` more fit. */
  async #makeRoom(bytes: number): Promise<void> {
    const { directory, bytesMax, warnings } = this.#context;
    while (this.#segments.length > 0 && this.#bytes + bytes > bytesMax) {
      const oldest = this.#segments[0] as Segment;
      for (const entry of oldest.entries) {
        entry.gone = true;
        // What becomes of a batch that is being sent depends on the answer.
        if (!entry.out) this.#lose(entry);
      }
      await this.#drop(oldest);
      warnings.warn('spool full', { directory, bytesMax }, 'the spool is full: its oldest segment is given up');
    }
  }

  async #peek(): Promise<SpooledBatch | null> {
    for (;;) {
      const segment = this.#segments.find(({ entries }) => entries.length > 0);
      const entry = segment?.entries[0];
      if (segment === undefined || entry === undefined) return null;
      const batch = await this.#read(segment, entry);
      if (batch !== null) return this.#handOut(segment, entry, batch);
      this.#lose(entry);
      await this.#forget(segment, entry);
    }
  }

  #handOut(segment: Segment, entry: Entry, batch: Batch): SpooledBatch {
    const { counters } = this.#context;
    entry.out = true;
    counters.spool_batches_read++;
    return {
      batch,
      remove: () => {
        // At once: from here on its traces are the caller's.
        counters.spool_traces -= entry.traces;
        return this.#inTurn(async () => {
          if (!entry.gone) await this.#forget(segment, entry);
        });
      },
      release: () => {
        entry.out = false;
        if (entry.gone) this.#lose(entry);
      },
    };
  }

  /** The batch, or null if it cannot be read or a single bit of it is wrong. */
  async #read(segment: Segment, entry: Entry): Promise<Batch | null> {
    let file: SpoolFile | undefined;
    try {
      file = await this.#files.open(segment.name);
      const batch = readRecord(await file.read(entry.offset, entry.bytes), entry.recovered);
      if (batch === null) this.#context.counters.spool_records_torn++;
      return batch;
    } catch (error) {
      this.#noteFailure('read', error);
      return null;
    } finally {
      await file?.close();
    }
  }

  /** Forgets the oldest entry of a segment, which is the oldest of all. */
  async #forget(segment: Segment, entry: Entry): Promise<void> {
    segment.entries.shift();
    // Also the one being written: read to its end and kept, it would grow for ever.
    if (segment.entries.length === 0) return this.#drop(segment);
    await writeCursor(this.#files, { segment: segment.number, offset: entry.offset + entry.bytes }).catch((error) =>
      this.#noteFailure('note what was sent', error),
    );
  }

  async #drop(segment: Segment): Promise<void> {
    const index = this.#segments.indexOf(segment);
    if (index >= 0) this.#segments.splice(index, 1);
    this.#hold(-segment.bytes);
    if (this.#writer?.segment === segment) await this.#closeWriter();
    await this.#files.remove(segment.name).catch((error) => this.#noteFailure('delete', error));
  }

  #lose(entry: Entry): void {
    this.#context.counters.spool_traces -= entry.traces;
    this.#context.onLost(entry.traces, entry.recovered);
  }

  #hold(bytes: number): void {
    this.#bytes += bytes;
    this.#context.counters.spool_bytes += bytes;
  }

  #noteFailure(what: string, error: unknown): void {
    const { counters, warnings, directory } = this.#context;
    counters.spool_errors++;
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    warnings.warn(`spool ${what} ${reason}`, { directory, reason }, `the spool cannot ${what}: ${reason}`);
  }
}
