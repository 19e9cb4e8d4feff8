/**
 * What a spool is, in the plainest terms: an array of files, each an array of records; a cursor; and what the run under way
 * knows of them. Slow, without bytes, promises or handles: the one to be believed where it and the real spool disagree.
 *
 * The disk outlives a run, so it is kept apart from what a run knows. A change of the format on disk is a change of `scan`
 * here, and of the kinds of damage a test may do.
 */
import { encodeCursor } from '../../../../../src/output/relay/spool/cursor.js';
import type { DiskFault, DiskOperation } from '../../../../support/memory-disk.js';

export interface ModelRecord {
  readonly id: number;
  readonly bytes: number;
  readonly traces: number;
  /** The number of its first trace; the model's, when it is written. */
  first: number;
  /** Its payload is wrong, so that it is found and not believed; or its header, so that it is not found. */
  damage: 'none' | 'payload' | 'header';
}

/** One of the two copies of the cursor. */
export interface ModelCursor {
  taken: number;
  appended: number;
  /** 0 where there is no file. */
  bytes: number;
  isDamaged: boolean;
}

interface ModelFile {
  readonly number: number;
  readonly records: ModelRecord[];
  /** Behind the last record. */
  tornBytes: number;
}

interface Known {
  /** Null where its record is missing. */
  readonly file: number | null;
  readonly record: ModelRecord;
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

const CURSOR_BYTES = encodeCursor({ taken: 0, appended: 0 }).length;

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
  cursors: ModelCursor[] = [newCursor(), newCursor()];
  /** Names of files that are none of the spool's, and their bytes together. */
  foreign = new Set<string>();
  foreignBytes = 0;
  diskBytesMax = Number.POSITIVE_INFINITY;
  faults: DiskFault[] = [];
  // Known to the run.
  counters: ModelCounters = { ...NO_COUNTERS };
  lost: ModelRecord[] = [];
  #segments: { number: number; bytes: number }[] = [];
  #entries: Known[] = [];
  #writer: number | null = null;
  readonly #unreadable = new Set<number>();
  #nextNumber = 1;
  /** The number of the next trace. */
  #next = 0;
  #out: { entry: Known; isGone: boolean } | null = null;
  readonly #settings: ModelSettings;

  constructor(settings: ModelSettings) {
    this.#settings = settings;
  }

  /** Ids of what waits, oldest first; 0 for traces whose record is missing. */
  get waiting(): number[] {
    return this.#entries.map(({ record }) => record.id);
  }

  /** What is handed out though its segment was given up: no disk has it any more. */
  get onlyInHand(): number | null {
    return this.#out?.isGone ? this.#out.entry.record.id : null;
  }

  get diskBytes(): number {
    const cursors = this.cursors.reduce((sum, { bytes }) => sum + bytes, this.foreignBytes);
    return this.files.reduce((sum, file) => sum + sizeOf(file), cursors);
  }

