/**
 * What the tables are asked for, for one organisation. Every query names it, is bounded in memory, time and rows, and goes through the
 * traces in stretches of their number; one that has taken its time says how far it got. No list reads a body.
 */
import { encodeHarEntry } from '../../../output/file/har.js';
import { encodeNdjson } from '../../../output/ndjson.js';
import type { Trace } from '../../../trace/trace.js';
import { compileForClickHouse } from '../../filter/clickhouse.js';
import { parseFilter } from '../../filter/parse.js';
import type { SatelliteTrace } from '../../receive/satellite-trace.js';
import { traceOf } from '../../receive/trace-of.js';
import { type Called, callsOf } from '../calls-of.js';
import { ratesOf, type Timed } from '../rates-of.js';
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
} from '../store.js';
import { resourceOf } from '../trace-columns.js';
import { type Connection, TooMuch } from './connection.js';
import { restore } from './rows.js';
import { seqAt, span } from './sequence.js';

/** The first stretch that is looked through; each further one is four times as long. */
const FIRST_MILLIS = 15 * 60_000;
const GROWTH = 4;
const LEAST_MILLIS = 1000;
/** Milliseconds after which a query begins no further stretch. */
const QUERY_MILLIS = 1000;
/** What one stretch may take. */
const STRETCH_MILLIS = 5000;
const ROWS_MAX = 1000;
const WHOLE_BYTES_MAX = 2 << 20;
/** Payloads that are read at a time. */
const WHOLES = 25;
const RATE_TRACES_MAX = 20_000;
const VALUES_MAX = 100;
const SENSORS_MAX = 1000;
const VALUES_MILLIS = 24 * 3600e3;
/** Where several satellites write, the newest are listed by this much later: until then one with a smaller number may come. */
const SETTLED_MILLIS = 3000;
const FACTS_MILLIS = 2000;

const COLUMNS = `Seq AS seq, TraceId AS traceId, SpanId AS spanId, toUnixTimestamp64Micro(Timestamp) AS start, Duration AS duration,
  SpanKind AS kind, Method AS method, Host AS host, Path AS path, Query AS query, nullIf(Status, 0) AS status,
  RequestBytes AS requestBytes, ResponseBytes AS responseBytes, ContentType AS contentType, Protocol AS protocol,
  Client AS client, ServiceName AS service, Environment AS environment, Marks AS marks, Redactions AS redactions`;
const TIMED = `Seq AS seq, TraceId AS traceId, SpanId AS spanId, toUnixTimestamp64Micro(Timestamp) AS start, Duration AS duration,
  nullIf(Status, 0) AS status`;
const CALLED = `${TIMED}, SpanKind AS kind, ServiceName AS service, Environment AS environment, Host AS host, Client AS client`;
const IDS = 'Seq AS seq, TraceId AS traceId, SpanId AS spanId';
const OF_ORGANISATION = 'Organisation = {organisation:String}';

interface Identified {
  readonly seq: number;
  readonly traceId: string;
  readonly spanId: string;
}

interface Found<R> extends Omit<Page, 'rows'> {
  readonly found: R[];
}

export class Reader {
  readonly #connection: Connection;
  readonly #organisation: string;
  readonly #hasOthers: () => boolean;
  #counted: { readonly at: number; readonly held: number; readonly bytes: number } | null = null;

  /** @param hasOthers whether other satellites write as well */
  constructor(connection: Connection, organisation: string, hasOthers: () => boolean) {
    this.#connection = connection;
    this.#organisation = organisation;
    this.#hasOthers = hasOthers;
  }

  async list(query: Query): Promise<Page> {
    const { found, ...page } = await this.#find<Row>(query, COLUMNS);
    return { rows: found, ...page };
  }

  async wholes(query: Query, form: WholeForm): Promise<WholePage> {
    const { found, ...page } = await this.#find<Identified>(query, IDS);
    const wholes: Whole[] = [];
    let bytes = 0;
    for (let at = 0; at < found.length; at += WHOLES) {
      if (bytes > WHOLE_BYTES_MAX) {
        const last = found[at - 1]?.seq ?? 0;
        return { wholes, next: last, complete: true, through: last };
      }
      for (const kept of await this.#kept(found.slice(at, at + WHOLES))) {
        const whole = wholeOf(kept, form);
        wholes.push(whole);
        bytes += whole.text.length;
      }
    }
    return { wholes, ...page };
  }

