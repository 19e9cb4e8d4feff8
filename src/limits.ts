/**
 * Every cap of the sensor, in one place, unit last. What is full evicts and counts; nothing grows without a bound.
 */
export interface Limits {
  /** Interfaces remembered at once, the gone ones included; the one gone gives way to a new one. */
  interfaces_max: number;
  /** Flows tracked at once; the least recently active is closed for a new one. */
  flows_max: number;
  /** Bytes a stream holds of segments that came out of order. */
  reorder_bytes_max: number;
  /** Segments a stream holds of those. */
  reorder_segments_max: number;
  /** How long a stream waits for a missing segment, and an exchange for its response, in nanoseconds. */
  stream_timeout_nanos: number;
  /** How long a quiet flow is remembered, in nanoseconds. */
  flow_idle_nanos: number;
  /** Bytes of one message's head. */
  head_bytes_max: number;
  /** Bytes kept of one body; the rest is counted. */
  body_bytes_max: number;
  /** Server names of TLS connections remembered, to say where traffic goes that cannot be read. */
  tls_names_max: number;
  /** Requests of one flow waiting for their responses. */
  pipeline_requests_max: number;
  /** Bytes of one message's trailer section. */
  trailer_bytes_max: number;
  /** Bytes of flows, reorder stores, heads and bodies together; queues have `queue_bytes_max`. */
  memory_bytes_max: number;
  /** Fragmented IP datagrams being reassembled at once. */
  fragmented_datagrams_max: number;
  /** Separate pieces of one datagram: each fragment is placed among them. */
  fragment_pieces_max: number;
  /** How long the first fragment of a datagram waits for the others, in nanoseconds (RFC 8200 §4.5: 60 s). */
  fragment_timeout_nanos: number;
  /** Traces of one batch. */
  batch_traces_max: number;
  /** Bytes of one batch, encoded and not compressed; a single trace may be larger. */
  batch_bytes_max: number;
  /** Bytes of traces and batches waiting for an output, in memory. */
  queue_bytes_max: number;
  /** Bytes read of a satellite's answer. */
  response_bytes_max: number;
  /** Bytes of one file of the spool. */
  spool_segment_bytes_max: number;
  /** Endpoints the rate limit remembers, to be fair to the rare ones. */
  endpoints_max: number;
  /** Hosts whose rule verdict is remembered. */
  host_verdicts_max: number;
  /** Names whose sensitivity is remembered, of headers, query parameters and fields each. */
  redaction_names_max: number;
  /** Bytes of a document inside a string or form field that is decoded to be redacted; a longer one goes as a whole. */
  redaction_decoded_bytes_max: number;
  /** Documents inside documents that are looked into; a deeper one goes as a whole. */
  redaction_nesting_max: number;
}

export const DEFAULT_LIMITS: Readonly<Limits> = {
  interfaces_max: 256,
  flows_max: 65_536,
  reorder_bytes_max: 1 << 20,
  reorder_segments_max: 1024,
  stream_timeout_nanos: 10e9,
  flow_idle_nanos: 120e9,
  head_bytes_max: 1 << 17,
  body_bytes_max: 10_000_000,
  tls_names_max: 64,
  pipeline_requests_max: 1024,
  trailer_bytes_max: 16_384,
  memory_bytes_max: 256 << 20,
  fragmented_datagrams_max: 256,
  fragment_pieces_max: 128,
  fragment_timeout_nanos: 30e9,
  batch_traces_max: 512,
  batch_bytes_max: 1 << 20,
  queue_bytes_max: 32 << 20,
  response_bytes_max: 1 << 16,
  spool_segment_bytes_max: 4 << 20,
  endpoints_max: 8192,
  host_verdicts_max: 1024,
  redaction_names_max: 4096,
  redaction_decoded_bytes_max: 1 << 20,
  redaction_nesting_max: 6,
};

/** What memory is shared out of where nobody says: a third of what the task may use, and no more than this. */
const MEMORY_SHARE = 1 / 3;
const MEMORY_BYTES_DEFAULT_MAX = 256 << 20;
/** Of it, what waits for an output may take. */
const QUEUE_SHARE = 1 / 4;

/** The caps a run goes by: the defaults, what its options say, and what the task's `memoryLimitBytes` allows. */
export function sensorLimits(
  options: { streamTimeoutSeconds: number; maxHttpLength: number; maxMemory: number | null },
  memoryLimitBytes: number,
): Limits {
  const memory = options.maxMemory ?? Math.min(MEMORY_BYTES_DEFAULT_MAX, Math.floor(memoryLimitBytes * MEMORY_SHARE));
  const queue = Math.min(DEFAULT_LIMITS.queue_bytes_max, Math.floor(memory * QUEUE_SHARE));
  return {
    ...DEFAULT_LIMITS,
    stream_timeout_nanos: options.streamTimeoutSeconds * 1e9,
    body_bytes_max: options.maxHttpLength,
    memory_bytes_max: memory - queue,
    queue_bytes_max: queue,
  };
}
