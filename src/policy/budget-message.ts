/**
 * What a sensor and its satellite say to each other about a budget that sensors share.
 *
 * in: bytes of either message, whatever they are · out: a report, a quota, or null where they are none · and back
 *
 *     sensor    → {"millis":5000,"seen":[[ENDPOINT,COUNT],…],"rest":[ENDPOINTS,COUNT],"kept":12,"own":1000,"held":60}
 *     satellite → {"perMinute":40,"millis":12000}, or {} where no budget is for this sensor
 *
 * JSON, as both are small and rare. Times are durations: neither clock has to be right.
 */
import type { SeenTraffic } from './rate-limit.js';

/** What a sensor saw since its last report. */
export interface BudgetReport {
  /** The time that it is about, in milliseconds. */
  readonly millis: number;
  readonly seen: SeenTraffic;
  /** Traces a minute by the sensor's own limit; 0 for none. */
  readonly ownPerMinute: number;
  /** Traces a minute by the last quota, if that is what it still keeps to. */
  readonly heldPerMinute: number | null;
}

export interface BudgetQuota {
  /** Traces a minute. */
  readonly perMinute: number;
  /** How long it holds, in milliseconds. */
  readonly millis: number;
}

/** The name of the capability, and the types of its messages. */
export const BUDGET_CAPABILITY = 'ai.levo.pcap_sensor.budget';
export const REPORT = 'report';
export const QUOTA = 'quota';

/** Endpoints that a report has by themselves. */
export const REPORTED_ENDPOINTS_MAX = 64;
/** Longer messages are not read. */
export const BUDGET_MESSAGE_BYTES_MAX = 8192;
const PER_MINUTE_MAX = 1e9;
const MILLIS_MAX = 3_600_000;

export function encodeReport({ millis, seen, ownPerMinute, heldPerMinute }: BudgetReport): Buffer {
  const { most, rest, kept } = seen;
  return Buffer.from(
    JSON.stringify({
      millis: Math.round(millis),
      seen: most.slice(0, REPORTED_ENDPOINTS_MAX).map(({ endpoint, count }) => [endpoint, count]),
      rest: [rest.endpoints, rest.count],
      kept,
      own: ownPerMinute,
      ...(heldPerMinute === null ? {} : { held: heldPerMinute }),
    }),
  );
}

export function decodeReport(bytes: Uint8Array): BudgetReport | null {
  const { millis, seen, rest, kept, own, held } = membersOf(bytes);
  if (!isCount(millis, MILLIS_MAX) || !Array.isArray(seen) || seen.length > REPORTED_ENDPOINTS_MAX) return null;
  const most = seen.map(pairOf);
  const others = pairOf(rest);
  if (others === null || most.includes(null) || !isCount(kept) || !isCount(own)) return null;
  if (held !== undefined && !isCount(held)) return null;
  return {
    millis,
    seen: {
      most: most.flatMap((pair) => (pair === null ? [] : [{ endpoint: pair[0], count: pair[1] }])),
      rest: { endpoints: others[0], count: others[1] },
      kept,
    },
    ownPerMinute: own,
    heldPerMinute: held ?? null,
  };
}

export function encodeQuota(quota: BudgetQuota | null): Buffer {
  return Buffer.from(JSON.stringify(quota === null ? {} : { perMinute: quota.perMinute, millis: quota.millis }));
}

/** `none` where the satellite says that no budget is for this sensor. */
export function decodeQuota(bytes: Uint8Array): BudgetQuota | 'none' | null {
  const members = membersOf(bytes);
  const { perMinute, millis } = members;
  if (isCount(perMinute) && isCount(millis, MILLIS_MAX)) return { perMinute, millis };
  return members !== NO_MEMBERS && perMinute === undefined && millis === undefined ? 'none' : null;
}

const NO_MEMBERS: Readonly<Record<string, unknown>> = {};

function membersOf(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  if (bytes.length > BUDGET_MESSAGE_BYTES_MAX) return NO_MEMBERS;
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Readonly<Record<string, unknown>>) : NO_MEMBERS;
  } catch {
    return NO_MEMBERS;
  }
}

function pairOf(value: unknown): [number, number] | null {
  if (!Array.isArray(value) || value.length !== 2) return null;
  const [first, second] = value as unknown[];
  return isCount(first, Number.MAX_SAFE_INTEGER) && isCount(second) ? [first, second] : null;
}

function isCount(value: unknown, max = PER_MINUTE_MAX): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max;
}
