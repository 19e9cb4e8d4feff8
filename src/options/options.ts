/**
 * The one option table. Every row defines the flag, the environment variable, the key of the configuration file, the
 * help text, the line in docs/options.md and the type of the settings. `settings.ts` turns text into values by it.
 *
 * To add an option, add a row. Its name is the flag and the key in the file; `LEVO_` and the name in upper snake case is
 * the environment variable; the name in camel case is the property of the settings. Say the unit in `help`.
 */
import { DEFAULT_LIMITS } from '../limits.js';
import { OUTPUT_FORMS_TEXT } from '../output/registry.js';
import { many, one, optional, type SettingsOf, toggle } from './option-row.js';
import {
  bytes,
  captureFile,
  captureFilter,
  choice,
  cpuBudget,
  existingFile,
  headerPair,
  interfaceName,
  listenAddress,
  number,
  outputTarget,
  pattern,
  pemFile,
  redactedName,
  satelliteUrl,
  tag,
  text,
} from './option-values.js';

const LOG_OPTIONS = {
  'log-level': one({
    group: 'Process:',
    value: choice('debug', 'info', 'warn', 'error', 'silent'),
    default: 'info',
    help: 'least severe level that is logged',
  }),
  'log-format': one({
    group: 'Process:',
    value: choice('auto', 'json', 'text'),
    default: 'auto',
    defaultText: 'text on a terminal, else json',
    help: 'how log lines look; they always go to standard error',
  }),
};

