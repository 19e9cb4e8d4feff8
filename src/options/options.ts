/**
 * The one option table. Every row defines the flag, the environment variable, the key of the configuration file, the
 * help text, the line in docs/options.md and the type of the settings. `settings.ts` turns text into values by it.
 *
 * To add an option, add a row. Its name is the flag and the key in the file; `LEVO_` and the name in upper snake case is
 * the environment variable; the name in camel case is the property of the settings. Say the unit in `help`.
 */
import { DEFAULT_LIMITS } from '../limits.js';
import { OUTPUT_FORMS_TEXT } from '../output/registry.js';
import { CONTROL_OPTIONS, FLEET_OPTIONS } from './control-options.js';
import { KUBERNETES_OPTIONS } from './kubernetes-options.js';
import { NOTIFY_OPTIONS } from './notify-options.js';
import { counted, many, one, optional, type SettingsOf, toggle } from './option-row.js';
import {
  addressRanges,
  bearerToken,
  bearerTokenFile,
  bytes,
  captureFile,
  captureFilter,
  choice,
  existingFile,
  headerPair,
  interfaceName,
  number,
  outputTarget,
  packetRule,
  pattern,
  pemFile,
  type Retention,
  resourceAttribute,
  retention,
  satelliteUrl,
  splitBaggage,
  tag,
  text,
  tracesFile,
  tracesInput,
  verbosity,
  writtenFile,
} from './option-values.js';
import { ORGANISATION_OPTIONS } from './organisation-options.js';
import { POLICY_OPTIONS } from './policy-options.js';
import { LOG_OPTIONS, PRINTING_LOG_OPTIONS, PROCESS_OPTIONS, PUBLIC_HOST } from './process-options.js';
import { REDACTION_OPTIONS } from './redaction-options.js';
import { EXPORT_BYTES_OPTIONS, RESPONSE_OPTIONS } from './response-options.js';
import { SPEECH_OPTIONS } from './speech-options.js';
import { STORE_OPTIONS } from './store-options.js';

