/**
 * Lines at `--log-level debug`, bounded: of each kind so many in a period, and with the next one how many were left out.
 *
 * in: what happened · out: lines of the log, fewer than happened where it happens often
 */

export interface DebugLog {
  /** `fields` is asked for only where the line is written. */
  say(kind: string, fields: () => object, message: string): void;
}

const LINES_MAX = 20;
const PERIOD_MILLIS = 10_000;

interface Kind {
  since: number;
  written: number;
  leftOut: number;
}

/** `now` in milliseconds. Kinds are named by the code, so they are few. */
export function limitDebug(
  log: { debug(fields: object, message: string): void; isLevelEnabled?(level: string): boolean },
  now: () => number,
): DebugLog {
  const kinds = new Map<string, Kind>();
  return {
    say(name, fields, message) {
      if (log.isLevelEnabled?.('debug') === false) return;
      const kind = kinds.get(name) ?? { since: Number.NEGATIVE_INFINITY, written: 0, leftOut: 0 };
      kinds.set(name, kind);
      const time = now();
      if (time - kind.since >= PERIOD_MILLIS) {
        kind.since = time;
        kind.written = 0;
      }
      if (kind.written >= LINES_MAX) {
        kind.leftOut++;
        return;
      }
      kind.written++;
      const { leftOut } = kind;
      kind.leftOut = 0;
      log.debug(leftOut === 0 ? fields() : { ...fields(), leftOut }, message);
    },
  };
}
