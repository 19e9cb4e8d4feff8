/**
 * Every counter of the sensor, one row each: its type, its metric, its line in the documents and in the summary come from
 * the row. The counts are one flat record of numbers, so that the books can be added up at any moment.
 *
 * The law of the house: each exchange whose request was seen ends in exactly one outcome,
 *
 *     exchanges_seen = exchanges_exported + Σ exchanges_dropped_* + exchanges in flight
 *
 * To add a counter, add a row to `COUNTER_ROWS`; to add a reason to drop exchanges, one to `DROP_REASON_ROWS`. Then run
 * `npm run docs`.
 */
import { column } from './columns.js';

export interface CounterRow {
  /** A gauge also falls. */
  readonly kind: 'counter' | 'gauge';
  /** One sentence with the unit, for the metric and the documents. */
  readonly help: string;
  /** What the summary at exit calls it. */
  readonly label?: string;
}

export interface DropReasonRow {
  /** The value of `DropReason`. */
  readonly code: number;
  /** Names the counter, `exchanges_dropped_` and this, and the label of the metric. */
  readonly outcome: string;
  readonly help: string;
  /** The field of the line a minute that it is added to. */
  readonly progress: 'filtered' | 'sampledOut' | 'rateLimited' | 'undeliverable' | 'unwatched';
  /** What excluded the exchange, as in "5 by path rules"; null if no setting chose to. */
  readonly excludedBy: string | null;
  /** What to do to have them all kept, for a warning; null if no setting chose to. */
  readonly keepsAll: string | null;
  /** The options that change how many exchanges end so. */
  readonly options: readonly string[];
}

export const DROP_REASON_ROWS = {
  hostRule: {
    code: 1,
    outcome: 'host_rule',
    help: 'A host rule excludes it.',
    progress: 'filtered',
    excludedBy: 'host rules',
    keepsAll: 'change --host-allow or --host-exclusions to keep them',
    options: ['host-allow', 'host-exclusions'],
  },
  pathRule: {
    code: 2,
    outcome: 'path_rule',
    help: 'A path rule excludes it.',
    progress: 'filtered',
    excludedBy: 'path rules',
    keepsAll: 'change --path-allow or --path-exclusions to keep them',
    options: ['path-allow', 'path-exclusions'],
  },
  methodRule: {
    code: 3,
    outcome: 'method_rule',
    help: 'Its method is not among those to be kept.',
    progress: 'filtered',
    excludedBy: 'method rules',
    keepsAll: 'change --method-allow to keep them',
    options: ['method-allow'],
  },
  statusRule: {
    code: 4,
    outcome: 'status_rule',
    help: 'Its status is not among those to be kept.',
    progress: 'filtered',
    excludedBy: 'status rules',
    keepsAll: 'change --status-allow to keep them',
    options: ['status-allow'],
  },
  healthCheck: {
    code: 5,
    outcome: 'health_check',
    help: 'It is a health check.',
    progress: 'filtered',
    excludedBy: 'health checks',
    keepsAll: 'give --keep-health-checks to keep them',
    options: ['keep-health-checks'],
  },
  sampledOut: {
    code: 6,
    outcome: 'sampled_out',
    help: 'It is not part of the sample.',
    progress: 'sampledOut',
    excludedBy: 'sampling',
    keepsAll: 'give --sample-rate 1, without --sample-by-parent, to keep them',
    options: ['sample-rate', 'sample-by-parent'],
  },
  rateLimited: {
    code: 7,
    outcome: 'rate_limited',
    help: 'The rate limit was spent.',
    progress: 'rateLimited',
    excludedBy: 'the rate limit',
    keepsAll: 'give a larger --rate-limit, or 0 to keep them all',
    options: ['rate-limit'],
  },
  undeliverable: {
    code: 8,
    outcome: 'undeliverable',
    help: 'The output refused it, or had no room for it while it could not be delivered.',
    progress: 'undeliverable',
    excludedBy: null,
    keepsAll: null,
    options: ['max-memory', 'spool-dir', 'spool-max-bytes'],
  },
  unwatched: {
    code: 9,
    outcome: 'unwatched',
    help: 'Part of it passed while the CPU budget was spent.',
    progress: 'unwatched',
    excludedBy: null,
    keepsAll: null,
    options: ['max-cpu'],
  },
  afterCount: {
    code: 10,
    outcome: 'after_count',
    help: 'As many as --count asks for were kept before it.',
    progress: 'filtered',
    excludedBy: null,
    keepsAll: null,
    options: ['count'],
  },
  duplicate: {
    code: 11,
    outcome: 'duplicate',
    help: 'It is the inner hop of one that was seen in front of a proxy too.',
    progress: 'filtered',
    excludedBy: null,
    keepsAll: null,
    options: ['keep-duplicates'],
  },
  doubtful: {
    code: 12,
    outcome: 'doubtful',
    help: 'Bytes were missing in front of it, and nothing showed that it was a request and no part of a body.',
    progress: 'undeliverable',
    excludedBy: null,
    keepsAll: null,
    options: [],
  },
  podRule: {
    code: 13,
    outcome: 'pod_rule',
    help: 'A rule about pods excludes it, or none of its pods is known where some are asked for.',
    progress: 'filtered',
    excludedBy: 'rules about pods',
    keepsAll:
      'change --pod-selector, --namespace-include or --namespace-exclude, or give --keep-infrastructure to keep them',
    options: ['pod-selector', 'namespace-include', 'namespace-exclude', 'keep-infrastructure'],
  },
  byteLimited: {
    code: 14,
    outcome: 'byte_limited',
    help: 'The bytes that may be sent in a minute were spent.',
    progress: 'rateLimited',
    excludedBy: 'the limit of bytes',
    keepsAll: 'give a larger --export-bytes-per-minute, or none, to keep them all',
    options: ['export-bytes-per-minute'],
  },
  elsewhere: {
    code: 15,
    outcome: 'elsewhere',
    help: 'Another sensor of the fleet sees its connection too, and tells of it.',
    progress: 'filtered',
    excludedBy: 'other sensors that tell of them',
    keepsAll: 'give --keep-duplicates to keep them here, too',
    options: ['keep-duplicates'],
  },
} as const satisfies Record<string, DropReasonRow>;

