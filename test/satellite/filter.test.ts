/** The filter language: what it means, what it says of mistakes, and that no text makes it anything but a condition. */
import { describe, expect, it } from 'vitest';
import { compileFilter } from '../../src/satellite/filter/compile.js';
import { FilterError, parseFilter } from '../../src/satellite/filter/parse.js';
import { readOtlpTraces } from '../../src/satellite/receive/satellite-trace.js';
import { KeptInventory } from '../../src/satellite/store/kept-inventory.js';
import { configure, prepareTables } from '../../src/satellite/store/schema.js';
import { requireSqlite } from '../../src/satellite/store/sqlite.js';
import { SqliteReader } from '../../src/satellite/store/sqlite-reader.js';
import { SqliteWriter } from '../../src/satellite/store/sqlite-writer.js';
import { Random, runSeed } from '../support/random.js';
import { requestOf, type SpanGiven, spanOf } from '../support/spans.js';

const NOW = Date.parse('2026-05-01T12:00:00Z');

const SPANS: Readonly<Record<string, SpanGiven>> = {
  cart: {
    method: 'POST',
    path: '/cart/add',
    status: 201,
    millis: 40,
    sent: '{"item":"Blue Lamp"}',
    at: NOW - 3_600_000,
  },
  list: {
    path: '/items',
    query: 'page=2&q=100%',
    status: 200,
    millis: 3,
    answered: '{"out":"of stock"}',
    at: NOW - 60_000,
  },
  broken: {
    path: '/items/7',
    status: 503,
    millis: 900,
    marks: ['gap', 'drops'],
    host: 'api.shop.example',
    at: NOW - 1000,
  },
  silent: { method: 'DELETE', path: '/items/8', status: null, millis: 0, marks: ['no-response'], at: NOW },
  page: {
    path: '/Café_menu',
    status: 404,
    answered: '<p>żółw</p>',
    type: 'text/html; charset=utf-8',
    at: NOW - 86_400_000,
  },
};

const { DatabaseSync } = requireSqlite();
const database = new DatabaseSync(':memory:');
configure(database, { cache_kibibytes: 1024, reads: false });
prepareTables(database, '');
const names = Object.keys(SPANS);
new SqliteWriter(
  database,
  { millis: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER },
  new KeptInventory(database),
).add(readOtlpTraces(requestOf(Object.values(SPANS).map(spanOf))).traces, 0, NOW);
const reader = new SqliteReader(database);
const find = (filter: string): string =>
  reader
    .list({ filter, after: 0, limit: 100 })
    .rows.map(({ seq }) => names[seq - 1])
    .join(' ');

it.each([
  ['', 'cart list broken silent page'],
  ['status>=500', 'broken'],
  ['status:5xx,404', 'broken page'],
  ['status:2xx', 'cart list'],
  ['status>2xx', 'broken page'],
  ['status:none', 'silent'],
  ['status!=200', 'cart broken silent page'],
  ['-status:200', 'cart broken silent page'],
  ['method:post', 'cart'],
  ['method:POST,DELETE', 'cart silent'],
  ['method!=GET', 'cart silent'],
  ['host:api', 'broken'],
  ['host=shop.example', 'cart list silent page'],
  ['path:^/items', 'list broken silent'],
  ['path:items/', 'broken silent'],
  ['path=/items', 'list'],
  ['path:^/items$', 'list'],
  ['path:^/items/*$', 'broken silent'],
  ['path:7$', 'broken'],
  ['path:c*add', 'cart'],
  ['path:_', 'page'],
  ['query:100%', 'list'],
  ['query:%', 'list'],
  ['duration>200ms', 'broken'],
  ['duration>.5s', 'broken'],
  ['duration<=3', 'list silent page'],
  ['body:"out of stock"', 'list'],
  ['body:"stock of out"', ''],
  ['body:"of stock"', 'list'],
  ['body:lamp', 'cart'],
  ['body:"blue la"', 'cart'],
  ['body:ŻÓŁW', 'page'],
  ['body:"\\"of stock"', 'list'],
  ['mark:gap', 'broken'],
  ['mark:any', 'broken silent'],
  ['-mark:any', 'cart list page'],
  ['mark:ga', ''],
  ['type:html', 'page'],
  ['sent>0', 'cart'],
  ['client:10.0.', 'cart list broken silent page'],
  ['service=shop env:stag', 'cart list broken silent page'],
  ['protocol:1.1 kind:server', 'cart list broken silent page'],
  ['items', 'list broken silent'],
  ['"add"', 'cart'],
  ['method:POST OR status:none', 'cart silent'],
  ['method:POST | status:none', 'cart silent'],
  ['(status:200 OR status:201) -path:^/cart', 'list'],
  ['NOT (status:200 OR status:201)', 'broken silent page'],
  ['status:200 AND path:items', 'list'],
  [`path:"'; DROP TABLE traces --"`, ''],
  [`body:"x\\" OR request : lamp"`, ''],
])('%s finds %s', (filter, found) => {
  expect(find(filter)).toBe(found);
});

it('knows ages and dates', () => {
  const sql = (filter: string) => compileFilter(parseFilter(filter), NOW);
  expect(sql('time>10m').parameters).toEqual({ p0: (NOW - 600_000) * 1000 });
  expect(find('time<2026-05-01T00:00:00Z')).toBe('page');
});

it.each([
  ['stauts:500', 0, /"stauts" is no field; did you mean status\? there are status, method,/],
  ['a status>=abc', 2, /"abc" is no number; give it such as status>=500/],
  ['duration>5furlongs', 0, /"5furlongs" is no number with a unit; give it such as duration>200ms/],
  ['method>GET', 0, /method cannot be larger or smaller/],
  ['host:', 0, /host: has no value; give it such as host:shop.example/],
  ['body:"!!"', 0, /has no letter and no digit/],
  ['body:"open', 5, /a quotation mark is opened and not closed/],
  ['(status:200', 0, /a parenthesis is opened and not closed/],
  ['status:200)', 10, /a parenthesis is closed that was not opened/],
  ['status:200 OR', 13, /something is missing at the end/],
  ['duration>1,2', 0, /takes one value/],
  ['id:xyz', 0, /"xyz" is no trace id/],
  ['time>soon', 0, /neither an age such as 10m nor a date/],
  [`${'-'.repeat(40)}a`, 21, /nested more than 20 deep/],
  [`${'('.repeat(40)}a`, 21, /nested more than 20 deep/],
  ['a '.repeat(60), 100, /at most 50 terms/],
  ['x'.repeat(3000), 0, /at most 2000 characters; this has 3000/],
])('says what is wrong with %s', (filter, at, message) => {
  let error: unknown;
  try {
    find(filter);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(FilterError);
  expect((error as FilterError).message).toMatch(message);
  expect((error as FilterError).at).toBe(at);
});

describe('of any text', () => {
  const seed = runSeed();
  it(`is a condition or a mistake (seed ${seed})`, () => {
    const random = new Random(seed);
    const pieces = [
      'status',
      '>=',
      ':',
      '500',
      '(',
      ')',
      '"',
      '-',
      ' ',
      'OR',
      'body',
      '*',
      '\\',
      "'",
      ',',
      'é',
      'NOT',
      '^',
      '%',
      '\0',
    ];
    for (let i = 0; i < 2000; i++) {
      const text = Array.from({ length: random.between(0, 12) }, () => random.pick(pieces)).join('');
      try {
        find(text);
      } catch (error) {
        expect([text, error instanceof FilterError, (error as Error).message]).toEqual([
          text,
          true,
          expect.any(String),
        ]);
      }
    }
  });
});
