/**
 * Every counter of the sensor: one flat record of numbers, so that the books can be added up at any moment.
 *
 * The law of the house: each exchange whose request was seen ends in exactly one outcome,
 *
 *     exchanges_seen = exchanges_exported + Σ exchanges_dropped_* + exchanges in flight
 */

/** Why an exchange was not sent; 0 means that it is kept. */
export const DropReason = {
  none: 0,
  hostRule: 1,
  pathRule: 2,
  methodRule: 3,
  statusRule: 4,
  healthCheck: 5,
  sampledOut: 6,
  rateLimited: 7,
  /** Given up to stay inside the memory budget, before it could be sent. */
  shed: 8,
  /** The satellite refused it, or the queue overflowed while the satellite was away. */
  undeliverable: 9,
  /** Seen in part while the CPU budget was spent. */
  unwatched: 10,
} as const;
export type DropReason = (typeof DropReason)[keyof typeof DropReason];

export interface Counters {
  // capture and decode
  packets_seen: number;
  packet_bytes_seen: number;
  packets_not_ip: number;
  packets_not_tcp: number;
  packets_malformed: number;
  packets_cut_short: number;
  packets_unknown_link: number;
  fragments_seen: number;
  fragments_dropped: number;
  // flow
  segments_seen: number;
  flows_opened: number;
  flows_midstream: number;
  flows_evicted: number;
  segments_retransmitted: number;
  segments_reordered: number;
  segments_shed: number;
  gaps: number;
  gap_bytes: number;
  // http
  requests_seen: number;
  responses_seen: number;
  responses_unpaired: number;
  messages_malformed: number;
  flows_upgraded: number;
  flows_tls: number;
  tls_names_evicted: number;
  flows_h2: number;
  flows_not_http: number;
  body_bytes_shed: number;
  // policy
  endpoints_evicted: number;
  /** How long packets were taken, and how long they were not because the CPU budget was spent. */
  watched_millis: number;
  unwatched_millis: number;
  // exchanges, by outcome
  exchanges_seen: number;
  exchanges_exported: number;
  exchanges_dropped_host_rule: number;
  exchanges_dropped_path_rule: number;
  exchanges_dropped_method_rule: number;
  exchanges_dropped_status_rule: number;
  exchanges_dropped_health_check: number;
  exchanges_dropped_sampled_out: number;
  exchanges_dropped_rate_limited: number;
  exchanges_dropped_shed: number;
  exchanges_dropped_undeliverable: number;
  exchanges_dropped_unwatched: number;
  // relay
  batches_exported: number;
  batches_refused: number;
  batches_evicted: number;
  /** Batches the satellite found too large, sent again in halves. */
  batches_split: number;
  export_bytes: number;
  export_retries: number;
  /** Traces of delivered batches that the satellite said it did not take; among the undeliverable. */
  export_traces_rejected: number;
  /** Traces held in memory for an output, now. */
  queue_traces: number;
  /** Bytes of them, now. */
  queue_bytes: number;
  spool_batches_written: number;
  spool_batches_read: number;
  /** Traces in the spool, now: of this run, in flight in its books; of earlier runs, in none. */
  spool_traces: number;
  spool_bytes: number;
  /** Records skipped because they were torn or did not match their checksum. */
  spool_records_torn: number;
  /** Operations on the spool that failed; what they were to hold stayed in memory. */
  spool_errors: number;
  /** Traces found in the spool at the start, left there by an earlier run, and what became of them. */
  recovered_traces: number;
  recovered_traces_exported: number;
  recovered_traces_dropped: number;
  /** Traces a file output could not write, where another output keeps the books. */
  output_traces_lost: number;
}

export function createCounters(): Counters {
  return {
    packets_seen: 0,
    packet_bytes_seen: 0,
    packets_not_ip: 0,
    packets_not_tcp: 0,
    packets_malformed: 0,
    packets_cut_short: 0,
    packets_unknown_link: 0,
    fragments_seen: 0,
    fragments_dropped: 0,
    segments_seen: 0,
    flows_opened: 0,
    flows_midstream: 0,
    flows_evicted: 0,
    segments_retransmitted: 0,
    segments_reordered: 0,
    segments_shed: 0,
    gaps: 0,
    gap_bytes: 0,
    requests_seen: 0,
    responses_seen: 0,
    responses_unpaired: 0,
    messages_malformed: 0,
    flows_upgraded: 0,
    flows_tls: 0,
    tls_names_evicted: 0,
    flows_h2: 0,
    flows_not_http: 0,
    body_bytes_shed: 0,
    endpoints_evicted: 0,
    watched_millis: 0,
    unwatched_millis: 0,
    exchanges_seen: 0,
    exchanges_exported: 0,
    exchanges_dropped_host_rule: 0,
    exchanges_dropped_path_rule: 0,
    exchanges_dropped_method_rule: 0,
    exchanges_dropped_status_rule: 0,
    exchanges_dropped_health_check: 0,
    exchanges_dropped_sampled_out: 0,
    exchanges_dropped_rate_limited: 0,
    exchanges_dropped_shed: 0,
    exchanges_dropped_undeliverable: 0,
    exchanges_dropped_unwatched: 0,
    batches_exported: 0,
    batches_refused: 0,
    batches_evicted: 0,
    batches_split: 0,
    export_bytes: 0,
    export_retries: 0,
    export_traces_rejected: 0,
    queue_traces: 0,
    queue_bytes: 0,
    spool_batches_written: 0,
    spool_batches_read: 0,
    spool_traces: 0,
    spool_bytes: 0,
    spool_records_torn: 0,
    spool_errors: 0,
    recovered_traces: 0,
    recovered_traces_exported: 0,
    recovered_traces_dropped: 0,
    output_traces_lost: 0,
  };
}

/** Counts `count` exchanges as dropped for `reason`. */
export function countDropped(counters: Counters, reason: DropReason, count = 1): void {
  const name = DROP_COUNTERS[reason];
  if (name !== null && name !== undefined) counters[name] += count;
}

const DROP_COUNTERS: readonly (keyof Counters | null)[] = [
  null,
  'exchanges_dropped_host_rule',
  'exchanges_dropped_path_rule',
  'exchanges_dropped_method_rule',
  'exchanges_dropped_status_rule',
  'exchanges_dropped_health_check',
  'exchanges_dropped_sampled_out',
  'exchanges_dropped_rate_limited',
  'exchanges_dropped_shed',
  'exchanges_dropped_undeliverable',
  'exchanges_dropped_unwatched',
];

/** Exchanges that have not reached an outcome yet. Never negative; a test that finds it so has found a bug. */
export function exchangesInFlight(counters: Counters): number {
  let ended = counters.exchanges_exported;
  for (const name of DROP_COUNTERS) if (name !== null) ended += counters[name];
  return counters.exchanges_seen - ended;
}
