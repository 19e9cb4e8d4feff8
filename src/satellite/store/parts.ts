/**
 * What knows where to look: for each part of the traces, so many after each other, its values in order, written at once when the
 * part is full.
 *
 * An index that each trace is put into as it comes takes a page of writing for each, somewhere else every time, and ten times what the
 * trace itself takes. Sorted, a part is written from its first page to its last. What is in no part yet is gone through.
 *
 * in: a database whose traces are numbered without large holes · out: tables `by_…` of (part, value, seq), and in `parts` which are full
 */
import { IdFilter } from './known-ids.js';
import type { Database } from './sqlite.js';

/** Traces of a part. */
export const PART_TRACES = 1 << 16;

export const partOf = (seq: number): number => Math.floor(seq / PART_TRACES);

interface PartIndex {
  readonly table: string;
  /** What of a trace is its value: NULL is 0, so that it has a place. */
  readonly value: string;
  readonly where: string;
}

/** By the column that is looked for. */
export const PART_INDEXES: Readonly<Record<string, PartIndex>> = {
  trace_id: { table: 'by_id', value: 'trace_id', where: 'trace_id IS NOT NULL' },
  status: { table: 'by_status', value: 'coalesce(status, 0)', where: '1' },
  method: { table: 'by_method', value: 'method', where: '1' },
  duration: { table: 'by_duration', value: 'duration', where: '1' },
  host: { table: 'by_host', value: 'host', where: '1' },
  path: { table: 'by_path', value: 'path', where: '1' },
  service: { table: 'by_service', value: 'service', where: '1' },
  marks: { table: 'by_marks', value: 'marks', where: "marks <> ''" },
};

const INDEXES = Object.values(PART_INDEXES);

export const PART_TABLES = `${INDEXES.map(
  ({ table }) =>
    `CREATE TABLE ${table} (part INTEGER NOT NULL, value NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (part, value, seq)) WITHOUT ROWID;`,
).join('\n')}
CREATE TABLE parts (part INTEGER PRIMARY KEY, ids BLOB NOT NULL);
`;

/** The first trace that is in no full part. */
export function firstOutside(database: Database): number {
  const { last } = database.prepare('SELECT max(part) AS last FROM parts').get() as { last: number | null };
  return last === null ? 0 : (last + 1) * PART_TRACES;
}

/** Fills parts, and takes those that are no more, a table at a time. */
export class Parts {
  readonly #database: Database;
  #outside: number;
  #nextTable = 0;

  constructor(database: Database) {
    this.#database = database;
    this.#outside = firstOutside(database);
  }

  /** The first trace that is in none. */
  get outside(): number {
    return this.#outside;
  }

  /** Writes one table of a part that has all its traces. Out: the filter of its ids if that was the last; null if there is nothing to do. */
  step(lastSeq: number): { readonly part: number; readonly ids: IdFilter | null } | null {
    const part = partOf(this.#outside);
    const low = part * PART_TRACES;
    const high = low + PART_TRACES - 1;
    if (lastSeq < high) return null;
    const index = INDEXES[this.#nextTable];
    if (index !== undefined) {
      const { table, value, where } = index;
      // Some of it may be there: of before a kill.
      this.#database
        .prepare(
          `INSERT OR IGNORE INTO ${table} SELECT ${part}, ${value}, seq FROM traces WHERE seq BETWEEN ? AND ? AND ${where} ORDER BY 2, 3`,
        )
        .run(low, high);
      this.#nextTable++;
      return { part, ids: null };
    }
    const ids = new IdFilter();
    for (const key of keysBetween(this.#database, low, high)) ids.add(key);
    this.#database.prepare('INSERT OR REPLACE INTO parts (part, ids) VALUES (?, ?)').run(part, ids.bytes);
    this.#nextTable = 0;
    this.#outside = high + 1;
    return { part, ids };
  }

  /** Takes one table of a part that has no trace any more. Out: whether there may be more. */
  drop(oldestSeq: number): boolean {
    const row = this.#database.prepare('SELECT min(part) AS part FROM parts').get() as { part: number | null };
    if (row.part === null || (row.part + 1) * PART_TRACES > oldestSeq || row.part >= partOf(this.#outside) - 1)
      return false;
    for (const { table } of INDEXES) {
      const { changes } = this.#database.prepare(`DELETE FROM ${table} WHERE part = ?`).run(row.part);
      if (Number(changes) > 0) return true;
    }
    this.#database.prepare('DELETE FROM parts WHERE part = ?').run(row.part);
    return true;
  }
}

/** Takes traces out of the parts that they are in, while they are still there themselves. */
export function forgetInParts(database: Database, seqs: readonly number[]): void {
  for (const { table, value } of INDEXES) {
    const statement = database.prepare(
      `DELETE FROM ${table} WHERE part = :part AND value = (SELECT ${value} FROM traces WHERE seq = :seq) AND seq = :seq`,
    );
    for (const seq of seqs) statement.run({ part: partOf(seq), seq });
  }
}

/** What traces are known again by; those without ids are not. */
export function* keysBetween(database: Database, low: number, high: number): Generator<string> {
  const rows = database
    .prepare(
      'SELECT hex(trace_id) AS trace, hex(span_id) AS span FROM traces WHERE seq BETWEEN ? AND ? AND trace_id IS NOT NULL',
    )
    .iterate(low, high) as Iterable<{ trace: string; span: string }>;
  for (const { trace, span } of rows) yield keyOf(trace.toLowerCase(), span.toLowerCase());
}

export const keyOf = (traceId: string, spanId: string): string => `${traceId}${spanId}`;
