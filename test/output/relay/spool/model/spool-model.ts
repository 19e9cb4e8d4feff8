/**
 * What a spool is, in the plainest terms: an array of files, each an array of records; a cursor; and what the run under way
 * knows of them. Slow, without bytes, promises or handles: the one to be believed where it and the real spool disagree.
 *
 * The disk outlives a run, so it is kept apart from what a run knows. A change of the format on disk is a change of `scan`
 * here, and of the kinds of damage a test may do.
 */
import type { DiskFault, DiskOperation } from '../../../../support/memory-disk.js';

export interface ModelRecord {
  readonly id: number;
  readonly bytes: number;
  readonly traces: number;
  /** Its payload or its checksum is wrong, so that it is found and not believed; or its magic, so that it is not found. */
  damage: 'none' | 'content' | 'magic';
}

interface ModelFile {
  readonly number: number;
  readonly records: ModelRecord[];
  /** Behind the last record. */
  tornBytes: number;
}

interface Known {
  readonly file: number;
  readonly record: ModelRecord;
  /** Where the next record begins. */
  readonly end: number;
  readonly isRecovered: boolean;
}

export interface ModelCounters {
  recovered_traces: number;
  spool_traces: number;
  spool_bytes: number;
  spool_records_torn: number;
  spool_errors: number;
  spool_batches_written: number;
  spool_batches_read: number;
}

export interface ModelSettings {
  readonly bytesMax: number;
  readonly segmentBytesMax: number;
}

const NO_COUNTERS: ModelCounters = {
  recovered_traces: 0,
  spool_traces: 0,
  spool_bytes: 0,
  spool_records_torn: 0,
  spool_errors: 0,
  spool_batches_written: 0,
  spool_batches_read: 0,
};

export class SpoolModel {
  // On disk.
  files: ModelFile[] = [];
  cursor = { segment: 0, offset: 0, bytes: 0 };
  foreignBytes = 0;
  diskBytesMax = Number.POSITIVE_INFINITY;
  faults: DiskFault[] = [];
  // Known to the run.
  counters: ModelCounters = { ...NO_COUNTERS };
  lost: ModelRecord[] = [];
  #segments: { number: number; bytes: number }[] = [];
  #entries: Known[] = [];
  #writer: number | null = null;
  #nextNumber = 1;
  #out: { entry: Known; isGone: boolean } | null = null;
  readonly #settings: ModelSettings;

  constructor(settings: ModelSettings) {
    this.#settings = settings;
  }

  /** Ids of what waits, oldest first. */
  get waiting(): number[] {
    return this.#entries.map(({ record }) => record.id);
  }

  /** What is handed out though its segment was given up: no disk has it any more. */
  get onlyInHand(): number | null {
    return this.#out?.isGone ? this.#out.entry.record.id : null;
  }

  get diskBytes(): number {
    return this.files.reduce((sum, file) => sum + sizeOf(file), this.cursor.bytes + this.foreignBytes);
  }

  /** A run begins, whatever became of the last one. */
  open(): void {
    this.counters = { ...NO_COUNTERS };
    this.lost = [];
    this.#segments = [];
    this.#entries = [];
    this.#writer = null;
    this.#out = null;
    const isCursorUnreadable = this.#fails('open') || (this.cursor.bytes > 0 && this.#fails('read'));
    const cursor = isCursorUnreadable ? { segment: 0, offset: 0 } : this.cursor;
    this.#nextNumber = Math.max(cursor.segment, ...this.files.map(({ number }) => number)) + 1;
    for (const file of [...this.files].sort((a, b) => a.number - b.number)) this.#scan(file, cursor);
    this.counters.recovered_traces = this.#entries.reduce((sum, { record }) => sum + record.traces, 0);
    this.counters.spool_traces = this.counters.recovered_traces;
  }

