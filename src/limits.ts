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
  interfaces_max: limit(
    256,
    'Interfaces remembered at once, including those that are gone; a new one takes the place of one that is gone.',
  ),
  flows_max: limit(65_536, 'Flows tracked at once; the least recently active is closed for a new one.'),
  reorder_bytes_max: limit(1 << 20, 'Bytes a stream holds of segments that came out of order.'),
  reorder_segments_max: limit(1024, 'Segments a stream holds that came out of order.'),
  stream_timeout_nanos: limit(
    10e9,
    'How long a stream waits for a missing segment, and an exchange for its response, in nanoseconds.',
    'stream-timeout-seconds',
  ),
  flow_idle_nanos: limit(120e9, 'How long a quiet flow is remembered, in nanoseconds.'),
  head_bytes_max: limit(1 << 17, "Bytes of one message's head."),
  body_bytes_max: limit(10_000_000, 'Bytes kept of one body; the rest is counted.', 'max-http-length'),
  tls_names_max: limit(64, 'Server names of TLS connections remembered: where the traffic goes that cannot be read.'),
  pipeline_requests_max: limit(1024, 'Requests of one flow waiting for their responses.'),
  trailer_bytes_max: limit(16_384, "Bytes of one message's trailer section."),
  memory_bytes_max: limit(
    256 << 20,
    'Bytes of flows, reorder stores, heads and bodies together; queues have `queue_bytes_max`.',
    'max-memory',
  ),
  fragmented_datagrams_max: limit(256, 'Fragmented IP datagrams being reassembled at once.'),
  fragment_pieces_max: limit(128, 'Separate pieces of one datagram: each fragment is placed among them.'),
  fragment_timeout_nanos: limit(
    30e9,
    'How long the first fragment of a datagram waits for the others, in nanoseconds (RFC 8200 §4.5: 60 s).',
  ),
  batch_traces_max: limit(512, 'Traces of one batch.'),
  batch_bytes_max: limit(1 << 20, 'Bytes of one batch, encoded and not compressed; a single trace may be larger.'),
  queue_bytes_max: limit(32 << 20, 'Bytes of traces and batches waiting for an output, in memory.', 'max-memory'),
  response_bytes_max: limit(1 << 16, "Bytes read of a satellite's answer."),
  spool_segment_bytes_max: limit(4 << 20, 'Bytes of one file of the spool.'),
  endpoints_max: limit(8192, 'Endpoints that the rate limit remembers, so that rare ones get their share.'),
  host_verdicts_max: limit(1024, 'Hosts whose rule verdict is remembered.'),
  redaction_names_max: limit(
    4096,
    'Names of headers, of query parameters and of fields whose sensitivity is remembered, each.',
  ),
  redaction_decoded_bytes_max: limit(
    1 << 20,
    'Bytes of a document inside a string or form field that is decoded to be redacted; a longer one is replaced as a whole.',
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

/** The caps of a run: the defaults, changed by its options and by what the task's `memoryLimitBytes` allows. */
export function sensorLimits(
  options: { streamTimeoutSeconds: number; maxHttpLength: number; maxMemory: number | null },
  memoryLimitBytes: number,
): Limits {
  const memory =
    options.maxMemory ?? Math.min(DEFAULT_LIMITS.memory_bytes_max, Math.floor(memoryLimitBytes * MEMORY_SHARE));
  const queue = Math.min(DEFAULT_LIMITS.queue_bytes_max, Math.floor(memory * QUEUE_SHARE));
  return {
    ...DEFAULT_LIMITS,
    stream_timeout_nanos: options.streamTimeoutSeconds * 1e9,
    body_bytes_max: options.maxHttpLength,
    memory_bytes_max: memory - queue,
    queue_bytes_max: queue,
  };
}
