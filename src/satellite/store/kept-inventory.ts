/**
 * The inventory of what services offer, kept beside the traces that it is made of.
 *
 * in: each trace once, by its number · out: endpoints, OpenAPI documents
 *
 * It is written now and then, with the number of the last trace in it; those behind that are read again after a restart. What
 * was forgotten must not be in its examples, so it is made anew from what is left then.
 */
import type { Trace } from '../../trace/trace.js';
import { type EndpointRow, endpointTable } from '../endpoints/endpoint-table.js';
import { Inventory, type InventoryLimits, type Selection } from '../endpoints/inventory.js';
import { openApiDocument } from '../openapi/document.js';
import { readBack, traceOf } from '../receive/trace-of.js';
import {
  chooseSnapshot,
  DAY_MILLIS,
  forgetSnapshots,
  keepSnapshot,
  readSnapshot,
  snapshotsOf,
} from './kept-snapshots.js';
import type { Database } from './sqlite.js';

/** What fits the satellite's memory; beyond it, places are counted as refused. */
const LIMITS: InventoryLimits = { shapes_max: 200_000, nodes_max: 30_000, hosts_max: 500 };
const SAVE_MILLIS = 30_000;
/** Traces that are read again at a time. */
const STEP = 200;
const TEMPLATES_KEY = 'templates';
/** How often it is looked whether a day is over. */
const LOOK_MILLIS = 60_000;

/** What there was, so that what came since can be held against it. */
export interface Before {
  /** When it was, in milliseconds since 1970; null where there is nothing to compare with yet. */
  readonly since: number | null;
  /** When there are others to choose from. */
  readonly snapshots: readonly number[];
  /** An OpenAPI document of it, by the templates of today. */
  readonly document: string | null;
  /** What has not been seen since. */
  readonly silent: readonly { readonly method: string; readonly path: string; readonly lastSeen: number }[];
}

export class KeptInventory {
  readonly #database: Database;
  #inventory: Inventory;
  /** The last trace that is in it. */
  #through: number;
  #savedThrough: number;
  #savedAt = 0;
  #lookedAt = 0;
  #deleted: number;

  constructor(database: Database) {
    this.#database = database;
    this.#deleted = this.#deletedTraces();
    const kept = database.prepare("SELECT text, through, deleted FROM documents WHERE name = 'inventory'").get() as
      | { text: string; through: number; deleted: number }
      | undefined;
    const isRight = kept !== undefined && kept.deleted === this.#deleted;
    if (kept !== undefined && !isRight) forgetSnapshots(database);
    this.#inventory = (isRight ? parsed(kept.text) : null) ?? new Inventory(LIMITS);
    this.#through = isRight && this.#inventory.traces > 0 ? kept.through : 0;
    this.#savedThrough = this.#through;
  }