export const SENSOR_OPTIONS = {
  'satellite-url': optional({
    group: 'Satellite:',
    value: satelliteUrl,
    defaultText: 'required, unless --output says otherwise',
    help: 'where traces go: http(s)://host[:port][/base], host, host:port, or a full …/v1/traces',
  }),
  'levo-env': optional({
    group: 'Satellite:',
    value: tag('NAME'),
    env: ['LEVO_ENV'],
    help: 'environment that traces are tagged with, such as staging',
  }),
  'levoai-org-id': optional({
    group: 'Satellite:',
    value: tag('ID'),
    env: ['LEVOAI_ORG_ID'],
    help: 'organisation that traces are tagged with',
  }),
  'levoai-workspace-id': optional({
    group: 'Satellite:',
    value: tag('ID'),
    env: ['LEVOAI_WORKSPACE_ID'],
    help: 'workspace that traces are tagged with',
  }),
  'service-name': optional({
    group: 'Satellite:',
    value: tag('NAME'),
    defaultText: 'the host name',
    help: 'service that traces are tagged with',
  }),
  'satellite-header': many({
    group: 'Satellite:',
    value: headerPair,
    default: [],
    help: 'header sent with every export; its value is never logged',
  }),
  'trace-export-interval': one({
    group: 'Satellite:',
    value: number('SECONDS', { min: 0.05, max: 3600, example: 'seconds between batches, such as 10' }),
    default: 10,
    help: 'seconds between batches; a full batch is sent at once',
  }),
  'satellite-protocol': one({
    group: 'Satellite:',
    value: choice('auto', 'otlp', 'levo'),
    default: 'auto',
    help: "OTLP/HTTP, Levo's own, or the first of the two that the satellite answers",
  }),
  compression: one({
    group: 'Satellite:',
    value: choice('gzip', 'none'),
    default: 'gzip',
    help: 'how OTLP is compressed; a satellite that refuses gzip gets it uncompressed',
  }),
  'satellite-ca': optional({
    group: 'Satellite:',
    value: pemFile,
    help: "certificates trusted besides the system's, in a PEM file",
  }),
  'satellite-client-cert': optional({
    group: 'Satellite:',
    value: pemFile,
    help: 'certificate shown to the satellite, in a PEM file',
  }),
  'satellite-client-key': optional({
    group: 'Satellite:',
    value: pemFile,
    help: 'private key of that certificate, in a PEM file',
  }),
  'spool-dir': optional({
    group: 'Satellite:',
    value: text('DIRECTORY'),
    help: 'directory that keeps batches while the satellite is away, across restarts too; each sensor needs its own',
  }),
  'spool-max-bytes': one({
    group: 'Satellite:',
    value: bytes({ min: 65_536, max: 1e12, example: 'a number of bytes such as 256MiB' }),
    default: 268_435_456,
    defaultText: '256MiB',
    help: 'bytes of the spool; the oldest batches are dropped when it is full',
  }),

  interfaces: many({
    group: 'Capture:',
    value: interfaceName,
    default: [],
    defaultText: 'all that are up',
    help: 'interface to capture on',
  }),
  'interface-include': many({
    group: 'Capture:',
    value: pattern,
    default: [],
    help: 'capture only on interfaces whose name matches one of these',
  }),
  'interface-exclude': many({
    group: 'Capture:',
    value: pattern,
    default: [],
    help: 'never capture on interfaces whose name matches one of these',
  }),
  'capture-backend': one({
    group: 'Capture:',
    value: choice('auto', 'ring', 'cap'),
    default: 'auto',
    help: "the kernel's ring, or libpcap through cap, which reports neither times nor drops; auto takes the ring if there is one",
  }),
  'ring-size': one({
    group: 'Capture:',
    value: number('MIB', { min: 1, max: 4096, integer: true, example: 'MiB of kernel buffer, such as 8' }),
    default: 8,
    help: 'MiB of kernel buffer for each interface',
  }),
  filter: one({
    group: 'Capture:',
    value: captureFilter,
    default: '',
    help: "pcap filter expression, and-ed with the sensor's own exclusions",
  }),
  read: optional({
    group: 'Capture:',
    value: captureFile,
    help: 'capture file (pcap or pcapng, - for standard input) to read instead of interfaces',
  }),
  'stream-timeout-seconds': one({
    group: 'Capture:',
    value: number('SECONDS', { min: 0.1, max: 3600, example: 'seconds to wait, such as 10' }),
    default: DEFAULT_LIMITS.stream_timeout_nanos / 1e9,
    help: 'seconds that a stream waits for a missing segment, and an exchange for its response',
  }),
  'max-http-length': one({
    group: 'Capture:',
    value: bytes({ min: 0, max: 1e9, example: 'bytes kept of a body, such as 1000000 or 64KiB' }),
    default: DEFAULT_LIMITS.body_bytes_max,
    help: 'bytes kept of a body; the rest is counted, and the body marked truncated',
  }),
  'max-memory': optional({
    group: 'Capture:',
    value: bytes({ min: 8 << 20, max: 64 * 2 ** 30, example: 'bytes such as 64MiB' }),
    defaultText: "a third of the task's memory limit, at most 256MiB",
    help: 'bytes that flows, bodies and queues may hold together; above that, bodies are shed first, counted and marked',
  }),

  'rate-limit': one({
    group: 'Policy:',
    value: number('TRACES', { min: 0, max: 1e9, integer: true, example: 'traces a minute such as 1000, or 0' }),
    default: 1000,
    defaultText: '1000; 0 with --read',
    help: 'traces kept a minute; 0 means no limit',
  }),
  'sample-rate': one({
    group: 'Policy:',
    value: number('SHARE', { min: 0, max: 1, example: 'the share of exchanges kept, 0 to 1' }),
    default: 1,
    help: 'share of exchanges kept, 0 to 1, decided by trace id',
  }),
  'host-allow': many({
    group: 'Policy:',
    value: pattern,
    default: [],
    help: 'keep only hosts that match one of these',
  }),
  'path-allow': many({
    group: 'Policy:',
    value: pattern,
    default: [],
    help: 'keep only paths that match one of these',
  }),
  'host-exclusions': many({
    group: 'Policy:',
    value: pattern,
    default: [],
    help: 'drop hosts that match one of these, allowed or not',
  }),
  'path-exclusions': many({
    group: 'Policy:',
    value: pattern,
    default: [],
    help: 'drop paths that match one of these, allowed or not',
  }),
  'method-allow': many({
    group: 'Policy:',
    value: pattern,
    default: [],
    help: 'keep only methods that match one of these, such as ^(POST|PUT)$',
  }),
  'status-allow': many({
    group: 'Policy:',
    value: pattern,
    default: [],
    help: 'keep only statuses that match one of these, such as ^5; an exchange without a response matches none',
  }),
  'keep-health-checks': toggle({
    group: 'Policy:',
    help: 'keep probes of load balancers, Route 53, Kubernetes, Envoy and ECS container health checks',
  }),
  'sample-by-parent': toggle({
    group: 'Policy:',
    help: 'where there is a traceparent, its sampled flag decides instead of --sample-rate',
  }),
  'max-cpu': optional({
    group: 'Policy:',
    value: cpuBudget,
    defaultText: 'no limit',
    help: 'CPU that the sensor may use, in cores or in percent of what the task may; above that, capture pauses in slices',
  }),

  'redact-header': many({
    group: 'Redaction:',
    value: redactedName,
    default: [],
    help: 'header whose value is replaced, besides the built-in ones; case and punctuation are ignored',
  }),
  'redact-query': many({
    group: 'Redaction:',
    value: redactedName,
    default: [],
    help: 'query parameter whose value is replaced, besides the built-in ones',
  }),
  'redact-field': many({
    group: 'Redaction:',
    value: redactedName,
    default: [],
    help: 'field of JSON, forms, multipart and XML whose value is replaced, besides the built-in ones',
  }),
  'redact-pattern': many({
    group: 'Redaction:',
    value: pattern,
    default: [],
    help: 'pattern whose matches, or their first group, are replaced in headers, targets and bodies',
  }),
  'no-default-redaction': toggle({
    group: 'Redaction:',
    help: 'redact only what the other options name',
  }),
  'no-bodies': toggle({
    group: 'Redaction:',
    help: 'send heads only',
  }),

  output: many({
    group: 'Output:',
    value: outputTarget,
    default: [{ to: 'satellite' }],
    defaultText: 'satellite',
    help: `where traces go: ${OUTPUT_FORMS_TEXT}`,
  }),

  config: optional({
    group: 'Process:',
    value: { ...text('FILE'), parse: existingFile },
    help: 'YAML file with any of these options, by the same names',
  }),
  'health-port': optional({
    group: 'Process:',
    value: listenAddress,
    defaultText: 'none',
    help: 'port that answers GET /healthz, /readyz and /metrics; on loopback unless a host is named',
  }),
  'shutdown-timeout': one({
    group: 'Process:',
    value: number('SECONDS', { min: 0, max: 3600, example: 'seconds such as 20; ECS kills after 30' }),
    default: 20,
    help: 'seconds to deliver what is held when stopping',
  }),
  ...LOG_OPTIONS,
};

