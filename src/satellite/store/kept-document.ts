/** Documents that are kept beside the traces, each by its name. */
import type { Database } from './sqlite.js';

/** Null where there is none. */
export function documentTextOf(database: Database, name: string): string | null {
  const row = database.prepare('SELECT text FROM documents WHERE name = ?').get(name) as { text: string } | undefined;
  return row?.text ?? null;
}

export function keepDocument(database: Database, name: string, text: string): void {
  database
    .prepare(
      `INSERT INTO documents (name, text, through, deleted) VALUES (?, ?, 0, 0)
       ON CONFLICT (name) DO UPDATE SET text = excluded.text`,
    )
    .run(name, text);
}
