/** Policy and redaction as the options say. */
import type { Counters } from '../counters.js';
import { DEFAULT_LIMITS, type Limits } from '../limits.js';
import type { SettingsOf } from '../options/option-row.js';
import type { Settings } from '../options/options.js';
import type { REDACTION_OPTIONS } from '../options/redaction-options.js';
import type { PodLookup } from '../pair/pod.js';
import type { TraceIds } from '../pair/trace-ids.js';
import { isInSlashes } from '../policy/pattern-set.js';
import { createPolicy, type Policy, type PolicySettings } from '../policy/policy.js';
import type { RedactionSettings } from '../redact/redactor.js';
import { type AddressRange, PRIVATE_RANGES } from '../trace/address-range.js';
import type { CaptureClock } from './capture-clock.js';
import { checkPatternCost, type GivenPattern } from './pattern-cost.js';

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

type KeptBy = Pick<Settings, Exclude<keyof PolicySettings, 'ratePerMinute' | 'also'> | 'rateLimit'>;

/** @throws UsageError where patterns take too long */
export function policySettings(settings: Settings): PolicySettings {
  checkPatternCost(
    [
      ...given('--host-allow', settings.hostAllow),
      ...given('--path-allow', settings.pathAllow),
      ...given('--host-exclusions', settings.hostExclusions),
      ...given('--path-exclusions', settings.pathExclusions),
      ...given('--method-allow', settings.methodAllow),
      ...given('--status-allow', settings.statusAllow),
    ],
    'test',
    DEFAULT_LIMITS.rule_pattern_micros_max,
  );
  return keptBy(settings);
}

/** By what exchanges are kept: the same, with patterns that were looked at before. */
export function keptBy(settings: KeptBy): PolicySettings {
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

/** Microseconds that the user's patterns take for a KiB of text. */
export type PatternMicros = number;

/** @throws UsageError where the patterns take too long */
export function redactionCost({ redactPattern, redactAllow }: RedactionOptions): PatternMicros {
  const allowed = redactAllow.filter(isInSlashes).map((text) => text.slice(1, -1));
  const { redaction_pattern_micros_max: most } = DEFAULT_LIMITS;
  // What is allowed is looked for in what was found to be secret: no more than all of the text.
  return (
    checkPatternCost(given('--redact-pattern', redactPattern), 'search', most) +
    checkPatternCost(given('--redact-allow', allowed), 'test', most)
  );
}

function given(option: string, patterns: readonly string[]): GivenPattern[] {
  return patterns.map((pattern) => ({ option, pattern }));
}

export function redactionSettings(settings: RedactionOptions): RedactionSettings {
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
