/**
 * The options that a newcomer needs: those of `--help`. `--help all` has every one.
 */
import type { SATELLITE_OPTIONS, SENSOR_OPTIONS } from './options.js';

export const BASIC_OPTIONS: ReadonlySet<string> = new Set<keyof typeof SENSOR_OPTIONS>([
  'satellite-url',
  'levo-env',
  'levoai-org-id',
  'service-name',
  'interfaces',
  'filter',
  'read',
  'rate-limit',
  'host-exclusions',
  'path-exclusions',
  'keep-health-checks',
  'no-bodies',
  'output',
  'write',
  'verbose',
  'count',
  'config',
  'log-level',
]);

/** The same of a satellite. */
export const BASIC_SATELLITE_OPTIONS: ReadonlySet<string> = new Set<keyof typeof SATELLITE_OPTIONS>([
  'host',
  'port',
  'data',
  'retention',
  'read-token-file',
  'ingest-token-file',
  'spec',
  'log-level',
]);