  append(record: ModelRecord): boolean {
    const { bytesMax, segmentBytesMax } = this.#settings;
    if (record.bytes > bytesMax) return false;
    while (this.#segments.length > 0 && this.counters.spool_bytes + record.bytes > bytesMax) this.#giveUpOldest();
    if (this.#writer !== null && this.#segmentOf(this.#writer).bytes >= segmentBytesMax) this.#writer = null;
    if (this.#writer === null) {
      if (this.#fails('create')) {
        this.counters.spool_errors++;
        return false;
      }
      this.files.push({ number: this.#nextNumber, records: [], tornBytes: 0 });
      this.#segments.push({ number: this.#nextNumber, bytes: 0 });
      this.#writer = this.#nextNumber++;
    }
    const segment = this.#segmentOf(this.#writer);
    if (!this.#write(segment.number, record)) return false;
    segment.bytes += record.bytes;
    this.#entries.push({ file: segment.number, record, end: segment.bytes, isRecovered: false });
    this.counters.spool_bytes += record.bytes;
    this.counters.spool_traces += record.traces;
    this.counters.spool_batches_written++;
    return true;
  }

  /** The oldest that can be read, handed out until `remove` or `release`. */
  peek(): ModelRecord | null {
    for (;;) {
      const entry = this.#entries[0];
      if (entry === undefined) return null;
      const isUnreadable = this.#fails('open') || this.#fails('read');
      if (!isUnreadable && entry.record.damage === 'none') {
        this.#out = { entry, isGone: false };
        this.counters.spool_batches_read++;
        return entry.record;
      }
      if (isUnreadable) this.counters.spool_errors++;
      else this.counters.spool_records_torn++;
      this.#lose(entry);
      this.#forget(entry);
    }
  }

  remove(): void {
    if (this.#out === null) return;
    const { entry, isGone } = this.#out;
    this.#out = null;
    this.counters.spool_traces -= entry.record.traces;
    if (!isGone) this.#forget(entry);
  }

  release(): void {
    if (this.#out?.isGone) this.#lose(this.#out.entry);
    this.#out = null;
  }

  close(): void {
    this.#writer = null;
  }

  /** Finds the records of a file from the cursor on: what lies behind damage cannot be found any more. */
  #scan(file: ModelFile, cursor: { segment: number; offset: number }): void {
    const size = sizeOf(file);
    const from = file.number === cursor.segment ? cursor.offset : 0;
    if (this.#fails('open') || (from < size && this.#fails('read'))) {
      this.counters.spool_errors++;
      return;
    }
    const found: Known[] = [];
    let at = 0;
    let isDamaged = file.tornBytes > 0 && from < size;
    for (const record of file.records) {
      at += record.bytes;
      if (at <= from) continue;
      if (record.damage === 'magic') {
        isDamaged = true;
        break;
      }
      found.push({ file: file.number, record, end: at, isRecovered: true });
    }
    if (isDamaged) this.counters.spool_records_torn++;
    if (file.number < cursor.segment || found.length === 0) {
      if (this.#fails('remove')) this.counters.spool_errors++;
      else this.#unlink(file.number);
      return;
    }
    this.#segments.push({ number: file.number, bytes: size });
    this.#entries.push(...found);
    this.counters.spool_bytes += size;
  }

  /** Whether the disk took the record. */
  #write(number: number, record: ModelRecord): boolean {
    const file = this.#fileOf(number);
    const fault = this.#take('append');
    const free = Math.max(0, this.diskBytesMax - this.diskBytes);
    const kept = Math.min(fault?.kept ?? record.bytes, free, record.bytes);
    if (fault === undefined && kept === record.bytes) {
      file.records.push(record);
      return true;
    }
    if (!fault?.isFatal) this.counters.spool_errors++;
    if (fault?.isFatal || this.#fails('truncate')) {
      if (kept === record.bytes) file.records.push(record);
      else file.tornBytes += kept;
      this.#writer = null;
    }
    if (!fault?.isFatal && !this.#entries.some((entry) => entry.file === number)) this.#drop(number);
    return false;
  }

  #giveUpOldest(): void {
    const { number } = this.#segments[0] as { number: number };
    for (const entry of this.#entries.filter(({ file }) => file === number)) {
      if (this.#out?.entry === entry) this.#out.isGone = true;
      else this.#lose(entry);
    }
    this.#entries = this.#entries.filter(({ file }) => file !== number);
    this.#drop(number);
  }

  #forget(entry: Known): void {
    this.#entries.shift();
    if (!this.#entries.some(({ file }) => file === entry.file)) {
      this.#drop(entry.file);
      return;
    }
    const bytes = `${entry.file} ${entry.end}\n`.length;
    if (this.#fails('replace') || this.diskBytes + bytes > this.diskBytesMax) this.counters.spool_errors++;
    else this.cursor = { segment: entry.file, offset: entry.end, bytes };
  }

  #drop(number: number): void {
    this.counters.spool_bytes -= this.#segmentOf(number).bytes;
    this.#segments = this.#segments.filter((segment) => segment.number !== number);
    if (this.#writer === number) this.#writer = null;
    if (this.#fails('remove')) this.counters.spool_errors++;
    else this.#unlink(number);
  }

  #lose({ record }: Known): void {
    this.counters.spool_traces -= record.traces;
    this.lost.push(record);
  }

  #unlink(number: number): void {
    this.files = this.files.filter((file) => file.number !== number);
  }

  #fileOf(number: number): ModelFile {
    return this.files.find((file) => file.number === number) as ModelFile;
  }

  #segmentOf(number: number): { number: number; bytes: number } {
    return this.#segments.find((segment) => segment.number === number) as { number: number; bytes: number };
  }

  #fails(operation: DiskOperation): boolean {
    return this.#take(operation) !== undefined;
  }

  #take(operation: DiskOperation): DiskFault | undefined {
    const index = this.faults.findIndex((fault) => fault.operation === operation);
    return index < 0 ? undefined : this.faults.splice(index, 1)[0];
  }
}

export function sizeOf({ records, tornBytes }: { records: readonly ModelRecord[]; tornBytes: number }): number {
  return records.reduce((sum, { bytes }) => sum + bytes, tornBytes);
}