  /** The newest that pass a filter, up to `count`. */
  async *newest(filter: string, count: number): AsyncGenerator<Trace> {
    let before: number | null = null;
    let left = count;
    do {
      const query: Query = { filter, limit: Math.min(left, ROWS_MAX), ...(before === null ? {} : { before }) };
      const page: Found<Identified> = await this.#find<Identified>(query, IDS);
      for (let at = 0; at < page.found.length; at += WHOLES)
        for (const { received } of await this.#kept(page.found.slice(at, at + WHOLES))) yield traceOf(received);
      left -= page.found.length;
      before = page.complete ? page.next : null;
    } while (before !== null && left > 0);
  }

  async get(seq: number, form: WholeForm): Promise<Whole | null> {
    const [kept] = await this.#kept([{ seq }]);
    return kept === undefined ? null : wholeOf(kept, form);
  }

  /** Traces of one satellite's slot behind a number, the oldest first: what an inventory has to read again. */
  async *ofSlot(slot: number, after: number, slots: number): AsyncGenerator<Kept & { readonly service: string }> {
    for (let low = after; ; ) {
      const rows = await this.#ask<{ seq: number; service: string }>(
        `SELECT Seq AS seq, ServiceName AS service FROM traces WHERE ${OF_ORGANISATION} AND Seq > {low:UInt64} AND Seq % ${slots} = ${slot}
         ORDER BY Seq LIMIT ${ROWS_MAX}`,
        { low },
      );
      const services = new Map(rows.map(({ seq, service }) => [seq, service]));
      for (let at = 0; at < rows.length; at += WHOLES)
        for (const kept of await this.#kept(rows.slice(at, at + WHOLES)))
          yield { ...kept, service: services.get(kept.seq) ?? '' };
      const last = rows.at(-1)?.seq;
      if (last === undefined || rows.length < ROWS_MAX) return;
      low = last;
    }
  }

  /** As they were received, in the order asked for; those that are gone are left out. */
  async #kept(asked: readonly { readonly seq: number }[]): Promise<Kept[]> {
    if (asked.length === 0) return [];
    const seqs = asked.map(({ seq }) => seq).join(', ');
    const [payloads, bodies] = await Promise.all([
      this.#ask<{ seq: number; form: string; span: string; resource: string }>(
        `SELECT Seq AS seq, Form AS form, Span AS span, Resource AS resource FROM payloads WHERE ${OF_ORGANISATION} AND Seq IN (${seqs})`,
      ),
      this.#ask<{ seq: number; request: string; response: string; cut: number }>(
        `SELECT Seq AS seq, if(Cut = 0, '', Request) AS request, if(Cut = 0, '', Response) AS response, Cut AS cut
         FROM bodies WHERE ${OF_ORGANISATION} AND Seq IN (${seqs})`,
      ),
    ]);
    const bySeq = new Map(payloads.map((one) => [one.seq, one]));
    const bodyBySeq = new Map(bodies.map((one) => [one.seq, one]));
    return asked.flatMap(({ seq }) => {
      const payload = bySeq.get(seq);
      if (payload === undefined) return [];
      const restored = restore(payload.form, payload.span, payload.resource, bodyBySeq.get(seq));
      return restored === undefined ? [] : [{ seq, ...restored, resource: payload.resource }];
    });
  }

  async #find<R extends Identified>(query: Query, columns: string, rows_max = ROWS_MAX): Promise<Found<R>> {
    const condition = compileForClickHouse(parseFilter(query.filter), Date.now());
    const limit = Math.max(1, Math.min(query.limit, rows_max));
    const { oldest, newest } = await this.#ends();
    const isForward = query.after !== undefined;
    const until = Date.now() + QUERY_MILLIS;
    const found: R[] = [];
    let low = Math.max(oldest, (query.after ?? 0) + 1);
    let high = Math.min(newest, (query.before ?? Number.MAX_SAFE_INTEGER) - 1);
    for (let millis = FIRST_MILLIS; low <= high; ) {
      const to = isForward ? Math.min(high, low + span(millis)) : high;
      const from = isForward ? low : Math.max(low, high - span(millis));
      let rows: R[];
      try {
        rows = await this.#stretch<R>(condition, { columns, from, to, isForward, limit: limit - found.length });
      } catch (error) {
        if (!(error instanceof TooMuch) || millis <= LEAST_MILLIS) throw error;
        millis = Math.max(LEAST_MILLIS, millis / 16);
        continue;
      }
      const isFull = rows.length === limit - found.length;
      found.push(...(await this.#once(rows)));
      if (isFull) {
        const last = rows.at(-1)?.seq ?? to;
        if (found.length === limit) return { found, next: last, complete: true, through: last };
        // Some were there twice: on from the last.
        if (isForward) low = last + 1;
        else high = last - 1;
        continue;
      }
      if (isForward) low = to + 1;
      else high = from - 1;
      millis *= GROWTH;
      if (Date.now() > until && low <= high) {
        const through = isForward ? to : from;
        return { found, next: through, complete: false, through };
      }
    }
    return { found, next: null, complete: true, through: isForward ? newest : oldest };
  }

  #stretch<R>(
    { sql, parameters }: ReturnType<typeof compileForClickHouse>,
    { columns, from, to, isForward, limit }: Stretch,
  ): Promise<R[]> {
    return this.#ask<R>(
      `SELECT ${columns} FROM traces WHERE ${OF_ORGANISATION} AND Seq BETWEEN {low:UInt64} AND {high:UInt64} AND ${sql}
       ORDER BY Organisation ${isForward ? '' : 'DESC'}, Seq ${isForward ? '' : 'DESC'} LIMIT ${limit}`,
      { low: from, high: to, ...parameters },
      STRETCH_MILLIS,
    );
  }

  /**
   * Without those that came twice, each to another satellite before either could see it: of traces with the same ids the first is shown. Where
   * but one satellite has ever written there are none.
   */
  async #once<R extends Identified>(rows: R[]): Promise<R[]> {
    const ids = rows.filter(({ traceId }) => HEX.test(traceId));
    if (ids.length === 0) return rows;
    const first = new Map<string, number>();
    for (const { traceId, spanId, seq } of await this.known(ids)) first.set(traceId + spanId, seq);
    return rows.filter(({ traceId, spanId, seq }) => (first.get(traceId + spanId) ?? seq) === seq);
  }

  /** Of traces with these ids, the number of the first. */
  async known(ids: readonly Omit<Identified, 'seq'>[]): Promise<Identified[]> {
    const found: Identified[] = [];
    for (let at = 0; at < ids.length; at += KNOWN_STEP) {
      const pairs = ids
        .slice(at, at + KNOWN_STEP)
        .filter(({ traceId, spanId }) => HEX.test(traceId) && HEX.test(spanId))
        .map(({ traceId, spanId }) => `('${traceId}','${spanId}')`);
      if (pairs.length === 0) continue;
      found.push(
        ...(await this.#ask<Identified>(
          `SELECT TraceId AS traceId, SpanId AS spanId, min(Seq) AS seq FROM traces
           WHERE ${OF_ORGANISATION} AND (TraceId, SpanId) IN (${pairs.join(',')}) GROUP BY TraceId, SpanId`,
        )),
      );
    }
    return found;
  }

  async #ends(): Promise<{ oldest: number; newest: number }> {
    const end = (order: string): string =>
      `(SELECT Seq FROM traces WHERE ${OF_ORGANISATION} ORDER BY Organisation ${order}, Seq ${order} LIMIT 1)`;
    const [row] = await this.#ask<{ oldest: number | null; newest: number | null }>(
      `SELECT ${end('')} AS oldest, ${end('DESC')} AS newest`,
    );
    const newest = row?.newest ?? 0;
    return {
      oldest: row?.oldest ?? 1,
      newest: this.#hasOthers() ? Math.min(newest, seqAt(Date.now() - SETTLED_MILLIS)) : newest,
    };
  }

  /** The greatest number there is, whoever gave it. */
  async lastSeq(): Promise<number> {
    return (await this.#ends()).newest;
  }

  async rates(filter: string, stretches: number): Promise<Rate[]> {
    const { found } = await this.#find<Identified & Timed>({ filter, limit: RATE_TRACES_MAX }, TIMED, RATE_TRACES_MAX);
    return ratesOf(found, stretches);
  }

  async calls(filter: string): Promise<Calls> {
    const { found } = await this.#find<Identified & Called>(
      { filter, limit: RATE_TRACES_MAX },
      CALLED,
      RATE_TRACES_MAX,
    );
    return callsOf(found);
  }

  sensors(): Promise<Sensor[]> {
    return this.#ask<Sensor>(
      `SELECT ServiceName AS service, Environment AS environment, Host AS host, Instance AS instance, Version AS version,
       min(FirstSeen) AS firstSeen, max(LastSeen) AS lastSeen, sum(Traces) AS traces, sum(Damaged) AS damaged,
       if(min(WatchedShare) > 1, NULL, min(WatchedShare)) AS watchedShare
       FROM resources WHERE ${OF_ORGANISATION} GROUP BY service, environment, host, instance, version
       ORDER BY lastSeen DESC LIMIT ${SENSORS_MAX}`,
    );
  }

  async values(): Promise<Values> {
    const { newest } = await this.#ends();
    const some = (column: string): string => `arraySort(groupUniqArrayIf(${VALUES_MAX})(${column}, ${column} <> ''))`;
    const [[seen], [known]] = await Promise.all([
      this.#ask<{ methods: string[]; hosts: string[] }>(
        `SELECT ${some('Method')} AS methods, ${some('Host')} AS hosts FROM
         (SELECT Method, Host FROM traces WHERE ${OF_ORGANISATION} AND Seq > {low:UInt64} ORDER BY Organisation DESC, Seq DESC LIMIT 1000000)`,
        { low: Math.max(0, newest - span(VALUES_MILLIS)) },
      ),
      this.#ask<{ services: string[]; environments: string[] }>(
        `SELECT ${some('ServiceName')} AS services, ${some('Environment')} AS environments FROM resources WHERE ${OF_ORGANISATION}`,
      ),
    ]);
    return {
      methods: seen?.methods ?? [],
      hosts: seen?.hosts ?? [],
      services: known?.services ?? [],
      environments: known?.environments ?? [],
    };
  }

  /** Has to count anew. */
  forgetCounts(): void {
    this.#counted = null;
  }

  async facts(): Promise<StoreFacts> {
    const [counts, ends, { held, bytes }] = await Promise.all([
      this.#ask<{ name: string; value: number }>(
        `SELECT Name AS name, sum(Value) AS value FROM facts WHERE ${OF_ORGANISATION} GROUP BY Name`,
      ),
      this.#ends(),
      this.#count(),
    ]);
    const kept = new Map(counts.map(({ name, value }) => [name, value]));
    const stored = kept.get('stored') ?? 0;
    const start = (seq: number): string =>
      `(SELECT toUnixTimestamp64Micro(Timestamp) FROM traces WHERE ${OF_ORGANISATION} AND Seq = ${seq} LIMIT 1)`;
    const [times] = await this.#ask<{ oldest: number | null; newest: number | null }>(
      `SELECT ${start(ends.oldest)} AS oldest, ${start(ends.newest)} AS newest`,
    );
    return {
      stored,
      duplicates: kept.get('duplicates') ?? 0,
      rejected: kept.get('rejected') ?? 0,
      evicted: Math.max(0, stored - held),
      deleted: 0,
      held,
      bytes,
      oldest: times?.oldest ?? null,
      newest: times?.newest ?? null,
      lastSeq: ends.newest,
    };
  }

  async #count(): Promise<{ held: number; bytes: number }> {
    if (this.#counted !== null && Date.now() - this.#counted.at < FACTS_MILLIS) return this.#counted;
    const [[row], [parts]] = await Promise.all([
      this.#ask<{ held: number }>(`SELECT count() AS held FROM traces WHERE ${OF_ORGANISATION}`),
      // Of all organisations; a user who may not look there sees 0.
      this.#ask<{ bytes: number }>(
        'SELECT sum(bytes_on_disk) AS bytes FROM system.parts WHERE database = currentDatabase() AND active',
      ).catch(() => [{ bytes: 0 }]),
    ]);
    this.#counted = { at: Date.now(), held: row?.held ?? 0, bytes: parts?.bytes ?? 0 };
    return this.#counted;
  }

  #ask<R>(sql: string, bound: Readonly<Record<string, string | number>> = {}, millis?: number): Promise<R[]> {
    return this.#connection.query<R>(sql, { organisation: this.#organisation, ...bound }, millis);
  }
}

const KNOWN_STEP = 2000;
const HEX = /^[0-9a-f]{2,32}$/;

interface Stretch {
  readonly columns: string;
  readonly from: number;
  readonly to: number;
  readonly isForward: boolean;
  readonly limit: number;
}

export interface Kept {
  readonly seq: number;
  readonly received: SatelliteTrace;
  readonly span: string;
  readonly resource: string;
}

function wholeOf({ seq, received, span: text, resource }: Kept, form: WholeForm): Whole {
  return { seq, text: textIn(form, received, text, resource), resource: resourceOf(received.resource) };
}

function textIn(form: WholeForm, received: SatelliteTrace, spanText: string, resource: string): string {
  if (form === 'ndjson') return encodeNdjson(traceOf(received));
  if (form === 'har') return encodeHarEntry(traceOf(received));
  const { span: _span, resource: _resource, ...head } = received;
  return `${JSON.stringify(head).slice(0, -1)},"span":${spanText},"resource":${resource}}`;
}
