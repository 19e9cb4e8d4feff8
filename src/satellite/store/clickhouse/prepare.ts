/**
 * Makes the tables that are not there yet.
 *
 * in: a connection · out: tables of this version or of a later one that this satellite can go on with
 */
import { SensorError } from '../../../errors.js';
import type { Connection } from './connection.js';
import { AGEING, MIGRATIONS, MIGRATIONS_TABLE, placeOf, ttlOf } from './schema.js';
import type { ClickHouseTarget } from './target.js';

/** The version of this satellite's tables. */
const VERSION = MIGRATIONS.at(-1)?.version ?? 0;

/** @throws SensorError where the tables are of a later version that this satellite cannot read */
export async function prepareTables(
  connection: Connection,
  target: ClickHouseTarget,
  retentionMillis: number,
): Promise<void> {
  const place = placeOf(target, retentionMillis);
  await connection.command(MIGRATIONS_TABLE(place));
  const [made = { last: 0, oldest: 0 }] = await connection.query<{ last: number; oldest: number }>(
    'SELECT max(Version) AS last, max(Oldest) AS oldest FROM migrations',
  );
  if (made.oldest > VERSION)
    throw new SensorError(
      `the tables in ${target.database} take a satellite that knows form ${made.oldest}, and this one knows up to ${VERSION}: run the newer one, or name another database`,
    );
  for (const { version, oldest, statements } of MIGRATIONS) {
    if (version <= made.last) continue;
    // Two satellites may be at it at once: each statement does nothing where its work is done.
    for (const statement of statements(place)) await connection.command(statement);
    await connection.insert('migrations', [{ Version: version, Oldest: oldest }]);
  }
  await keepFor(connection, place.onCluster, retentionMillis);
}

/** The retention of the satellite that was started last counts for all. */
async function keepFor(connection: Connection, onCluster: string, retentionMillis: number): Promise<void> {
  const ttl = ttlOf(retentionMillis);
  const seconds = / INTERVAL (\d+) /.exec(ttl)?.[1] ?? '';
  for (const table of AGEING) {
    const [row] = await connection.query<{ engine: string }>(
      'SELECT engine_full AS engine FROM system.tables WHERE database = currentDatabase() AND name = {table:String}',
      { table },
    );
    if (row === undefined || row.engine.includes(`toIntervalSecond(${seconds})`)) continue;
    await connection.command(`ALTER TABLE ${table}${onCluster} MODIFY TTL ${ttl}`);
  }
}
