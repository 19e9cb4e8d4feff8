/**
 * What a satellite and its sensors tell each other beyond OpAMP: budgets, who tells of which connection, and orders of active response.
 *
 * in: the budgets that were chosen · out: capabilities for a `Fleet`, and what they can be asked
 */
import { randomInt } from 'node:crypto';
import type { ServerCapability } from '../../enrolment/opamp/custom.js';
import { DEFAULT_LIMITS } from '../../limits.js';
import { budgetCapability } from './budget-capability.js';
import { ConnectionDivision } from './connection-division.js';
import { divisionCapability } from './division-capability.js';
import { FleetBudget, type FleetRate } from './fleet-budget.js';
import { ResponseOrders } from './response-orders.js';

export interface FleetMatters {
  readonly capabilities: readonly ServerCapability[];
  readonly budget: FleetBudget;
  readonly orders: ResponseOrders;
  readonly division: ConnectionDivision;
}

export function fleetMatters(rates: readonly FleetRate[]): FleetMatters {
  const now = (): number => performance.now();
  const budget = new FleetBudget(
    {
      rates,
      leaseMillis: DEFAULT_LIMITS.fleet_quota_nanos / 1e6,
      sensorsMax: DEFAULT_LIMITS.fleet_sensors_max,
      endpointsMax: DEFAULT_LIMITS.fleet_endpoints_max,
      poolsMax: DEFAULT_LIMITS.fleet_pools_max,
    },
    now(),
  );
  const orders = new ResponseOrders(
    { ordersMax: DEFAULT_LIMITS.response_orders_max, actionsMax: DEFAULT_LIMITS.response_actions_max },
    now,
  );
  const division = new ConnectionDivision(
    {
      sensorsMax: DEFAULT_LIMITS.fleet_sensors_max,
      sightingsMax: DEFAULT_LIMITS.division_sightings_max,
      pairsMax: DEFAULT_LIMITS.division_pairs_max,
      waysMax: DEFAULT_LIMITS.division_ways_max,
    },
    now(),
    // Sensors that hold a division of another run are told of this one's.
    randomInt(1, 2 ** 31),
  );
  const capabilities = [budgetCapability(budget, now), divisionCapability(division, now), orders.capability];
  return { capabilities, budget, orders, division };
}
