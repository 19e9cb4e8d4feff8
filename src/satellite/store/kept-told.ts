/** What was told of, so that it is told once: keys, in the order of telling, kept beside the traces. */
import { documentTextOf, keepDocument } from './kept-document.js';
import type { Database } from './sqlite.js';

const NAME = 'told';

/** Null where nobody was ever to be told. */
export function toldOf(database: Database): string[] | null {
  const text = documentTextOf(database, NAME);
  return text === null ? null : (JSON.parse(text) as string[]);
}

export function keepTold(database: Database, keys: readonly string[]): void {
  keepDocument(database, NAME, JSON.stringify(keys));
}
