/**
 * The file of a data directory: opened by one satellite at a time, looked through after a crash, and set aside where it is
 * damaged, since what comes next should be kept rather than nothing.
 *
 *     traces.sqlite                     all traces, with -wal and -shm beside it while it is open
 *     traces.sqlite.damaged-TIME        one that could not be read
 *     lock.sqlite                       held by the satellite that runs; a kill releases it
 */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { SensorError, unusablePath } from '../../errors.js';
import { configure, prepareTables } from './schema.js';
import { type Database, isDamage, type Sqlite } from './sqlite.js';

const CACHE_KIBIBYTES = 32 << 10;

export const databasePath = (directory: string): string => join(directory, 'traces.sqlite');

export interface OpenFile {
  readonly database: Database;
  /** What there is to say of the file as it was; null if nothing. */
  readonly notice: string | null;
  /** Leaves it as it should be, or the next one to open it looks through all of it. */
  close(): void;
}

/** Opens it for the one writer. @throws SensorError where it cannot be */
export function openFile(sqlite: Sqlite, directory: string): OpenFile {
  const path = databasePath(directory);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unusable(directory, error);
  }
  const lock = takeLock(sqlite, directory);
  try {
    let notice: string | null = null;
    let database: Database;
    try {
      database = openChecked(sqlite, path);
    } catch (error) {
      if (!isDamage(error)) throw error;
      notice = setAside(path, (error as Error).message);
      database = openChecked(sqlite, path);
    }
    return {
      database,
      notice,
      close: () => {
        noteOpen(database, 0);
        database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
        database.close();
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

/** Moves a damaged file out of the way. Out: what to say. */
export function setAside(path: string, why: string): string {
  const aside = `${path}.damaged-${new Date().toISOString().replace(/[:.]/g, '')}`;
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  }
  return `${path} is damaged (${why}): it is kept as ${aside}, and an empty one begun`;
}

function unusable(directory: string, error: unknown): SensorError {
  return unusablePath(`--data ${directory}`, error, 'give a directory that may be written to');
}

function takeLock(sqlite: Sqlite, directory: string): Database {
  const path = join(directory, 'lock.sqlite');
  let lock: Database;
  try {
    lock = new sqlite.DatabaseSync(path);
  } catch (error) {
    throw unusable(directory, error);
  }
  try {
    lock.exec('PRAGMA busy_timeout = 0');
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if (!/locked|busy/i.test((error as Error).message)) throw unusable(directory, error);
    throw new SensorError(`--data ${directory} is in use by another satellite; end that, or give another directory`);
  }
}

function openChecked(sqlite: Sqlite, path: string): Database {
  const database = new sqlite.DatabaseSync(path);
  try {
    configure(database, { cache_kibibytes: CACHE_KIBIBYTES, reads: false });
    prepareTables(database, path);
    if (wasOpen(database)) check(database);
    noteOpen(database, 1);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Looks at the table that all others hang on. @throws where it is damaged */
function check(database: Database): void {
  const [row] = database.prepare("PRAGMA quick_check('traces')").all() as { quick_check: string }[];
  if (row !== undefined && row.quick_check !== 'ok') throw new Error(`malformed: ${row.quick_check}`);
}

function wasOpen(database: Database): boolean {
  const row = database.prepare("SELECT value FROM facts WHERE name = 'open'").get() as { value: number } | undefined;
  return row?.value === 1;
}

function noteOpen(database: Database, value: 0 | 1): void {
  database
    .prepare(
      "INSERT INTO facts (name, value) VALUES ('open', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .run(value);
}

/** Opens it to be read, while it is written. */
export function openToRead(sqlite: Sqlite, directory: string): Database {
  const database = new sqlite.DatabaseSync(databasePath(directory), { readOnly: true });
  configure(database, { cache_kibibytes: CACHE_KIBIBYTES, reads: true });
  return database;
}

/** One in memory, for as long as it is open. */
export function openInMemory(sqlite: Sqlite): OpenFile {
  const database = new sqlite.DatabaseSync(':memory:');
  configure(database, { cache_kibibytes: CACHE_KIBIBYTES, reads: false });
  prepareTables(database, ':memory:');
  return { database, notice: null, close: () => database.close() };
}
