/**
 * The table that the Collector's ClickHouse exporter makes, beside the satellite's own: the same traces in it, and the same questions.
 *
 * Its rows are made by the server from those of `traces`, with the attributes and bodies of `sender.mjs`; the exporter itself speaks
 * ClickHouse's native protocol, which the engine of `chdb` does not.
 */

/** exporter/clickhouseexporter v0.155.0, internal/sqltemplates/traces_table.sql. */
const TABLE = `CREATE TABLE IF NOT EXISTS otel_traces (
  Timestamp DateTime64(9) CODEC(Delta, ZSTD(1)), TraceId String CODEC(ZSTD(1)), SpanId String CODEC(ZSTD(1)),
  ParentSpanId String CODEC(ZSTD(1)), TraceState String CODEC(ZSTD(1)), SpanName LowCardinality(String) CODEC(ZSTD(1)),
  SpanKind LowCardinality(String) CODEC(ZSTD(1)), ServiceName LowCardinality(String) CODEC(ZSTD(1)),
  ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)), ScopeName String CODEC(ZSTD(1)), ScopeVersion String CODEC(ZSTD(1)),
  SpanAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)), Duration UInt64 CODEC(ZSTD(1)),
  StatusCode LowCardinality(String) CODEC(ZSTD(1)), StatusMessage String CODEC(ZSTD(1)),
  Events Nested (Timestamp DateTime64(9), Name LowCardinality(String), Attributes Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
  Links Nested (TraceId String, SpanId String, TraceState String, Attributes Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
  INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX idx_res_attr_value mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX idx_span_attr_key mapKeys(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX idx_span_attr_value mapValues(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX idx_duration Duration TYPE minmax GRANULARITY 1
) ENGINE = MergeTree PARTITION BY toDate(Timestamp) ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1`;

const ROW = `SELECT Timestamp, TraceId, SpanId, '', '', Method, 'Server', ServiceName,
  map('service.name', ServiceName, 'levo.env', Environment, 'service.instance.id', 'bench'), '', '',
  mapUpdate(map('http.request.method', toString(Method), 'url.scheme', 'http', 'url.path', Path, 'url.query', Query, 'server.address', 'shop.example',
    'server.port', '8080', 'client.address', '10.0.0.1', 'network.peer.address', '10.0.0.1', 'network.peer.port', '40000',
    'network.protocol.version', '1.1', 'http.response.status_code', toString(Status), 'http.request.header.host', '["shop.example:8080"]',
    'http.response.header.content-type', '["application/json"]', 'http.request.body.size', '0', 'http.response.body.size', '60',
    'http.response.body.content', concat('{"id":', extract(Path, '[0-9]+'), ',"name":"thing ', toString(cityHash64(TraceId) % 1000), '","mail":"u',
      extract(Path, '[0-9]+'), '@example.com"}')),
    if(empty(Marks), map(), map('pcap.marks', toString(Marks)))),
  Duration, 'Unset', '', [], [], [], [], [], [], []`;

const of = (name: string): string => `SpanAttributes['${name}']`;
const STATUS = `toUInt16OrZero(${of('http.response.status_code')})`;

