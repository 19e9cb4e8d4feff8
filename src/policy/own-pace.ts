/**
 * The sensor's own limit: a number of traces in every minute at most, spread over it, with a part for what is rare.
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
import { type EndpointRecord, recentGrants } from './endpoint-ledger.js';
import type { Pace, PaceGrant } from './pace.js';
import type { PermitSettings, PermitSource } from './permits.js';
import { createSlidingCount, type SlidingCount } from './sliding-count.js';

const UNSEEN_AFTER_MILLIS = 600_000;
const RESERVE_SHARE = 0.25;
const BURST_SHARE = 0.1;
/** A limit this low is not worth pacing. */
const BURST_MIN = 10;

/** What was granted in the last minute. It outlives a limit that another one takes the place of. */
export interface OwnGrants {
  readonly all: SlidingCount;
  readonly steady: SlidingCount;
}

export function createOwnGrants(): OwnGrants {
  return { all: createSlidingCount(), steady: createSlidingCount() };
}

/** `perMinute` is at least 1. */
export function createOwnPace(
  perMinute: number,
  createPermits: (settings: PermitSettings) => PermitSource,
  { all: granted, steady: grantedSteady } = createOwnGrants(),
): Pace {
  const reserveMax = Math.floor(perMinute * RESERVE_SHARE);
  const steadyMax = perMinute - reserveMax;
  const burst = Math.min(steadyMax, Math.max(BURST_MIN, Math.floor(steadyMax * BURST_SHARE)));
  const steady = createPermits({ perMinute: steadyMax, burst });
  const reserve = reserveMax > 0 ? createPermits({ perMinute: reserveMax, burst: reserveMax }) : null;

  function takeSteady(now: number): boolean {
    if (grantedSteady.total(now) < steadyMax && granted.total(now) < perMinute) return steady.take(now);
    if (burst < steadyMax) steady.take(now);
    return false;
  }

  function takeReserve(now: number, floor: number): boolean {
    if (reserve === null || granted.total(now) >= perMinute || reserve.available(now) <= floor) return false;
    return reserve.take(now);
  }

  function grant(now: number, fromSteady: boolean): PaceGrant {
    const slot = granted.add(now);
    if (fromSteady) grantedSteady.add(now);
    return {
      giveBack() {
        granted.takeBack(slot);
        if (fromSteady) {
          grantedSteady.takeBack(slot);
          steady.giveBack();
        } else {
          reserve?.giveBack();
        }
      },
    };
  }

  return {
    take(record: EndpointRecord, activeEndpoints: number, now: number) {
      if (now - record.grantedAt >= UNSEEN_AFTER_MILLIS) {
        if (takeReserve(now, 0)) return grant(now, false);
        return takeSteady(now) ? grant(now, true) : null;
      }
      if (takeSteady(now)) return grant(now, true);
      const hadLess = recentGrants(record, now) < steadyMax / activeEndpoints;
      return hadLess && takeReserve(now, reserveMax >> 1) ? grant(now, false) : null;
    },
    async close() {
      await Promise.all([steady.close(), reserve?.close()]);
    },
  };
}
