/** What runs in a `StoreThread`: the one that writes, or one that reads beside it. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Selection } from '../endpoints/inventory.js';
import type { Receipt } from '../receive/ingest.js';
import { type BodyKind, type ReadBody, type Refusal, readBody } from '../receive/read-body.js';
import { formatSatelliteTraces } from '../receive/satellite-trace.js';
import { databasePath, type OpenFile, openFile, openInMemory, openToRead, setAside } from './database-file.js';
import { driftOf } from './drift-of.js';
import { documentTextOf, keepDocument } from './kept-document.js';
import { KeptInventory } from './kept-inventory.js';
import { keepTold, toldOf } from './kept-told.js';
import { NO_SPEC, SpecWatch } from './spec-watch.js';
import { isDamage, isFull, requireSqlite } from './sqlite.js';
import { SqliteReader } from './sqlite-reader.js';
import { SqliteWriter } from './sqlite-writer.js';
import type { Query, WholeForm } from './store.js';
import { type Asked, type Failure, failureOf, type Said, type StoreThreadData } from './store-thread.js';

const RETAIN_MILLIS = 1000;
/** Traces that are held against a document. */
const DRIFT_TRACES_MAX = 5000;
/** Milliseconds of that which a request, or a second without one, has time for. */
const RETAIN_TURN_MILLIS = 30;
const RETAIN_REST_MILLIS = 300;
const CONFIGURATIONS = 'configurations';
/** Requests that one transaction is of, and bytes of them, unpacked, after which no other is taken to it. */
const GROUP_MAX = 64;
const GROUP_BYTES = 4 << 20;

/** A request with traces. */
type Received = Asked & { readonly given: readonly [body: Uint8Array, kind: BodyKind] };

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
      case 'list':
        return this.#reader.list(given[0] as Query);
      case 'wholes':
        return this.#reader.wholes(given[0] as Query, given[1] as WholeForm);
      case 'get':
        return this.#reader.get(given[0] as number, given[1] as WholeForm);
      case 'sensors':
        return this.#reader.sensors();
      case 'values':
        return this.#reader.values();
      case 'rates':
        return this.#reader.rates(given[0] as string, given[1] as number);
      case 'calls':
        return this.#reader.calls(given[0] as string);
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
      case 'before':
        return this.#inventory?.before(given[0] as number, Date.now());
      case 'templates':
        return this.#inventory?.templates();
      case 'setTemplates':
        return this.#inventory?.setTemplates(given[0] as string[]);
      case 'told':
        return toldOf(this.#file.database);
      case 'setTold':
        return keepTold(this.#file.database, given[0] as string[]);
      case 'configurations':
        return documentTextOf(this.#file.database, CONFIGURATIONS);
      case 'setConfigurations':
        return keepDocument(this.#file.database, CONFIGURATIONS, given[0] as string);
      case 'close':
        this.#inventory?.save(Date.now(), true);
        return this.#file.close();
      default:
        throw new Error(`${name} is nothing that a store is asked`);
    }
  }

  /**
   * Keeps the traces of several requests in one transaction, which takes little more than that of one.
   *
   * @param next the next request that waits, or null
   */
  async receive(next: () => Received | null): Promise<void> {
    const read: { asked: Received; body: ReadBody }[] = [];
    let bytes = 0;
    for (let asked = next(); asked !== null; asked = bytes < GROUP_BYTES && read.length < GROUP_MAX ? next() : null) {
      const [body, kind] = asked.given;
      const found = await readBody(body, kind, this.#data.bounds).catch((error: unknown) => failureOf(error));
      if ('status' in found) say({ id: asked.id, value: found });
      else if ('kind' in found) say({ id: asked.id, failure: found });
      else {
        read.push({ asked, body: found });
        bytes += found.bytes;
      }
    }
    if (read.length > 0 && !this.#addAll(read.map(({ body }) => body)))
      for (const { asked, body } of read.splice(0)) say({ id: asked.id, ...this.#addOne(body) });
    for (const { asked, body } of read) say({ id: asked.id, value: this.#receipt(body) });
    this.retain(RETAIN_TURN_MILLIS);
  }

  /** Out: whether they are kept; if not, each has to be tried. */
  #addAll(bodies: readonly ReadBody[]): boolean {
    const rejected = bodies.reduce((sum, body) => sum + body.rejected, 0);
    try {
      this.#writer?.add(
        bodies.flatMap(({ traces }) => traces),
        rejected,
        Date.now(),
      );
      return true;
    } catch {
      return false;
    }
  }

  #addOne(body: ReadBody): { value: Receipt | Refusal } | { failure: Failure } {
    const add = (): unknown => this.#writer?.add(body.traces, body.rejected, Date.now());
    try {
      add();
    } catch (error) {
      const { message } = error as Error;
      if (isFull(error)) return { value: { status: 503, reason: `there is no room for traces: ${message}` } };
      if (!isDamage(error) || this.#data.directory === null) return { failure: failureOf(error) };
      try {
        this.#replace(message);
        add();
      } catch (again) {
        return { failure: failureOf(again) };
      }
    }
    return { value: this.#receipt(body) };
  }

  #receipt({ traces, rejected, reason }: ReadBody): Receipt {
    const receipt: Receipt = { received: traces.length, rejected, reason };
    return this.#data.reports ? { ...receipt, lines: formatSatelliteTraces(traces) } : receipt;
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
    this.#inventory?.keepDaily(Date.now());
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
  new Turns(keeper, !data.reads || data.spec !== null);
}

/** One after the other: a body that is being unpacked is not to be overtaken by the end. */
class Turns {
  readonly #keeper: Keeper;
  readonly #waiting: Asked[] = [];
  #isBusy = false;
  #isToRest = false;

  constructor(keeper: Keeper, rests: boolean) {
    this.#keeper = keeper;
    parentPort?.on('message', (asked: Asked) => {
      this.#waiting.push(asked);
      this.#begin();
    });
    if (!rests) return;
    setInterval(() => {
      this.#isToRest = true;
      this.#begin();
    }, RETAIN_MILLIS).unref();
  }

  /** In the next turn of the loop, when all that has come is there. */
  #begin(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    setImmediate(() => void this.#take());
  }

  async #take(): Promise<void> {
    const [first] = this.#waiting;
    if (first?.name === 'receive') await this.#keeper.receive(() => this.#nextReceived());
    else if (first !== undefined) await this.#answer(this.#waiting.shift() as Asked);
    if (this.#isToRest) this.#rest();
    this.#isBusy = false;
    if (this.#waiting.length > 0) this.#begin();
  }

  #nextReceived(): Received | null {
    return this.#waiting[0]?.name === 'receive' ? (this.#waiting.shift() as Received) : null;
  }

  async #answer({ id, name, given }: Asked): Promise<void> {
    try {
      say({ id, value: await this.#keeper.answer(name, given) });
    } catch (error) {
      say({ id, failure: failureOf(error) });
    }
    // Then nothing holds the thread any more, and it ends by itself.
    if (name === 'close') parentPort?.close();
  }

  #rest(): void {
    this.#isToRest = false;
    try {
      this.#keeper.rest(RETAIN_REST_MILLIS);
    } catch (error) {
      say({ id: null, notice: `the store's upkeep: ${(error as Error).message}` });
    }
  }
}

run(workerData as StoreThreadData);