export const SENSOR_OPTIONS = {
  'satellite-url': optional({
    group: 'Satellite:',
    value: satelliteUrl,
    defaultText: 'required, unless --output says otherwise',
    takes: ['satellite'],
    alsoCalled: ['url', 'satellite', 'endpoint', 'otlp-endpoint'],
    help: 'where traces go: http(s)://host[:port][/base], host, host:port, or a full …/v1/traces',
  }),
  'levo-env': optional({
    group: 'Satellite:',
    value: tag('NAME'),
    env: ['LEVO_ENV', 'LEVO_APP_ENVIRONMENT'],
    takes: ['spans'],
    alsoCalled: ['env', 'environment', 'levoai-env'],
    help: 'environment that traces are tagged with, such as staging',
  }),
  'levoai-org-id': optional({
    group: 'Satellite:',
    value: tag('ID'),
    env: ['LEVOAI_ORG_ID', 'LEVO_ORG_ID'],
    takes: ['spans'],
    alsoCalled: ['org-id', 'organization-id', 'org', 'organization'],
    help: 'organisation that traces are tagged with',
  }),
  'levoai-workspace-id': optional({
    group: 'Satellite:',
    value: tag('ID'),
    env: ['LEVOAI_WORKSPACE_ID'],
    takes: ['spans'],
    alsoCalled: ['workspace-id', 'workspace'],
    help: 'workspace that traces are tagged with',
  }),
  'service-name': optional({
    group: 'Satellite:',
    value: tag('NAME'),
    lastEnv: { name: 'OTEL_SERVICE_NAME', split: (raw) => [raw] },
    defaultText: 'OTEL_SERVICE_NAME, else the task family, else the host name',
    takes: ['spans'],
    alsoCalled: ['service', 'name'],
    help: 'service that traces are tagged with',
  }),
  'resource-attribute': many({
    group: 'Satellite:',
    value: resourceAttribute,
    default: [],
    lastEnv: { name: 'OTEL_RESOURCE_ATTRIBUTES', split: splitBaggage },
    defaultText: 'OTEL_RESOURCE_ATTRIBUTES',
    takes: ['spans'],
    alsoCalled: ['attribute', 'attributes', 'tag', 'tags', 'label'],
    help: 'resource attribute that traces are tagged with, such as team=payments; what another option names is taken from there',
  }),
  'satellite-header': many({
    group: 'Satellite:',
    value: headerPair,
    default: [],
    takes: ['satellite'],
    alsoCalled: ['header', 'headers', 'h'],
    help: 'header sent with every export; its value is never logged',
  }),
  'aws-region': optional({
    group: 'Satellite:',
    value: tag('REGION'),
    takes: ['spans'],
    help: 'AWS region that traces are tagged with, where the task does not say it',
  }),
  'trace-export-interval': one({
    group: 'Satellite:',
    value: number('SECONDS', { min: 0.05, max: 3600, example: 'seconds between batches, such as 10' }),
    default: 10,
    takes: ['spans'],
    alsoCalled: ['interval', 'export-interval', 'flush-interval'],
    help: 'seconds between batches; a full batch is sent at once',
  }),
  ...EXPORT_BYTES_OPTIONS,
  ...SPEECH_OPTIONS,
  'satellite-ca': optional({
    group: 'Satellite:',
    value: pemFile,
    takes: ['satellite', 'https'],
    alsoCalled: ['ca', 'cacert', 'ca-cert', 'ca-file'],
    help: "certificates trusted besides the system's, in a PEM file",
  }),
  'satellite-client-cert': optional({
    group: 'Satellite:',
    value: pemFile,
    takes: ['satellite', 'https'],
    alsoCalled: ['cert', 'client-cert'],
    help: 'certificate shown to the satellite, in a PEM file',
  }),
  'satellite-client-key': optional({
    group: 'Satellite:',
    value: pemFile,
    takes: ['satellite', 'https'],
    alsoCalled: ['key', 'client-key'],
    help: 'private key of that certificate, in a PEM file',
  }),
  'spool-dir': optional({
    group: 'Satellite:',
    value: text('DIRECTORY'),
    takes: ['satellite'],
    alsoCalled: ['spool'],
    help: 'directory that keeps batches while the satellite is away, across restarts too; each sensor needs its own',
  }),
  'spool-max-bytes': one({
    group: 'Satellite:',
    value: bytes({ min: 65_536, max: 1e12, example: 'a number of bytes such as 256MiB' }),
    default: 268_435_456,
    defaultText: '256MiB',
    takes: ['satellite', 'spool'],
    help: 'bytes of the spool; the oldest batches are dropped when it is full',
  }),
  ...CONTROL_OPTIONS,

  interfaces: many({
    group: 'Capture:',
    value: interfaceName,
    default: [],
    defaultText: 'all that are up',
    letter: 'i',
    takes: ['live'],
    alsoCalled: ['interface', 'iface', 'device', 'dev'],
    help: 'interface to capture on',
  }),
  'interface-include': many({
    group: 'Capture:',
    value: pattern,
    default: [],
    takes: ['live'],
    help: 'capture only on interfaces whose name matches one of these',
  }),
  'interface-exclude': many({
    group: 'Capture:',
    value: pattern,
    default: [],
    takes: ['live'],
    help: 'never capture on interfaces whose name matches one of these',
  }),
  'capture-backend': one({
    group: 'Capture:',
    value: choice('auto', 'ring', 'cap'),
    default: 'auto',
    takes: ['live'],
    help: "the kernel's ring, or libpcap through cap, which reports neither times nor drops; auto takes the ring if there is one",
  }),
  'ring-size': one({
    group: 'Capture:',
    value: number('MIB', { min: 1, max: 4096, integer: true, example: 'MiB of kernel buffer, such as 8' }),
    default: 8,
    takes: ['live'],
    alsoCalled: ['buffer-size', 'b'],
    help: 'MiB of kernel buffer for each interface',
  }),
  filter: one({
    group: 'Capture:',
    value: captureFilter,
    default: '',
    alsoCalled: ['bpf', 'bpf-filter', 'expression', 'port', 'f'],
    help: "pcap filter expression, for interfaces and --read; live it is and-ed with the sensor's own exclusions",
  }),
  read: optional({
    group: 'Capture:',
    value: captureFile,
    letter: 'r',
    alsoCalled: ['file', 'pcap', 'input', 'in'],
    help: 'capture file (pcap or pcapng, - for standard input) to read instead of interfaces',
  }),
  'stream-timeout-seconds': one({
    group: 'Capture:',
    value: number('SECONDS', { min: 0.1, max: 3600, example: 'seconds to wait, such as 10' }),
    default: DEFAULT_LIMITS.stream_timeout_nanos / 1e9,
    help: 'seconds that a stream waits for a missing segment',
  }),
  'response-timeout-seconds': one({
    group: 'Capture:',
    value: number('SECONDS', { min: 0.1, max: 86_400, example: 'seconds to wait, such as 300' }),
    default: DEFAULT_LIMITS.response_timeout_nanos / 1e9,
    help: 'seconds that an exchange waits for its response while its connection lives',
  }),
  'stream-window-seconds': one({
    group: 'Capture:',
    value: number('SECONDS', { min: 1, max: 86_400, example: 'seconds of a window, such as 60' }),
    default: DEFAULT_LIMITS.stream_window_nanos / 1e9,
    help: 'seconds after which what came of a stream without end leaves as a trace, and the next window begins',
  }),
  'stream-messages': one({
    group: 'Capture:',
    value: number('MESSAGES', { min: 0, max: 10_000, integer: true, example: 'a number of messages such as 32, or 0' }),
    default: DEFAULT_LIMITS.stream_messages_max,
    help: 'messages kept of a window of a stream, each way; the rest is counted',
  }),
  'max-http-length': optional({
    group: 'Capture:',
    value: bytes({ min: 0, max: 1e9, example: 'bytes kept of a body, such as 1000000 or 64KiB' }),
    defaultText: `${DEFAULT_LIMITS.body_bytes_max}, or what fits into the memory`,
    alsoCalled: ['snaplen', 'max-body', 'max-body-length', 's'],
    help: 'bytes kept of a body; the rest is counted, and the body marked truncated',
  }),
  'max-memory': optional({
    group: 'Capture:',
    value: bytes({ min: 8 << 20, max: 64 * 2 ** 30, example: 'bytes such as 64MiB' }),
    defaultText: "a third of the memory limit of the sensor's control group, at most 256MiB",
    alsoCalled: ['memory'],
    help: 'bytes that flows, bodies and queues may hold together; above that, bodies are shed first, counted and marked',
  }),

  'trusted-proxies': many({
    group: 'Capture:',
    reloads: true,
    value: addressRanges,
    default: [],
    defaultText: 'private: RFC 1918 and the like',
    help: 'addresses of proxies whose word about the client counts (Forwarded, X-Forwarded-For, PROXY headers), or none',
  }),

  ...KUBERNETES_OPTIONS,

  ...POLICY_OPTIONS,
  ...RESPONSE_OPTIONS,

  ...REDACTION_OPTIONS,
  'grpc-descriptors': optional({
    group: 'Redaction:',
    value: tracesFile,
    alsoCalled: ['descriptor-set', 'descriptors', 'protoset', 'proto'],
    help: 'compiled set of protobuf descriptors: messages of gRPC are sent as JSON by it, and redacted by the names of their fields',
  }),

  output: many({
    group: 'Output:',
    value: outputTarget,
    default: [{ to: 'satellite' }],
    defaultText: 'satellite',
    alsoCalled: ['out', 'o', 'format'],
    help: `where traces go: ${OUTPUT_FORMS_TEXT}`,
  }),
  write: many({
    group: 'Output:',
    value: writtenFile,
    default: [],
    letter: 'w',
    help: 'file to write as well, by its ending: packets as they were captured, unredacted (.pcap), or traces (.har, .ndjson)',
  }),
  'packets-on': many({
    group: 'Output:',
    value: packetRule,
    default: [],
    takes: ['packets'],
    help: "write the packets of an exchange's connection, unredacted, where it is so: status>=500, latency>2s, mark=NAME, path~RE2, pushed (what an enrolled satellite asks for), or several with 'and'",
  }),
  'packets-dir': optional({
    group: 'Output:',
    value: text('DIRECTORY'),
    takes: ['packets'],
    help: 'directory for the files of --packets-on, each named by its trace id',
  }),
  'packets-to-satellite': toggle({
    group: 'Output:',
    takes: ['packetRule', 'satellite'],
    help: 'send the packets of --packets-on to the satellite, unredacted, which offers them beside the trace',
  }),
  'packets-max-bytes': one({
    group: 'Output:',
    value: bytes({ min: 65_536, max: 1e12, example: 'a number of bytes such as 256MiB' }),
    default: 1_073_741_824,
    defaultText: '1GiB',
    takes: ['packets'],
    help: 'bytes of all files of --packets-on of a run; none is written or sent beyond',
  }),
  'no-routes': toggle({
    group: 'Output:',
    help: 'leave out the route of a trace, its path without values such as /users/{userId}, and name spans by their method alone',
  }),
  verbose: counted(
    {
      group: 'Output:',
      letter: 'v',
      takes: ['text'],
      help: 'below each line of text, the heads; twice: the bodies and the messages of streams too',
    },
    verbosity,
  ),
  count: optional({
    group: 'Output:',
    value: number('EXCHANGES', { min: 1, max: 1e9, integer: true, example: 'a number of exchanges such as 10' }),
    alsoCalled: ['n', 'max-count'],
    help: 'end after so many exchanges that are kept',
  }),

  'output-replace': toggle({
    group: 'Output:',
    takes: ['file'],
    help: 'empty the files of --output first; otherwise ndjson appends, and har takes no file that holds something',
  }),

  ...PROCESS_OPTIONS,
};

