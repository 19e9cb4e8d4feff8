/** What is passed around while a pair in text is read. */
import type { Cause, View } from './edits.js';
import type { RedactionContext } from './redaction-context.js';
import type { NameRule } from './sensitive-names.js';

/** A piece of text that is searched for pairs. */
export interface Text {
  readonly view: View;
  readonly start: number;
  readonly end: number;
  readonly context: RedactionContext;
}

/** A value without quotes. */
export interface Bare {
  /** Where it begins. */
  readonly value: number;
  readonly rule: NameRule;
  readonly cause: Cause;
  readonly isParameter: boolean;
  /** What separates it from its name is no colon. */
  readonly isAssigned: boolean;
}
