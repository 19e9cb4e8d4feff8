/**
 * What one organisation has in ClickHouse, and is asked for: runs in a thread of its own (`clickhouse-worker.ts`), so that no socket waits
 * for a body that is read or a query's answer.
 */
import { SensorError } from '../../../errors.js';
import { Drift } from '../../openapi/drift.js';
import type { Receipt } from '../../receive/ingest.js';
import { type BodyBounds, type BodyKind, type Refusal, readBody } from '../../receive/read-body.js';
import { formatSatelliteTraces } from '../../receive/satellite-trace.js';
import { type DriftFound, documentOf, findingsOf } from '../drift-of.js';
import { NO_SPEC, type SpecDrift } from '../spec-watch.js';
import type { Retention, Store } from '../store.js';
import { type Connection, connect } from './connection.js';
import { Documents } from './documents.js';
import { Lease } from './lease.js';
import { prepareTables } from './prepare.js';
import { Reader } from './reader.js';
import { prepare } from './rows.js';
import { Sequence } from './sequence.js';
import { SharedInventory } from './shared-inventory.js';
import type { ClickHouseTarget } from './target.js';
import { Writer } from './writer.js';

export interface ClickHouseSettings {
  readonly target: ClickHouseTarget;
  readonly retention: Retention;
  /** Its organisation is that of the store. */
  readonly bounds: BodyBounds;
  readonly reports: boolean;
  readonly spec: string | null;
  readonly batch_millis?: number;
}

const BATCH_MILLIS = 1000;
const REST_MILLIS = 1000;
const DRIFT_TRACES_MAX = 5000;

/** The same as a `Store`, but for what is put together of it. */
export type Answers = Omit<Store, 'close' | 'driftBefore'>;

export class ClickHouseEngine {
  readonly #settings: ClickHouseSettings;
  readonly #connection: Connection;
  readonly #lease: Lease;
  readonly #reader: Reader;
  readonly #writer: Writer;
  readonly #inventory: SharedInventory;
  readonly #watched: { readonly drift: Drift; readonly title: string } | null;
  readonly #timer: NodeJS.Timeout;

  private constructor(
    settings: ClickHouseSettings,
    parts: { connection: Connection; lease: Lease; reader: Reader; inventory: SharedInventory; lastSeq: number },
    onNotice: (notice: string) => void,
  ) {
    this.#settings = settings;
    this.#connection = parts.connection;
    this.#lease = parts.lease;
    this.#reader = parts.reader;
    this.#inventory = parts.inventory;
    this.#watched = settings.spec === null ? null : watchedOf(settings.spec);
    const organisation = settings.bounds.organisation ?? '';
    this.#writer = new Writer(
      { organisation, batch_millis: settings.batch_millis ?? BATCH_MILLIS },
      {
        connection: parts.connection,
        lease: parts.lease,
        sequence: new Sequence(parts.lease.slot, parts.lastSeq),
        known: (ids) => parts.reader.known(ids),
        onKept: (seq, trace, service) => {
          this.#inventory.add(seq, trace, service);
          this.#watched?.drift.add(trace);
        },
        onNotice,
      },
    );
    let hasFailed = false;
    this.#timer = setInterval(() => {
      this.#rest().then(
        () => {
          hasFailed = false;
        },
        (error: Error) => {
          if (!hasFailed) onNotice(`the store's upkeep: ${error.message}`);
          hasFailed = true;
        },
      );
    }, REST_MILLIS).unref();
  }

  /** @throws SensorError where the server cannot be asked, or its tables are of a later version */
  static async open(settings: ClickHouseSettings, onNotice: (notice: string) => void): Promise<ClickHouseEngine> {
    const organisation = settings.bounds.organisation ?? '';
    const connection = await connect(settings.target);
    try {
      await prepareTables(connection, settings.target, settings.retention.millis);
      const lease = await Lease.take(connection, organisation);
      const reader = new Reader(connection, organisation, () => lease.hasOthers);
      const inventory = await SharedInventory.open(new Documents(connection, organisation), reader, lease.slot);
      const lastSeq = await reader.lastSeq();
      return new ClickHouseEngine(settings, { connection, lease, reader, inventory, lastSeq }, onNotice);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** What it answers, by name. */
  get answers(): Answers {
    const reader = this.#reader;
    const inventory = this.#inventory;
    return {
      receive: (body, kind) => this.#receive(body, kind),
      list: (query) => reader.list(query),
      wholes: (query, form) => reader.wholes(query, form),
      get: (seq, form) => reader.get(seq, form),
      sensors: () => reader.sensors(),
      rates: (filter, stretches) => reader.rates(filter, stretches),
      calls: (filter) => reader.calls(filter),
      values: () => reader.values(),
      facts: () => reader.facts(),
      endpoints: (selection) => inventory.endpoints(selection),
      openApi: (selection) => inventory.openApi(selection),
      drift: (document, filter) => this.#drift(document, filter),
      specDrift: async () => this.#specDrift(),
      templates: () => inventory.templates(),
      setTemplates: (templates) => inventory.setTemplates(templates),
      told: () => inventory.told(),
      setTold: (keys) => inventory.setTold(keys),
      configurations: () => inventory.configurations(),
      setConfigurations: (text) => inventory.setConfigurations(text),
    };
  }

  before(ageMillis: number) {
    return this.#inventory.before(ageMillis, Date.now());
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writer.close();
    try {
      await this.#inventory.save(Date.now(), true);
      await this.#lease.release();
    } finally {
      await this.#connection.close();
    }
  }

  async #receive(body: Uint8Array, kind: BodyKind): Promise<Receipt | Refusal> {
    if (!this.#writer.hasRoom) return { status: 503, reason: 'ClickHouse is behind; try again' };
    const read = await readBody(body, kind, this.#settings.bounds);
    if ('status' in read) return read;
    const { traces, rejected, reason } = read;
    try {
      await this.#writer.add(traces.map(prepare), rejected);
    } catch (error) {
      if (error instanceof SensorError) return { status: 503, reason: error.message };
      throw error;
    }
    this.#reader.forgetCounts();
    const receipt: Receipt = { received: traces.length, rejected, reason };
    return this.#settings.reports ? { ...receipt, lines: formatSatelliteTraces(traces) } : receipt;
  }

  async #drift(document: string, filter: string): Promise<DriftFound> {
    const drift = new Drift(documentOf(document));
    for await (const trace of this.#reader.newest(filter, DRIFT_TRACES_MAX)) drift.add(trace);
    return { traces: drift.traces, findings: findingsOf(drift) };
  }

  /** Of what this satellite took since it started. */
  #specDrift(): SpecDrift {
    if (this.#watched === null) return NO_SPEC;
    const { drift, title } = this.#watched;
    return { title, traces: drift.traces, passedOver: 0, through: this.#writer.lastSeq, findings: findingsOf(drift) };
  }

  async #rest(): Promise<void> {
    await this.#inventory.save(Date.now());
    await this.#inventory.keepDaily(Date.now());
  }
}

function watchedOf(spec: string): { readonly drift: Drift; readonly title: string } {
  const document = documentOf(spec);
  const { title } = (document.info ?? {}) as { title?: unknown };
  return { drift: new Drift(document), title: typeof title === 'string' ? title : '' };
}