type DropReasonName = keyof typeof DROP_REASON_ROWS;
type DropCounter = `exchanges_dropped_${(typeof DROP_REASON_ROWS)[DropReasonName]['outcome']}`;

/** Why an exchange is not exported; `none` if it is kept. */
export const DropReason = { none: 0, ...column(DROP_REASON_ROWS, ({ code }) => code) } as { readonly none: 0 } & {
  readonly [Name in DropReasonName]: (typeof DROP_REASON_ROWS)[Name]['code'];
};
export type DropReason = (typeof DropReason)[keyof typeof DropReason];

const counter = (help: string, label?: string): CounterRow => ({
  kind: 'counter',
  help,
  ...(label === undefined ? {} : { label }),
});
const gauge = (help: string, label?: string): CounterRow => ({ ...counter(help, label), kind: 'gauge' });

export const COUNTER_ROWS = {
  // capture and decode
  packets_seen: counter('Packets taken from all interfaces.', 'packets seen'),
  packet_bytes_seen: counter('Bytes that these packets had on the wire.'),
  packets_not_ip: counter('Packets that carry neither IPv4 nor IPv6.'),
  packets_not_tcp: counter('IP packets that carry no TCP.'),
  packets_quic: counter(
    'UDP packets that look like QUIC (HTTP/3), also counted as no TCP; live, only those that begin a connection.',
  ),
  packets_malformed: counter('Packets whose headers contradict themselves or their length.'),
  packets_cut_short: counter('Packets whose payload was not captured whole.'),
  packets_unknown_link: counter('Packets of a link type that the sensor cannot read.'),
  fragments_seen: counter('IP fragments.'),
  fragments_dropped: counter('IP fragments given up: too late, too many or contradictory.'),
  // flow
  segments_seen: counter('TCP segments.'),
  flows_opened: counter('TCP connections followed.'),
  flows_midstream: counter('TCP connections whose beginning was not captured.'),
  flows_evicted: counter('TCP connections forgotten to make room for others.'),
  flows_joined: counter('TCP connections whose directions have addresses that do not mirror each other.'),
  flows_copied: counter('TCP connections seen once more: behind an address translation, or in a tunnel and outside.'),
  hops_evicted: counter('Requests with an id that were forgotten before they ended, to make room for others.'),
  legs_evicted: counter('Places in the tables of connections seen in part that another one took.'),
  segments_retransmitted: counter('TCP segments that held nothing new.'),
  segments_copied: counter('TCP segments that were captured before, on another interface or leg.'),
  segments_stray: counter(
    'TCP segments whose numbers lie outside their connection: late ones of an earlier one, or forged.',
  ),
  segments_reordered: counter('TCP segments held until those in front of them came.'),
  segments_shed: counter('Held TCP segments released because memory ran short.'),
  gaps: counter('Gaps in streams: places where bytes were not captured.', 'gaps in streams'),
  gaps_store_full: counter('Gaps made to release what was held behind them: there was no room for more.'),
  gap_bytes: counter('Bytes in these gaps.'),
  // http
  requests_seen: counter('HTTP requests whose head was read.'),
  responses_seen: counter('HTTP responses whose head was read.'),
  responses_late: counter(
    'HTTP responses that came after `--response-timeout-seconds`.',
    'responses after --response-timeout-seconds',
  ),
  responses_unpaired: counter('HTTP responses without a request.', 'responses without a request'),
  messages_malformed: counter('HTTP messages that break the grammar.'),
  request_heads_too_large: counter('HTTP requests with a head over the cap, of which some headers were left out.'),
  response_heads_too_large: counter('HTTP responses with a head over the cap, of which some headers were left out.'),
  flows_upgraded: counter('Connections that stopped being HTTP, upgraded or tunnelled, and are not read.'),
  flows_websocket: counter('Connections that were upgraded to WebSocket, and are read.', 'WebSocket connections'),
  flows_tls: counter('Connections that carry TLS.'),
  tls_names_evicted: counter('TLS server names forgotten to make room for others.'),
  flows_h2: counter('Connections that carry HTTP/2.', 'HTTP/2 connections'),
  flows_quic: counter('Connections over QUIC, which HTTP/3 goes over.'),
  quic_flows_evicted: counter(
    'Connections over QUIC forgotten to make room for others; one that goes on is counted again.',
  ),
  flows_not_http: counter('Connections that carry neither HTTP nor TLS.'),
  streams_evicted: counter('HTTP/2 streams that were ended to make room for others of their connection.'),
  requests_without_path: counter(
    'HTTP/2 requests whose path was sent as a reference to an earlier one that was not captured.',
    'requests without a known path',
  ),
  windows_evicted: counter(
    'Windows of compressed streams given up to make room for others; what refers to them is not read.',
  ),
  messages_websocket: counter('Messages of WebSockets, control frames left out.', 'messages of WebSockets'),
  messages_events: counter('Server-sent events.', 'server-sent events'),
  messages_lines: counter('Lines of streams of JSON.', 'lines of JSON'),
  messages_rpc: counter('Messages of gRPC and gRPC-Web.', 'messages of gRPC'),
  stream_windows: counter(
    'Windows of streams behind the first, each an exchange of its own: `--stream-window-seconds`.',
  ),
  grpc_calls: counter('Calls of gRPC and gRPC-Web that were admitted.', 'gRPC calls'),
  body_bytes_shed: counter('Bytes of bodies released because memory ran short.'),
  // policy
  graphql_paths_evicted: counter('Paths that speak GraphQL, forgotten to make room for others.'),
  endpoints_evicted: counter('Endpoints that the rate limit forgot to make room for others.'),
  budget_traces_per_minute: gauge(
    'Traces a minute that the sensor may keep of a budget that it shares; 0 while its own limit alone counts.',
  ),
  budget_quotas: counter('Quotas of a shared budget that the satellite gave.'),
  budget_fallbacks: counter('Times that a quota ended before the next one came, and that the last share was given up.'),
  elsewhere_takeovers: counter('Times that this sensor took over from another one that had gone.'),
  elsewhere_lost: counter(
    'Exchanges that were left to a sensor that had gone, or went before it had sent them: they may not have come.',
    'left to a sensor that went, and maybe lost',
  ),
  elsewhere_untracked: counter(
    'Times that there were more services than are compared with those of other sensors: all that see them tell of them.',
  ),
  watched_millis: counter('Milliseconds in which exchanges were admitted, with a CPU budget.'),
  unwatched_millis: counter('Milliseconds in which none were admitted because the CPU budget was spent.'),
  // trace
  graphql_requests: counter('Traces of requests that ask something of a GraphQL service.', 'GraphQL requests'),
  grpc_messages_unfit: counter(
    'Messages of gRPC that `--grpc-descriptors` does not describe; they stay as they were sent.',
  ),
  traces_over_budget: counter(
    'Traces whose bodies were cut or left out, as decoding and redacting them would have taken too much memory.',
  ),
  traces_over_time: counter('Traces without their bodies, as decoding or redacting them took too long.'),
  redaction_texts_evicted: counter(
    'Paths, values of headers and names that redaction had remembered as no secrets, and forgot to make room for others.',
  ),
  // output
  batches_exported: counter('Batches that the satellite took.'),
  batches_refused: counter('Batches that the satellite refused for good.'),
  batches_evicted: counter('Batches dropped because the queue or the spool was full.'),
  batches_split: counter('Batches that the satellite found too large, sent again in halves.'),
  control_polls: counter('Messages to the OpAMP server.'),
  control_polls_failed: counter('Of these, those that it did not answer, or whose answer was not believed.'),
  control_configurations_applied: counter('Configurations of the OpAMP server that came into force.'),
  control_configurations_refused: counter(
    'Configurations of the OpAMP server that were refused; what was in force stays.',
  ),
  control_messages_dropped: counter('Custom messages of OpAMP that were wrong, too long or too many.'),
  export_bytes: counter('Bytes of the batches that the satellite took, encoded and not compressed.'),
  export_retries: counter('Attempts to export a batch that failed and were made again.'),
  export_traces_bared: counter(
    'Traces that the satellite found too large by themselves, sent again without their bodies.',
  ),
  export_encoding_refused: counter('Satellites that took no protobuf, and were sent JSON instead.'),
  export_traces_rejected: counter('Traces of batches taken that the satellite rejected; counted as undeliverable.'),
  queue_traces: gauge('Traces held in memory for an output.'),
  queue_bytes: gauge('Bytes of the traces held in memory for an output.'),
  spool_batches_written: counter('Batches written to the spool.'),
  spool_batches_read: counter('Batches read back from the spool.'),
  // Traces of this run are in flight in its books; those of earlier runs are in none.
  spool_traces: gauge('Traces in the spool, of this run and of earlier ones.', 'in the spool, for the next run'),
  spool_bytes: gauge('Bytes of the spool.'),
  spool_records_torn: counter(
    'Damaged places in the spool: records torn or not matching their checksum, copies of the cursor.',
  ),
  spool_errors: counter('Operations on the spool that failed; what they were to write stayed in memory.'),
  recovered_traces: counter('Traces that an earlier run had left in the spool.', 'found in the spool'),
  recovered_traces_exported: counter('Traces of an earlier run that were exported.', 'exported'),
  recovered_traces_dropped: counter('Traces of an earlier run that were dropped.', 'given up'),
  packets_unwritten: counter('Packets that the file of --write could not take.', 'packets not written'),
  packet_files_written: counter('Files of packets that --packets-on had written.', 'files of packets'),
  packet_files_sent: counter('Files of packets that --packets-to-satellite sent.', 'files of packets sent'),
  packet_files_lost: counter(
    'Files of packets that --packets-on asked for and that were not written or sent.',
    'files of packets lost',
  ),
  output_traces_lost: counter('Traces that a file could not take, where another output keeps the books.'),
  response_orders: counter('Orders of a satellite that active response took.'),
  response_orders_refused: counter('Orders of a satellite that it did not take.'),
  response_resets: counter('Connections that active response reset.', 'connections reset'),
  response_packets: counter('Packets that it sent to reset them.'),
  response_dry_runs: counter('Connections that it would have reset, but for `--active-response=dry-run`.'),
  response_refusals: counter(
    'Connections that matched and were left alone: protected, more than there may be in a minute, or not to be reached.',
    'connections not reset though they matched',
  ),
  // exchanges, by outcome; the others are DROP_REASON_ROWS
  exchanges_seen: counter('Exchanges whose request was seen.', 'exchanges seen'),
  exchanges_exported: counter('Exchanges exported.', 'exported'),
} as const satisfies Record<string, CounterRow>;