/** The filters of the page, as a reader of this table has to ask them. */
const QUESTIONS: Readonly<Record<string, string>> = {
  'status>=500': `${STATUS} >= 500`,
  'status:404 method:POST': `${STATUS} = 404 AND ${of('http.request.method')} = 'POST'`,
  'status:none': `${STATUS} = 0`,
  'method:DELETE': `${of('http.request.method')} = 'DELETE'`,
  'duration>290ms': 'Duration > 290000000',
  'duration>290ms status>=500': `Duration > 290000000 AND ${STATUS} >= 500`,
  'path:^/orders/1777': `startsWith(${of('url.path')}, '/orders/1777')`,
  'path=/orders/1123456/items': `${of('url.path')} = '/orders/1123456/items'`,
  'host:shop': `${of('server.address')} LIKE '%shop%'`,
  'host:nowhere.example': `${of('server.address')} = 'nowhere.example'`,
  'path:99999': `${of('url.path')} LIKE '%99999%'`,
  'mark:gap': `${of('pcap.marks')} LIKE '%gap%'`,
  'mark:gap status>=500': `${of('pcap.marks')} LIKE '%gap%' AND ${STATUS} >= 500`,
  '-status:200 -status:404 method:GET': `${STATUS} NOT IN (200, 404) AND ${of('http.request.method')} = 'GET'`,
  'service=shop env:prod': "ServiceName = 'shop' AND ResourceAttributes['levo.env'] = 'prod'",
  'id:00000000000000000000000000000001': "TraceId = '00000000000000000000000000000001'",
};
/** The same of `traces`, past the satellite, so that both are the engine's alone. */
const OWN_QUESTIONS: Readonly<Record<string, string>> = {
  'status>=500': 'Status >= 500',
  'status:404 method:POST': "Status = 404 AND Method = 'POST'",
  'status:none': 'Status = 0',
  'method:DELETE': "Method = 'DELETE'",
  'duration>290ms': 'Duration > 290000000',
  'duration>290ms status>=500': 'Duration > 290000000 AND Status >= 500',
  'path:^/orders/1777': "startsWith(Path, '/orders/1777')",
  'path=/orders/1123456/items': "Path = '/orders/1123456/items'",
  'host:shop': "Host LIKE '%shop%'",
  'host:nowhere.example': "Host = 'nowhere.example'",
  'path:99999': "Path LIKE '%99999%'",
  'mark:gap': "has(Marks, 'gap')",
  'mark:gap status>=500': "has(Marks, 'gap') AND Status >= 500",
  '-status:200 -status:404 method:GET': "Status NOT IN (200, 404) AND Method = 'GET'",
  'service=shop env:prod': "ServiceName = 'shop' AND Environment = 'prod'",
  'id:00000000000000000000000000000001': "TraceId = '00000000000000000000000000000001'",
};
const OWN_LISTED = 'Timestamp, TraceId, SpanId, ServiceName, Duration, Method, Host, Path, Status';
const LISTED = `Timestamp, TraceId, SpanId, ServiceName, Duration, ${of('http.request.method')}, ${of('server.address')}, ${of('url.path')}, ${STATUS}`;
/** No filter is asked again after so long. */
const FILTER_MILLIS = 10_000;
/** What the satellite gives its own queries. */
const BOUNDS = 'max_memory_usage = 1000000000, max_execution_time = 10';

export type AskServer = (sql: string) => Promise<string>;

/** As many traces as `traces` has. Out: how many bytes each takes. */
export async function fillCollectorTable(ask: AskServer): Promise<number> {
  await ask(TABLE);
  const days = (await ask('SELECT DISTINCT toDate(Arrival) FROM traces ORDER BY 1')).split('\n');
  for (const day of days) await ask(`INSERT INTO otel_traces ${ROW} FROM traces WHERE toDate(Arrival) = '${day}'`);
  const [rows, bytes] = (
    await ask(
      "SELECT sum(rows), sum(bytes_on_disk) FROM system.parts WHERE table = 'otel_traces' AND active AND database = currentDatabase()",
    )
  ).split('\t');
  return Number(bytes) / Number(rows);
}

export interface Asked {
  readonly filter: string;
  readonly rows: number;
  readonly times: readonly number[];
  /** Why it has no rows; null where it was answered. */
  readonly failure: string | null;
}

/** Asks each filter ten times, of the Collector's table or of `traces`. */
export async function* askTable(ask: AskServer, table: 'otel_traces' | 'traces'): AsyncGenerator<Asked> {
  const isOwn = table === 'traces';
  const [listed, order] = isOwn ? [OWN_LISTED, 'Seq'] : [LISTED, 'Timestamp'];
  for (const [filter, where] of Object.entries(isOwn ? OWN_QUESTIONS : QUESTIONS)) {
    const times: number[] = [];
    let rows = 0;
    let failure: string | null = null;
    const began = performance.now();
    for (let i = 0; i < 10 && failure === null && performance.now() - began < FILTER_MILLIS; i++) {
      const from = performance.now();
      const sql = `SELECT ${listed} FROM ${table} WHERE ${where} ORDER BY ${order} DESC LIMIT 100 SETTINGS ${BOUNDS}`;
      const text = await ask(sql).catch((error: Error) => {
        failure = error.message.split('\n')[0]?.slice(0, 80) ?? '';
        return '';
      });
      times.push(performance.now() - from);
      rows = text === '' ? 0 : text.split('\n').length;
    }
    yield { filter, rows, times, failure };
  }
}
