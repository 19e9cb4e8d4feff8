/**
 * Batches on disk while the receiver is away: first in, first out, bounded in bytes.
 *
 * in: batches, appended · out: the same, oldest first, in this run or the next
 *
 * Traces are numbered, and the cursor says which number is taken next and which is given next. So whatever happens to the files,
 * the next run knows what it has, and exactly how many traces it lacks. A run never appends to a segment of an earlier one,
 * so a tail that was torn when the sensor was killed stays where it is, and is skipped. Nothing is synced: what the kernel was
 * handed outlives the process and its container, which is what a spool beside a task is for. A directory belongs to one
 * sensor at a time.
 *
 * No method rejects: what the disk does not take or give is counted.
 */
import type { Counters } from '../../../counters.js';
import { UsageError } from '../../../errors.js';
import type { FoldedWarnings } from '../../fold.js';
import type { Batch } from '../batch.js';
import { CURSOR_NAMES, encodeCursor } from './cursor.js';
import { readRecord, writeRecord } from './record.js';
import { type Entry, newEntry, type Recovery, recoverSpool } from './recovery.js';
import { newSegment, type Segment } from './segment.js';
import { openSpoolDirectory, type SpoolDirectory, type SpoolFile } from './spool-directory.js';

export interface SpooledBatch {
  readonly batch: Batch;
  /** Delivered, refused or given up. */
  remove(): Promise<void>;
  /** To be tried again later. */
  release(): void;
}

export interface Spool {
  /** Traces that an earlier run left; those whose record is missing are reported lost when it is their turn. */
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

/** @throws SensorError, UsageError if the directory cannot be used, or another sensor uses it */
export async function openSpool(context: SpoolContext): Promise<Spool> {
  const files = context.files ?? (await openSpoolDirectory(context.directory));
  try {
    await lockDirectory(context, files);
    return new SegmentedSpool(context, files, await recoverSpool(files));
  } catch (error) {
    await files.close();
    throw error;
  }
}

/** @throws SensorError */
async function lockDirectory({ directory, warnings }: SpoolContext, files: SpoolDirectory): Promise<void> {
  const outcome = await files.lock();
  if (outcome === 'held by another')
    throw new UsageError(`--spool-dir ${directory}: another sensor uses it; give each sensor a directory of its own`);
  if (outcome === 'unknown')
    warnings.warn(
      'spool lock',
      { directory },
      'the spool cannot be locked (no flock(1), or no locks on this file system): see that no other sensor uses it',
    );
}

class SegmentedSpool implements Spool {
  readonly #context: SpoolContext;
  readonly #files: SpoolDirectory;
  /** Oldest first. */
  readonly #entries: Entry[];
  readonly recoveredTraces: number;
  /** The number of the next trace. */
  #next: number;
  #nextSegment: number;
  #bytes = 0;
  #writer: { segment: Segment; file: SpoolFile } | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(context: SpoolContext, files: SpoolDirectory, found: Recovery) {
    this.#context = context;
    this.#files = files;
    this.#entries = found.entries;
    this.#next = found.next;
    this.#nextSegment = found.nextSegment;
    this.#hold(found.bytes);
    const { counters } = context;
    counters.spool_records_torn += found.damaged;
    counters.spool_errors += found.errors;
    this.#noteDamage(found);
    const recoveredTraces = found.entries.reduce((sum, { traces }) => sum + traces, 0);
    this.recoveredTraces = recoveredTraces;
    counters.recovered_traces += recoveredTraces;
    counters.spool_traces += recoveredTraces;
  }

  get batches(): number {
    return this.#entries.length;
  }

  append(batch: Batch): Promise<boolean> {
    return this.#inTurn(() => this.#append(batch));
  }