export const SATELLITE_OPTIONS = {
  host: one({
    group: 'Satellite:',
    value: text('ADDRESS'),
    default: '127.0.0.1',
    help: 'address to listen on; 0.0.0.0 means all',
  }),
  port: one({
    group: 'Satellite:',
    value: number('PORT', { min: 0, max: 65_535, integer: true, example: 'a port such as 9999, or 0 for a free one' }),
    default: 9999,
    help: 'port to listen on; 0 means any free one',
  }),
  'traces-max': one({
    group: 'Satellite:',
    value: number('TRACES', { min: 1, max: 1e6, integer: true, example: 'a number of traces such as 1000' }),
    default: 1000,
    help: 'traces held for GET /traces; the newest are kept',
  }),
  ...LOG_OPTIONS,
};

export const DOCTOR_OPTIONS = {
  ...SENSOR_OPTIONS,
  seconds: one({
    group: 'Process:',
    value: number('SECONDS', { min: 0.1, max: 3600, example: 'seconds such as 5' }),
    default: 5,
    help: 'seconds to look at the traffic',
  }),
};

export const DEMO_OPTIONS = {
  'keep-running': toggle({ group: 'Process:', help: 'go on until interrupted' }),
  ...LOG_OPTIONS,
};

const ECS_TARGET_OPTIONS = {
  profile: optional({
    group: 'AWS:',
    value: text('NAME'),
    defaultText: 'asked for, if there are several',
    env: ['AWS_PROFILE'],
    help: 'profile in ~/.aws whose credentials are used',
  }),
  region: optional({
    group: 'AWS:',
    value: text('REGION'),
    defaultText: "the profile's, else asked for",
    env: ['AWS_REGION', 'AWS_DEFAULT_REGION'],
    help: 'AWS region, such as us-west-2',
  }),
  cluster: optional({
    group: 'AWS:',
    value: text('NAME'),
    defaultText: 'asked for',
    help: 'ECS cluster of the service',
  }),
  service: optional({
    group: 'AWS:',
    value: text('NAME'),
    defaultText: 'asked for',
    help: 'ECS service whose current revision is changed',
  }),
  family: optional({
    group: 'AWS:',
    value: text('FAMILY'),
    help: 'task definition whose latest revision is changed; the new one is registered and no service touched',
  }),
};

