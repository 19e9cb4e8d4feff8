/**
 * What the rate limit remembers of each endpoint: when a trace of it was last kept, and how many were in this minute. It
 * holds a fixed number of endpoints and evicts the one that came first, unless that one was seen lately.
 */
export interface EndpointRecord {
  readonly key: number;
  /** Time in milliseconds of the last trace kept, or -Infinity. */
  grantedAt: number;
  /** The minute that `grants` counts, as a number of minutes. */
  minute: number;
  grants: number;
  grantsMinuteBefore: number;
}

export interface EndpointLedger {
  /** The record of an endpoint that an exchange is for at `now`. */
  visit(key: number, now: number): EndpointRecord;
  /** Endpoints visited in this minute or in the one before, whichever are more. At least 1. */
  active(): number;
}

const MINUTE_MILLIS = 60_000;
/** Records looked at to find one to evict. */
const SECOND_CHANCES = 8;

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
        record = { key, grantedAt: Number.NEGATIVE_INFINITY, minute, grants: 0, grantsMinuteBefore: 0 };
        records.set(key, record);
        active++;
      } else if (record.minute !== minute) {
        record.grantsMinuteBefore = record.minute === minute - 1 ? record.grants : 0;
        record.grants = 0;
        record.minute = minute;
        active++;
      }
      return record;
    },
    active: () => Math.max(1, active, activeMinuteBefore),
  };
}
