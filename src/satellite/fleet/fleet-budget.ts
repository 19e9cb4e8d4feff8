/**
 * The budgets of a fleet: which of them a sensor takes from, and what it may keep by all of them.
 *
 * in: reports of sensors, the time · out: a quota for each, or null for one that no budget is for · pure
 *
 * A sensor takes from each budget that is for it: that of all, that of its environment, that of its service. Its quota is the least of
 * what these have for it.
 */
import type { BudgetQuota, BudgetReport } from '../../policy/budget-message.js';
import { BudgetPool, type BudgetPoolStatus } from './budget-pool.js';

/** Whose traces a budget is for; `*` as a name gives each service or environment a budget of its own. */
export interface FleetRate {
  readonly scope: 'all' | 'environment' | 'service';
  /** Empty for all. */
  readonly name: string;
  /** Traces a minute. */
  readonly perMinute: number;
}

/** What a sensor says of itself. */
export interface BudgetedSensor {
  readonly service: string;
  readonly environment: string;
}

export interface FleetBudgetSettings {
  readonly rates: readonly FleetRate[];
  readonly leaseMillis: number;
  readonly sensorsMax: number;
  readonly endpointsMax: number;
  /** Budgets that `*` may make; what has no budget of its own then shares the last one. */
  readonly poolsMax: number;
}

export interface FleetBudgetStatus extends BudgetPoolStatus {
  readonly scope: FleetRate['scope'];
  readonly name: string;
}

interface NamedPool {
  readonly scope: FleetRate['scope'];
  readonly name: string;
  readonly pool: BudgetPool;
}

/** What shares a budget where there are too many of their own. */
const OTHERS = '(others)';

export class FleetBudget {
  readonly #settings: FleetBudgetSettings;
  readonly #startedAt: number;
  readonly #pools = new Map<string, NamedPool>();

  constructor(settings: FleetBudgetSettings, now: number) {
    this.#settings = settings;
    this.#startedAt = now;
  }

  /** What the sensor `id` may keep from now on; null where no budget is for it. */
  report(id: string, sensor: BudgetedSensor, report: BudgetReport, now: number): BudgetQuota | null {
    const pools = this.#poolsOf(sensor, now);
    if (pools.length === 0) return null;
    let perMinute = Number.POSITIVE_INFINITY;
    for (const pool of pools) perMinute = Math.min(perMinute, pool.offer(id, report, now));
    for (const pool of pools) pool.lease(id, perMinute, now);
    return { perMinute, millis: this.#settings.leaseMillis };
  }

  /** The sensor ends. */
  leave(id: string): void {
    for (const { pool } of this.#pools.values()) pool.leave(id);
  }

  get status(): readonly FleetBudgetStatus[] {
    return [...this.#pools.values()].map(({ scope, name, pool }) => ({ scope, name, ...pool.status }));
  }

  #poolsOf(sensor: BudgetedSensor, now: number): BudgetPool[] {
    const pools: BudgetPool[] = [];
    for (const scope of ['all', 'environment', 'service'] as const) {
      const name = scope === 'all' ? '' : sensor[scope];
      const { rates } = this.#settings;
      const rate =
        rates.find((one) => one.scope === scope && one.name === name) ??
        rates.find((one) => one.scope === scope && one.name === '*');
      if (rate !== undefined) pools.push(this.#pool(scope, name, rate.perMinute, now));
    }
    return pools;
  }

  #pool(scope: FleetRate['scope'], name: string, perMinute: number, now: number): BudgetPool {
    const key = `${scope} ${name}`;
    const known = this.#pools.get(key);
    if (known !== undefined) return known.pool;
    if (this.#pools.size >= this.#settings.poolsMax && name !== OTHERS)
      return this.#pool(scope, OTHERS, perMinute, now);
    const { leaseMillis, sensorsMax, endpointsMax } = this.#settings;
    // A budget that is made later than the others has no earlier leases to wait for.
    const pool = new BudgetPool({ perMinute, leaseMillis, sensorsMax, endpointsMax }, this.#startedAt);
    this.#pools.set(key, { scope, name, pool });
    return pool;
  }
}
