/**
 * The tables, as migrations: each adds to what is there, so that a satellite of before goes on beside one that is newer.
 *
 *     traces      what is filtered by and listed, typed, with OpenTelemetry's names for its core; by organisation and number
 *     payloads    a span and its resource as they came, without bodies; read by key alone
 *     bodies      texts of bodies, read by key and found by words
 *     resources   who sends, as sums that merge
 *     documents   inventories of satellites, templates, what was told; the newest of each counts
 *     facts       what was counted, as sums that merge
 *     leases      which satellite holds which slot
 *     migrations  which were made, and the oldest satellite that can go on with them
 *
 * in: where, and how long traces are kept · out: statements
 */
import type { ClickHouseTarget } from './target.js';

export interface Migration {
  readonly version: number;
  /** The least version of a satellite that can read and write what this makes. */
  readonly oldest: number;
  statements(place: Place): readonly string[];
}

/** How the tables of a place are made. */
export interface Place {
  /** What follows a table's name, with a space before. */
  readonly onCluster: string;
  engine(name: string, version?: string): string;
  readonly ttl: string;
}

export function placeOf({ cluster, isReplicated }: ClickHouseTarget, retentionMillis: number): Place {
  return {
    onCluster: cluster === null ? '' : ` ON CLUSTER \`${cluster}\``,
    engine: (name, version = '') => `${isReplicated ? 'Replicated' : ''}${name}(${version})`,
    ttl: ttlOf(retentionMillis),
  };
}

export const ttlOf = (retentionMillis: number): string =>
  `Arrival + INTERVAL ${Math.min(Math.max(1, Math.ceil(retentionMillis / 1000)), TTL_SECONDS_MAX)} SECOND`;

/** A `DateTime` ends in 2106. */
const TTL_SECONDS_MAX = 50 * 365 * 24 * 3600;

/** Tables whose rows go by their age. */
export const AGEING = ['traces', 'payloads', 'bodies'] as const;

const BY_DAY = 'PARTITION BY toDate(Arrival)';
/** What is read by key is read in small pieces. */
const SMALL_GRANULES = 64;
const GRANULES = 1024;

