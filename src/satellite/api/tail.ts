/**
 * The tail: traces as they come, as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 *
 *     id: 42                         the number of the trace; a browser that reconnects names the last it has seen
 *     data: {…}                      a row, as /api/traces has them
 *     event: skipped                 data: how many were passed over, because they came faster than they could be shown
 *
 * Readers that want the same share one query. One that does not read is ended, and one more than there may be ends the oldest.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { compileFilter } from '../filter/compile.js';
import { parseFilter } from '../filter/parse.js';
import type { Page, Store } from '../store/store.js';
import { SAFE_HEADERS } from './reply.js';

const READERS_MAX = 64;
/** How often it is looked for new traces, where some have come; and how often a silent reader hears that it is alive. */
const LOOK_MILLIS = 300;
const ALIVE_MILLIS = 10_000;
/** Traces of one look; further behind than so many looks, a reader passes the rest over. */
const ROWS_MAX = 500;
const BEHIND_MAX = 4 * ROWS_MAX;
/** Bytes that may wait for a reader. */
const WAITING_BYTES_MAX = 1 << 20;

interface Reader {
  readonly filter: string;
  /** The last trace that was looked at for it. */
  last: number;
  heardAt: number;
}

export class Tail {
  readonly #store: Store;
  readonly #readers = new Map<ServerResponse, Reader>();
  readonly #timer: NodeJS.Timeout;
  #isLooking = false;

  constructor(store: Store) {
    this.#store = store;
    this.#timer = setInterval(() => void this.#look(), LOOK_MILLIS).unref();
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** @throws FilterError */
  async open(request: IncomingMessage, response: ServerResponse, filter: string, after: number | null): Promise<void> {
    compileFilter(parseFilter(filter), Date.now());
    const id = request.headers['last-event-id'];
    const seen = typeof id === 'string' && /^\d{1,16}$/.test(id) ? Number(id) : after;
    const { lastSeq } = await this.#store.facts();
    if (response.destroyed) return;
    const [oldest] = this.#readers.keys();
    if (this.#readers.size >= READERS_MAX && oldest !== undefined) this.#end(oldest);
    response.writeHead(200, { ...SAFE_HEADERS, 'Content-Type': 'text/event-stream' });
    response.write(': the tail of the traces\n\n');
    response.once('close', () => this.#readers.delete(response));
    this.#readers.set(response, { filter, last: Math.min(seen ?? lastSeq, lastSeq), heardAt: Date.now() });
  }

  close(): void {
    clearInterval(this.#timer);
    for (const response of this.#readers.keys()) this.#end(response);
  }

  async #look(): Promise<void> {
    if (this.#isLooking || this.#readers.size === 0) return;
    this.#isLooking = true;
    try {
      const { lastSeq } = await this.#store.facts();
      const pages = new Map<string, Promise<Page>>();
      for (const [response, reader] of this.#readers) await this.#serve(response, reader, { lastSeq, pages });
    } catch {
      // The store ended under it; whoever asks it next is told.
    } finally {
      this.#isLooking = false;
    }
  }

  async #serve(
    response: ServerResponse,
    reader: Reader,
    { lastSeq, pages }: { lastSeq: number; pages: Map<string, Promise<Page>> },
  ): Promise<void> {
    if (response.writableLength > WAITING_BYTES_MAX) return this.#end(response);
    const behind = lastSeq - reader.last;
    if (behind > BEHIND_MAX) {
      reader.last = lastSeq - ROWS_MAX;
      response.write(`event: skipped\ndata: ${behind - ROWS_MAX}\n\n`);
    }
    if (behind > 0) {
      const key = `${reader.last} ${reader.filter}`;
      const asked = pages.get(key) ?? this.#store.list({ filter: reader.filter, after: reader.last, limit: ROWS_MAX });
      pages.set(key, asked);
      const { rows, through } = await asked;
      reader.last = Math.max(reader.last, through);
      if (rows.length > 0) {
        response.write(rows.map((row) => `id: ${row.seq}\ndata: ${JSON.stringify(row)}\n\n`).join(''));
        reader.heardAt = Date.now();
      }
    }
    if (Date.now() - reader.heardAt < ALIVE_MILLIS) return;
    response.write(': alive\n\n');
    reader.heardAt = Date.now();
  }

  #end(response: ServerResponse): void {
    this.#readers.delete(response);
    response.destroy();
  }
}
