/**
 * What the rate limit remembers of each endpoint: when a trace of it was last kept, how many were in this minute, and how many
 * exchanges were refused since. It holds a fixed number of endpoints and evicts the one that came first, unless that one was seen
 * lately.
 */
export interface EndpointRecord {
  readonly key: number;
  /** Time in milliseconds of the last trace kept, or -Infinity. */
  grantedAt: number;
  /** The minute that `grants` counts, as a number of minutes. */
  minute: number;
  grants: number;
  grantsMinuteBefore: number;
  /** What it is still due of what every endpoint gets of an allotment, in traces, and when that was reckoned. */
  due: number;
  dueAt: number;
  /** Exchanges refused since the last trace kept, which the next one stands for. */
  refused: number;
  /** Exchanges since `takeSeen`. */
  seen: number;
}

/** How often each endpoint was asked for. */
export interface SeenEndpoints {
  /** The most asked for, most first. */
  readonly most: readonly { readonly endpoint: number; readonly count: number }[];
  /** All others together. */
  readonly rest: { readonly endpoints: number; readonly count: number };
}

export interface EndpointLedger {
  /** The record of an endpoint that an exchange is for at `now`. */
  visit(key: number, now: number): EndpointRecord;
  /** Endpoints visited in this minute or in the one before, whichever are more. At least 1. */
  active(): number;
  /** What was visited since the last call, `max` endpoints by themselves. */
  takeSeen(max: number): SeenEndpoints;
}

const MINUTE_MILLIS = 60_000;
/** Records looked at to find one to evict. */
const SECOND_CHANCES = 8;

/** Traces of the last minute, by the counts of this minute and of the one before. */
export function recentGrants(record: EndpointRecord, now: number): number {
  const sinceTurn = (now / MINUTE_MILLIS) % 1;
  return record.grants + record.grantsMinuteBefore * (1 - sinceTurn);
}

export function createEndpointLedger(endpointsMax: number, onEvicted: () => void): EndpointLedger {
  // In the order of arrival, or of the latest second chance.
  const records = new Map<number, EndpointRecord>();
  let minute = Number.NEGATIVE_INFINITY;
  let active = 0;
  let activeMinuteBefore = 0;

  function turnMinute(now: number): void {
    const current = Math.floor(now / MINUTE_MILLIS);
    if (current <= minute) return;
    activeMinuteBefore = current === minute + 1 ? active : 0;
    active = 0;
    minute = current;
  }

  function makeRoom(): void {
    let looked = 0;
    for (const [key, record] of records) {
      records.delete(key);
      if (record.minute < minute || ++looked > SECOND_CHANCES) {
        onEvicted();
        return;
      }
      records.set(key, record);
    }
  }

  return {
    visit(key, now) {
      turnMinute(now);
      let record = records.get(key);
      if (record === undefined) {
        if (records.size >= endpointsMax) makeRoom();
        record = {
          ...{ key, grantedAt: Number.NEGATIVE_INFINITY, minute },
          ...{ grants: 0, grantsMinuteBefore: 0, due: 1, dueAt: now, refused: 0, seen: 0 },
        };
        records.set(key, record);
        active++;
      } else if (record.minute !== minute) {
        record.grantsMinuteBefore = record.minute === minute - 1 ? record.grants : 0;
        record.grants = 0;
        record.minute = minute;
        active++;
      }
      record.seen++;
      return record;
    },
    takeSeen(max) {
      const seen = [];
      for (const record of records.values()) {
        if (record.seen > 0) seen.push({ endpoint: record.key, count: record.seen });
        record.seen = 0;
      }
      seen.sort((one, other) => other.count - one.count || one.endpoint - other.endpoint);
      const others = seen.splice(max);
      const count = others.reduce((sum, one) => sum + one.count, 0);
      return { most: seen, rest: { endpoints: others.length, count } };
    },
    active: () => Math.max(1, active, activeMinuteBefore),
  };
}
