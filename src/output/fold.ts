/**
 * Repeated log lines, folded: of each kind the first is written at once, and those after it as one line with their number,
 * at most once in a period. So a satellite that is away for a night costs a line a minute, and none is lost without a trace.
 */
import type { Clock } from './clock.js';
import type { Log } from './log.js';

export interface FoldedWarnings {
  /** `kind` decides what is the same; the fields and message are those of the occurrence that is written. */
  warn(kind: string, fields: object, message: string): void;
  /** Forgets `kind`, so that its next occurrence is a first one again. */
  reset(kind: string): void;
}

/** Kinds remembered; the one longest not seen makes room. */
const KINDS_MAX = 64;

export function foldWarnings(log: Log, clock: Pick<Clock, 'now'>, periodMillis = 60_000): FoldedWarnings {
  const kinds = new Map<string, { writtenAt: number; folded: number }>();
  return {
    warn(kind, fields, message) {
      const now = clock.now();
      const before = kinds.get(kind);
      if (before !== undefined && now - before.writtenAt < periodMillis) {
        before.folded++;
        return;
      }
      kinds.delete(kind);
      kinds.set(kind, { writtenAt: now, folded: 0 });
      if (kinds.size > KINDS_MAX) kinds.delete(kinds.keys().next().value as string);
      const folded = before?.folded ?? 0;
      if (folded === 0) log.warn(fields, message);
      else log.warn({ ...fields, folded }, `${message} (and ${folded} times more since the last such line)`);
    },
    reset: (kind) => kinds.delete(kind),
  };
}
