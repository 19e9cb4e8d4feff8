/** What is passed around while a text is searched for phrases. */
import type { View } from './edits.js';
import type { RedactionContext } from './redaction-context.js';

export interface Search {
  readonly view: View;
  readonly context: RedactionContext;
  readonly isTable: boolean;
  /** The bytes as Latin-1; made where an expression is to look at them. */
  text: string | null;
}

/** A secret is judged by its beginning. */
export const JUDGED_BYTES_MAX = 256;
