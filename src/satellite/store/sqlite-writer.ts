/**
 * The one writer of a database: a request's traces are one transaction, and what is too old or too much goes.
 *
 * in: traces as read · out: how many are kept, once it is certain
 */
import type { Trace } from '../../trace/trace.js';
import type { SatelliteTrace } from '../receive/satellite-trace.js';
import { traceOf } from '../receive/trace-of.js';
import type { KeptInventory } from './kept-inventory.js';
import { IdFilter, KnownIds } from './known-ids.js';
import { keyOf, keysBetween, Parts } from './parts.js';
import type { Database, Statement } from './sqlite.js';
import type { Retention } from './store.js';
import {
  aboutResource,
  contentTypeOf,
  isDamaged,
  searchedText,
  spanIdOf,
  textOfJson,
  traceIdOf,
} from './trace-columns.js';

/** Traces that one step of retention takes, and of those that are held, if they take too much room. */
const STEP = 1000;
const STEP_SHARE = 0.02;
/** Pages of the index that one step merges. */
const MERGED_PAGES = 500;
/** How often what is to be evicted is looked for, in milliseconds. */
const RETAIN_MILLIS = 1000;
/** Resources remembered by their text, so that they need not be looked up. */
const RESOURCES_MAX = 1000;

const FACTS = ['stored', 'duplicates', 'rejected', 'evicted', 'last_seq'] as const;
export type FactName = (typeof FACTS)[number];

export interface Added {
  readonly stored: number;
  readonly duplicates: number;
}

interface Resource {
  readonly id: number;
  traces: number;
  damaged: number;
  watchedShare: number | null;
}

export class SqliteWriter {
  readonly #database: Database;
  readonly #retention: Retention;
  readonly #insert: Record<'trace' | 'payload' | 'bodies' | 'resource' | 'fact', Statement>;
  readonly #isIn: Statement;
  readonly #parts: Parts;
  readonly #ids = new KnownIds();
  readonly #facts: Record<FactName, number>;
  readonly #resources = new Map<string, Resource>();
  readonly #pages: Statement;
  readonly #inventory: KeptInventory;
  /** What gets each trace that is kept. */
  #kept: { seq: number; trace: Trace; service: string; key: string }[] = [];
  #retainedAt = 0;
  #isToMerge = false;

