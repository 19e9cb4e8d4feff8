/**
 * What comes in, held against the document that the satellite was started with.
 *
 * in: traces in the order of their numbers · out: where they part from it so far
 *
 * It begins with the newest that are there. What comes faster than it can be looked at is passed over, and counted. When traces are
 * forgotten it begins anew: what they showed must not be told of any more.
 */
import { Drift } from '../openapi/drift.js';
import { readBack, traceOf } from '../receive/trace-of.js';
import { type DriftFound, documentOf, findingsOf } from './drift-of.js';
import type { Database } from './sqlite.js';

export interface SpecDrift extends DriftFound {
  /** What it is called in itself; null where the satellite has none. */
  readonly title: string | null;
  /** Traces that there was no time for. */
  readonly passedOver: number;
  /** The number of the last trace that was looked at, or passed over. */
  readonly through: number;
}

export const NO_SPEC: SpecDrift = { title: null, traces: 0, passedOver: 0, through: 0, findings: [] };

/** Traces that are looked at again after a start. */
const BEHIND_MAX = 5000;
const STEP = 100;

export class SpecWatch {
  readonly #database: Database;
  readonly #document: Record<string, unknown>;
  #drift: Drift;
  #through: number;
  #deleted: number;
  #passedOver = 0;

  /** @throws SensorError where the text is no document */
  constructor(database: Database, text: string) {
    this.#database = database;
    this.#document = documentOf(text);
    this.#drift = new Drift(this.#document);
    this.#deleted = this.#fact('deleted');
    this.#through = Math.max(0, this.#fact('last_seq') - BEHIND_MAX);
  }

  /** Looks at some of what it has not seen. Out: whether there is more. */
  catchUp(): boolean {
    const deleted = this.#fact('deleted');
    const lastSeq = this.#fact('last_seq');
    if (deleted !== this.#deleted || lastSeq < this.#through) {
      this.#deleted = deleted;
      this.#drift = new Drift(this.#document);
      this.#through = Math.max(0, lastSeq - BEHIND_MAX);
    }
    const behind = lastSeq - this.#through - BEHIND_MAX;
    if (behind > 0) {
      this.#passedOver += behind;
      this.#through += behind;
    }
    const rows = this.#database
      .prepare(
        `SELECT payloads.seq AS seq, form, span, text FROM payloads JOIN resources ON resources.id = payloads.resource
         WHERE payloads.seq > ? ORDER BY payloads.seq LIMIT ${STEP}`,
      )
      .all(this.#through) as { seq: number; form: string; span: string; text: string }[];
    for (const { form, span, text } of rows) {
      const received = readBack(form, span, text);
      if (received !== undefined) this.#drift.add(traceOf(received));
    }
    this.#through = rows.at(-1)?.seq ?? this.#through;
    return rows.length === STEP;
  }

  found(): SpecDrift {
    const { title } = (this.#document.info ?? {}) as { title?: unknown };
    return {
      title: typeof title === 'string' ? title : '',
      traces: this.#drift.traces,
      passedOver: this.#passedOver,
      through: this.#through,
      findings: findingsOf(this.#drift),
    };
  }

  #fact(name: string): number {
    const row = this.#database.prepare('SELECT value FROM facts WHERE name = ?').get(name) as
      | { value: number }
      | undefined;
    return row?.value ?? 0;
  }
}
