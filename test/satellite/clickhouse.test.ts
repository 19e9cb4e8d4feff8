/** The store in ClickHouse: the contract, and what only a server that others share can suffer. The engine is chdb. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseClickHouse, showClickHouse } from '../../src/options/clickhouse-target.js';
import { compileForClickHouse } from '../../src/satellite/filter/clickhouse.js';
import { parseFilter } from '../../src/satellite/filter/parse.js';
import type { ClickHouseSettings } from '../../src/satellite/store/clickhouse/engine.js';
import { openClickHouse } from '../../src/satellite/store/clickhouse/open-clickhouse.js';
import { millisOf, Sequence, seqAt } from '../../src/satellite/store/clickhouse/sequence.js';
import { openStore } from '../../src/satellite/store/open-store.js';
import type { Store } from '../../src/satellite/store/store.js';
import { type Chdb, chdbInstalled, startChdb } from '../support/chdb.js';
import { needs } from '../support/needs.js';
import { Random, runSeed } from '../support/random.js';
import { spanOf } from '../support/spans.js';
import { send, storeContract } from './store-contract.js';

let chdb: Chdb;
let count = 0;
/** Each test has an organisation of its own, as making tables takes seconds. */
const newOrganisation = (): string => `o${count++}`;

async function ask(sql: string): Promise<string> {
  const response = await fetch(`http://${chdb.address}/`, { method: 'POST', body: sql });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text.trim();
}

const settingsOf = (organisation: string): ClickHouseSettings => ({
  target: parseClickHouse(`clickhouse://someone:secret-word@${chdb.address}/default`),
  retention: { millis: 1e9, bytes: 1e12 },
  bounds: { request_bytes_max: 20 << 20, values_max: 1e6, organisation },
  reports: false,
  spec: null,
  batch_millis: 10,
});

const open = (organisation: string, settings: Partial<ClickHouseSettings> = {}, notices: string[] = []) =>
  openClickHouse({ ...settingsOf(organisation), ...settings }, (notice) => notices.push(notice));

async function withStore(use: (store: Store) => Promise<void>, organisation = newOrganisation()): Promise<void> {
  const store = await open(organisation);
  try {
    await use(store);
  } finally {
    await store.close();
  }
}

const paths = async (store: Store, filter = ''): Promise<string[]> =>
  (await store.list({ filter, limit: 1000 })).rows.map(({ path }) => path).sort();