  /** A run begins, whatever became of the last one. */
  open(): void {
    this.counters = { ...NO_COUNTERS };
    this.lost = [];
    this.#segments = [];
    this.#entries = [];
    this.#writer = null;
    this.#out = null;
    this.#unreadable.clear();
    this.#nextNumber = Math.max(0, ...this.files.map(({ number }) => number)) + 1;
    // Each segment is looked at once for an older format, before all else.
    for (let i = 0; i < this.files.length; i++) if (!this.#fails('open')) this.#fails('read');
    const found = this.#names.flatMap((name) => {
      const file = this.files.find(({ number }) => nameOf(number) === name);
      if (file !== undefined) return this.#scan(file);
      // It may be a segment that somebody renamed.
      if (!this.#fails('open')) this.#fails('read');
      return [];
    });
    this.#putInOrder(found, this.#readCursors());
    for (const file of [...this.files]) {
      if (this.#unreadable.has(file.number)) continue;
      if (this.#entries.some((entry) => entry.file === file.number)) {
        this.#segments.push({ number: file.number, bytes: sizeOf(file) });
        this.counters.spool_bytes += sizeOf(file);
      } else if (this.#fails('remove')) this.counters.spool_errors++;
      else this.#unlink(file.number);
    }
    this.counters.recovered_traces = this.#entries.reduce((sum, { record }) => sum + record.traces, 0);
    this.counters.spool_traces = this.counters.recovered_traces;
  }

  append(record: ModelRecord): boolean {
    const { bytesMax, segmentBytesMax } = this.#settings;
    if (record.bytes > bytesMax) return false;
    record.first = this.#next;
    while (this.#entries.length > 0 && this.counters.spool_bytes + record.bytes > bytesMax) this.#giveUpOldest();
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
    this.#entries.push({ file: segment.number, record });
    this.#next += record.traces;
    this.counters.spool_bytes += record.bytes;
    this.counters.spool_traces += record.traces;
    this.counters.spool_batches_written++;
    this.#noteCursor();
    return true;
  }

  /** The oldest that can be read, handed out until `remove` or `release`. */
  peek(): ModelRecord | null {
    for (;;) {
      const entry = this.#entries[0];
      if (entry === undefined) return null;
      const isMissing = entry.file === null;
      const isUnreadable = !isMissing && (this.#fails('open') || this.#fails('read'));
      if (!isMissing && !isUnreadable && entry.record.damage === 'none') {
        this.#out = { entry, isGone: false };
        this.counters.spool_batches_read++;
        return entry.record;
      }
      if (isUnreadable) this.counters.spool_errors++;
      else if (!isMissing) this.counters.spool_records_torn++;
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

  get #names(): string[] {
    return [...this.files.map(({ number }) => nameOf(number)), ...this.foreign].sort();
  }

  /** The records of a file: what is damaged is skipped, and counted once for each place where it is. */
  #scan(file: ModelFile): { file: number; record: ModelRecord }[] {
    if (this.#fails('open') || (sizeOf(file) > 0 && this.#fails('read'))) {
      this.counters.spool_errors++;
      this.#unreadable.add(file.number);
      return [];
    }
    const found: ModelRecord[] = [];
    let isInDamage = false;
    const noteDamage = (): void => {
      if (isInDamage) return;
      isInDamage = true;
      this.counters.spool_records_torn++;
      // What is before it is looked at as well, as its length may be what is wrong.
      if (found.at(-1)?.damage === 'payload') found.pop();
    };
    for (const record of file.records) {
      if (record.damage === 'header') noteDamage();
      else {
        isInDamage = false;
        found.push(record);
      }
    }
    if (file.tornBytes > 0) noteDamage();
    return found.map((record) => ({ file: file.number, record }));
  }

  #readCursors(): ModelCursor | null {
    let best: ModelCursor | null = null;
    for (const cursor of this.cursors) {
      // Nothing is read of a file that is not there.
      if (this.#fails('open') || (cursor.bytes > 0 && this.#fails('read'))) this.counters.spool_errors++;
      else if (cursor.bytes > 0 && cursor.isDamaged) this.counters.spool_records_torn++;
      else if (cursor.bytes > 0 && (best === null || cursor.appended >= best.appended)) {
        const taken = Math.max(cursor.taken, best?.taken ?? 0);
        best = { ...cursor, taken };
      }
    }
    return best;
  }

  /** By the numbers of their traces; what numbers are missing between two records were in one that is gone. */
  #putInOrder(found: { file: number; record: ModelRecord }[], cursor: ModelCursor | null): void {
    found.sort((a, b) => a.record.first - b.record.first || b.file - a.file);
    this.#next = cursor?.taken ?? found[0]?.record.first ?? 0;
    for (const { file, record } of found) {
      if (record.first < this.#next) continue;
      this.#miss(record.first);
      this.#entries.push({ file, record });
      this.#next += record.traces;
    }
    this.#miss(cursor?.appended ?? 0);
  }

  #miss(until: number): void {
    if (until <= this.#next) return;
    const record: ModelRecord = { id: 0, bytes: 0, traces: until - this.#next, first: this.#next, damage: 'header' };
    this.#entries.push({ file: null, record });
    this.#next = until;
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
    const number = this.#entries[0]?.file ?? null;
    for (const entry of this.#entries.filter(({ file }) => file === number)) {
      if (this.#out?.entry === entry) this.#out.isGone = true;
      else this.#lose(entry);
    }
    this.#entries = this.#entries.filter(({ file }) => file !== number);
    this.#noteCursor();
    if (number !== null) this.#drop(number);
  }

  #forget(entry: Known): void {
    this.#entries.shift();
    this.#noteCursor();
    if (entry.file !== null && !this.#entries.some(({ file }) => file === entry.file)) this.#drop(entry.file);
  }

  /** Both copies, in place: only making them takes room. */
  #noteCursor(): void {
    for (const cursor of this.cursors) {
      const growth = CURSOR_BYTES - Math.min(cursor.bytes, CURSOR_BYTES);
      if (this.#fails('overwrite') || (growth > 0 && this.diskBytes + growth > this.diskBytesMax)) {
        this.counters.spool_errors++;
        continue;
      }
      cursor.taken = this.#entries[0]?.record.first ?? this.#next;
      cursor.appended = this.#next;
      cursor.bytes += growth;
      cursor.isDamaged = false;
    }
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

export function nameOf(number: number): string {
  return `${String(number).padStart(12, '0')}.segment`;
}

function newCursor(): ModelCursor {
  return { taken: 0, appended: 0, bytes: 0, isDamaged: false };
}

export function sizeOf({ records, tornBytes }: { records: readonly ModelRecord[]; tornBytes: number }): number {
  return records.reduce((sum, { bytes }) => sum + bytes, tornBytes);
}
