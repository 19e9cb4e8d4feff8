/**
 * Says at once when a setting, or a default, takes exchanges away in the first minute, when somebody is looking for them.
 *
 * in: the reason of each drop · out: a warning, once for each reason, with the option that changes it
 */
import { DROP_REASONS, type DropReason } from '../counters.js';
import type { Logger } from '../log.js';

const FIRST_MILLIS = 60_000;

/** Call it with the reason of each drop. `now` in milliseconds. */
export function warnOfFirstDrops(log: Pick<Logger, 'warn'>, now: () => number): (reason: DropReason) => void {
  const startedAt = now();
  /** A bit for each reason that needs no further look. */
  let done = 0;
  return (reason) => {
    if ((done & (1 << reason)) !== 0) return;
    done |= 1 << reason;
    const row = DROP_REASONS.find(({ code }) => code === reason);
    if (row === undefined || row.excludedBy === null || row.keepsAll === null || now() - startedAt > FIRST_MILLIS)
      return;
    log.warn(`some exchanges are dropped by ${row.excludedBy}; ${row.keepsAll} (said once; the summary counts them)`);
  };
}