  peek(): Promise<SpooledBatch | null> {
    return this.#inTurn(() => this.#peek());
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#closeWriter();
      await this.#files.close();
    });
  }

  /** One operation at a time, in the order they were asked for. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }

  async #append(batch: Batch): Promise<boolean> {
    const { counters, bytesMax } = this.#context;
    const { count: traces, recovered } = batch;
    const record = writeRecord(batch, this.#next);
    if (record.length > bytesMax) return false;
    await this.#makeRoom(record.length);
    const segment = await this.#write(record);
    if (segment === null) return false;
    const next = this.#next + traces;
    await this.#noteCursor(next);
    // From here on in one turn, so that the caller never sees its traces counted twice.
    const place = { segment, offset: segment.bytes, bytes: record.length, traces, first: this.#next };
    this.#entries.push(newEntry(place, recovered));
    this.#next = next;
    segment.waiting++;
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
      if (segment.waiting === 0) await this.#drop(segment);
      return null;
    }
  }

  async #openWriter(): Promise<{ segment: Segment; file: SpoolFile } | null> {
    if (this.#writer !== null && this.#writer.segment.bytes >= this.#context.spool_segment_bytes_max)
      await this.#closeWriter();
    if (this.#writer !== null) return this.#writer;
    const segment = newSegment(this.#nextSegment);
    try {
      this.#writer = { segment, file: await this.#files.create(segment.name) };
    } catch (error) {
      this.#noteFailure('open a segment', error);
      return null;
    }
    this.#nextSegment++;
    return this.#writer;
  }

  async #closeWriter(): Promise<void> {
    await this.#writer?.file.close();
    this.#writer = null;
  }

  /** Gives up the oldest segments until `bytes` more fit. */
  async #makeRoom(bytes: number): Promise<void> {
    const { directory, bytesMax, warnings } = this.#context;
    while (this.#entries.length > 0 && this.#bytes + bytes > bytesMax) {
      const oldest = this.#entries[0]?.segment ?? null;
      await this.#giveUp(oldest);
      if (oldest !== null)
        warnings.warn('spool full', { directory, bytesMax }, 'the spool is full: its oldest segment is given up');
    }
  }

  /** Gives up all entries of a segment, or those whose record is missing. */
  async #giveUp(segment: Segment | null): Promise<void> {
    let kept = 0;
    for (const entry of this.#entries) {
      if (entry.segment !== segment) {
        this.#entries[kept++] = entry;
        continue;
      }
      entry.gone = true;
      // What becomes of a batch that is being sent depends on the answer.
      if (!entry.out) this.#lose(entry);
    }
    this.#entries.length = kept;
    await this.#noteCursor();
    if (segment !== null) await this.#drop(segment);
  }

  async #peek(): Promise<SpooledBatch | null> {
    for (;;) {
      const entry = this.#entries[0];
      if (entry === undefined) return null;
      const batch = entry.segment === null ? null : await this.#read(entry.segment, entry);
      if (batch !== null) return this.#handOut(entry, batch);
      this.#lose(entry);
      await this.#forget(entry);
    }
  }

  #handOut(entry: Entry, batch: Batch): SpooledBatch {
    const { counters } = this.#context;
    entry.out = true;
    counters.spool_batches_read++;
    return {
      batch,
      remove: () => {
        // At once: from here on its traces are the caller's.
        counters.spool_traces -= entry.traces;
        return this.#inTurn(async () => {
          if (!entry.gone) await this.#forget(entry);
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
      if (batch !== null && batch.count === entry.traces) return batch;
      this.#context.counters.spool_records_torn++;
      return null;
    } catch (error) {
      this.#noteFailure('read', error);
      return null;
    } finally {
      await file?.close();
    }
  }

  /** Forgets the oldest entry. */
  async #forget(entry: Entry): Promise<void> {
    this.#entries.shift();
    await this.#noteCursor();
    const { segment } = entry;
    // Also the one being written: read to its end and kept, it would grow for ever.
    if (segment !== null && --segment.waiting === 0) await this.#drop(segment);
  }

  /** Before a segment goes, so that the next run does not miss what was in it. */
  async #noteCursor(appended = this.#next): Promise<void> {
    const line = encodeCursor({ taken: this.#entries[0]?.first ?? this.#next, appended });
    for (const name of CURSOR_NAMES)
      await this.#files.overwrite(name, line).catch((error) => this.#noteFailure('note how far it is', error));
  }

  async #drop(segment: Segment): Promise<void> {
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

  #noteDamage({ damaged, errors, entries }: Recovery): void {
    const { directory, warnings } = this.#context;
    if (damaged + errors === 0) return;
    const missing = entries.reduce((sum, { segment, traces }) => sum + (segment === null ? traces : 0), 0);
    warnings.warn('spool damaged', { directory, damaged, errors, missing }, 'part of the spool cannot be read');
  }

  #noteFailure(what: string, error: unknown): void {
    const { counters, warnings, directory } = this.#context;
    counters.spool_errors++;
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    warnings.warn(`spool ${what} ${reason}`, { directory, reason }, `the spool cannot ${what}: ${reason}`);
  }
}
