/**
 * A number of traces in every minute at most, spread over it, and shared out so that rare endpoints are seen.
 *
 *     limit a minute = steady ¾ + reserve ¼
 *
 * Steady permits are for all exchanges, at an even pace with room for a short burst. The reserve may be spent at once. It
 * is for endpoints that were not seen in the last ten minutes; its upper half is also for endpoints that had less than
 * their fair share of the last minute. Independently of the pace, a sliding count holds each minute to the limit. A
 * steady permit that the count refuses is spent all the same: if it were kept, a burst would come back every minute.
 *
 * Times are in milliseconds.
 */
import type { Permit } from '../pair/exchange.js';
import { createEndpointLedger, type EndpointRecord } from './endpoint-ledger.js';
import type { PermitSettings, PermitSource } from './permits.js';
import { createSlidingCount } from './sliding-count.js';

export interface RateLimit {
  /** A permit for an exchange with the endpoint (see `EndpointHasher`), or null if it must be dropped. */
  take(endpoint: number, now: number): Permit | null;
  close(): Promise<void>;
}

export interface RateLimitSettings {
  /** At least 1. */
  perMinute: number;
  /** Endpoints remembered. */
  endpointsMax: number;
}

const UNSEEN_AFTER_MILLIS = 600_000;
const RESERVE_SHARE = 0.25;
const BURST_SHARE = 0.1;
/** A limit this low is not worth pacing. */
const BURST_MIN = 10;

export function createRateLimit(
  { perMinute, endpointsMax }: RateLimitSettings,
  createPermits: (settings: PermitSettings) => PermitSource,
  onEndpointEvicted: () => void,
): RateLimit {
  const reserveMax = Math.floor(perMinute * RESERVE_SHARE);
  const steadyMax = perMinute - reserveMax;
  const burst = Math.min(steadyMax, Math.max(BURST_MIN, Math.floor(steadyMax * BURST_SHARE)));
  const steady = createPermits({ perMinute: steadyMax, burst });
  const reserve = reserveMax > 0 ? createPermits({ perMinute: reserveMax, burst: reserveMax }) : null;
  const granted = createSlidingCount();
  const grantedSteady = createSlidingCount();
  const ledger = createEndpointLedger(endpointsMax, onEndpointEvicted);

  function takeSteady(now: number): boolean {
    if (grantedSteady.total(now) < steadyMax && granted.total(now) < perMinute) return steady.take(now);
    if (burst < steadyMax) steady.take(now);
    return false;
  }

  function takeReserve(now: number, floor: number): boolean {
    if (reserve === null || granted.total(now) >= perMinute || reserve.available(now) <= floor) return false;
    return reserve.take(now);
  }

  function hadLessThanItsShare(record: EndpointRecord, now: number): boolean {
    const sinceTurn = (now / 60_000) % 1;
    const grants = record.grants + record.grantsMinuteBefore * (1 - sinceTurn);
    return grants < steadyMax / ledger.active();
  }

  function grant(record: EndpointRecord, now: number, fromSteady: boolean): Permit {
    const slot = granted.add(now);
    if (fromSteady) grantedSteady.add(now);
    const before = record.grantedAt;
    record.grantedAt = now;
    record.grants++;
    return {
      giveBack() {
        granted.takeBack(slot);
        if (fromSteady) {
          grantedSteady.takeBack(slot);
          steady.giveBack();
        } else {
          reserve?.giveBack();
        }
        if (record.grants > 0) record.grants--;
        // The endpoint is as unseen as it was.
        if (record.grantedAt === now) record.grantedAt = before;
      },
    };
  }

  return {
    take(endpoint, now) {
      const record = ledger.visit(endpoint, now);
      if (now - record.grantedAt >= UNSEEN_AFTER_MILLIS) {
        if (takeReserve(now, 0)) return grant(record, now, false);
        return takeSteady(now) ? grant(record, now, true) : null;
      }
      if (takeSteady(now)) return grant(record, now, true);
      if (hadLessThanItsShare(record, now) && takeReserve(now, reserveMax >> 1)) return grant(record, now, false);
      return null;
    },
    async close() {
      await Promise.all([steady.close(), reserve?.close()]);
    },
  };
}
