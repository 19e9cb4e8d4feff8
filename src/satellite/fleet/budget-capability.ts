/**
 * Budgets over the custom messages of a fleet: each report of an enrolled sensor is answered by its quota. Anybody else could ask for
 * all of a budget, by as many names as it takes.
 */
import type { ServerCapability } from '../../enrolment/opamp/custom.js';
import { BUDGET_CAPABILITY, decodeReport, encodeQuota, QUOTA, REPORT } from '../../policy/budget-message.js';
import type { FleetBudget } from './fleet-budget.js';

/** `now` in milliseconds, by a clock that nobody sets. Reports that are malformed or not signed go without an answer. */
export function budgetCapability(budget: FleetBudget, now: () => number): ServerCapability {
  return {
    name: BUDGET_CAPABILITY,
    handle({ id, service, environment, isSigned }, type, data) {
      const report = type === REPORT && isSigned ? decodeReport(data) : null;
      if (report === null) return null;
      return { type: QUOTA, data: encodeQuota(budget.report(id, { service, environment }, report, now())) };
    },
    gone: ({ id }) => budget.leave(id),
  };
}