  /** Adds one that has just been written, if all before it are in; else it is read again at its turn. */
  add(seq: number, trace: Trace, service: string): void {
    if (seq !== this.#through + 1) return;
    this.#through = seq;
    this.#inventory.add(trace, { service });
  }

  /** Reads on where it is behind. Out: whether there is more to do. */
  catchUp(lastSeq: number): boolean {
    if (this.#deletedTraces() !== this.#deleted) {
      this.#deleted = this.#deletedTraces();
      this.#inventory = new Inventory(LIMITS);
      this.#through = 0;
      this.#database.prepare("DELETE FROM documents WHERE name = 'inventory'").run();
      forgetSnapshots(this.#database);
    }
    if (this.#through >= lastSeq) return false;
    const rows = this.#database
      .prepare(
        `SELECT payloads.seq AS seq, form, span, text, service FROM payloads JOIN resources ON resources.id = payloads.resource
         WHERE payloads.seq > ? ORDER BY payloads.seq LIMIT ${STEP}`,
      )
      .all(this.#through) as { seq: number; form: string; span: string; text: string; service: string }[];
    for (const { form, span, text, service } of rows) {
      const received = readBack(form, span, text);
      if (received !== undefined) this.#inventory.add(traceOf(received), { service });
    }
    this.#through = rows.length < STEP ? lastSeq : (rows.at(-1)?.seq ?? lastSeq);
    return this.#through < lastSeq;
  }

  save(nowMillis: number, isLast = false): void {
    if (this.#through === this.#savedThrough || (!isLast && nowMillis - this.#savedAt < SAVE_MILLIS)) return;
    this.#database
      .prepare(
        `INSERT INTO documents (name, text, through, deleted) VALUES ('inventory', ?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET text = excluded.text, through = excluded.through, deleted = excluded.deleted`,
      )
      .run(this.#inventory.serialise(), this.#through, this.#deleted);
    this.#savedThrough = this.#through;
    this.#savedAt = nowMillis;
  }

  /** Keeps it as it is once a day, the first time a day after the first trace came. */
  keepDaily(nowMillis: number): void {
    if (Math.abs(nowMillis - this.#lookedAt) < LOOK_MILLIS || this.#inventory.traces === 0) return;
    this.#lookedAt = nowMillis;
    const last = snapshotsOf(this.#database).at(-1) ?? this.#firstArrival();
    // A clock that was set back makes no day longer than two.
    if (last === null || Math.abs(nowMillis - last) < DAY_MILLIS) return;
    keepSnapshot(this.#database, this.#inventory.serialise(), this.#through, nowMillis);
  }

  /** What there was at least so long ago, or as long ago as it is known. */
  before(ageMillis: number, nowMillis: number): Before {
    const snapshots = snapshotsOf(this.#database);
    const since = chooseSnapshot(snapshots, ageMillis, nowMillis);
    const then = since === null ? null : readSnapshot(this.#database, since, LIMITS);
    if (since === null || then === null) return { since: null, snapshots, document: null, silent: [] };
    const now = this.endpoints({});
    // What is known for a value today was one then.
    const overrides = [...new Set([...this.templates(), ...now.map(({ template }) => template)])];
    const silent = now
      .filter(({ lastSeen, count, unanswered }) => lastSeen <= since && count > unanswered)
      .map(({ method, template, lastSeen }) => ({ method, path: template, lastSeen }));
    return { since, snapshots, document: JSON.stringify(openApiDocument(then, {}, { overrides })), silent };
  }

  /** By the satellite's clock, in milliseconds; null where nothing came. */
  #firstArrival(): number | null {
    const { first } = this.#database.prepare('SELECT min(first_seen) AS first FROM resources').get() as {
      first: number | null;
    };
    return first === null ? null : first / 1000;
  }

  endpoints(selection: Selection): EndpointRow[] {
    return endpointTable(this.#inventory, selection, this.templates());
  }

  openApi(selection: Selection): object {
    return openApiDocument(this.#inventory, selection, { overrides: this.templates() });
  }

  /** Templates that a person has said are right. */
  templates(): string[] {
    const row = this.#database.prepare('SELECT text FROM documents WHERE name = ?').get(TEMPLATES_KEY) as
      | { text: string }
      | undefined;
    return row === undefined ? [] : (JSON.parse(row.text) as string[]);
  }

  setTemplates(templates: readonly string[]): void {
    this.#database
      .prepare(
        `INSERT INTO documents (name, text, through, deleted) VALUES (?, ?, 0, 0)
         ON CONFLICT (name) DO UPDATE SET text = excluded.text`,
      )
      .run(TEMPLATES_KEY, JSON.stringify(templates));
  }

  #deletedTraces(): number {
    const row = this.#database.prepare("SELECT value FROM facts WHERE name = 'deleted'").get() as
      | { value: number }
      | undefined;
    return row?.value ?? 0;
  }
}

/** Null where it was written by another version. */
function parsed(text: string): Inventory | null {
  try {
    return Inventory.parse(text, LIMITS);
  } catch {
    return null;
  }
}
