/** What the options say about policy, in the words of the modules here. */
import type { Settings } from '../options/options.js';
import type { PolicySettings } from '../policy/policy.js';
import type { RedactionSettings } from '../redact/redactor.js';

export function policySettings(settings: Settings): PolicySettings {
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
