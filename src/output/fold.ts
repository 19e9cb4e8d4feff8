/**
 * Repeated log lines, folded: the first of a kind is written at once, and those after it become one line with their
 * number, at most once in a period. So a satellite that is away for a night costs a line a minute, and the log still says
 * how often it was asked.
 */
import type { Clock } from './clock.js';
import type { Log } from './log.js';

export interface FoldedWarnings {
  /** Lines of one `kind` are folded into one; fields and message are those of the occurrence that is written. */
  warn(kind: string, fields: object, message: string): void;
  /** Forgets `kind`: its next occurrence is written at once again. */
  reset(kind: string): void;
}

/** Kinds that are remembered; the one that was written longest ago makes room. */
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
