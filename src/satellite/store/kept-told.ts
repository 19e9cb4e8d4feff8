/** What was told of, so that it is told once: keys, in the order of telling, kept beside the traces. */
import type { Database } from './sqlite.js';

const NAME = 'told';

/** Null where nobody was ever to be told. */
export function toldOf(database: Database): string[] | null {
  const row = database.prepare('SELECT text FROM documents WHERE name = ?').get(NAME) as { text: string } | undefined;
  return row === undefined ? null : (JSON.parse(row.text) as string[]);
}

export function keepTold(database: Database, keys: readonly string[]): void {
  database
    .prepare(
      `INSERT INTO documents (name, text, through, deleted) VALUES (?, ?, 0, 0)
       ON CONFLICT (name) DO UPDATE SET text = excluded.text`,
    )
    .run(NAME, JSON.stringify(keys));
}
