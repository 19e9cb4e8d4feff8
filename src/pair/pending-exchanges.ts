/**
 * The exchanges that have begun and not ended, least recently active first: what the stream timeout and the memory
 * budget look at. A linked list through the exchanges themselves, so that joining and leaving cost nothing.
 *
 * in:  exchanges that are kept, and what comes of them · out: each exchange once, to the next stage
 */

import { DropReason } from '../counters.js';
import type { BodyBuffer } from '../http/body-buffer.js';
import type { MemoryBudget } from '../memory-budget.js';
import { type Exchange, Mark } from './exchange.js';

/** What an exchange takes from the budget beyond the bytes of its heads and bodies. */
export const EXCHANGE_BYTES = 640;

export class PendingExchange {
  /**
   * Null once it was emitted or dropped: nothing more is kept of it then, only its place in line, so that its response
   * pairs with nothing else.
   */
  exchange: Exchange | null;
  /** Of the request: the framing of its response depends on it. */
  readonly method: string;
  readonly dropReason: DropReason;
  /** Bytes taken from the budget for the exchange without its bodies. */
  reserved = 0;
  /** The bodies being read; null where there is none or it is not wanted. */
  requestBody: BodyBuffer | null = null;
  responseBody: BodyBuffer | null = null;
  requestEnded = false;
  responseEnded = false;
  /** An endless kind of response: its time runs from its start, not from its last byte. */
  streaming = false;
  lastActive: number;
  newer: PendingExchange | null = null;
  older: PendingExchange | null = null;
  listed = false;

  constructor(exchange: Exchange, dropReason: DropReason, time: number) {
    this.exchange = dropReason === DropReason.none ? exchange : null;
    this.method = exchange.request.method;
    this.dropReason = dropReason;
    // Not the start: a head may take longer to come than its response may.
    this.lastActive = time;
  }
}

/** How stale a place in the list may get before it is moved, in nanoseconds. */
const TOUCH_NANOS = 100e6;

export class PendingExchanges {
  oldest: PendingExchange | null = null;
  size = 0;
  #newest: PendingExchange | null = null;
  readonly #budget: MemoryBudget;
  readonly #complete: (exchange: Exchange) => void;

  /** `complete` gets each exchange when it is emitted. */
  constructor(budget: MemoryBudget, complete: (exchange: Exchange) => void) {
    this.#budget = budget;
    this.#complete = complete;
  }

  append(pending: PendingExchange): void {
    pending.newer = null;
    pending.older = this.#newest;
    if (this.#newest === null) this.oldest = pending;
    else this.#newest.newer = pending;
    this.#newest = pending;
    pending.listed = true;
    this.size++;
  }

  /** Takes `bytes` from the budget until the exchange is emitted. */
  reserve(pending: PendingExchange, bytes: number): void {
    pending.reserved += bytes;
    this.#budget.add(bytes);
  }

  /** Notes activity. */
  touch(pending: PendingExchange, time: number): void {
    if (!pending.listed || pending.streaming || time - pending.lastActive < TOUCH_NANOS) return;
    pending.lastActive = time;
    if (this.#newest === pending) return;
    this.#remove(pending);
    this.append(pending);
  }

  /** Emits an exchange as it is, once; what still comes of it is read for its framing only. */
  emit(pending: PendingExchange, mark: number): void {
    const { exchange } = pending;
    if (exchange === null) return;
    pending.exchange = null;
    this.#remove(pending);
    this.#budget.remove(pending.reserved);
    pending.requestBody?.release();
    pending.responseBody?.release();
    pending.requestBody = null;
    pending.responseBody = null;
    exchange.marks |= mark;
    if (exchange.response === null) exchange.marks |= Mark.noResponse;
    this.#complete(exchange);
  }

  #remove(pending: PendingExchange): void {
    if (!pending.listed) return;
    if (pending.newer === null) this.#newest = pending.older;
    else pending.newer.older = pending.older;
    if (pending.older === null) this.oldest = pending.newer;
    else pending.older.newer = pending.newer;
    pending.newer = null;
    pending.older = null;
    pending.listed = false;
    this.size--;
  }
}
