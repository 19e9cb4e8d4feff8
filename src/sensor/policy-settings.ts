/** Policy and redaction as the options say. */
import type { Counters } from '../counters.js';
import type { Limits } from '../limits.js';
import type { Settings } from '../options/options.js';
import type { TraceIds } from '../pair/trace-ids.js';
import { createPolicy, type Policy, type PolicySettings } from '../policy/policy.js';
import type { RedactionSettings } from '../redact/redactor.js';
import type { CaptureClock } from './capture-clock.js';

export interface SensorPolicyContext {
  readonly ids: TraceIds;
  readonly clock: CaptureClock;
  readonly limits: Limits;
  readonly counters: Counters;
}

export function policyOf(settings: Settings, { ids, clock, limits, counters }: SensorPolicyContext): Policy {
  return createPolicy(policySettings(settings), {
    ids,
    now: (exchange) => clock.millis(exchange),
    pace: clock.pace,
    endpointsMax: limits.endpoints_max,
    hostsMax: limits.host_verdicts_max,
    onEndpointEvicted: () => counters.endpoints_evicted++,
  });
}

function policySettings(settings: Settings): PolicySettings {
  return {
    hostAllow: settings.hostAllow,
    pathAllow: settings.pathAllow,
    hostExclusions: settings.hostExclusions,
    pathExclusions: settings.pathExclusions,
    methodAllow: settings.methodAllow,
    statusAllow: settings.statusAllow,
    keepHealthChecks: settings.keepHealthChecks,
    sampleRate: settings.sampleRate,
    sampleByParent: settings.sampleByParent,
    ratePerMinute: settings.rateLimit,
  };
}

export function redactionSettings(settings: Settings): RedactionSettings {
  return {
    defaults: !settings.noDefaultRedaction,
    headers: settings.redactHeader,
    queries: settings.redactQuery,
    fields: settings.redactField,
    patterns: settings.redactPattern,
    bodies: !settings.noBodies,
  };
}
