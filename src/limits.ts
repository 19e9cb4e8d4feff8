/**
 * Every cap of the sensor, one row each: its type, its default and its line in the documents come from the row. Names
 * end in their unit. A full table or queue evicts and counts; nothing grows without a bound.
 */
import { column } from './columns.js';

export interface LimitRow {
  /** The value where no option says otherwise. */
  readonly value: number;
  readonly help: string;
  /** The option that sets it; null if none does. */
  readonly option: string | null;
}

const limit = (value: number, help: string, option: string | null = null): LimitRow => ({ value, help, option });

export const LIMIT_ROWS = {
  pods_max: limit(
    50_000,
    'Pods whose addresses are remembered; the one that was told of longest ago goes for a new one.',
  ),
  interfaces_max: limit(
    256,
    'Interfaces remembered at once, including those that are gone; a new one takes the place of one that is gone.',
  ),
  flows_max: limit(65_536, 'Flows tracked at once; the least recently active is closed for a new one.'),
  reorder_bytes_max: limit(
    112 << 20,
    'Bytes that all streams hold together of segments that came out of order; each holds no more than its receiver takes.',
    'max-memory',
  ),
  reorder_segments_max: limit(1 << 16, 'Segments a stream holds that came out of order.'),
  stretch_bytes_max: limit(
    1 << 20,
    'Bytes kept of a pipelined connection that lost some, until it is known which response answers which request.',
  ),
  stream_timeout_nanos: limit(
    10e9,
    'How long a stream waits for a missing segment, in nanoseconds.',
    'stream-timeout-seconds',
  ),
  response_timeout_nanos: limit(
    300e9,
    "How long an exchange waits for its response, from the request's last byte to the response's first, in nanoseconds.",
    'response-timeout-seconds',
  ),
  stream_window_nanos: limit(
    60e9,
    'How long a stream without end goes on until what came of it leaves as a trace, in nanoseconds.',
    'stream-window-seconds',
  ),
  stream_messages_max: limit(
    32,
    'Messages kept of a window of a stream, each way; the rest is counted.',
    'stream-messages',
  ),
  stream_message_bytes_max: limit(1 << 16, 'Bytes kept of one message of a stream; a longer one is cut.'),
  websocket_compressed_bytes_max: limit(
    1 << 20,
    'Bytes of one compressed message of a WebSocket as transferred; a longer one is not decompressed.',
  ),
  inflate_windows_bytes_max: limit(
    32 << 20,
    'Bytes of the windows of compressed WebSockets and streams together; the one used longest ago goes for another, and what refers to it is not read.',
    'max-memory',
  ),
  stream_window_bytes_max: limit(1 << 20, 'Bytes kept of the messages of a window of a stream, together.'),
  flow_idle_nanos: limit(
    600e9,
    'How long a quiet flow is remembered, in nanoseconds; never less than twice as long as a response is waited for.',
  ),
  flow_quiet_nanos: limit(
    120e9,
    'How long a flow must have been quiet to be forgotten before bodies are shed, where memory runs short, in nanoseconds.',
  ),
  head_bytes_max: limit(1 << 20, "Bytes of one message's head; a longer one is cut, and marked `head-too-large`."),
  body_bytes_max: limit(10_000_000, 'Bytes kept of one body; the rest is counted.', 'max-http-length'),
  tls_names_max: limit(64, 'Server names of TLS connections remembered: where the traffic goes that cannot be read.'),
  unread_flow_kinds_max: limit(64, 'Protocols and ports of connections that are not read, counted each for itself.'),
  quic_flows_max: limit(4096, 'Connections over QUIC remembered, to count each once.'),
  h2_streams_max: limit(2048, 'Streams open at once of one HTTP/2 connection; the oldest ends as it is for a new one.'),
  h2_table_bytes_max: limit(
    1 << 16,
    'Bytes of header fields remembered for each direction of an HTTP/2 connection, which later ones refer to.',
  ),
  h2_field_list_bytes_max: limit(
    1 << 18,
    "Bytes of one HTTP/2 head's fields, each counted as often as it is referred to; the rest is left out, and the head marked `head-too-large`.",
  ),
  h2_abandoned_streams_max: limit(
    32,
    'Streams of an HTTP/2 connection that their client gave up, whose response may be on its way; the oldest ends for a new one.',
  ),
  h2_goaways_max: limit(8, 'GOAWAY frames of an HTTP/2 connection that are looked at.'),
  h2_settings_max: limit(
    64,
    'SETTINGS in a row, no head between them, read of one side of an HTTP/2 connection. Others, and PING, PRIORITY, WINDOW_UPDATE, empty DATA and unknown frames, are passed over by their headers.',
  ),
  h2_settings_bytes_max: limit(1024, 'Bytes of an HTTP/2 SETTINGS frame that are read: it has six kinds.'),
  h2_continuations_max: limit(128, 'CONTINUATION frames of one HTTP/2 head; a head with more is cut.'),
  pipeline_requests_max: limit(1024, 'Requests of one flow waiting for their responses.'),
  trailer_bytes_max: limit(16_384, "Bytes of one message's trailer section."),
  memory_bytes_max: limit(
    256 << 20,
    'Bytes of flows, reorder stores, heads and bodies together, and of what is made of them: three quarters of it at most go to traces being made. Queues have `queue_bytes_max`.',
    'max-memory',
  ),
  headers_max: limit(
    32,
    'Headers read of one packet, tags and tunnels within tunnels included; a packet with more is malformed.',
  ),
  unread_kinds_max: limit(
    64,
    'Numbers remembered of what packets carry that is not read, to name them; the rest is counted together.',
  ),
  small_trace_bytes_max: limit(
    1 << 15,
    'Bytes of the heads and bodies of a trace that is made between packets; a larger one is made in a thread of its own.',
  ),
  trace_millis_max: limit(
    2000,
    'Milliseconds that decoding and redacting an exchange may take, and as many again for each MiB of its bodies.',
  ),
  hops_max: limit(4096, 'Requests with an id under way at once, whose hops on both sides of a proxy are told of once.'),
  fragmented_datagrams_max: limit(256, 'Fragmented IP datagrams being reassembled at once.'),
  fragment_pieces_max: limit(128, 'Separate pieces of one datagram: each fragment is placed among them.'),
  fragment_timeout_nanos: limit(
    30e9,
    'How long the first fragment of a datagram waits for the others, in nanoseconds (RFC 8200 §4.5: 60 s).',
  ),
  batch_traces_max: limit(512, 'Traces of one batch.'),
  batch_bytes_max: limit(1 << 20, 'Bytes of one batch, encoded and not compressed; a single trace may be larger.'),
  queue_bytes_max: limit(32 << 20, 'Bytes of traces and batches waiting for an output, in memory.', 'max-memory'),
  packet_history_bytes_max: limit(
    32 << 20,
    'Bytes of packets kept for `--packets-on`, of all interfaces together; the oldest go for new ones.',
  ),
  packet_files_bytes_max: limit(
    16 << 20,
    'Bytes of files of `--packets-on` that wait to be written; what comes then is lost, and counted.',
  ),
  response_bytes_max: limit(1 << 16, "Bytes read of a satellite's answer."),
  control_answer_bytes_max: limit(1 << 19, "Bytes read of an OpAMP server's answer; a longer one is not believed."),
  spool_segment_bytes_max: limit(4 << 20, 'Bytes of one file of the spool.'),
  grpc_json_bytes_max: limit(
    1 << 20,
    'Bytes of a message of gRPC that is sent as JSON; a longer one stays as it was sent.',
  ),
  graphql_request_bytes_max: limit(1 << 20, 'Bytes of a request that are read for its GraphQL operations.'),
  graphql_verdict_bytes_max: limit(
    1 << 16,
    'Bytes of a request that the rate limit waits for on a path that speaks GraphQL, as the operation is what it shares out by.',
  ),
  graphql_operations_max: limit(64, 'GraphQL operations told of one request.'),
  routes_max: limit(1000, 'Routes that traces are told by; what has another has none.'),
  graphql_paths_max: limit(1024, 'Paths remembered to speak GraphQL.'),
  endpoints_max: limit(8192, 'Endpoints that the rate limit remembers, so that rare ones get their share.'),
  response_orders_max: limit(256, 'Orders of active response in force at once; a further one is refused.'),
  response_actions_max: limit(
    1000,
    'Resets and refusals that wait to be reported to the satellite; the oldest goes for a new one.',
  ),
  response_logged_per_minute_max: limit(60, 'Refusals of active response that the log has by themselves, in a minute.'),
  fleet_sensors_max: limit(
    10_000,
    'Sensors that a budget of `--fleet-rate` is shared among; further ones are given none of it.',
  ),
  fleet_endpoints_max: limit(8192, 'Endpoints that a budget of `--fleet-rate` knows by themselves.'),
  fleet_pools_max: limit(1000, 'Budgets that a `*` of `--fleet-rate` makes; what comes then shares one.'),
  fleet_quota_nanos: limit(12e9, 'How long a quota of `--fleet-rate` holds, in nanoseconds.'),
  division_services_max: limit(
    1024,
    'Services between two polls of which a sensor says which exchanges it saw, so that others that see them too can leave them to it.',
  ),
  division_ways_max: limit(
    4096,
    'Services, and ways to them, that a sensor divides with others; of further ones all tell.',
  ),
  division_sightings_max: limit(
    200_000,
    'Exchanges that a satellite remembers to find out which sensors see the same; while there are more, nothing new is found out.',
  ),
  division_pairs_max: limit(100_000, 'Pairs of sensors, by service or way, that a satellite compares.'),
  division_lease_nanos: limit(
    9e9,
    'How long after its last word a sensor is taken to live by others that leave connections to it, in nanoseconds: so that they have taken over within two heartbeats of five seconds.',
  ),
  fleet_last_share_nanos: limit(
    600e9,
    'How long a sensor keeps to its last quota after its time has ended, in nanoseconds; then its own limit counts.',
  ),
  host_verdicts_max: limit(1024, 'Hosts whose rule verdict is remembered.'),
  redaction_names_max: limit(
    4096,
    'Names of headers, of query parameters and of fields whose sensitivity is remembered, each.',
  ),
  redaction_texts_max: limit(
    512,
    'Paths and values of headers, up to 128 characters, remembered as holding no secret, each.',
  ),
  redaction_decoded_bytes_max: limit(
    1 << 20,
    'Bytes of a document inside a string or form field that is decoded to be redacted; a longer one is replaced as a whole.',
  ),
  redactions_max: limit(
    64,
    'Rules and names that a trace says redacted something, a message part; further ones are not named.',
  ),
  redaction_pattern_micros_max: limit(
    500,
    'Microseconds that the patterns of `--redact-pattern` may take together for a KiB of text, and those of `--redact-allow`; where they take more, the sensor does not start.',
  ),
  redaction_matches_per_kibibyte_max: limit(
    64,
    'Matches of `--redact-pattern` in a KiB of a text, all in all; where there are more, the rest of the text is replaced.',
  ),
  redaction_matches_max: limit(256, 'The same in a text of any length: so many there may be in a short one too.'),
  between_packets_micros_max: limit(
    80,
    'Microseconds that those patterns may take for a KiB of text for traces to be made between packets; where they take more, every trace is made in a thread of its own.',
  ),
  rule_pattern_micros_max: limit(
    100,
    'Microseconds that the patterns for hosts, paths, methods and statuses may take together for a KiB of text; where they take more, the sensor does not start.',
  ),
  redaction_steps_per_byte_max: limit(
    200,
    'Steps that the search of a message may take for each of its bytes, of one shorter than a KiB as many as of a KiB; a text that takes more is replaced as a whole. A step is about a nanosecond.',
  ),
  redaction_nesting_max: limit(
    6,
    'Documents inside documents that are looked into; a deeper one is replaced as a whole.',
  ),
} as const satisfies Record<string, LimitRow>;

