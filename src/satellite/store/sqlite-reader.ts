/**
 * What a database is asked for. Every answer is bounded in entries, bytes and time: a query goes through the traces in
 * ranges of their number, and one that has taken its time says how far it got.
 */
import { encodeHarEntry } from '../../output/file/har.js';
import { encodeNdjson } from '../../output/ndjson.js';
import type { Trace } from '../../trace/trace.js';
import { type Bound, type Condition, compileFilter, type Hint } from '../filter/compile.js';
import { parseFilter } from '../filter/parse.js';
import type { SatelliteTrace } from '../receive/satellite-trace.js';
import { readBack, traceOf } from '../receive/trace-of.js';
import { type Called, callsOf } from './calls-of.js';
import { firstOutside, PART_TRACES, partOf } from './parts.js';
import { ratesOf, type Timed } from './rates-of.js';
import type { Database } from './sqlite.js';
import type {
  Calls,
  Page,
  Query,
  Rate,
  Row,
  Sensor,
  StoreFacts,
  Values,
  Whole,
  WholeForm,
  WholePage,
} from './store.js';
import { resourceOf } from './trace-columns.js';

/** Traces of the first range that is looked through; each further one has four times as many. */
const FIRST_RANGE = 10_000;
const RANGE_GROWTH = 4;
const RANGE_MAX = 640_000;
/** The share of the first range that a term may find for its table to be asked about the rest. */
const RARE_SHARE = 0.02;
/** Milliseconds after which a query begins no further range. */
const QUERY_MILLIS = 1000;
const ROWS_MAX = 1000;
const WHOLE_BYTES_MAX = 2 << 20;
const RATE_TRACES_MAX = 20_000;
const VALUES_MAX = 100;
const VALUE_PARTS_MAX = 32;
const SENSORS_MAX = 1000;

const COLUMNS = `seq, hex(trace_id) AS traceId, hex(span_id) AS spanId, start, duration, kind, method, host, path, query, status,
  request_bytes AS requestBytes, response_bytes AS responseBytes, content_type AS contentType, protocol, client, service,
  environment, marks, redactions`;

export class SqliteReader {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  list(query: Query): Page {
    const { found, ...page } = this.#find<RawRow>(query, COLUMNS);
    return { rows: found.map(rowOf), ...page };
  }

  wholes(query: Query, form: WholeForm): WholePage {
    const { found, ...page } = this.#find<{ seq: number }>(query, 'seq');
    const wholes: Whole[] = [];
    let bytes = 0;
    for (const { seq } of found) {
      if (bytes > WHOLE_BYTES_MAX) {
        const last = wholes.at(-1)?.seq ?? seq;
        return { wholes, next: last, complete: true, through: last };
      }
      const whole = this.get(seq, form);
      if (whole === null) continue;
      wholes.push(whole);
      bytes += whole.text.length;
    }
    return { wholes, ...page };
  }

  /** The newest that pass a filter, up to `count`. */
  *newest(filter: string, count: number): Generator<Trace> {
    let before: number | null = null;
    let left = count;
    do {
      const query: Query = { filter, limit: Math.min(left, ROWS_MAX), ...(before === null ? {} : { before }) };
      const page: Found<{ seq: number }> = this.#find<{ seq: number }>(query, 'seq');
      for (const { seq } of page.found) {
        const received = this.#received(seq)?.received;
        if (received !== undefined) yield traceOf(received);
      }
      left -= page.found.length;
      before = page.complete ? page.next : null;
    } while (before !== null && left > 0);
  }

  get(seq: number, form: WholeForm): Whole | null {
    const found = this.#received(seq);
    if (found?.received === undefined) return null;
    const { row, received } = found;
    return { seq, text: textIn(form, row, received), resource: resourceOf(received.resource) };
  }

