/**
 * The exchanges that have begun and not ended, least recently active first: what the stream timeout and the memory
 * budget look at. A linked list through the exchanges themselves, so that joining and leaving cost nothing.
 */

import { DropReason } from '../counters.js';
import type { BodyBuffer } from '../http/h1/body-buffer.js';
import type { Exchange } from './exchange.js';

/** What a place in line costs, for the budget. */
export const PENDING_BYTES = 160;
/** What an exchange costs beyond the bytes of its heads and bodies. */
export const EXCHANGE_BYTES = 640;

export class PendingExchange {
  /**
   * Null once it was handed on or dropped: nothing more is kept of it then, only its place in line, so that its response
   * pairs with nothing else.
   */
  exchange: Exchange | null;
  /** Of the request: the framing of its response depends on it. */
  readonly method: string;
  readonly dropReason: DropReason;
  /** Bytes taken from the budget for the exchange without its bodies. */
  reserved = 0;
  /** Of the bodies being read; null where there is none or it is not wanted. */
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
  #newest: PendingExchange | null = null;
  size = 0;

  append(pending: PendingExchange): void {
    pending.newer = null;
    pending.older = this.#newest;
    if (this.#newest === null) this.oldest = pending;
    else this.#newest.newer = pending;
    this.#newest = pending;
    pending.listed = true;
    this.size++;
  }

  remove(pending: PendingExchange): void {
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

  touch(pending: PendingExchange, time: number): void {
    if (!pending.listed || pending.streaming || time - pending.lastActive < TOUCH_NANOS) return;
    pending.lastActive = time;
    if (this.#newest === pending) return;
    this.remove(pending);
    this.append(pending);
  }
}
