/**
 * What each option of the sensor does in each mode. `test/options/modes.test.ts` holds the command line to these rows, and
 * the table in docs/options.md is made of them.
 */

/** `a` it acts · `n` it is said to do nothing there · `r` it is refused. */
export type Outcome = 'a' | 'n' | 'r';

export const MODES = [
  { name: 'live, to a satellite', verb: 'apidump', flags: { 'satellite-url': ['https://satellite.example'] } },
  { name: 'live, to a file', verb: 'apidump', flags: { output: ['ndjson:traces.ndjson'] } },
  { name: 'live, as text', verb: 'watch', flags: {} },
  {
    name: 'file, to a satellite',
    verb: 'apidump',
    flags: { 'satellite-url': ['https://satellite.example'] },
    reads: true,
  },
  { name: 'file, to a file', verb: 'apidump', flags: { output: ['ndjson:traces.ndjson'] }, reads: true },
  { name: 'file, as text', verb: 'watch', flags: {}, reads: true },
  { name: 'doctor', verb: 'doctor', flags: {} },
  { name: 'ecs add', verb: 'ecs add', flags: {} },
] as const satisfies readonly {
  name: string;
  verb: 'apidump' | 'watch' | 'doctor' | 'ecs add';
  flags: Readonly<Record<string, readonly string[]>>;
  reads?: true;
}[];

export interface ModeRow {
  /** A letter for each of `MODES`. */
  readonly outcomes: string;
  /** What else has to be given for the option to mean anything anywhere. */
  readonly beside?: Readonly<Record<string, readonly string[]>>;
}

const row = (outcomes: string, beside: ModeRow['beside'] = {}): ModeRow => ({ outcomes, beside });
const EVERYWHERE = row('aaaaaaaa');
const TRACES = row('aaaaaana');

export const MODE_ROWS: Readonly<Record<string, ModeRow>> = {
  'satellite-url': row('arrarraa'),
  'levo-env': row('annannaa'),
  'levoai-org-id': row('annannaa'),
  'levoai-workspace-id': row('annannaa'),
  'service-name': row('annannaa'),
  'resource-attribute': row('annannaa'),
  'aws-region': row('annannaa'),
  'satellite-header': row('annannaa'),
  'satellite-protocol': row('annannaa'),
  compression: row('annannaa'),
  'otlp-encoding': row('annannaa'),
  semconv: row('annannna'),
  'satellite-ca': row('annannaa'),
  'satellite-client-cert': row('annannaa'),
  'satellite-client-key': row('annannaa'),
  'trace-export-interval': row('annannna'),
  'spool-dir': row('annannaa'),
  'spool-max-bytes': row('annannaa', { 'spool-dir': ['/spool'] }),
  'enrolment-key-file': row('annannaa'),
  'state-dir': row('aaannnna', { 'opamp-url': ['https://opamp.example/v1/opamp'] }),
  'opamp-url': row('aaannnna'),
  'opamp-unsigned': row('aaannnna', { 'opamp-url': ['https://opamp.example/v1/opamp'] }),
  interfaces: row('aaarrrar'),
  'interface-include': row('aaannnaa'),
  'interface-exclude': row('aaannnaa'),
  'capture-backend': row('aaannnaa'),
  'ring-size': row('aaannnaa'),
  'max-cpu': row('aaannnaa'),
  'export-bytes-per-minute': row('annannna'),
  'active-response': row('aaannnnr', { 'active-response-rule': ['client=10.0.0.7'] }),
  'active-response-rule': row('aaannnnr', { 'active-response': ['dry-run'] }),
  'active-response-per-minute': row('aaannnnr', { 'active-response': ['dry-run'] }),
  'active-response-report-seconds': row('annnnnnr', { 'active-response': ['dry-run'] }),
  filter: EVERYWHERE,
  read: row('aaaaaarr'),
  'trusted-proxies': TRACES,
  'stream-timeout-seconds': EVERYWHERE,
  'response-timeout-seconds': EVERYWHERE,
  'stream-window-seconds': EVERYWHERE,
  'stream-messages': TRACES,
  'max-memory': EVERYWHERE,
  'max-http-length': TRACES,
  'rate-limit': EVERYWHERE,
  'sample-rate': EVERYWHERE,
  'host-allow': EVERYWHERE,
  'path-allow': EVERYWHERE,
  'host-exclusions': EVERYWHERE,
  'path-exclusions': EVERYWHERE,
  'method-allow': EVERYWHERE,
  'status-allow': EVERYWHERE,
  'keep-health-checks': EVERYWHERE,
  'sample-by-parent': EVERYWHERE,
  'keep-duplicates': EVERYWHERE,
  'redact-header': TRACES,
  'redact-query': TRACES,
  'redact-field': TRACES,
  'redact-pattern': TRACES,
  'redact-allow': TRACES,
  'redact-pii': TRACES,
  'opaque-bodies': TRACES,
  'grpc-descriptors': TRACES,
  'no-default-redaction': TRACES,
  'no-bodies': TRACES,
  'no-routes': TRACES,
  output: row('aaaaaaar'),
  'output-replace': row('nannannr'),
  write: row('aaaaaaar'),
  'packets-on': row('aaaaaanr', { 'packets-dir': ['/packets'] }),
  'packets-dir': row('aaaaaanr', { 'packets-on': ['status>=500'] }),
  'packets-to-satellite': row('annannnr', { 'packets-on': ['status>=500'] }),
  'packets-max-bytes': row('aaaaaanr', { 'packets-on': ['status>=500'], 'packets-dir': ['/packets'] }),
  verbose: row('nnannanr'),
  count: row('aaaaaanr'),
  workers: row('nnnaaanr'),
  command: row('aaarrrnr'),
  config: row('aaaaaaar'),
  'health-port': row('aaaaaanr'),
  'public-host': row('aaaaaanr', { 'health-port': ['0'] }),
  'pod-metadata': row('aaannnnr'),
  'kubernetes-node': row('aaannnnr', { 'pod-metadata': ['true'] }),
  'pod-selector': row('aaannnnr', { 'pod-metadata': ['true'] }),
  'namespace-include': row('aaannnnr', { 'pod-metadata': ['true'] }),
  'namespace-exclude': row('aaannnnr', { 'pod-metadata': ['true'] }),
  'keep-infrastructure': row('aaannnnr', { 'pod-metadata': ['true'] }),
  metrics: row('aaaaaana'),
  'log-packets': row('aaaaaana', { 'log-level': ['debug'] }),
  'shutdown-timeout': TRACES,
  'log-level': EVERYWHERE,
  'log-format': EVERYWHERE,
};
