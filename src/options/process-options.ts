/** The options of the process itself: what it runs by, what it listens on and logs: rows of the one table. */
import { many, one, optional } from './option-row.js';
import { choice, existingFile, hostName, listenAddress, number, shellCommand, text } from './option-values.js';

export const LOG_OPTIONS = {
  'log-level': one({
    group: 'Process:',
    reloads: true,
    value: choice('debug', 'info', 'warn', 'error', 'silent'),
    default: 'info',
    alsoCalled: ['loglevel', 'level', 'debug', 'quiet', 'q'],
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

/** For what prints, and logs little besides. */
export const PRINTING_LOG_OPTIONS = {
  'log-level': LOG_OPTIONS['log-level'],
  'log-format': { ...LOG_OPTIONS['log-format'], defaultText: 'text' },
};

/** For what logs nothing: errors alone are in that format. */
export const ERROR_FORMAT_OPTION = {
  'log-format': { ...PRINTING_LOG_OPTIONS['log-format'], help: 'how an error looks; it goes to standard error' },
};

export const PUBLIC_HOST = {
  value: hostName,
  default: [],
  defaultText: 'localhost, IP addresses and the name listened on always pass',
};

export const PROCESS_OPTIONS = {
  command: optional({
    group: 'Process:',
    value: shellCommand,
    letter: 'c',
    takes: ['live'],
    alsoCalled: ['exec', 'run', 'cmd'],
    help: 'command of the shell to capture for as long as it runs; the sensor ends with its exit code',
  }),
  config: optional({
    group: 'Process:',
    value: { ...text('FILE'), parse: existingFile },
    help: 'YAML file with any of these options, by the same names; SIGHUP reads it again',
  }),
  'health-port': optional({
    group: 'Process:',
    value: listenAddress,
    defaultText: 'none',
    alsoCalled: ['health', 'metrics-port'],
    help: 'port that answers GET /healthz, /readyz and /metrics; on loopback unless a host is named',
  }),
  metrics: many({
    group: 'Process:',
    value: choice('otlp', 'emf'),
    default: [],
    defaultText: 'none',
    alsoCalled: ['push-metrics', 'telemetry'],
    help: "where metrics are pushed once a minute: by OTLP as OTEL_EXPORTER_OTLP_METRICS_… or OTEL_EXPORTER_OTLP_… say, or to standard output in CloudWatch's embedded metric format",
  }),
  'public-host': many({
    ...PUBLIC_HOST,
    group: 'Process:',
    takes: ['health'],
    help: 'name by which the health port may be asked, such as that of its container',
  }),
  'log-packets': one({
    group: 'Process:',
    value: choice('none', 'batches', 'hex'),
    default: 'none',
    takes: ['debug'],
    alsoCalled: ['hex', 'dump', 'xx'],
    help: 'what the debug log says of packets: each batch, or each packet as hex with all secrets in it; of either at most 20 lines in 10 seconds',
  }),
  workers: one({
    group: 'Process:',
    value: number('THREADS', { min: 0, max: 1, integer: true, example: '0 or 1' }),
    default: 0,
    takes: ['reading'],
    help: 'threads beside the one that reads a capture file, where there is a second core: it redacts and encodes what goes to a file of NDJSON',
  }),
  'shutdown-timeout': one({
    group: 'Process:',
    value: number('SECONDS', { min: 0, max: 3600, example: 'seconds such as 20; ECS kills after 30' }),
    default: 20,
    help: 'seconds to deliver what is held when stopping',
  }),
  'log-level': LOG_OPTIONS['log-level'],
  'log-format': {
    ...LOG_OPTIONS['log-format'],
    defaultText: 'text on a terminal and with --read, else json, and the summary for people to read',
  },
};
