/**
 * What is done to a data directory from outside, also while a satellite runs on it: a copy, and forgetting.
 *
 * in: a directory · out: a file; how many traces were forgotten
 */
import { existsSync } from 'node:fs';
import { reasonOf, SensorError, UsageError } from '../../errors.js';
import { type Bound, compileFilter } from '../filter/compile.js';
import { parseFilter } from '../filter/parse.js';
import { databasePath } from './database-file.js';
import { forgetSnapshots } from './kept-snapshots.js';
import { forgetInParts } from './parts.js';
import { prepareTables } from './schema.js';
import { type Database, requireSqlite } from './sqlite.js';
import type { Forget } from './store.js';

/** Traces that one transaction takes, so that the satellite can write between two. */
const STEP = 1000;

/** A file that is whole, as of one moment. @throws SensorError */
export function backUp(directory: string, to: string): void {
  if (existsSync(to)) throw new UsageError(`FILE ${JSON.stringify(to)} is there already; give one that is not`);
  const database = openExisting(directory);
  try {
    database.prepare('VACUUM INTO ?').run(to);
  } catch (error) {
    throw new SensorError(`FILE ${JSON.stringify(to)} cannot be written (${reasonOf(error)}); give another`);
  } finally {
    database.close();
  }
}

/**
 * Takes all traces that hold, with their bodies and what these are found by, and writes over where they were: nothing of them
 * is in the files afterwards. Copies made before have them still.
 */
export function forget(directory: string, wanted: Forget, nowMillis: number): number {
  const database = openExisting(directory);
  try {
    database.exec('PRAGMA secure_delete = ON');
    const { sql, parameters } = conditionOf(wanted, nowMillis);
    const find = database.prepare(
      `SELECT seq FROM traces WHERE seq BETWEEN :low AND :high AND ${sql} ORDER BY seq LIMIT ${STEP}`,
    );
    const bound = Object.fromEntries(
      Object.entries(parameters).filter(([name]) => new RegExp(`:${name}\\b`).test(sql)),
    );
    let forgotten = 0;
    for (let low = 0; ; ) {
      const found = find.all({ low, high: Number.MAX_SAFE_INTEGER, ...bound }) as { seq: number }[];
      const last = found.at(-1)?.seq;
      if (last === undefined) break;
      low = last + 1;
      remove(
        database,
        found.map(({ seq }) => seq),
      );
      forgotten += found.length;
    }
    if (forgotten > 0) {
      // What was made of them has examples of theirs; the satellite makes it anew.
      database.exec("DELETE FROM documents WHERE name = 'inventory'");
      forgetSnapshots(database);
      // Words of what is gone are in the index until its parts are merged, and pages in the log until it is emptied.
      database.exec("INSERT INTO bodies (bodies) VALUES ('optimize')");
      database.exec('PRAGMA incremental_vacuum');
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    }
    return forgotten;
  } finally {
    database.close();
  }
}

function openExisting(directory: string): Database {
  const path = databasePath(directory);
  if (!existsSync(path))
    throw new UsageError(`--data ${directory} has no traces: there is no ${path}; give the --data of a satellite`);
  const { DatabaseSync } = requireSqlite();
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA busy_timeout = 30000');
    database.prepare('SELECT count(*) FROM facts').get();
    prepareTables(database, path);
    return database;
  } catch (error) {
    database.close();
    throw new SensorError(
      `--data ${directory}: ${path} cannot be read (${reasonOf(error)}); give the --data of a satellite`,
    );
  }
}

function conditionOf(
  { traceId, filter, olderThanMillis }: Forget,
  nowMillis: number,
): {
  sql: string;
  parameters: Record<string, Bound>;
} {
  const { sql, parameters } = compileFilter(
    parseFilter([filter === undefined ? '' : `(${filter})`, traceId === undefined ? '' : `id:${traceId}`].join(' ')),
    nowMillis,
  );
  if (olderThanMillis === undefined) return { sql, parameters };
  return {
    sql: `${sql} AND arrival < :older`,
    parameters: { ...parameters, older: (nowMillis - olderThanMillis) * 1000 },
  };
}

function remove(database: Database, seqs: readonly number[]): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    forgetInParts(database, seqs);
    for (const sql of [
      'DELETE FROM bodies WHERE rowid = ?',
      'DELETE FROM payloads WHERE seq = ?',
      'DELETE FROM traces WHERE seq = ?',
    ]) {
      const statement = database.prepare(sql);
      for (const seq of seqs) statement.run(seq);
    }
    database
      .prepare(
        "INSERT INTO facts (name, value) VALUES ('deleted', ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
      )
      .run(seqs.length);
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
