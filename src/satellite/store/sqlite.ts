/**
 * The SQLite that there is: the runtime's, where it can search texts, or that of a package. Both have one API.
 *
 * in: the path of a file, or `:memory:` · out: a database
 */
import { createRequire } from 'node:module';
import { SensorError } from '../../errors.js';

export type Sqlite = typeof import('@photostructure/sqlite');
export type Database = InstanceType<Sqlite['DatabaseSync']>;
export type Statement = ReturnType<Database['prepare']>;

export const SQLITE_PACKAGE = '@photostructure/sqlite';

/** Null where there is none. */
export function findSqlite(): Sqlite | null {
  const require = createRequire(import.meta.url);
  for (const name of ['node:sqlite', SQLITE_PACKAGE]) {
    try {
      // The runtime warns that its own is a release candidate, which is nothing that a user could do anything about.
      const sqlite = withoutWarnings(() => require(name) as Sqlite);
      if (canSearch(sqlite)) return sqlite;
    } catch {
      // Not here; or built for another machine.
    }
  }
  return null;
}

/** @throws SensorError where there is none */
export function requireSqlite(): Sqlite {
  const sqlite = findSqlite();
  if (sqlite !== null) return sqlite;
  throw new SensorError(
    `traces are kept with SQLite, which Node.js has from 22.16 on, and this is ${process.version}: ` +
      `npm install ${SQLITE_PACKAGE}@1.2.1, or run a newer Node.js`,
  );
}

/** Node.js has FTS5 from 22.16 on. */
function canSearch({ DatabaseSync }: Sqlite): boolean {
  const database = new DatabaseSync(':memory:');
  try {
    database.exec("CREATE VIRTUAL TABLE probe USING fts5(text, content='', contentless_delete=1)");
    return true;
  } catch {
    return false;
  } finally {
    database.close();
  }
}

function withoutWarnings<T>(load: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Whether the file is damaged, by the error that reading it gave. SQLITE_CORRUPT and SQLITE_NOTADB. */
export function isDamage(error: unknown): boolean {
  return /malformed|not a database|file is encrypted|corrupt/i.test((error as Error).message);
}

/** Whether there is no room for more. SQLITE_FULL, and I/O errors of a file system that is full. */
export function isFull(error: unknown): boolean {
  return /database or disk is full|disk I\/O error/i.test((error as Error).message);
}
