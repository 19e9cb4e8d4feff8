/**
 * Writes traces in batches: many small inserts end a server of ClickHouse, and each waits for the disk.
 *
 * in: the traces of requests · out: how many are kept, once the server has said so
 *
 * What a trace is shown by is written last, so that all that is listed is there to be looked at. Traces that are there already are left
 * out, so that what a sender, a queue or a satellite that was killed sends again is there once; where two satellites are sent the same at
 * the same time, reading leaves the second out (`reader.ts`).
 */
import type { SensorError } from '../../../errors.js';
import type { Trace } from '../../../trace/trace.js';
import { aboutResource, isDamaged } from '../trace-columns.js';
import type { Connection } from './connection.js';
import type { Lease } from './lease.js';
import { keysOf, type Prepared, traceRow } from './rows.js';
import type { Sequence } from './sequence.js';

export interface WriterSettings {
  readonly organisation: string;
  /** How far apart batches begin that are not full. */
  readonly batch_millis: number;
}

export interface WriterContext {
  readonly connection: Connection;
  readonly lease: Lease;
  readonly sequence: Sequence;
  /** Of traces with these ids, which there are. */
  known(ids: readonly { readonly traceId: string; readonly spanId: string }[]): Promise<readonly Key[]>;
  /** Gets each trace that is kept. */
  onKept(seq: number, trace: Trace, service: string): void;
  onNotice(notice: string): void;
}

type Key = { readonly traceId: string; readonly spanId: string };

/** Traces of one batch, and bytes of them, after which it goes at once. */
const BATCH_TRACES = 5000;
const BATCH_BYTES = 16 << 20;
/** The share of the time between batches that the first trace waits where there was none for long. */
const ALONE_SHARE = 0.05;
/** Bytes that wait, beyond which a sender is asked to come again. */
const WAITING_BYTES_MAX = 64 << 20;

interface Waiting {
  readonly traces: readonly Prepared[];
  readonly rejected: number;
  readonly bytes: number;
  resolve(): void;
  reject(error: Error): void;
}

export class Writer {
  readonly #settings: WriterSettings;
  readonly #context: WriterContext;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #count = 0;
  #timer: NodeJS.Timeout | null = null;
  #turn: Promise<void> = Promise.resolve();
  #isWriting = false;
  #lastSeq = 0;
  #begunAt = Number.NEGATIVE_INFINITY;

  constructor(settings: WriterSettings, context: WriterContext) {
    this.#settings = settings;
    this.#context = context;
  }

  /** The number of the last trace that was written by this satellite. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Whether there is room for more. */
  get hasRoom(): boolean {
    return this.#bytes < WAITING_BYTES_MAX;
  }

