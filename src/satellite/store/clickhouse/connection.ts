/**
 * Statements to ClickHouse by its client, each within bounds of memory, time and rows.
 *
 * in: SQL and what is bound in it · out: rows; an error whose message is what the server said, without where and as whom it was asked
 */
import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';
import { reasonOf, SensorError } from '../../../errors.js';
import type { ClickHouseTarget } from './target.js';

const PACKAGE = '@clickhouse/client';
const CONNECTIONS_MAX = 10;
const REQUEST_MILLIS = 30_000;
/** What one query may take of the server, whoever else is there. */
const QUERY_BOUNDS = {
  max_memory_usage: '1000000000',
  max_execution_time: 10,
  max_rows_to_read: '200000000',
  max_result_rows: '100000',
  result_overflow_mode: 'throw',
  output_format_json_quote_64bit_integers: 0,
  max_query_size: '8388608',
  max_ast_elements: '200000',
  max_expanded_ast_elements: '200000',
} as const;

/** A query that would have read or taken more than it may: ask for less. */
export class TooMuch extends Error {}

/** TOO_MANY_ROWS, TIMEOUT_EXCEEDED, MEMORY_LIMIT_EXCEEDED, TOO_SLOW. */
const TOO_MUCH: ReadonlySet<string> = new Set(['158', '159', '241', '160']);

export type Bound = string | number;

/** What one statement writes the next one reads, on whichever replica. */
const EXACT = { select_sequential_consistency: '1' } as const;
const EXACT_WRITE = { insert_quorum: 'auto', insert_quorum_parallel: 0 } as const;

export class Connection {
  readonly #client: ClickHouseClient;
  readonly #shown: string;
  readonly #isReplicated: boolean;

  constructor(client: ClickHouseClient, shown: string, isReplicated: boolean) {
    this.#client = client;
    this.#shown = shown;
    this.#isReplicated = isReplicated;
  }

  /** As `query`, of what `commandExactly` wrote, whichever replica either is asked. */
  queryExactly<R>(sql: string, bound: Readonly<Record<string, Bound>>): Promise<R[]> {
    return this.#rows<R>(sql, bound, EXACT);
  }

  /** As `command`, and what it writes is with most replicas. */
  commandExactly(sql: string, bound: Readonly<Record<string, Bound>>): Promise<void> {
    return this.#run(sql, bound, this.#isReplicated ? EXACT_WRITE : {});
  }

  /** @param millis how long it may take; @throws TooMuch, or SensorError in words */
  query<R>(sql: string, bound: Readonly<Record<string, Bound>> = {}, millis?: number): Promise<R[]> {
    return this.#rows<R>(sql, bound, millis === undefined ? {} : { max_execution_time: Math.max(0.1, millis / 1000) });
  }

  async #rows<R>(sql: string, bound: Readonly<Record<string, Bound>>, more: ClickHouseSettings): Promise<R[]> {
    try {
      const result = await this.#client.query({
        query: sql,
        query_params: bound,
        format: 'JSONEachRow',
        clickhouse_settings: { ...QUERY_BOUNDS, ...more },
      });
      return await result.json<R>();
    } catch (error) {
      throw this.#inWords(error);
    }
  }

  async insert(table: string, values: readonly object[]): Promise<void> {
    if (values.length === 0) return;
    try {
      // What has been said to be kept is kept: nothing waits in the server's memory.
      await this.#client.insert({
        table,
        values: [...values],
        format: 'JSONEachRow',
        clickhouse_settings: { async_insert: 0, wait_end_of_query: 1 },
      });
    } catch (error) {
      throw this.#inWords(error);
    }
  }

  command(sql: string, bound: Readonly<Record<string, Bound>> = {}): Promise<void> {
    return this.#run(sql, bound, {});
  }

  async #run(sql: string, bound: Readonly<Record<string, Bound>>, more: ClickHouseSettings): Promise<void> {
    try {
      await this.#client.command({ query: sql, query_params: bound, clickhouse_settings: more });
    } catch (error) {
      throw this.#inWords(error);
    }
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #inWords(error: unknown): Error {
    const { code } = error as { code?: string };
    if (code !== undefined && TOO_MUCH.has(code)) return new TooMuch(reasonOf(error));
    return new SensorError(`--store ${this.#shown}: ${reasonOf(error).slice(0, 500)}`);
  }
}

/** @throws SensorError where the package is missing; nothing is asked yet */
export async function connect(target: ClickHouseTarget): Promise<Connection> {
  const { createClient } = await import('@clickhouse/client').catch(() => {
    throw new SensorError(
      `--store clickhouse://… takes the package ${PACKAGE}, which is not installed: npm install ${PACKAGE}@1.23.1`,
    );
  });
  const { url, username, password, database } = target;
  const client = createClient({
    url,
    username,
    password,
    database,
    application: 'pcap-sensor-satellite',
    request_timeout: REQUEST_MILLIS,
    max_open_connections: CONNECTIONS_MAX,
    // gzip, the only one that it has, takes more than all the rest that is done to a trace.
    compression: { request: false, response: false },
    log: { level: 127 },
  });
  return new Connection(client, `clickhouse://${new URL(url).host}/${database}`, target.isReplicated);
}