  #received(seq: number): { row: Kept; received: SatelliteTrace | undefined } | null {
    const row = this.#database
      .prepare('SELECT form, span, text FROM payloads JOIN resources ON resources.id = payloads.resource WHERE seq = ?')
      .get(seq) as Kept | undefined;
    return row === undefined ? null : { row, received: readBack(row.form, row.span, row.text) };
  }

  #find<R extends { seq: number }>(query: Query, columns: string): Found<R> {
    const condition = compileFilter(parseFilter(query.filter), Date.now());
    const limit = Math.max(1, Math.min(query.limit, ROWS_MAX));
    const { oldest, newest } = this.#ends();
    const found: R[] = [];
    const until = Date.now() + QUERY_MILLIS;
    const isForward = query.after !== undefined;
    let range = FIRST_RANGE;
    let low = Math.max(oldest, (query.after ?? 0) + 1);
    let high = Math.min(newest, (query.before ?? Number.MAX_SAFE_INTEGER) - 1);
    const outside = firstOutside(this.#database);
    // Few of the newest pass: a table may know the others at once.
    let hint: Hint | null | undefined;
    while (low <= high) {
      const begin = isForward ? low : high;
      const isIn = hint != null && begin < outside;
      const part = partOf(begin);
      const to = !isForward ? high : Math.min(high, isIn ? lastOf(part) : low + range - 1);
      const from = isForward ? low : Math.max(low, isIn ? part * PART_TRACES : high - range + 1);
      const limits = { columns, from, to, isForward, limit: limit - found.length };
      found.push(...this.#range<R>(condition, limits, isIn ? (hint ?? null) : null));
      if (found.length === limit) {
        const last = found.at(-1)?.seq ?? to;
        return { found, next: last, complete: true, through: last };
      }
      if (isForward) low = to + 1;
      else high = from - 1;
      if (hint === undefined) hint = this.#rarest(condition, from, to);
      else if (hint === null) range = Math.min(range * RANGE_GROWTH, RANGE_MAX);
      if (Date.now() > until && low <= high) {
        const through = isForward ? to : from;
        return { found, next: through, complete: false, through };
      }
    }
    return { found, next: null, complete: true, through: isForward ? newest : oldest };
  }

  #range<R>({ sql, parameters, searches }: Condition, limits: Range, hint: Hint | null): R[] {
    const { columns, from, to, isForward, limit } = limits;
    // With a sign the numbers choose no way through the table: the words or what is found do.
    const seq = searches || hint !== null ? '+seq' : 'seq';
    const found = hint === null ? '' : `${hint.found} AND `;
    const statementText = `SELECT ${columns} FROM traces WHERE ${found}${seq} BETWEEN :low AND :high AND ${sql} ORDER BY seq ${isForward ? '' : 'DESC'} LIMIT ${limit}`;
    const part = hint === null ? {} : { part: partOf(from) };
    return this.#database
      .prepare(statementText)
      .all({ low: from, high: to, ...part, ...used(statementText, parameters) }) as unknown as R[];
  }

  /** Picks the term with a table that the fewest of a range pass, if these are few. */
  #rarest({ hints, parameters, searches }: Condition, from: number, to: number): Hint | null {
    if (searches) return null;
    let rarest: Hint | null = null;
    let fewest = (to - from + 1) * RARE_SHARE;
    for (const hint of hints) {
      const { count } = this.#database
        .prepare(`SELECT count(*) AS count FROM traces WHERE seq BETWEEN :low AND :high AND ${hint.sql}`)
        .get({ low: from, high: to, ...used(hint.sql, parameters) }) as { count: number };
      if (count > fewest) continue;
      fewest = count;
      rarest = hint;
    }
    return rarest;
  }

  #ends(): { oldest: number; newest: number } {
    const row = this.#database
      .prepare('SELECT (SELECT min(seq) FROM traces) AS oldest, (SELECT max(seq) FROM traces) AS newest')
      .get() as { oldest: number | null; newest: number | null };
    return { oldest: row.oldest ?? 1, newest: row.newest ?? 0 };
  }

  rates(filter: string, stretches: number): Rate[] {
    return ratesOf(this.#findMany<Timed>(filter, 'start, duration, status'), stretches);
  }

  calls(filter: string): Calls {
    return callsOf(this.#findMany<Called>(filter, 'start, duration, status, kind, service, environment, host, client'));
  }

  #findMany<R>(filter: string, columns: string): (R & Numbered)[] {
    const found: (R & Numbered)[] = [];
    let before: number | undefined;
    for (const until = Date.now() + QUERY_MILLIS; found.length < RATE_TRACES_MAX && Date.now() < until; ) {
      const query = { filter, limit: ROWS_MAX, ...(before === undefined ? {} : { before }) };
      const page: Found<R & Numbered> = this.#find<R & Numbered>(query, `seq, ${columns}`);
      found.push(...page.found);
      if (page.next === null) break;
      before = page.next;
    }
    return found;
  }

  sensors(): Sensor[] {
    return this.#database
      .prepare(
        `SELECT service, environment, host, instance, version, min(first_seen) AS firstSeen, max(last_seen) AS lastSeen,
         sum(traces) AS traces, sum(damaged) AS damaged, min(watched_share) AS watchedShare
         FROM resources GROUP BY service, environment, host, instance, version ORDER BY lastSeen DESC LIMIT ${SENSORS_MAX}`,
      )
      .all() as unknown as Sensor[];
  }

  values(): Values {
    const known = (column: string): string[] =>
      (
        this.#database
          .prepare(`SELECT DISTINCT ${column} AS value FROM resources WHERE ${column} <> '' LIMIT ${VALUES_MAX}`)
          .all() as {
          value: string;
        }[]
      ).map(({ value }) => value);
    return {
      methods: this.#distinct('method'),
      hosts: this.#distinct('host'),
      services: known('service'),
      environments: known('environment'),
    };
  }

  /** In the newest parts from one value to the next, whatever number of traces has each. */
  #distinct(column: 'method' | 'host'): string[] {
    const outside = firstOutside(this.#database);
    const values = new Set(
      (
        this.#database
          .prepare(
            `SELECT DISTINCT ${column} AS value FROM traces WHERE seq >= ? AND ${column} <> '' LIMIT ${VALUES_MAX}`,
          )
          .all(outside) as { value: string }[]
      ).map(({ value }) => value),
    );
    const next = this.#database.prepare(`SELECT min(value) AS value FROM by_${column} WHERE part = ? AND value > ?`);
    const last = partOf(outside) - 1;
    for (let part = last; part >= 0 && part > last - VALUE_PARTS_MAX; part--)
      for (let value = ''; values.size < VALUES_MAX; values.add(value)) {
        const row = next.get(part, value) as { value: string | null };
        if (row.value === null) break;
        value = row.value;
      }
    return [...values].sort();
  }

  facts(): StoreFacts {
    const kept = new Map(
      (this.#database.prepare('SELECT name, value FROM facts').all() as { name: string; value: number }[]).map(
        (row) => [row.name, row.value],
      ),
    );
    const of = (name: string): number => kept.get(name) ?? 0;
    const row = this.#database
      .prepare(
        `SELECT (SELECT start FROM traces ORDER BY seq LIMIT 1) AS oldest,
         (SELECT start FROM traces ORDER BY seq DESC LIMIT 1) AS newest,
         (SELECT page_count FROM pragma_page_count) AS pages, (SELECT freelist_count FROM pragma_freelist_count) AS free,
         (SELECT page_size FROM pragma_page_size) AS size`,
      )
      .get() as {
      oldest: number | null;
      newest: number | null;
      pages: number;
      free: number;
      size: number;
    };
    return {
      stored: of('stored'),
      duplicates: of('duplicates'),
      rejected: of('rejected'),
      evicted: of('evicted'),
      deleted: of('deleted'),
      // Counting them would take going through all.
      held: of('stored') - of('evicted') - of('deleted'),
      bytes: (row.pages - row.free) * row.size,
      oldest: row.oldest,
      newest: row.newest,
      lastSeq: of('last_seq'),
    };
  }
}

