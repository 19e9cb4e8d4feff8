/** The store in SQLite: the contract, and what only files can suffer. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openStore, type StoreSettings } from '../../src/satellite/store/open-store.js';
import { requireSqlite } from '../../src/satellite/store/sqlite.js';
import type { Store } from '../../src/satellite/store/store.js';
import { COMMAND } from '../support/command.js';
import { spanOf } from '../support/spans.js';
import { send, storeContract } from './store-contract.js';

const root = mkdtempSync(join(tmpdir(), 'store-'));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;
const newDirectory = (): string => join(root, String(count++));

async function withStore(
  settings: Partial<StoreSettings>,
  use: (store: Store, notices: string[]) => Promise<void>,
): Promise<void> {
  const notices: string[] = [];
  const store = await openStore({
    directory: null,
    retention: { millis: 1e12, bytes: 1e12 },
    bounds: { request_bytes_max: 20 << 20, values_max: 1e6 },
    reports: false,
    onNotice: (notice) => notices.push(notice),
    ...settings,
  });
  try {
    await use(store, notices);
  } finally {
    await store.close();
  }
}

storeContract('in memory', (use) => withStore({}, use));
storeContract('in a directory', (use) => withStore({ directory: newDirectory() }, use));

const paths = async (store: Store, filter = ''): Promise<string[]> =>
  (await store.list({ filter, after: 0, limit: 1000 })).rows.map(({ path }) => path);

describe('a directory', () => {
  it('is as it was left, and gives no number twice', async () => {
    const directory = newDirectory();
    await withStore({ directory }, async (store) => void (await send(store, [spanOf({ path: '/1' })])));
    await withStore({ directory }, async (store) => {
      await send(store, [spanOf({ path: '/2', answered: 'again' })]);
      expect(await paths(store)).toEqual(['/1', '/2']);
      expect(await paths(store, 'body:again')).toEqual(['/2']);
      expect(await store.facts()).toMatchObject({ stored: 2, lastSeq: 2 });
    });
  });

  it('knows the endpoints of before, also those whose traces came after it last wrote them', async () => {
    const directory = newDirectory();
    const path = join(directory, 'traces.sqlite');
    const some = (from: number) => Array.from({ length: 10 }, (_, i) => spanOf({ path: `/items/${from + i}` }));
    const count = async (store: Store) => (await store.endpoints({})).map((row) => [row.template, row.count]);
    await withStore({ directory }, async (store) => void (await send(store, some(1000))));
    const { DatabaseSync } = requireSqlite();
    let database = new DatabaseSync(path);
    const { text } = database.prepare("SELECT text FROM documents WHERE name = 'inventory'").get() as { text: string };
    database.close();
    await withStore({ directory }, async (store) => {
      await send(store, some(2000));
      expect(await count(store)).toEqual([['/items/{itemId}', 20]]);
    });
    // As a kill would have left it.
    database = new DatabaseSync(path);
    database.prepare("UPDATE documents SET text = ?, through = 10 WHERE name = 'inventory'").run(text);
    database.close();
    await withStore({ directory }, async (store) => {
      await expect.poll(() => count(store), { timeout: 10_000 }).toEqual([['/items/{itemId}', 20]]);
    });
  });

  it('is of one satellite at a time', async () => {
    const directory = newDirectory();
    await withStore({ directory }, async () => {
      await expect(withStore({ directory }, async () => {})).rejects.toThrow(
        `--data ${directory} is in use by another satellite`,
      );
    });
  });

  it('cannot be where there is a file', async () => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    await expect(withStore({ directory: file }, async () => {})).rejects.toThrow(
      /give a directory that may be written to/,
    );
  });

  it.each(['all of it', 'a page'])('sets a file aside whose damage is %s', async (what) => {
    const directory = newDirectory();
    const path = join(directory, 'traces.sqlite');
    await withStore({ directory }, async (store) => {
      await send(
        store,
        Array.from({ length: 2000 }, (_, i) => spanOf({ path: `/${i}` })),
      );
    });
    const bytes = readFileSync(path);
    const { DatabaseSync } = requireSqlite();
    const database = new DatabaseSync(path);
    const { rootpage } = database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'traces'").get() as {
      rootpage: number;
    };
    // As a kill would have left it.
    database.exec("UPDATE facts SET value = 1 WHERE name = 'open'; PRAGMA wal_checkpoint(TRUNCATE)");
    database.close();
    const damaged = what === 'all of it' ? Buffer.alloc(bytes.length, 0x55) : readFileSync(path);
    if (what === 'a page') damaged.fill(0x55, (rootpage - 1) * 4096, rootpage * 4096);
    writeFileSync(path, damaged);
    await withStore({ directory }, async (store, notices) => {
      expect(notices).toEqual([
        expect.stringMatching(/traces\.sqlite is damaged \(.*\): it is kept as .*, and an empty one begun/),
      ]);
      await send(store, [spanOf({ path: '/new' })]);
      expect(await paths(store)).toEqual(['/new']);
    });
    expect(readdirSync(directory).filter((name) => name.startsWith('traces.sqlite.damaged-')).length).toBeGreaterThan(
      0,
    );
  });

  it('of a later version is refused', async () => {
    const directory = newDirectory();
    await withStore({ directory }, async () => {});
    const { DatabaseSync } = requireSqlite();
    const database = new DatabaseSync(join(directory, 'traces.sqlite'));
    database.exec('PRAGMA user_version = 999');
    database.close();
    await expect(withStore({ directory }, async () => {})).rejects.toThrow(
      /of form 999, and this pcap-sensor knows up to 3/,
    );
  });
});

describe('retention', () => {
  it('takes the oldest where there are too many bytes, and counts them', async () => {
    await withStore({ retention: { millis: 1e12, bytes: 4 << 20 } }, async (store) => {
      const answered = 'word '.repeat(2000);
      for (let i = 0; i < 20; i++)
        await send(
          store,
          Array.from({ length: 100 }, (_, j) => spanOf({ path: `/${i}/${j}`, answered })),
        );
      await expect.poll(async () => (await store.facts()).bytes, { timeout: 10_000 }).toBeLessThan(5 << 20);
      const { stored, evicted, held } = await store.facts();
      expect(stored).toBe(2000);
      expect(held).toBe(stored - evicted);
      const kept = await paths(store);
      expect(kept.at(-1)).toBe('/19/99');
      expect((await paths(store, 'body:word')).length).toBe(kept.length);
    });
  });

  it('takes what is too old', async () => {
    await withStore({ retention: { millis: 1, bytes: 1e12 } }, async (store) => {
      await send(store, [spanOf()]);
      await expect.poll(async () => (await store.facts()).evicted, { timeout: 10_000 }).toBe(1);
      expect(await paths(store)).toEqual([]);
    });
  });
});

/** As a person runs it. */
function run(...args: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(COMMAND, ['satellite', ...args], { encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

describe('while a satellite runs', () => {
  it('a directory is copied', async () => {
    const directory = newDirectory();
    await withStore({ directory }, async (store) => {
      await send(store, [spanOf({ path: '/kept', answered: 'copied' })]);
      const copy = newDirectory();
      await withStore({ directory: copy }, async () => {});
      const to = join(copy, 'traces.sqlite');
      expect(run('backup', to, '--data', directory)).toEqual({
        status: 2,
        said: expect.stringContaining('is there already'),
      });
      rmSync(to);
      expect(run('backup', to, '--data', directory)).toEqual({ status: 0, said: `${to}\n` });
      await withStore({ directory: copy }, async (copied) => {
        expect(await paths(copied, 'body:copied')).toEqual(['/kept']);
      });
    });
  });

  it('traces are forgotten, to the last byte', async () => {
    const directory = newDirectory();
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    await withStore({ directory }, async (store) => {
      await send(store, [
        spanOf({ path: '/1', answered: 'janeroedoe lives here' }),
        spanOf({ path: '/2', traceId }),
        spanOf({ path: '/3', answered: 'somebody else' }),
      ]);
      const remaining = async () => (await store.facts()).held;
      expect(run('delete', '--data', directory, '--where', 'body:janeroedoe')).toEqual({
        status: 0,
        said: '1 trace forgotten\n',
      });
      expect(await remaining()).toBe(2);
      expect(run('delete', '--data', directory, '--trace', traceId)).toEqual({
        status: 0,
        said: '1 trace forgotten\n',
      });
      expect(run('delete', '--data', directory, '--older-than', '1h')).toEqual({
        status: 0,
        said: '0 traces forgotten\n',
      });
      expect(await paths(store)).toEqual(['/3']);
      // The inventory is made anew of what is left.
      await expect
        .poll(async () => (await store.endpoints({})).map(({ count }) => count), { timeout: 10_000 })
        .toEqual([1]);
      // Written on, and the index with it.
      await send(store, [spanOf({ path: '/4', answered: 'more' })]);
      expect(await paths(store, 'body:more')).toEqual(['/4']);
      expect(await store.facts()).toMatchObject({ deleted: 2, held: 2 });
    });
    for (const name of readdirSync(directory))
      expect(readFileSync(join(directory, name)).includes('janeroedoe'), name).toBe(false);
  });

  it.each([
    [['backup', 'x'], '--data is required'],
    [['backup', '--data', join(root, 'nothing')], 'the file is missing'],
    [['backup', 'x', '--data', join(root, 'nothing')], 'has no traces'],
    [['delete', '--data', join(root, 'nothing')], 'what is to be forgotten is not said'],
    [['delete', '--data', root, '--where', ' '], 'would be everything'],
    [['delete', '--data', root, '--trace', 'abc'], 'is no trace id'],
    [['delete', '--data', root, '--older-than', 'soon'], 'is no time'],
  ])('%j is refused', (args, says) => {
    const { status, said } = run(...args);
    expect(said).toContain(says);
    expect(status).not.toBe(0);
  });
});
