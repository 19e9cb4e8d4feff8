/**
 * How many traces are kept: the sensor's own limit, and below it what it was allotted of a budget shared with others. Either may be
 * absent. Each trace kept says how many exchanges with its endpoint it stands for.
 *
 * Times are in milliseconds.
 */
import type { Permit } from '../pair/exchange.js';
import type { Allotment } from './allotment.js';
import { createEndpointLedger, type EndpointRecord, type SeenEndpoints } from './endpoint-ledger.js';
import { createOwnPace, type OwnGrants } from './own-pace.js';
import type { PaceGrant } from './pace.js';
import type { PermitSettings, PermitSource } from './permits.js';

export interface RateLimit {
  /** A permit for an exchange with the endpoint (see `EndpointHasher`), or null if it must be dropped. */
  take(endpoint: number, now: number): Permit | null;
  /** Keeps to `allotment` too from now on, however much the sensor's own limit is; null: to that alone. */
  share(allotment: Allotment | null): void;
  /** What was asked for since the last call, `max` endpoints by themselves, and what was kept. */
  takeSeen(max: number): SeenTraffic;
  close(): Promise<void>;
}

export interface SeenTraffic extends SeenEndpoints {
  /** Permits that were not given back. */
  readonly kept: number;
}

export interface RateLimitSettings {
  /** The sensor's own limit; 0 for none. */
  perMinute: number;
  /** Endpoints remembered. */
  endpointsMax: number;
  /** What the limit before this one granted counts against this one too. */
  grants?: OwnGrants;
}

export function createRateLimit(
  { perMinute, endpointsMax, grants }: RateLimitSettings,
  createPermits: (settings: PermitSettings) => PermitSource,
  onEndpointEvicted: () => void,
): RateLimit {
  const own = perMinute > 0 ? createOwnPace(perMinute, createPermits, grants) : null;
  let allotment: Allotment | null = null;
  let kept = 0;
  const ledger = createEndpointLedger(endpointsMax, onEndpointEvicted);

  function grant(record: EndpointRecord, now: number, ofOwn: PaceGrant | null, ofAllotment: PaceGrant | null): Permit {
    const before = record.grantedAt;
    const standsFor = record.refused + 1;
    record.grantedAt = now;
    record.grants++;
    record.refused = 0;
    kept++;
    return {
      standsFor,
      giveBack() {
        kept = Math.max(0, kept - 1);
        ofOwn?.giveBack();
        ofAllotment?.giveBack();
        if (record.grants > 0) record.grants--;
        // The endpoint is as unseen as it was.
        if (record.grantedAt === now) record.grantedAt = before;
        record.refused += standsFor - 1;
      },
    };
  }

  return {
    take(endpoint, now) {
      const record = ledger.visit(endpoint, now);
      const active = ledger.active();
      const ofAllotment = allotment === null ? null : allotment.take(record, active, now);
      if (allotment === null || ofAllotment !== null) {
        const ofOwn = own === null ? null : own.take(record, active, now);
        if (own === null || ofOwn !== null) return grant(record, now, ofOwn, ofAllotment);
        ofAllotment?.giveBack();
      }
      record.refused++;
      return null;
    },
    share(next) {
      allotment = next;
    },
    takeSeen(max) {
      const seen = { ...ledger.takeSeen(max), kept };
      kept = 0;
      return seen;
    },
    async close() {
      await own?.close();
    },
  };
}
