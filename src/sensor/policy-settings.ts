/** Policy and redaction as the options say. */
import type { Counters } from '../counters.js';
import type { Limits } from '../limits.js';
import type { SettingsOf } from '../options/option-row.js';
import type { Settings } from '../options/options.js';
import type { REDACTION_OPTIONS } from '../options/redaction-options.js';
import type { PodLookup } from '../pair/pod.js';
import type { TraceIds } from '../pair/trace-ids.js';
import { createPolicy, type Policy, type PolicySettings } from '../policy/policy.js';
import type { RedactionSettings } from '../redact/redactor.js';
import { type AddressRange, PRIVATE_RANGES } from '../trace/address-range.js';
import type { CaptureClock } from './capture-clock.js';
import { checkPatternCost } from './pattern-cost.js';

export interface SensorPolicyContext {
  readonly ids: TraceIds;
  readonly clock: CaptureClock;
  readonly limits: Limits;
  readonly counters: Counters;
  readonly podOf: PodLookup | null;
}

export function policyOf(settings: Settings, { ids, clock, limits, counters, podOf }: SensorPolicyContext): Policy {
  return createPolicy(policySettings(settings), {
    ids,
    now: (exchange) => clock.millis(exchange),
    pace: clock.pace,
    podOf,
    endpointsMax: limits.endpoints_max,
    hostsMax: limits.host_verdicts_max,
    graphqlPathsMax: limits.graphql_paths_max,
    onEndpointEvicted: () => counters.endpoints_evicted++,
    onGraphqlPathEvicted: () => counters.graphql_paths_evicted++,
  });
}

export function policySettings(settings: Settings): PolicySettings {
  return {
    hostAllow: settings.hostAllow,
    pathAllow: settings.pathAllow,
    hostExclusions: settings.hostExclusions,
    pathExclusions: settings.pathExclusions,
    methodAllow: settings.methodAllow,
    statusAllow: settings.statusAllow,
    keepHealthChecks: settings.keepHealthChecks,
    podSelector: settings.podSelector,
    namespaceInclude: settings.namespaceInclude,
    namespaceExclude: settings.namespaceExclude,
    keepInfrastructure: settings.keepInfrastructure,
    sampleRate: settings.sampleRate,
    sampleByParent: settings.sampleByParent,
    ratePerMinute: settings.rateLimit,
  };
}

type RedactionOptions = SettingsOf<typeof REDACTION_OPTIONS>;

/** @throws UsageError where the patterns take too long */
export function redactionSettings(settings: RedactionOptions): RedactionSettings {
  checkPatternCost(settings.redactPattern);
  return {
    defaults: !settings.noDefaultRedaction,
    headers: settings.redactHeader,
    queries: settings.redactQuery,
    fields: settings.redactField,
    patterns: settings.redactPattern,
    bodies: !settings.noBodies,
    allow: settings.redactAllow,
    pii: settings.redactPii,
    opaqueBodies: settings.opaqueBodies,
  };
}

/** Whose word about a client counts: the private ranges, unless an option says otherwise. */
export function trustedProxies({ trustedProxies: given }: Settings): readonly AddressRange[] {
  return given.length === 0 ? PRIVATE_RANGES : given.flat();
}
