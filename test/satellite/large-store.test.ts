/** Of many traces, where indexes are used: a filter finds what going through all of them finds, newest first, page by page. */
import { expect, it } from 'vitest';
import { type Bound, compileFilter } from '../../src/satellite/filter/compile.js';
import { parseFilter } from '../../src/satellite/filter/parse.js';
import { readOtlpTraces } from '../../src/satellite/receive/satellite-trace.js';
import { KeptInventory } from '../../src/satellite/store/kept-inventory.js';
import { forgetInParts, PART_TRACES, Parts } from '../../src/satellite/store/parts.js';
import { configure, prepareTables } from '../../src/satellite/store/schema.js';
import { requireSqlite } from '../../src/satellite/store/sqlite.js';
import { SqliteReader } from '../../src/satellite/store/sqlite-reader.js';
import { SqliteWriter } from '../../src/satellite/store/sqlite-writer.js';
import { requestOf, spanOf } from '../support/spans.js';

const TRACES = 80_000;
const { DatabaseSync } = requireSqlite();
const database = new DatabaseSync(':memory:');
configure(database, { cache_kibibytes: 8192, reads: false });
prepareTables(database, '');
database.exec(`INSERT INTO traces
  SELECT n, randomblob(16), randomblob(8), n, (n % 1000) * 300000,
    CASE WHEN n % 7001 = 0 THEN NULL WHEN n % 997 = 0 THEN 500 WHEN n % 13 = 0 THEN 404 ELSE 200 END, 0, 60, 0, n,
    CASE WHEN n % 5 = 0 THEN 'POST' WHEN n % 4999 = 0 THEN 'DELETE' ELSE 'GET' END, 'server', '1.1',
    CASE WHEN n % 3001 = 0 THEN 'rare.example' ELSE 'shop.example' END, '/orders/' || (100000 + n), 'page=' || (n % 10),
    'application/json', '10.0.0.1', CASE WHEN n < 500 THEN 'old' ELSE 'shop' END, 'prod',
    CASE WHEN n % 5003 = 0 THEN ',gap,drops,' ELSE '' END
  FROM (WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ${TRACES}) SELECT n FROM s);
  INSERT INTO bodies (rowid, request, response) SELECT seq, '', 'thing ' || (seq % 900) FROM traces`);
const parts = new Parts(database);
while (parts.step(TRACES) !== null);
const reader = new SqliteReader(database);
const bound = (sql: string, parameters: object): Record<string, Bound> =>
  Object.fromEntries(Object.entries(parameters).filter(([name]) => new RegExp(`:${name}\\b`).test(sql)));

it('has a full part, and others behind it', () => {
  expect(parts.outside).toBe(PART_TRACES);
  expect(database.prepare('SELECT count(*) AS count FROM by_path').get()).toEqual({ count: PART_TRACES - 1 });
});

it.each([
  'status>=500',
  'status:5xx method:POST',
  'status:none',
  'status:none,500',
  'status:404,500 method:DELETE,POST path:^/orders/10',
  'host:rare,nowhere',
  'mark:gap,midstream',
  'status<300 duration>299ms',
  'method:DELETE',
  'method!=GET status>404',
  'duration>299ms',
  'duration>299ms status:500',
  'path:^/orders/1777',
  'path=/orders/123456',
  'path:7777',
  'path:^/orders/*99$',
  'path:orders status:none',
  'host:rare',
  'host:nowhere',
  'host=rare.example method:GET',
  'service=old',
  'service:ol method:POST',
  'mark:gap',
  'mark:any status:200',
  '-mark:any status:none',
  '(status:none OR mark:gap) method:GET',
  'body:"thing 77"',
  'body:"thing 899" method:POST',
  'NOT status:200 path:^/orders/15',
  '',
])('%s', (filter) => {
  const { sql, parameters } = compileFilter(parseFilter(filter), 0);
  const expected = (
    database
      .prepare(`SELECT seq FROM traces WHERE ${sql} ORDER BY seq DESC`)
      .all(bound(sql, { low: 0, high: TRACES, ...parameters })) as { seq: number }[]
  )
    .map(({ seq }) => seq)
    .slice(0, 300);
  const found: number[] = [];
  let before: number | null = null;
  do {
    const page = reader.list({ filter, limit: 70, ...(before === null ? {} : { before }) });
    found.push(...page.rows.map(({ seq }) => seq));
    before = page.next;
  } while (before !== null && found.length < 300);
  expect(found.slice(0, 300)).toEqual(expected);
});

it('goes through them from the oldest as well', () => {
  const forward: number[] = [];
  let after: number | null = 0;
  do {
    const page = reader.list({ filter: 'mark:gap', after, limit: 4 });
    forward.push(...page.rows.map(({ seq }) => seq));
    after = page.next;
  } while (after !== null);
  expect(forward).toEqual(Array.from({ length: Math.floor(TRACES / 5003) }, (_, i) => (i + 1) * 5003));
});

it('knows ids of full parts and of the others again, and none that are new', () => {
  const retention = { millis: 1e15, bytes: 1e15 };
  database.exec("INSERT INTO facts (name, value) VALUES ('last_seq', 80000)");
  const writer = new SqliteWriter(database, retention, new KeptInventory(database));
  const known = database
    .prepare('SELECT lower(hex(trace_id)) AS traceId, lower(hex(span_id)) AS spanId FROM traces WHERE seq % 1999 = 0')
    .all() as { traceId: string; spanId: string }[];
  const again = known.map(({ traceId, spanId }) => ({ ...spanOf({ traceId }), spanId }));
  const other = known.map(({ traceId }) => spanOf({ traceId }));
  const { traces } = readOtlpTraces(requestOf([...again, ...other]));
  expect(writer.add(traces, 0, 0)).toEqual({ stored: known.length, duplicates: known.length });
  expect(writer.add(traces, 0, 0)).toEqual({ stored: 0, duplicates: 2 * known.length });
});

it('forgets a trace in its part as well', () => {
  const count = (): unknown =>
    database.prepare("SELECT count(*) AS count FROM by_path WHERE value = '/orders/100500'").get();
  expect(count()).toEqual({ count: 1 });
  forgetInParts(database, [500]);
  expect(count()).toEqual({ count: 0 });
});

it('drops a part whose traces are gone', () => {
  expect(parts.drop(PART_TRACES - 1)).toBe(false);
  database.exec(`INSERT INTO traces SELECT seq + 80100, NULL, NULL, start, duration, status, 0, 0, 0, arrival, method, kind, protocol, host,
    path, query, content_type, client, service, environment, marks FROM traces WHERE seq <= 60000`);
  while (parts.step(140_000) !== null);
  while (parts.drop(PART_TRACES));
  expect(database.prepare('SELECT min(part) AS part FROM by_path').get()).toEqual({ part: 1 });
  expect(database.prepare('SELECT part FROM parts').all()).toEqual([{ part: 1 }]);
});