const RETENTION: Retention = { millis: 7 * 86_400_000, bytes: 4 * 2 ** 30 };

export const DATA_DIRECTORY = {
  group: 'Satellite:',
  value: text('DIRECTORY'),
} as const;

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
    alsoCalled: ['p'],
    help: 'port to listen on; 0 means any free one',
  }),
  'traces-max': one({
    group: 'Satellite:',
    value: number('TRACES', { min: 1, max: 1e6, integer: true, example: 'a number of traces such as 1000' }),
    default: 1000,
    help: 'traces that GET /traces answers with, the newest',
  }),
  'traces-max-bytes': one({
    group: 'Satellite:',
    value: bytes({ min: 1 << 16, max: 64 * 2 ** 30, example: 'bytes such as 64MiB' }),
    default: 64 << 20,
    defaultText: '64MiB',
    help: 'bytes of the traces held in memory; the newest are kept',
  }),
  'packets-max-bytes': one({
    group: 'Satellite:',
    value: bytes({ min: 0, max: 64 * 2 ** 30, example: 'bytes such as 64MiB, or 0 to take none' }),
    default: 64 << 20,
    defaultText: '64MiB',
    help: 'bytes of the packets that sensors send with --packets-to-satellite, held in memory; the newest are kept, and 0 takes none',
  }),
  data: optional({
    ...DATA_DIRECTORY,
    defaultText: 'none, which holds traces in memory',
    alsoCalled: ['data-dir', 'directory', 'database', 'db'],
    help: 'directory that keeps traces across restarts; each satellite needs its own',
  }),
  retention: one({
    group: 'Satellite:',
    value: retention(RETENTION),
    default: RETENTION,
    defaultText: '7d,4GiB',
    alsoCalled: ['keep', 'max-age', 'ttl'],
    help: 'how long and how much is kept in --data; the oldest go first',
  }),
  'read-token': optional({
    group: 'Satellite:',
    value: bearerToken,
    help: 'token that reading takes, as Authorization: Bearer; without one traces are read on loopback alone',
  }),
  'read-token-file': optional({
    group: 'Satellite:',
    value: bearerTokenFile,
    help: 'file with the token that reading takes, which keeps it out of the list of processes',
  }),
  'ingest-token-file': optional({
    group: 'Satellite:',
    value: bearerTokenFile,
    help: "file with the token that sending takes, as a sensor's --satellite-header 'Authorization=Bearer TOKEN'; without one anybody may send",
  }),
  ...ORGANISATION_OPTIONS,
  ...STORE_OPTIONS,
  'tls-cert': optional({
    group: 'Satellite:',
    value: pemFile,
    alsoCalled: ['cert', 'certificate'],
    help: 'certificate with which it speaks HTTPS, in a PEM file, with those that it takes to verify it',
  }),
  'tls-key': optional({
    group: 'Satellite:',
    value: pemFile,
    alsoCalled: ['key'],
    help: 'private key of that certificate, in a PEM file',
  }),
  ...FLEET_OPTIONS,
  ...NOTIFY_OPTIONS,
  'public-host': many({
    ...PUBLIC_HOST,
    group: 'Satellite:',
    help: 'name by which traces may be read; by which names they are sent does not matter',
  }),
  ...LOG_OPTIONS,
};

