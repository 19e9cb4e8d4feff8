/** What the walkers of one document share: names, edits, what is allowed, and how much work is left. */
import type { Cause, Edits, View } from './edits.js';
import type { FormValues } from './form-values.js';
import type { SensitiveNames } from './sensitive-names.js';
import type { Survey } from './survey.js';

/** The name of a value, asked for only where it matters. */
export interface PieceName {
  readonly name: string;
}

export const NAMELESS: PieceName = { name: '' };

export interface RedactionContext {
  readonly names: SensitiveNames;
  readonly edits: Edits;
  /** The built-in rules apply; without, only names of the user's. */
  readonly hasDefaults: boolean;
  /** Replaces a value, unless the user allows it. */
  redactText(view: View, start: number, end: number, cause: Cause): void;
  redactNumber(view: View, start: number, end: number, cause: Cause): void;
  /** A rule with the name it is about, from `start` to `end`. */
  cause(rule: string, view: View, start: number, end: number): Cause;
  /** Looks for pairs, forms and hidden documents in a piece of text, whose value has the name given, if any. */
  redactPiece(view: View, start: number, end: number, owner: PieceName): void;
  /** The same for a piece without anything that separates a name from a value. */
  redactForms(view: View, start: number, end: number, owner: PieceName): void;
  /** The same for a piece that was encoded, so that what stands before its secrets was not seen yet. */
  redactDecoded(view: View, name: string): void;
  /** What is known of a text that is being searched; null where all of it must be looked at. */
  surveyOf(view: View): Survey | null;
  /** Redacts a document inside another. */
  redactDocument(view: View, contentType?: string): void;
  /** Looks at the values of one form at once. */
  takeFormValues(): FormValues;
  giveBackFormValues(values: FormValues): void;
  /** Takes `bytes` from what may still be decoded; false where it is used up. */
  spend(bytes: number): boolean;
  /** Takes steps from those that the search may take; false where they are used up, and nothing is found any more. */
  take(step: number, times?: number): boolean;
}
