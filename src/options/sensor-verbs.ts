/**
 * The verbs that take the sensor's options, and what each makes of them.
 */
import type { FlagValues } from './settings.js';

export interface SensorVerb {
  /** What it does unless it is told otherwise: options as text, as a configuration file would have them. */
  readonly defaults: FlagValues;
  /** Whether traces must have somewhere to go. */
  readonly demandsOutput: boolean;
  /** Whether it looks at capture files too. */
  readonly readsFiles: boolean;
  /** Options that do nothing for it, and why. */
  readonly idle: readonly string[];
  readonly idleBecause: string;
}

export const APIDUMP: SensorVerb = { defaults: {}, demandsOutput: true, readsFiles: true, idle: [], idleBecause: '' };

export const WATCH: SensorVerb = { ...APIDUMP, defaults: { output: ['text'], 'rate-limit': ['0'] } };

/** Reads every exchange of a capture file, and sends none. */
export const EXPLAIN: SensorVerb = {
  ...APIDUMP,
  defaults: { 'log-level': ['warn'], 'keep-health-checks': ['true'] },
  demandsOutput: false,
};

export const DOCTOR: SensorVerb = {
  defaults: { 'log-level': ['error'] },
  demandsOutput: false,
  readsFiles: false,
  idle: [
    'trace-export-interval',
    'state-dir',
    'opamp-url',
    'opamp-unsigned',
    'max-http-length',
    'stream-messages',
    'trusted-proxies',
    'redact-header',
    'redact-query',
    'redact-field',
    'redact-pattern',
    'redact-allow',
    'redact-pii',
    'opaque-bodies',
    'grpc-descriptors',
    'semconv',
    'no-default-redaction',
    'no-bodies',
    'no-routes',
    'verbose',
    'count',
    'active-response',
    'active-response-rule',
    'active-response-per-minute',
    'active-response-report-seconds',
    'export-bytes-per-minute',
    'packets-on',
    'packets-dir',
    'packets-to-satellite',
    'packets-max-bytes',
    'health-port',
    'public-host',
    'log-packets',
    'metrics',
    'pod-metadata',
    'kubernetes-node',
    'pod-selector',
    'namespace-include',
    'namespace-exclude',
    'keep-infrastructure',
    'command',
    'workers',
    'shutdown-timeout',
  ],
  idleBecause: 'the doctor keeps no trace',
};
