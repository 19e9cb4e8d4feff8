/**
 * The tables: what is filtered by is typed and narrow, what is only shown is beside it, and bodies are found by their words.
 */
import { SensorError } from '../../errors.js';
import { PART_TABLES } from './parts.js';
import type { Database } from './sqlite.js';

/** Raised with a change that an older file cannot be read with. */
const VERSION = 3;

/** What is made of the traces: the inventory, through which of them; and what a person has set. */
const DOCUMENTS =
  'CREATE TABLE documents (name TEXT PRIMARY KEY, text TEXT NOT NULL, through INTEGER NOT NULL, deleted INTEGER NOT NULL);';

const TABLES = `${DOCUMENTS}
CREATE TABLE traces (
  seq INTEGER PRIMARY KEY,
  trace_id BLOB, span_id BLOB,
  start INTEGER NOT NULL, duration INTEGER NOT NULL, status INTEGER,
  request_bytes INTEGER NOT NULL, response_bytes INTEGER NOT NULL, redactions INTEGER NOT NULL,
  arrival INTEGER NOT NULL,
  method TEXT NOT NULL, kind TEXT NOT NULL, protocol TEXT NOT NULL,
  host TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL, content_type TEXT NOT NULL,
  client TEXT NOT NULL, service TEXT NOT NULL, environment TEXT NOT NULL, marks TEXT NOT NULL
);
CREATE TABLE payloads (seq INTEGER PRIMARY KEY, form TEXT NOT NULL, span TEXT NOT NULL, resource INTEGER NOT NULL);
CREATE TABLE resources (
  id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE,
  service TEXT NOT NULL, environment TEXT NOT NULL, host TEXT NOT NULL, instance TEXT NOT NULL, version TEXT NOT NULL,
  first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
  traces INTEGER NOT NULL, damaged INTEGER NOT NULL, watched_share REAL
);
CREATE VIRTUAL TABLE bodies USING fts5(request, response, content='', contentless_delete=1, detail='full');
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
${PART_TABLES}`;

/** Until the second version each trace was put into these as it came. */
const WITHOUT_INDEXES = ['once', 'status', 'method', 'duration', 'host', 'path', 'service', 'marks']
  .map((name) => `DROP INDEX IF EXISTS traces_${name};`)
  .join('');

export interface DatabaseForm {
  readonly cache_kibibytes: number;
  readonly reads: boolean;
}

/** Sets a connection up. */
export function configure(database: Database, { cache_kibibytes, reads }: DatabaseForm): void {
  database.exec('PRAGMA busy_timeout = 10000');
  if (!reads) {
    // Before there are tables, or it means nothing: room that is given up goes back to the file system.
    database.exec('PRAGMA auto_vacuum = INCREMENTAL');
    database.exec('PRAGMA journal_mode = WAL');
    // A kill loses nothing that was committed; only a machine that loses power may lose the last moments.
    database.exec('PRAGMA synchronous = NORMAL');
    database.exec('PRAGMA secure_delete = FAST');
    database.exec('PRAGMA wal_autocheckpoint = 4000');
    database.exec('PRAGMA journal_size_limit = 33554432');
  } else {
    database.exec('PRAGMA query_only = ON');
  }
  database.exec(`PRAGMA cache_size = -${cache_kibibytes}`);
  database.exec('PRAGMA temp_store = MEMORY');
}

/** Makes the tables where there are none. @throws SensorError where they are of a later version */
export function prepareTables(database: Database, path: string): void {
  const { user_version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  if (user_version === VERSION) return;
  if (user_version === 1 || user_version === 2) {
    const documents = user_version === 1 ? DOCUMENTS : '';
    database.exec(`BEGIN;${documents}${WITHOUT_INDEXES}${PART_TABLES}PRAGMA user_version = ${VERSION};COMMIT`);
    return;
  }
  if (user_version > VERSION)
    throw new SensorError(
      `${path} is of form ${user_version}, and this pcap-sensor knows up to ${VERSION}: run the newer one, or give --data another directory`,
    );
  database.exec(`BEGIN;${TABLES}PRAGMA user_version = ${VERSION};COMMIT`);
}
