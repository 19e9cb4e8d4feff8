/** What runs in a `StoreThread`: the one that writes, or one that reads beside it. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Selection } from '../endpoints/inventory.js';
import type { Receipt } from '../receive/ingest.js';
import { type BodyKind, type Refusal, readBody } from '../receive/read-body.js';
import { formatSatelliteTraces } from '../receive/satellite-trace.js';
import { databasePath, type OpenFile, openFile, openInMemory, openToRead, setAside } from './database-file.js';
import { driftOf } from './drift-of.js';
import { KeptInventory } from './kept-inventory.js';
import { keepTold, toldOf } from './kept-told.js';
import { NO_SPEC, SpecWatch } from './spec-watch.js';
import { isDamage, isFull, requireSqlite } from './sqlite.js';
import { SqliteReader } from './sqlite-reader.js';
import { SqliteWriter } from './sqlite-writer.js';
import type { Query } from './store.js';
import { type Asked, failureOf, type Said, type StoreThreadData } from './store-thread.js';

const RETAIN_MILLIS = 1000;
/** Traces that are held against a document. */
const DRIFT_TRACES_MAX = 5000;
/** Milliseconds of that which a request, or a second without one, has time for. */
const RETAIN_TURN_MILLIS = 30;
const RETAIN_REST_MILLIS = 300;

class Keeper {
  readonly #data: StoreThreadData;
  #file: OpenFile;
  #inventory: KeptInventory | null = null;
  #writer: SqliteWriter | null = null;
  #reader: SqliteReader;
  #specWatch: SpecWatch | null = null;

  constructor(data: StoreThreadData) {
    this.#data = data;
    this.#file = this.#open();
    this.#reader = new SqliteReader(this.#file.database);
    if (!data.reads) this.#beginWriting();
    this.#beginWatching();
  }

  /** The thread that reads watches, so that no trace waits for that; in memory there is but one. */
  #beginWatching(): void {
    const { spec, reads, directory } = this.#data;
    if (spec !== null && (reads || directory === null)) this.#specWatch = new SpecWatch(this.#file.database, spec);
  }

  #beginWriting(): void {
    this.#inventory = new KeptInventory(this.#file.database);
    this.#writer = new SqliteWriter(this.#file.database, this.#data.retention, this.#inventory);
  }

  #open(): OpenFile {
    const sqlite = requireSqlite();
    const { directory, reads } = this.#data;
    if (directory === null) return openInMemory(sqlite);
    if (reads) {
      const database = openToRead(sqlite, directory);
      return { database, notice: null, close: () => database.close() };
    }
    const file = openFile(sqlite, directory);
    if (file.notice !== null) say({ id: null, notice: file.notice });
    return file;
  }

  answer(name: string, given: readonly unknown[]): unknown {
    switch (name) {
      case 'receive':
        return this.#receive(given[0] as Uint8Array, given[1] as BodyKind);
      case 'list':
        return this.#reader.list(given[0] as Query);
      case 'wholes':
        return this.#reader.wholes(given[0] as Query);
      case 'get':
        return this.#reader.get(given[0] as number);
      case 'sensors':
        return this.#reader.sensors();
      case 'values':
        return this.#reader.values();
      case 'rates':
        return this.#reader.rates(given[0] as string, given[1] as number);
      case 'drift':
        return driftOf(given[0] as string, this.#reader.newest(given[1] as string, DRIFT_TRACES_MAX));
      case 'specDrift':
        return this.#specWatch?.found() ?? NO_SPEC;
      case 'facts':
        return this.#reader.facts();
      case 'endpoints':
        return this.#inventory?.endpoints(given[0] as Selection);
      case 'openApi':
        return this.#inventory?.openApi(given[0] as Selection);
      case 'templates':
        return this.#inventory?.templates();
      case 'setTemplates':
        return this.#inventory?.setTemplates(given[0] as string[]);
      case 'told':
        return toldOf(this.#file.database);
      case 'setTold':
        return keepTold(this.#file.database, given[0] as string[]);
      case 'close':
        this.#inventory?.save(Date.now(), true);
        return this.#file.close();
      default:
        throw new Error(`${name} is nothing that a store is asked`);
    }
  }

  async #receive(body: Uint8Array, kind: BodyKind): Promise<Receipt | Refusal> {
    const read = await readBody(body, kind, this.#data.bounds);
    if ('status' in read) return read;
    const { traces, rejected, reason } = read;
    const add = (): unknown => this.#writer?.add(traces, rejected, Date.now());
    try {
      add();
    } catch (error) {
      if (isFull(error)) return { status: 503, reason: `there is no room for traces: ${(error as Error).message}` };
      if (!isDamage(error) || this.#data.directory === null) throw error;
      this.#replace((error as Error).message);
      add();
    }
    this.retain(RETAIN_TURN_MILLIS);
    const receipt: Receipt = { received: traces.length, rejected, reason };
    if (!this.#data.reports) return receipt;
    return { ...receipt, lines: formatSatelliteTraces(traces) };
  }

  /** Goes on with an empty file. */
  #replace(why: string): void {
    const path = databasePath(this.#data.directory ?? '');
    try {
      this.#file.close();
    } catch {
      // What is damaged need not be closed well.
    }
    say({ id: null, notice: setAside(path, why) });
    this.#file = this.#open();
    this.#reader = new SqliteReader(this.#file.database);
    this.#beginWriting();
  }

  /** What can wait: the inventory reads on where it is behind, and is written now and then. */
  rest(millis: number): void {
    this.retain(millis);
    const until = Date.now() + millis;
    while (this.#inventory?.catchUp(this.#writer?.lastSeq ?? 0) === true && Date.now() < until);
    while (this.#specWatch?.catchUp() === true && Date.now() < until);
    this.#inventory?.save(Date.now());
  }

  /** Takes what is too old or too much, for so long. */
  retain(millis: number): void {
    const until = Date.now() + millis;
    while (this.#writer?.retain(Date.now()) === true && Date.now() < until);
  }
}

function say(said: Said): void {
  parentPort?.postMessage(said);
}

function run(data: StoreThreadData): void {
  let keeper: Keeper;
  try {
    keeper = new Keeper(data);
  } catch (error) {
    say({ id: null, failure: failureOf(error) });
    return;
  }
  say({ id: null });
  // One after the other: a body that is being unpacked is not to be overtaken by the end.
  let turn: Promise<void> = Promise.resolve();
  parentPort?.on('message', ({ id, name, given }: Asked) => {
    turn = turn
      .then(() => keeper.answer(name, given))
      .then(
        (value) => say({ id, value }),
        (error: unknown) => say({ id, failure: failureOf(error) }),
      );
  });
  if (data.reads && data.spec === null) return;
  setInterval(() => {
    turn = turn
      .then(() => keeper.rest(RETAIN_REST_MILLIS))
      .catch((error: unknown) => say({ id: null, notice: `the store's upkeep: ${(error as Error).message}` }));
  }, RETAIN_MILLIS).unref();
}

run(workerData as StoreThreadData);