  constructor(database: Database, retention: Retention, inventory: KeptInventory) {
    this.#database = database;
    this.#inventory = inventory;
    this.#retention = retention;
    this.#insert = {
      trace: database.prepare(
        `INSERT INTO traces (seq, trace_id, span_id, start, duration, status, request_bytes, response_bytes, redactions,
         arrival, method, kind, protocol, host, path, query, content_type, client, service, environment, marks)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
      payload: database.prepare('INSERT INTO payloads (seq, form, span, resource) VALUES (?, ?, ?, ?)'),
      bodies: database.prepare('INSERT INTO bodies (rowid, request, response) VALUES (?, ?, ?)'),
      resource: database.prepare(
        `INSERT INTO resources (text, service, environment, host, instance, version, first_seen, last_seen, traces, damaged, watched_share)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, NULL) ON CONFLICT (text) DO UPDATE SET last_seen = excluded.last_seen RETURNING id`,
      ),
      fact: database.prepare(
        'INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
      ),
    };
    this.#isIn = database.prepare(
      'SELECT 1 FROM by_id JOIN traces USING (seq) WHERE by_id.part = ? AND by_id.value = ? AND traces.span_id = ?',
    );
    this.#pages = database.prepare(
      `SELECT (SELECT page_count FROM pragma_page_count) AS pages, (SELECT freelist_count FROM pragma_freelist_count) AS free,
       (SELECT page_size FROM pragma_page_size) AS size`,
    );
    const kept = new Map(
      (database.prepare('SELECT name, value FROM facts').all() as { name: string; value: number }[]).map((row) => [
        row.name,
        row.value,
      ]),
    );
    this.#facts = Object.fromEntries(FACTS.map((name) => [name, kept.get(name) ?? 0])) as Record<FactName, number>;
    this.#parts = new Parts(database);
    this.#learnIds();
  }

  /** What is there already; parts that are full and not written are written first. */
  #learnIds(): void {
    while (this.#parts.step(this.#facts.last_seq) !== null);
    const filters = this.#database.prepare('SELECT part, ids FROM parts ORDER BY part').iterate() as Iterable<{
      part: number;
      ids: Uint8Array;
    }>;
    for (const { part, ids } of filters) this.#ids.remember(part, new IdFilter(ids));
    for (const key of this.#outside()) this.#ids.add(key);
  }

  /** The ids of the traces that are in no full part. */
  #outside(): Iterable<string> {
    return keysBetween(this.#database, this.#parts.outside, Number.MAX_SAFE_INTEGER);
  }

  /** Writes some of a part that is full. Out: whether there may be more to do. */
  #fillPart(): boolean {
    const filled = this.#parts.step(this.#facts.last_seq);
    if (filled === null) return false;
    if (filled.ids !== null) this.#ids.fill(filled.part, filled.ids, this.#outside());
    return true;
  }

  /** @param rejected entries of the same request that are no traces, to be counted */
  add(traces: readonly SatelliteTrace[], rejected: number, nowMillis: number): Added {
    const before = { ...this.#facts };
    try {
      this.#transaction(() => {
        const arrival = nowMillis * 1000;
        const touched = new Map<unknown, Resource>();
        for (const trace of traces) this.#addOne(trace, arrival, touched);
        this.#facts.rejected += rejected;
        this.#saveResources(touched.values(), arrival);
        this.#saveFacts();
      });
    } catch (error) {
      Object.assign(this.#facts, before);
      this.#ids.remove(this.#kept.map(({ key }) => key));
      this.#kept = [];
      // What was counted for them did not come to pass.
      this.#resources.clear();
      throw error;
    }
    for (const { seq, trace, service } of this.#kept) this.#inventory.add(seq, trace, service);
    this.#kept = [];
    return { stored: this.#facts.stored - before.stored, duplicates: this.#facts.duplicates - before.duplicates };
  }

  #addOne(received: SatelliteTrace, arrival: number, touched: Map<unknown, Resource>): void {
    const trace = traceOf(received);
    const { request, response, network } = trace;
    const resource = this.#resourceOf(received, arrival, touched);
    const traceId = bytesOf(traceIdOf(received, trace.traceId));
    const spanId = bytesOf(spanIdOf(received, trace.spanId));
    const key = traceId === null || spanId === null ? '' : keyOf(traceId.toString('hex'), spanId.toString('hex'));
    if (key !== '') {
      if (this.#ids.has(key, (part) => this.#isIn.get(part, traceId, spanId) !== undefined)) {
        this.#facts.duplicates++;
        return;
      }
      this.#ids.add(key);
    }
    const seq = this.#facts.last_seq + 1;
    this.#kept.push({ seq, trace, service: received.serviceName, key });
    this.#insert.trace.run(
      seq,
      traceId,
      spanId,
      Number(trace.startTimeUnixNano / 1000n),
      Math.round(trace.durationNano),
      received.status,
      request.body.wireBytes,
      response?.body.wireBytes ?? 0,
      trace.redactions?.length ?? 0,
      arrival,
      request.method,
      trace.kind,
      network.protocol,
      request.authority,
      request.path,
      request.query,
      contentTypeOf(trace),
      trace.client?.address ?? network.client.address,
      received.serviceName,
      received.environment,
      trace.marks.length === 0 ? '' : `,${trace.marks.join(',')},`,
    );
    this.#facts.last_seq = seq;
    this.#facts.stored++;
    resource.traces++;
    if (isDamaged(trace)) resource.damaged++;
    if (trace.watchedShare !== undefined)
      resource.watchedShare = Math.min(resource.watchedShare ?? 1, trace.watchedShare);
    this.#insert.payload.run(seq, received.protocol, textOfJson(received.span), resource.id);
    const sent = searchedText(request.body);
    const answered = response === null ? '' : searchedText(response.body);
    if (sent !== '' || answered !== '') this.#insert.bodies.run(seq, sent, answered);
  }

  #resourceOf(
    { resource, serviceName, environment }: SatelliteTrace,
    arrival: number,
    touched: Map<unknown, Resource>,
  ): Resource {
    const seen = touched.get(resource);
    if (seen !== undefined) return seen;
    const text = textOfJson(resource) || 'null';
    let known = this.#resources.get(text);
    if (known === undefined) {
      const about = aboutResource(resource);
      const { id } = this.#insert.resource.get(
        text,
        serviceName,
        environment,
        about('host.name', 'host_name'),
        about('service.instance.id', 'host_name'),
        about('telemetry.sdk.version', 'sensor_version'),
        arrival,
        arrival,
      ) as { id: number };
      known = { id, traces: 0, damaged: 0, watchedShare: null };
      if (this.#resources.size >= RESOURCES_MAX) this.#resources.clear();
      this.#resources.set(text, known);
    }
    touched.set(resource, known);
    return known;
  }

  #saveResources(resources: Iterable<Resource>, arrival: number): void {
    const update = this.#database.prepare(
      `UPDATE resources SET traces = traces + ?, damaged = damaged + ?, last_seen = ?,
       watched_share = CASE WHEN ? IS NULL THEN watched_share ELSE min(coalesce(watched_share, 1), ?) END WHERE id = ?`,
    );
    for (const resource of new Set(resources)) {
      const { id, traces, damaged, watchedShare } = resource;
      update.run(traces, damaged, arrival, watchedShare, watchedShare, id);
      Object.assign(resource, { traces: 0, damaged: 0, watchedShare: null });
    }
  }

  /** Takes what is older or more than is to be kept, a step at a time. Resolves to whether there may be more. */
  retain(nowMillis: number): boolean {
    if (this.#fillPart()) return true;
    if (nowMillis - this.#retainedAt < RETAIN_MILLIS && nowMillis >= this.#retainedAt) return false;
    // What was taken is in the index until its parts are merged, and counts: more would be taken for it.
    if (this.#isToMerge && this.#merge()) return true;
    const tooOld = this.#oldestStep((nowMillis - this.#retention.millis) * 1000, STEP);
    const step = tooOld ?? (this.bytes > this.#retention.bytes ? this.#oldestStep(Number.MAX_SAFE_INTEGER, 0) : null);
    if (step === null) {
      if (this.#dropPart()) return true;
      this.#retainedAt = nowMillis;
      return false;
    }
    this.#transaction(() => {
      this.#facts.evicted += this.#remove(step.low, step.high);
      this.#saveFacts();
    });
    this.#isToMerge = true;
    return true;
  }

  #dropPart(): boolean {
    const { low } = this.#database.prepare('SELECT min(seq) AS low FROM traces').get() as { low: number | null };
    return this.#parts.drop(low ?? this.#facts.last_seq);
  }

  /** Merges parts of the index of which a share is gone, some pages of it. Out: whether there was anything to do. */
  #merge(): boolean {
    const changes = (): number =>
      (this.#database.prepare('SELECT total_changes() AS changes').get() as { changes: number }).changes;
    const before = changes();
    this.#database.exec(`INSERT INTO bodies (bodies, rank) VALUES ('merge', ${MERGED_PAGES})`);
    // https://www.sqlite.org/fts5.html#the_merge_command
    this.#isToMerge = changes() - before >= 2;
    return this.#isToMerge;
  }

  get lastSeq(): number {
    return this.#facts.last_seq;
  }

  /** Bytes of what is held, without room that is free. */
  get bytes(): number {
    const row = this.#pages.get() as { pages: number; free: number; size: number };
    return (row.pages - row.free) * row.size;
  }

  /** The oldest traces that came before `arrival`: up to `count` of them, or a share of all. */
  #oldestStep(arrival: number, count: number): { low: number; high: number } | null {
    const ends = this.#database.prepare('SELECT min(seq) AS low FROM traces').get() as { low: number | null };
    if (ends.low === null) return null;
    const share = Math.ceil((this.#facts.last_seq - ends.low + 1) * STEP_SHARE);
    const row = this.#database
      .prepare(
        'SELECT min(seq) AS low, max(seq) AS high FROM (SELECT seq, arrival FROM traces ORDER BY seq LIMIT ?) WHERE arrival < ?',
      )
      .get(count || Math.min(STEP, share), arrival) as { low: number | null; high: number };
    return row.low === null ? null : { low: row.low, high: row.high };
  }

  #remove(low: number, high: number): number {
    const run = (sql: string): number => Number(this.#database.prepare(sql).run(low, high).changes);
    run('DELETE FROM bodies WHERE rowid BETWEEN ? AND ?');
    run('DELETE FROM payloads WHERE seq BETWEEN ? AND ?');
    return run('DELETE FROM traces WHERE seq BETWEEN ? AND ?');
  }

  #saveFacts(): void {
    for (const name of FACTS) this.#insert.fact.run(name, this.#facts[name]);
  }

  #transaction(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      // SQLite has rolled back by itself after some errors, as that of a full disk.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

/** Null where there are no digits. */
const bytesOf = (hex: string): Buffer | null => (hex === '' ? null : Buffer.from(hex, 'hex'));