describe('ClickHouse', needs({ chdb: chdbInstalled }), () => {
  beforeAll(async () => {
    chdb = await startChdb();
  });
  afterAll(() => chdb?.stop());

  storeContract('in ClickHouse', withStore);

  it('keeps what several satellites send, each trace once, and merges what they have seen', async () => {
    const organisation = newOrganisation();
    const [one, other] = await Promise.all([open(organisation), open(organisation)]);
    const items = (from: number) => Array.from({ length: 10 }, (_, i) => spanOf({ path: `/items/${from + i}` }));
    const both = spanOf({ path: '/items/999' });
    // Sent to both at once, neither sees that the other has it.
    await Promise.all([send(one, [both, ...items(1000)]), send(other, [both, ...items(2000)])]);
    await send(other, [both]);
    await Promise.all([one.close(), other.close()]);
    await withStore(async (store) => {
      expect((await paths(store)).length).toBe(21);
      expect(await paths(store, 'path:/items/999')).toEqual(['/items/999']);
      const [endpoint, ...more] = await store.endpoints({});
      expect([endpoint?.template, more]).toEqual(['/items/{itemId}', []]);
      expect(endpoint?.count).toBeGreaterThanOrEqual(21);
    }, organisation);
  });

  it('finds by a filter what SQLite finds', async () => {
    const random = new Random(runSeed());
    const pick = <T>(list: readonly T[]): T => random.pick(list);
    const words = ['out of stock', 'Äpfel, und Birnen', 'in_stock', 'stock\nmarket', 'nothing', ''];
    const spans = Array.from({ length: 200 }, () => {
      const status = pick([200, 201, 404, 500, 503, null]);
      return spanOf({
        method: pick(['GET', 'POST']),
        path: pick(['/', '/orders/1', '/Orders', '/a%b_c', '/cart/items']),
        query: pick(['', 'page=1', 'q=50%25']),
        host: pick(['shop.example', 'Shop.example', 'api.example']),
        status,
        millis: pick([0.5, 1, 10, 1000]),
        sent: pick(words),
        answered: status === null ? '' : pick(words),
        type: pick(['application/json', 'text/html; charset=utf-8']),
        marks: pick([[], ['gap'], ['gap', 'drops']]),
        at: Date.now() - pick([0, 60_000, 7_200_000]),
      });
    });
    const terms = [
      ...[
        'status:500',
        'status>=500',
        'status<300',
        'status:5xx',
        'status<5xx',
        'status>4xx',
        'status:none',
        'status!=200',
      ],
      ...[
        'method:post',
        'method:GET,POST',
        'path:^/orders',
        'path:orders',
        'path:s$',
        'path:/c*s',
        'path=/',
        'path:%b_',
      ],
      ...[
        'query:page=',
        'host:shop',
        'host=api.example',
        'duration>5ms',
        'duration<=1',
        'size>5',
        'sent:0',
        'type:json',
      ],
      ...['body:"out of stock"', 'body:stock', 'body:birn', 'body:"of st"', 'body:äpfel', 'body:market', 'body:toc'],
      ...[
        'mark:gap',
        'mark:drops',
        'mark:any',
        'mark:none',
        'service=shop',
        'env:stag',
        'client:10.0.',
        'protocol:1.1',
      ],
      ...[
        'kind:server',
        `id:${spans[0]!.traceId.slice(0, 6)}`,
        `id=${spans[1]!.traceId}`,
        'time>10m',
        'time<1h',
        'cart',
        'b_c',
      ],
    ];
    const expression = (depth: number): string => {
      const term = `${random.chance(0.3) ? '-' : ''}${pick(terms)}`;
      if (depth === 0 || random.chance(0.4)) return term;
      const [a, b] = [expression(depth - 1), expression(depth - 1)];
      return pick([`${a} ${b}`, `(${a} OR ${b})`, `-(${a} ${b})`]);
    };
    const filters = [...terms, ...Array.from({ length: 40 }, () => expression(3))];
    const beside = await openStore({ ...settingsOf(''), directory: null, onNotice: () => {} });
    await withStore(async (store) => {
      await Promise.all([send(store, spans), send(beside, spans)]);
      const ids = async (one: Store, filter: string) =>
        (await one.list({ filter, limit: 1000 })).rows.map(({ traceId }) => traceId).sort();
      for (const filter of filters)
        expect([filter, await ids(store, filter)]).toEqual([filter, await ids(beside, filter)]);
    });
    await beside.close();
  });

  it('keeps bodies out of the list’s tables, and gives them back as they were', async () => {
    await withStore(async (store) => {
      const sent = '{"a":"\u0000 \\ \' 🦆"}';
      const span = spanOf({ path: '/bodies', sent, answered: 'only-in-a-body' });
      await send(store, [span]);
      const [row] = (await store.list({ filter: '', limit: 1 })).rows;
      expect(JSON.parse((await store.get(row!.seq, 'received'))!.text).span).toEqual(span);
      expect(JSON.parse((await store.get(row!.seq, 'ndjson'))!.text).request.body.content).toBe(sent);
      for (const table of ['traces', 'payloads'])
        expect(await ask(`SELECT count() FROM ${table} WHERE toString(tuple(*)) LIKE '%only-in-a-body%'`)).toBe('0');
    });
  });

  it('shows an organisation nothing of another, by number, filter or list', async () => {
    const [one, other] = [newOrganisation(), newOrganisation()];
    await withStore(async (store) => {
      await send(store, [spanOf({ path: '/one' })]);
      const [row] = (await store.list({ filter: '', limit: 1 })).rows;
      await withStore(async (stranger) => {
        expect(await stranger.get(row!.seq, 'ndjson')).toBeNull();
        expect(await paths(stranger)).toEqual([]);
        expect(await paths(stranger, `id:${row!.traceId} OR path:/one OR -path:/two`)).toEqual([]);
        expect(await stranger.sensors()).toEqual([]);
        expect(await stranger.endpoints({})).toEqual([]);
        expect(await stranger.facts()).toMatchObject({ stored: 0, held: 0, oldest: null });
        await stranger.setTemplates(['/other/{id}']);
        expect(await store.templates()).toEqual([]);
      }, other);
    }, one);
  });

  it('goes on where it was after a kill of the engine, with all that was acknowledged, each once', async () => {
    const organisation = newOrganisation();
    await withStore(async (store) => {
      const acknowledged: string[] = [];
      const all = Array.from({ length: 25 }, (_, i) => spanOf({ path: `/${i}` }));
      const sending = (async () => {
        for (const span of all)
          for (;;) {
            const answer = await send(store, [span]);
            if ('status' in answer) continue;
            acknowledged.push(`/${all.indexOf(span)}`);
            break;
          }
      })();
      for (const after of [5, 15]) {
        await expect.poll(() => acknowledged.length, { timeout: 60_000 }).toBeGreaterThan(after);
        await chdb.kill();
        await chdb.start();
      }
      await sending;
      expect(await paths(store)).toEqual(acknowledged.sort());
    }, organisation);
  });

  it('is not used by a satellite that is too old for it, and by one that is not', async () => {
    await withStore(async () => {});
    await ask('INSERT INTO migrations VALUES (7, 1, now())');
    await withStore(async (store) => void (await send(store, [spanOf({ path: '/older' })])));
    await ask('INSERT INTO migrations VALUES (8, 8, now())');
    try {
      await expect(open(newOrganisation())).rejects.toThrow(
        'the tables in default take a satellite that knows form 8, and this one knows up to 1',
      );
    } finally {
      await ask('TRUNCATE TABLE migrations');
      await ask('INSERT INTO migrations VALUES (1, 1, now())');
    }
  });

  it('keeps the others where the server does not take a request', async () => {
    await withStore(async (store) => {
      await ask("ALTER TABLE traces ADD CONSTRAINT no_poison CHECK Path <> '/poison'");
      try {
        const answers = await Promise.all(
          ['/before', '/poison', '/after'].map((path) => send(store, [spanOf({ path })])),
        );
        expect(answers.map((answer) => ('status' in answer ? answer.status : 200))).toEqual([200, 503, 200]);
        expect(await paths(store)).toEqual(['/after', '/before']);
      } finally {
        await ask('ALTER TABLE traces DROP CONSTRAINT no_poison');
      }
    });
  });

  it('keeps nothing of a password in what it says', async () => {
    const target = parseClickHouse('clickhouse://someone:secret-word@127.0.0.1:9/default');
    const refused = await open('x', { target }).then(
      () => '',
      (error: Error) => error.message,
    );
    expect(refused).toContain('--store clickhouse://127.0.0.1:9/default: ');
    expect(refused).not.toContain('secret-word');
  });

  it('keeps for as long as the satellite that was started last says', async () => {
    await (await open(newOrganisation(), { retention: { millis: 3_600_000, bytes: 1 } })).close();
    expect(await ask("SELECT count() FROM system.tables WHERE engine_full LIKE '%toIntervalSecond(3600)%'")).toBe('3');
    await (await open(newOrganisation())).close();
    expect(await ask("SELECT count() FROM system.tables WHERE engine_full LIKE '%toIntervalSecond(1000000)%'")).toBe(
      '3',
    );
  });
});

