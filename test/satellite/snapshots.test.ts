/** The inventory as it was: one a day, eight of them, and what came since held against one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { readOtlpTraces } from '../../src/satellite/receive/satellite-trace.js';
import { type Satellite, startSatellite } from '../../src/satellite/satellite.js';
import { openFile } from '../../src/satellite/store/database-file.js';
import { KeptInventory } from '../../src/satellite/store/kept-inventory.js';
import { snapshotsOf } from '../../src/satellite/store/kept-snapshots.js';
import { requireSqlite } from '../../src/satellite/store/sqlite.js';
import { SqliteWriter } from '../../src/satellite/store/sqlite-writer.js';
import { forget } from '../../src/satellite/store/upkeep.js';
import { requestOf, type SpanGiven, sendSpans, spanOf } from '../support/spans.js';

const DAY = 24 * 3600e3;
const root = mkdtempSync(join(tmpdir(), 'snapshots-'));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;

/** A directory whose days go by. */
function openDays() {
  const directory = join(root, String(count++));
  const file = openFile(requireSqlite(), directory);
  const inventory = new KeptInventory(file.database);
  const writer = new SqliteWriter(file.database, { millis: 1e15, bytes: 1e15 }, inventory);
  return {
    directory,
    inventory,
    database: file.database,
    add: (at: number, given: readonly SpanGiven[]): void => {
      const { traces } = readOtlpTraces(requestOf(given.map((one) => spanOf({ at, ...one }))));
      writer.add(traces, 0, at);
    },
    close: () => {
      inventory.save(Date.now(), true);
      file.close();
    },
  };
}

async function start(directory: string): Promise<Satellite> {
  const store = { directory, retention: { millis: 1e15, bytes: 1e15 } };
  const satellite = await startSatellite({ host: '127.0.0.1', port: 0, traces_max: 10, store });
  onTestFinished(() => satellite.close());
  return satellite;
}

const orders = (from: number, given: SpanGiven = {}): SpanGiven[] =>
  Array.from({ length: 100 }, (_, i) => ({ path: `/orders/${from + i}`, answered: `{"id":${from + i}}`, ...given }));

it('are kept once a day, the first a day after the first trace, and eight of them', () => {
  const days = openDays();
  const begin = Date.UTC(2026, 0, 1, 9);
  days.inventory.keepDaily(begin);
  days.add(begin, orders(1000));
  for (let hour = 1; hour < 24; hour++) days.inventory.keepDaily(begin + hour * 3600e3);
  expect(snapshotsOf(days.database)).toEqual([]);
  const kept: number[] = [];
  for (let hour = 24; hour < 24 * 12; hour += 6) days.inventory.keepDaily(begin + hour * 3600e3);
  for (let day = 4; day < 12; day++) kept.push(begin + day * DAY);
  expect(snapshotsOf(days.database)).toEqual(kept);
  days.close();
});

it.each([
  ['so long ago', 7, 9 * DAY],
  ['as long ago as it is known', 8, 9 * DAY],
  ['not so long ago', 1, 2 * DAY],
])('say what there was %s, and what came since', async (_, asked, age) => {
  const now = Date.now();
  const days = openDays();
  days.add(now - 10 * DAY, [...orders(1000), { path: '/old/report', answered: '{}' }, ...orders(5000)]);
  for (const ago of [9, 2]) days.inventory.keepDaily(now - ago * DAY);
  days.close();
  const { url } = await start(days.directory);
  await sendSpans(url, [
    ...orders(2000).map((one) => spanOf(one)),
    ...Array.from({ length: 40 }, () => spanOf({ method: 'DELETE', path: '/orders/1001', answered: '{}' })),
    ...orders(3000, { answered: '{"id":"tuna"}' }).map((one) => spanOf(one)),
  ]);
  const answer = (await (await fetch(`${url}/api/drift/before?days=${asked}`)).json()) as any;
  expect(answer.since).toBe(now - age);
  expect(answer.snapshots).toEqual([now - 9 * DAY, now - 2 * DAY]);
  expect(answer.findings.filter(({ isDrift }: any) => isDrift)).toEqual([
    expect.objectContaining({ kind: 'new-endpoint', method: 'DELETE', path: '/orders/{orderId}', count: 40 }),
    expect.objectContaining({ kind: 'other-type', method: 'GET', path: '/orders/{orderId}', count: 100 }),
  ]);
  expect(answer.findings.filter(({ kind }: any) => kind === 'unseen-endpoint')).toEqual([
    expect.objectContaining({ path: '/old/report', what: expect.stringMatching(/^was last seen 20/) }),
  ]);
});

it('take for values what turned out to be values since', async () => {
  const now = Date.now();
  const days = openDays();
  const user = (name: string) => ({ path: `/users/${name}/posts`, answered: `{"name":"${name}","age":3}` });
  days.add(now - 9 * DAY, [user('alice'), user('bob')]);
  days.inventory.keepDaily(now - 8 * DAY);
  const names = [
    'carol',
    'dave',
    'erin',
    'frank',
    'grace',
    'heidi',
    'ivan',
    'judy',
    'mallory',
    'niaj',
    'olivia',
    'peggy',
  ];
  days.add(now, [...names, ...names].map(user));
  const { document } = days.inventory.before(7 * DAY, now);
  expect(Object.keys(JSON.parse(document ?? '').paths)).toEqual(
    days.inventory.endpoints({}).map(({ template }) => template),
  );
  days.close();
});

it('are nothing that a new satellite has; a wrong filter and a wrong age are said to be wrong', async () => {
  const { url } = await start(join(root, String(count++)));
  const get = async (query: string) => {
    const answer = await fetch(`${url}/api/drift/before?${query}`);
    return [answer.status, await answer.json()];
  };
  expect(await get('')).toEqual([200, { since: null, snapshots: [], traces: 0, findings: [] }]);
  expect(await get('filter=stauts:1')).toEqual([400, expect.objectContaining({ at: 0 })]);
  expect(await get('days=9')).toEqual([400, { message: 'days="9" is no number from 0 to 8' }]);
});

it('go when a trace is forgotten, whether a satellite runs or not', () => {
  const days = openDays();
  const now = Date.now();
  days.add(now - 9 * DAY, [...orders(1000), { path: '/jane', answered: '{"name":"janeroedoe"}' }]);
  days.inventory.keepDaily(now - 8 * DAY);
  days.close();
  expect(forget(days.directory, { filter: 'path:/jane' }, now)).toBe(1);
  const file = openFile(requireSqlite(), days.directory);
  expect(file.database.prepare('SELECT name FROM documents').all()).toEqual([]);
  file.close();
});
