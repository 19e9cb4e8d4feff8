/**
 * The exchanges that have begun and not ended, least recently active first: what the stream timeout and the memory
 * budget look at. A linked list through the exchanges themselves, so that joining and leaving cost nothing.
 */

import type { Direction } from '../flow/flow-consumer.js';
import type { BodyBuffer } from '../http/h1/body-buffer.js';
import type { Exchange } from './exchange.js';

export class PendingExchange {
  readonly exchange: Exchange;
  /** The request's; its response comes the other way. */
  readonly direction: Direction;
  /** Of the bodies being read; null where there is none or it is not wanted. */
  requestBody: BodyBuffer | null = null;
  responseBody: BodyBuffer | null = null;
  requestEnded = false;
  responseEnded = false;
  /** Handed on already; kept in line only so that its late response pairs with nothing else. */
  handedOn = false;
  /** An endless kind of response: its time runs from its start, not from its last byte. */
  streaming = false;
  lastActive: number;
  newer: PendingExchange | null = null;
  older: PendingExchange | null = null;
  listed = false;

  constructor(exchange: Exchange, direction: Direction) {
    this.exchange = exchange;
    this.direction = direction;
    this.lastActive = exchange.startTime;
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