export const DOCTOR_OPTIONS = {
  ...SENSOR_OPTIONS,
  seconds: one({
    group: 'Doctor:',
    value: number('SECONDS', { min: 0.1, max: 3600, example: 'seconds such as 5' }),
    default: 5,
    help: 'seconds to look at the traffic',
  }),
};

export const REDACT_OPTIONS = {
  explain: optional({
    group: 'Redaction:',
    value: tracesInput,
    defaultText: 'required',
    help: 'file whose traces are looked through, - for standard input: NDJSON of --output ndjson, an HTTP Archive, or a capture file',
  }),
  ...REDACTION_OPTIONS,
  output: one({
    group: 'Output:',
    value: choice('text', 'json'),
    default: 'text',
    help: 'how a value that would be replaced is printed: a line of text, or a line of JSON',
  }),
  config: optional({
    group: 'Process:',
    value: { placeholder: 'FILE', parse: existingFile },
    help: 'configuration file of a sensor, of which what is about redaction counts',
  }),
  ...PRINTING_LOG_OPTIONS,
};

export const DEMO_OPTIONS = {
  'keep-running': toggle({ group: 'Process:', help: 'go on until interrupted' }),
  ...LOG_OPTIONS,
};

/** The settings of `apidump`, complete and checked. */
export type Settings = SettingsOf<typeof SENSOR_OPTIONS>;