  /** Resolves when they are kept. @throws SensorError where they are not, or it is not known */
  add(traces: readonly Prepared[], rejected: number): Promise<void> {
    const bytes = traces.reduce((sum, one) => sum + one.bytes, 0);
    this.#bytes += bytes;
    this.#count += traces.length;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ traces, rejected, bytes, resolve, reject });
      if (this.#count >= BATCH_TRACES || this.#bytes >= BATCH_BYTES) this.#begin();
      else this.#timer ??= setTimeout(() => this.#begin(), this.#wait());
    });
  }

  /** Until a batch may follow the last one; a trace that comes alone waits a little for those that come with it. */
  #wait(): number {
    const { batch_millis } = this.#settings;
    return Math.max(batch_millis * ALONE_SHARE, batch_millis - (performance.now() - this.#begunAt));
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    this.#begin();
    await this.#turn;
  }

  #begin(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#isWriting || this.#waiting.length === 0) return;
    this.#isWriting = true;
    this.#begunAt = performance.now();
    const batch = this.#waiting;
    this.#waiting = [];
    this.#count = 0;
    this.#turn = this.#settle(batch).then(() => {
      this.#isWriting = false;
      // What came meanwhile has waited for its turn.
      this.#begin();
      return this.#isWriting ? this.#turn : undefined;
    });
  }

  async #settle(batch: readonly Waiting[]): Promise<void> {
    try {
      await this.#write(
        batch.flatMap(({ traces }) => traces),
        batch.reduce((sum, { rejected }) => sum + rejected, 0),
      );
      for (const one of batch) one.resolve();
    } catch (error) {
      // One that the server does not take keeps the others from being taken.
      if (batch.length > 1 && !(await this.#isAway())) for (const one of batch) await this.#settle([one]);
      else for (const one of batch) one.reject(error as Error);
    } finally {
      if (batch.length > 0) this.#bytes = this.#waiting.reduce((sum, { bytes }) => sum + bytes, 0);
    }
  }

  #isAway(): Promise<boolean> {
    return this.#context.connection.query('SELECT 1').then(
      () => false,
      () => true,
    );
  }

  async #write(traces: readonly Prepared[], rejected: number): Promise<void> {
    const { connection, lease, sequence, onKept } = this.#context;
    const { organisation } = this.#settings;
    if (!lease.isHeld) await lease.renew();
    const fresh = await this.#fresh(traces);
    const numbered = fresh.map((one) => ({ one, keys: keysOf(organisation, sequence.next(Date.now())) }));
    await Promise.all([
      connection.insert(
        'payloads',
        numbered.map(({ one, keys }) => ({ ...keys, ...one.payload })),
      ),
      connection.insert(
        'bodies',
        numbered.flatMap(({ one, keys }) => (one.bodies === null ? [] : [{ ...keys, ...one.bodies }])),
      ),
    ]);
    await connection.insert(
      'traces',
      numbered.map(({ one, keys }) => traceRow(keys, one)),
    );
    for (const { one, keys } of numbered) {
      this.#lastSeq = keys.Seq;
      onKept(keys.Seq, one.trace, one.received.serviceName);
    }
    await this.#noteCounts(fresh, { stored: fresh.length, duplicates: traces.length - fresh.length, rejected });
  }

  /** Those that are not there, each once. */
  async #fresh(traces: readonly Prepared[]): Promise<Prepared[]> {
    const seen = new Set<string>();
    const once = traces.filter(({ traceId, spanId }) => {
      if (traceId === '' || spanId === '') return true;
      const size = seen.size;
      return seen.add(traceId + spanId).size > size;
    });
    const there = new Set(
      (await this.#context.known(once.filter(({ traceId, spanId }) => traceId !== '' && spanId !== ''))).map(
        ({ traceId, spanId }) => traceId + spanId,
      ),
    );
    return once.filter(({ traceId, spanId }) => traceId === '' || spanId === '' || !there.has(traceId + spanId));
  }

  /** Counts the traces and those that send them. What is kept is kept: that it is not counted is said, and no reason to send it again. */
  async #noteCounts(fresh: readonly Prepared[], counts: Readonly<Record<string, number>>): Promise<void> {
    const { connection, onNotice } = this.#context;
    const { organisation: Organisation } = this.#settings;
    try {
      await Promise.all([
        connection.insert('resources', resourceRows(Organisation, fresh)),
        connection.insert(
          'facts',
          Object.entries(counts).flatMap(([Name, Value]) => (Value === 0 ? [] : [{ Organisation, Name, Value }])),
        ),
      ]);
    } catch (error) {
      onNotice(`${fresh.length} traces are kept and not counted: ${(error as SensorError).message}`);
    }
  }
}

/** More than any share of the time: it was not said. */
const NOT_SAID = 2;

function resourceRows(Organisation: string, traces: readonly Prepared[]): object[] {
  const rows = new Map<string, { Traces: number; Damaged: number; WatchedShare: number; head: object }>();
  const now = Date.now() * 1000;
  const texts = new Map<unknown, string>();
  for (const { received, trace } of traces) {
    const about = aboutResource(received.resource);
    let key = texts.get(received.resource);
    if (key === undefined) {
      const head = {
        Organisation,
        ServiceName: received.serviceName,
        Environment: received.environment,
        Host: about('host.name', 'host_name'),
        Instance: about('service.instance.id', 'host_name'),
        Version: about('telemetry.sdk.version', 'sensor_version'),
      };
      key = JSON.stringify(head);
      texts.set(received.resource, key);
      if (!rows.has(key)) rows.set(key, { Traces: 0, Damaged: 0, WatchedShare: NOT_SAID, head });
    }
    const row = rows.get(key);
    if (row === undefined) continue;
    row.Traces++;
    if (isDamaged(trace)) row.Damaged++;
    row.WatchedShare = Math.min(row.WatchedShare, trace.watchedShare ?? NOT_SAID);
  }
  return [...rows.values()].map(({ head, ...sums }) => ({ ...head, ...sums, FirstSeen: now, LastSeen: now }));
}