export type Limits = { [Name in keyof typeof LIMIT_ROWS]: number };

export const DEFAULT_LIMITS: Readonly<Limits> = column(LIMIT_ROWS, ({ value }) => value);

/** Without --max-memory the sensor may take this share of the task's memory, but no more than `memory_bytes_max`. */
const MEMORY_SHARE = 1 / 3;
/** The queue's share of that. */
const QUEUE_SHARE = 1 / 4;

/**
 * What a body takes of the memory on its way, in times its length: kept, decoded, redacted and encoded, with room for what else
 * is there. A body that is longer is cut where there is no more room.
 */
export const MEMORY_BY_BODY = 17;
/** What the queue needs by the length of a body: two of them in base64. */
const QUEUE_BY_BODY = 2 * (4 / 3);

/** The reorder stores' share of the rest: the other half is for bodies. */
const REORDER_SHARE = 1 / 2;

/** The caps of a run: the defaults, changed by its options and by what the task's `memoryLimitBytes` allows. */
export function sensorLimits(
  options: {
    streamTimeoutSeconds: number;
    responseTimeoutSeconds: number;
    streamWindowSeconds: number;
    streamMessages: number;
    maxHttpLength: number | null;
    maxMemory: number | null;
  },
  memoryLimitBytes: number,
): Limits {
  const memory =
    options.maxMemory ?? Math.min(DEFAULT_LIMITS.memory_bytes_max, Math.floor(memoryLimitBytes * MEMORY_SHARE));
  const body = options.maxHttpLength ?? Math.min(DEFAULT_LIMITS.body_bytes_max, Math.floor(memory / MEMORY_BY_BODY));
  const wanted = Math.max(DEFAULT_LIMITS.queue_bytes_max, Math.ceil(body * QUEUE_BY_BODY));
  const queue = Math.min(wanted, Math.floor(memory * QUEUE_SHARE));
  return {
    ...DEFAULT_LIMITS,
    stream_timeout_nanos: options.streamTimeoutSeconds * 1e9,
    response_timeout_nanos: options.responseTimeoutSeconds * 1e9,
    stream_window_nanos: options.streamWindowSeconds * 1e9,
    stream_messages_max: options.streamMessages,
    // So that a response that comes too late is still known for one.
    flow_idle_nanos: Math.max(DEFAULT_LIMITS.flow_idle_nanos, 2 * options.responseTimeoutSeconds * 1e9),
    body_bytes_max: body,
    memory_bytes_max: memory - queue,
    inflate_windows_bytes_max: Math.min(DEFAULT_LIMITS.inflate_windows_bytes_max, Math.floor((memory - queue) / 8)),
    reorder_bytes_max: Math.floor((memory - queue) * REORDER_SHARE),
    queue_bytes_max: queue,
  };
}
