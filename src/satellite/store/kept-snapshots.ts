/**
 * The inventory as it was: one a day, up to eight, so that what came since can be held against it.
 *
 *     inventory@1764201600000     in `documents`, packed; the name says when it was, in milliseconds since 1970
 *
 * in: an inventory, the time · out: those kept; one of them, read again. When traces are forgotten all of them go, since what is
 * to be forgotten may be in any, and none can be made anew.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import { Inventory, type InventoryLimits } from '../endpoints/inventory.js';
import type { Database } from './sqlite.js';

export const SNAPSHOTS_MAX = 8;
export const DAY_MILLIS = 24 * 3600e3;
const PREFIX = 'inventory@';
/** What a packed inventory may become. */
const TEXT_BYTES_MAX = 512 << 20;

/** When those that are kept were, the oldest first. */
export function snapshotsOf(database: Database): number[] {
  const rows = database.prepare(`SELECT name FROM documents WHERE name LIKE '${PREFIX}%'`).all() as { name: string }[];
  return rows.map(({ name }) => Number(name.slice(PREFIX.length))).sort((a, b) => a - b);
}

/** Keeps it as of now, in place of the oldest where there are enough. */
export function keepSnapshot(database: Database, text: string, through: number, nowMillis: number): void {
  const packed = gzipSync(text);
  database
    .prepare('INSERT OR REPLACE INTO documents (name, text, through, deleted) VALUES (?, ?, ?, 0)')
    .run(`${PREFIX}${nowMillis}`, packed, through);
  const kept = snapshotsOf(database);
  for (const millis of kept.slice(0, Math.max(0, kept.length - SNAPSHOTS_MAX)))
    database.prepare('DELETE FROM documents WHERE name = ?').run(`${PREFIX}${millis}`);
}

export function forgetSnapshots(database: Database): void {
  database.exec(`DELETE FROM documents WHERE name LIKE '${PREFIX}%'`);
}

/** The newest that is at least so old; the oldest, where none is. Null where there is none. */
export function chooseSnapshot(kept: readonly number[], ageMillis: number, nowMillis: number): number | null {
  return kept.findLast((millis) => millis <= nowMillis - ageMillis) ?? kept[0] ?? null;
}

/** Null where it is not there any more, or was written by another version. */
export function readSnapshot(database: Database, millis: number, limits: InventoryLimits): Inventory | null {
  const row = database.prepare('SELECT text FROM documents WHERE name = ?').get(`${PREFIX}${millis}`) as
    | { text: Uint8Array }
    | undefined;
  if (row === undefined) return null;
  try {
    return Inventory.parse(gunzipSync(row.text, { maxOutputLength: TEXT_BYTES_MAX }).toString('utf8'), limits);
  } catch {
    return null;
  }
}