function textIn(form: WholeForm, row: Kept, received: SatelliteTrace): string {
  if (form === 'ndjson') return encodeNdjson(traceOf(received));
  if (form === 'har') return encodeHarEntry(traceOf(received));
  const { span: _span, resource: _resource, ...head } = received;
  return `${JSON.stringify(head).slice(0, -1)},"span":${row.span},"resource":${row.text}}`;
}

interface Found<R> extends Omit<Page, 'rows'> {
  readonly found: R[];
}

interface Kept {
  readonly form: string;
  readonly span: string;
  readonly text: string;
}

interface Range {
  readonly columns: string;
  readonly from: number;
  readonly to: number;
  readonly isForward: boolean;
  readonly limit: number;
}

const lastOf = (part: number): number => (part + 1) * PART_TRACES - 1;

/** Only what a statement names may be bound. */
function used(sql: string, parameters: Readonly<Record<string, Bound>>): Record<string, Bound> {
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => new RegExp(`:${name}\\b`).test(sql)));
}

interface Numbered {
  readonly seq: number;
}

type RawRow = Omit<Row, 'marks'> & { marks: string };

function rowOf(raw: RawRow): Row {
  return {
    ...raw,
    traceId: raw.traceId.toLowerCase(),
    spanId: raw.spanId.toLowerCase(),
    marks: raw.marks === '' ? [] : raw.marks.slice(1, -1).split(','),
  };
}
