/** The options that say which exchanges are kept, and how many: rows of the one table. */
import { many, one, optional, toggle } from './option-row.js';
import { cpuBudget, number, pattern } from './option-values.js';
import { statusPattern } from './status-pattern.js';

export const POLICY_OPTIONS = {
  'rate-limit': one({
    group: 'Policy:',
    reloads: true,
    env: ['LEVO_RATE_LIMIT', 'LEVO_RATE_LIMIT_NUMBER'],
    value: number('TRACES', { min: 0, max: 1e9, integer: true, example: 'traces a minute such as 1000, or 0' }),
    default: 1000,
    defaultText: '1000; 0 with --read, and where text is all that is printed',
    alsoCalled: ['rate', 'limit'],
    help: 'traces kept a minute; 0 means no limit',
  }),
  'sample-rate': one({
    group: 'Policy:',
    reloads: true,
    value: number('SHARE', { min: 0, max: 1, example: 'the share of exchanges kept, 0 to 1' }),
    default: 1,
    alsoCalled: ['sample', 'sampling', 'sampling-rate'],
    help: 'share of exchanges kept, 0 to 1, decided by trace id',
  }),
  'host-allow': many({
    group: 'Policy:',
    reloads: true,
    env: ['LEVO_HOST_ALLOW', 'LEVO_HOST_ALLOW_RE'],
    value: pattern,
    default: [],
    alsoCalled: ['allow-host', 'allow-hosts', 'host-include', 'include-host', 'hosts'],
    help: 'keep only hosts that match one of these',
  }),
  'path-allow': many({
    group: 'Policy:',
    reloads: true,
    env: ['LEVO_PATH_ALLOW', 'LEVO_PATH_ALLOW_RE'],
    value: pattern,
    default: [],
    alsoCalled: ['allow-path', 'allow-paths', 'path-include', 'include-path', 'paths'],
    help: 'keep only paths that match one of these',
  }),
  'host-exclusions': many({
    group: 'Policy:',
    reloads: true,
    env: ['LEVO_HOST_EXCLUSIONS', 'LEVO_HOST_EXCLUSIONS_RE'],
    value: pattern,
    default: [],
    alsoCalled: ['host-exclude', 'exclude-host', 'exclude-hosts', 'ignore-host'],
    help: 'drop hosts that match one of these, allowed or not',
  }),
  'path-exclusions': many({
    group: 'Policy:',
    reloads: true,
    env: ['LEVO_PATH_EXCLUSIONS', 'LEVO_PATH_EXCLUSIONS_RE'],
    value: pattern,
    default: [],
    alsoCalled: ['path-exclude', 'exclude-path', 'exclude-paths', 'exclude', 'ignore', 'ignore-path'],
    help: 'drop paths that match one of these, allowed or not',
  }),
  'method-allow': many({
    group: 'Policy:',
    reloads: true,
    value: pattern,
    default: [],
    alsoCalled: ['method', 'methods', 'method-include'],
    help: 'keep only methods that match one of these, such as ^(POST|PUT)$',
  }),
  'status-allow': many({
    group: 'Policy:',
    reloads: true,
    value: statusPattern,
    default: [],
    alsoCalled: ['status', 'status-include'],
    help: 'keep only statuses that match one of these, such as ^5; an exchange without a response matches none',
  }),
  'keep-health-checks': toggle({
    group: 'Policy:',
    reloads: true,
    help: 'keep probes of load balancers, Route 53, Kubernetes, Envoy and ECS container health checks',
  }),
  'keep-duplicates': toggle({
    group: 'Policy:',
    help: 'keep every trace of a connection or request that is seen in several places, such as before and behind NAT or a proxy',
  }),
  'sample-by-parent': toggle({
    group: 'Policy:',
    reloads: true,
    help: 'where there is a traceparent, its sampled flag decides instead of --sample-rate',
  }),
  'max-cpu': optional({
    group: 'Policy:',
    value: cpuBudget,
    defaultText: 'no limit',
    takes: ['live'],
    alsoCalled: ['cpu', 'cpu-limit'],
    help: 'CPU that the sensor may use, in cores or in percent of what the task may; above that, capture pauses in slices; none means no limit',
  }),
};