const ECS_CHANGE_OPTIONS = {
  'dry-run': toggle({ group: 'Change:', help: 'show what would change, and change nothing' }),
  json: toggle({ group: 'Change:', help: 'with --dry-run: print the input for RegisterTaskDefinition instead' }),
  yes: toggle({ group: 'Change:', help: 'do not ask before changing' }),
  'register-only': toggle({ group: 'Change:', help: 'register the new revision, leave the service as it is' }),
  'no-tags': toggle({ group: 'Change:', help: 'leave tags off the new revision and the service' }),
  'timeout-seconds': one({
    group: 'Change:',
    value: number('SECONDS', { min: 1, max: 86_400, example: 'seconds such as 900' }),
    default: 900,
    help: 'seconds that the service may take to become steady before it is set back',
  }),
};

const ECS_CONTAINER_OPTIONS = {
  image: optional({
    group: 'Container:',
    value: text('IMAGE'),
    defaultText: 'levoai/pcap-sensor at the version of this command',
    help: 'image of the sensor',
  }),
  size: one({
    group: 'Container:',
    value: choice('normal', 'low-resource'),
    default: 'normal',
    help: 'normal: 512 CPU units and 512 MiB; low-resource: 256, 200 and modest rates',
  }),
  cpu: optional({
    group: 'Container:',
    value: number('UNITS', { min: 0, max: 196_608, integer: true, example: 'CPU units such as 256' }),
    defaultText: 'by --size',
    help: 'CPU units of the container; 1024 are one vCPU',
  }),
  memory: optional({
    group: 'Container:',
    value: number('MIB', { min: 6, max: 1_048_576, integer: true, example: 'MiB such as 256' }),
    defaultText: 'by --size',
    help: 'MiB above which ECS ends the container',
  }),
  'log-group': optional({
    group: 'Container:',
    value: text('NAME'),
    defaultText: "that of the task's first container that has one",
    help: 'CloudWatch log group of the sensor, created if there is none',
  }),
};

export const ECS_STATUS_OPTIONS = { ...ECS_TARGET_OPTIONS };
export const ECS_REMOVE_OPTIONS = { ...ECS_TARGET_OPTIONS, ...ECS_CHANGE_OPTIONS };

/** The sensor's options but for those that have no place in a container definition made on another machine. */
const {
  read: _read,
  interfaces: _interfaces,
  output: _output,
  config: _config,
  'health-port': _healthPort,
  ...SENSOR_CONTAINER_OPTIONS
} = SENSOR_OPTIONS;

export { SENSOR_CONTAINER_OPTIONS };

export const ECS_ADD_OPTIONS = {
  ...ECS_REMOVE_OPTIONS,
  ...ECS_CONTAINER_OPTIONS,
  ...SENSOR_CONTAINER_OPTIONS,
};

/** The settings of `apidump`, complete and checked. */
export type Settings = SettingsOf<typeof SENSOR_OPTIONS>;