export type Counters = { [Name in keyof typeof COUNTER_ROWS | DropCounter]: number };

/** The rows of the reasons, each with its counter. */
export const DROP_REASONS: readonly (DropReasonRow & { readonly counter: DropCounter })[] = Object.values(
  DROP_REASON_ROWS,
).map((row) => ({ ...row, counter: `exchanges_dropped_${row.outcome}` as const }));

const ZEROS = JSON.stringify({
  ...column(COUNTER_ROWS, () => 0),
  ...Object.fromEntries(DROP_REASONS.map((row) => [row.counter, 0])),
});

/** All zero. Every record has the same shape: `counters.gaps++` is a load and a store. */
export function createCounters(): Counters {
  return JSON.parse(ZEROS);
}

/** Counts `count` exchanges as dropped for `reason`. */
export function countDropped(counters: Counters, reason: DropReason, count = 1): void {
  const name = COUNTER_BY_CODE[reason];
  if (name !== undefined) counters[name] += count;
}

const COUNTER_BY_CODE: (DropCounter | undefined)[] = [undefined];
for (const { code, counter: name } of DROP_REASONS) COUNTER_BY_CODE[code] = name;

/** Exchanges that have not reached an outcome yet. Negative only if the books are wrong. */
export function exchangesInFlight(counters: Readonly<Counters>): number {
  let ended = counters.exchanges_exported;
  for (const { counter: name } of DROP_REASONS) ended += counters[name];
  return counters.exchanges_seen - ended;
}

/** What was counted: most counters of a run stay zero, and say nothing. */
export function withoutZeros(counters: Readonly<Counters>): Partial<Counters> {
  return Object.fromEntries(Object.entries(counters).filter(([, count]) => count !== 0));
}

/** Whether anything that was to be exported or written was not: a run with losses ends with exit code 1. */
export function hasLosses(counters: Readonly<Counters>): boolean {
  const {
    exchanges_dropped_undeliverable,
    output_traces_lost,
    recovered_traces_dropped,
    packets_unwritten,
    packet_files_lost,
  } = counters;
  return (
    exchanges_dropped_undeliverable +
      output_traces_lost +
      recovered_traces_dropped +
      packets_unwritten +
      packet_files_lost >
    0
  );
}