describe('the numbers of a satellite', () => {
  it('rise, say when they were given, and are no other slot’s', () => {
    const now = Date.UTC(2026, 10, 27);
    const [one, other] = [new Sequence(3, 0), new Sequence(63, 0)];
    const ofOne = Array.from({ length: 1000 }, (_, i) => one.next(now + i));
    const ofOther = Array.from({ length: 1000 }, (_, i) => other.next(now + i));
    expect(ofOne.every((seq, i) => i === 0 || seq > ofOne[i - 1]!)).toBe(true);
    expect(new Set([...ofOne, ...ofOther]).size).toBe(2000);
    expect(Math.abs(millisOf(ofOne[500]!) - (now + 500))).toBeLessThan(1);
    expect(String(seqAt(Date.UTC(2033, 0, 1))).length).toBe(15);
    expect(seqAt(Date.UTC(2090, 0, 1))).toBeLessThan(Number.MAX_SAFE_INTEGER);
    // A clock that was set back gives no number twice.
    expect(one.next(now - 1e6)).toBeGreaterThan(ofOne.at(-1)!);
    expect(new Sequence(5, one.next(now)).next(0)).toBeGreaterThan(one.next(0) - 64);
  });
});

describe('what names a ClickHouse', () => {
  it.each([
    ['clickhouse://host', { url: 'http://host:8123', username: 'default', password: '', database: 'default' }],
    ['clickhouse://u:p%40ss@h:80/db', { url: 'http://h:80', username: 'u', password: 'p@ss', database: 'db' }],
    ['clickhouses://u@[::1]/db', { url: 'https://[::1]:8443', username: 'u', cluster: null, isReplicated: false }],
    [
      'clickhouse://h/db?secure&cluster=main&replicated=true',
      { url: 'https://h:8443', cluster: 'main', isReplicated: true },
    ],
  ])('%s', (given, target) => {
    expect(parseClickHouse(given)).toMatchObject(target);
  });

  it.each([
    ['./directory', 'is no store'],
    ['clickhouse://user:secret@host/data-base', 'has the database "data-base"'],
    ['clickhouse://user:secret@host/d?cluster=`x', 'has the cluster'],
    [
      'clickhouse://user:secret@host/d?replicas=3',
      'has the parameter "replicas"; there are secure, replicated, cluster',
    ],
    ['clickhouse://user:secret@host/d?secure=maybe', 'has secure="maybe"; give true or false'],
    ['clickhouse://user:sec%ret@host/d', 'write % as %25'],
    ['clickhouse://user:secret@host:port/d', 'is no URL'],
  ])('%s is refused', (given, says) => {
    expect(() => parseClickHouse(given)).toThrow(says);
    expect(() => parseClickHouse(given)).not.toThrow(/secret|sec%ret/);
    expect(showClickHouse(given)).not.toMatch(/secret|sec%ret/);
  });
});

it('binds what a filter says, whatever it is', () => {
  const { sql, parameters } = compileForClickHouse(parseFilter(`path:"' OR 1=1 --" host:"{p0:String}" body:"') x"`), 0);
  expect(sql).not.toMatch(/1=1|--/);
  expect(Object.values(parameters)).toContain("%' OR 1=1 --%");
});