const FIRST: Migration = {
  version: 1,
  oldest: 1,
  statements: ({ onCluster, engine, ttl }) => [
    `CREATE TABLE IF NOT EXISTS traces${onCluster} (
      Organisation LowCardinality(String), Seq UInt64 CODEC(Delta, ZSTD), Arrival DateTime('UTC') CODEC(Delta, ZSTD),
      Timestamp DateTime64(9, 'UTC') CODEC(Delta, ZSTD), TraceId String CODEC(ZSTD), SpanId String CODEC(ZSTD),
      SpanKind LowCardinality(String), Duration UInt64 CODEC(T64, ZSTD), ServiceName LowCardinality(String),
      Environment LowCardinality(String), Method LowCardinality(String), Host LowCardinality(String),
      Path String CODEC(ZSTD), Query String CODEC(ZSTD), Status UInt16 CODEC(T64, ZSTD),
      RequestBytes UInt64 CODEC(T64, ZSTD), ResponseBytes UInt64 CODEC(T64, ZSTD), ContentType LowCardinality(String),
      Protocol LowCardinality(String), Client String CODEC(ZSTD), Marks Array(LowCardinality(String)),
      Redactions UInt32 CODEC(T64, ZSTD),
      INDEX by_status Status TYPE set(64) GRANULARITY 4,
      INDEX by_duration Duration TYPE minmax GRANULARITY 1,
      INDEX by_response ResponseBytes TYPE minmax GRANULARITY 1,
      INDEX by_time Timestamp TYPE minmax GRANULARITY 1,
      INDEX by_host Host TYPE set(256) GRANULARITY 4,
      INDEX by_service ServiceName TYPE set(256) GRANULARITY 4,
      INDEX by_method Method TYPE set(32) GRANULARITY 4,
      INDEX by_marks Marks TYPE bloom_filter(0.01) GRANULARITY 4,
      INDEX by_path Path TYPE ngrambf_v1(4, 8192, 3, 0) GRANULARITY 4,
      PROJECTION by_id (SELECT Organisation, TraceId, SpanId, Seq ORDER BY Organisation, TraceId, SpanId)
    ) ENGINE = ${engine('MergeTree')} ${BY_DAY} ORDER BY (Organisation, Seq) TTL ${ttl}
    SETTINGS index_granularity = ${GRANULES}, ttl_only_drop_parts = 1`,
    `CREATE TABLE IF NOT EXISTS payloads${onCluster} (
      Organisation LowCardinality(String), Seq UInt64 CODEC(Delta, ZSTD), Arrival DateTime('UTC') CODEC(Delta, ZSTD),
      Form LowCardinality(String), Span String CODEC(ZSTD(3)), Resource String CODEC(ZSTD(3))
    ) ENGINE = ${engine('MergeTree')} ${BY_DAY} ORDER BY (Organisation, Seq) TTL ${ttl}
    SETTINGS index_granularity = ${SMALL_GRANULES}, ttl_only_drop_parts = 1`,
    `CREATE TABLE IF NOT EXISTS bodies${onCluster} (
      Organisation LowCardinality(String), Seq UInt64 CODEC(Delta, ZSTD), Arrival DateTime('UTC') CODEC(Delta, ZSTD),
      Request String CODEC(ZSTD(3)), Response String CODEC(ZSTD(3)), Cut UInt8,
      INDEX request_words lowerUTF8(Request) TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 16,
      INDEX response_words lowerUTF8(Response) TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 16
    ) ENGINE = ${engine('MergeTree')} ${BY_DAY} ORDER BY (Organisation, Seq) TTL ${ttl}
    SETTINGS index_granularity = ${SMALL_GRANULES}, ttl_only_drop_parts = 1`,
    `CREATE TABLE IF NOT EXISTS resources${onCluster} (
      Organisation LowCardinality(String), ServiceName String, Environment String, Host String, Instance String, Version String,
      FirstSeen SimpleAggregateFunction(min, UInt64), LastSeen SimpleAggregateFunction(max, UInt64),
      Traces SimpleAggregateFunction(sum, UInt64), Damaged SimpleAggregateFunction(sum, UInt64),
      WatchedShare SimpleAggregateFunction(min, Float64)
    ) ENGINE = ${engine('AggregatingMergeTree')} ORDER BY (Organisation, ServiceName, Environment, Host, Instance, Version)`,
    `CREATE TABLE IF NOT EXISTS documents${onCluster} (
      Organisation LowCardinality(String), Name String, Slot UInt8, Text String CODEC(ZSTD(3)), Through UInt64, Version UInt64
    ) ENGINE = ${engine('ReplacingMergeTree', 'Version')} ORDER BY (Organisation, Name, Slot)
    SETTINGS index_granularity = 8`,
    `CREATE TABLE IF NOT EXISTS facts${onCluster} (Organisation LowCardinality(String), Name LowCardinality(String), Value UInt64)
    ENGINE = ${engine('SummingMergeTree')} ORDER BY (Organisation, Name)`,
    `CREATE TABLE IF NOT EXISTS leases${onCluster} (
      Organisation LowCardinality(String), Slot UInt8, Satellite String, Until DateTime64(3, 'UTC'), Version UInt64
    ) ENGINE = ${engine('ReplacingMergeTree', 'Version')} ORDER BY (Organisation, Slot, Satellite)
    TTL toDateTime(Until) + INTERVAL 1 DAY`,
  ],
};

export const MIGRATIONS: readonly Migration[] = [FIRST];

export const MIGRATIONS_TABLE = ({ onCluster, engine }: Place): string =>
  `CREATE TABLE IF NOT EXISTS migrations${onCluster} (Version UInt32, Oldest UInt32, At DateTime DEFAULT now())
  ENGINE = ${engine('ReplacingMergeTree')} ORDER BY Version`;
