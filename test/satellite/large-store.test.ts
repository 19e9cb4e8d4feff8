/** Of many traces, where indexes are used: a filter finds what going through all of them finds, newest first, page by page. */
import { expect, it } from 'vitest';
import { compileFilter } from '../../src/satellite/filter/compile.js';
import { parseFilter } from '../../src/satellite/filter/parse.js';
import { configure, prepareTables } from '../../src/satellite/store/schema.js';
import { requireSqlite } from '../../src/satellite/store/sqlite.js';
import { SqliteReader } from '../../src/satellite/store/sqlite-reader.js';

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
const reader = new SqliteReader(database);

it.each([
  'status>=500',
  'status:5xx method:POST',
  'status:none',
  'status:none,500',
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
      .prepare(`SELECT seq FROM traces NOT INDEXED WHERE ${sql} ORDER BY seq DESC`)
      .all(filter.includes('body') ? { low: 0, high: TRACES, ...parameters } : parameters) as { seq: number }[]
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
