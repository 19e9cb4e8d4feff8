/**
 * The exchanges that have begun and not ended, least recently active first: what the response timeout and the memory
 * budget look at. A linked list through the exchanges themselves, so that joining and leaving cost nothing.
 *
 * in:  exchanges that are kept, and what comes of them · out: each exchange once, to the next stage
 */

import { DropReason } from '../counters.js';
import type { BodyBuffer } from '../http/body-buffer.js';
import { cutShort } from '../http/message-body.js';
import type { MessageHead } from '../http/message-head.js';
import type { MessageSplitter } from '../http/stream-message.js';
import type { MemoryBudget } from '../memory-budget.js';
import { type Exchange, type HeaderPair, Mark } from './exchange.js';
import type { ExchangeStream } from './exchange-stream.js';

/** What an exchange takes from the budget beyond the bytes of its heads and bodies. */
export const EXCHANGE_BYTES = 640;
/** What its place in line takes. */
export const PLACE_BYTES = 160;

const NO_TRAILERS: readonly HeaderPair[] = [];

export class PendingExchange {
  /**
   * Null once it was emitted or dropped: nothing more is kept of it then, only its place in line, so that its response
   * pairs with nothing else. Null too between the windows of a stream.
   */
  exchange: Exchange | null;
  /** Of the request: the framing of its response depends on it. */
  readonly method: string;
  /** Whether it is one of HTTP/0.9. */
  readonly isSimple: boolean;
  dropReason: DropReason;
  /** Whether it is kept only if the request's body does not say otherwise. */
  isUndecided = false;
  /** Bytes taken from the budget for the exchange without its bodies. */
  reserved = 0;
  /** The bodies being read; null where there is none or it is not wanted. */
  requestBody: BodyBuffer | null = null;
  responseBody: BodyBuffer | null = null;
  requestEnded = false;
  responseEnded = false;
  /** Of its first byte in the stream of the requests. */
  readonly position: number;
  /** Of the first byte of its response in the other stream. */
  responsePosition = -1;
  /** Whether its response lasts as long as the connection, so that nothing behind it is answered. */
  isLast = false;
  /** Where it goes on after its heads, and is told of in windows. */
  stream: ExchangeStream | null = null;
  /** Whether its connection goes on as a stream of its messages, whose end is its own. */
  isUpgraded = false;
  /** What splits its bodies into messages; null where nobody does. */
  requestSplitter: MessageSplitter | null = null;
  responseSplitter: MessageSplitter | null = null;
  /** Trailers that the body of the response had in it. */
  bodyTrailers: readonly HeaderPair[] = NO_TRAILERS;
  /** Bits of the directions whose bodies are to be split into messages later: 1 of the request, 2 of the response. */
  deferred = 0;
  /** When they are to be split at the latest. */
  deferredUntil = Number.POSITIVE_INFINITY;
  /** When a response without a known end becomes a stream, if it has not ended; infinite where it has no such response. */
  streamsFrom = Number.POSITIVE_INFINITY;
  /** Whether it was emitted because its response had not come in time. */
  isOverdue = false;
  /** Whether bytes were lost that may have held its end: it is waited for no longer than a response is. */
  isInDoubt = false;
  /** Whether its client gave it up: what is on its way of its response is not waited for for long. */
  isAbandoned = false;
  /** Whether it may be no request but text in a body: bytes in front of it are missing, and nothing has proven it yet. */
  isFound = false;
  /** Whether it is taken for none. */
  isRefuted = false;
  lastActive: number;
  newer: PendingExchange | null = null;
  older: PendingExchange | null = null;
  listed = false;

  constructor(exchange: Exchange, dropReason: DropReason, { position, endTime }: MessageHead) {
    this.exchange = dropReason === DropReason.none ? exchange : null;
    this.method = exchange.request.method;
    this.isSimple = exchange.protocol === '0.9';
    this.dropReason = dropReason;
    // Not the start: a head may take longer to come than its response may.
    this.lastActive = endTime;
    this.position = position;
  }

  /** Whether anything is kept of what still comes: of a stream between its windows too. */
  get isKept(): boolean {
    return this.exchange !== null || this.stream !== null;
  }
}

/** What becomes of exchanges that end here. */
export interface ExchangeEnds {
  /** As much of a request's body as a verdict waits for. */
  readonly verdictBytesMax: number;
  /** It is kept, and as complete as it will get. */
  complete(exchange: Exchange): void;
  /** It is dropped although it was under way: it may be none, or its body decided that. */
  drop(exchange: Exchange, reason: DropReason): void;
  decide(exchange: Exchange): DropReason;
  /** It will be read again, and is not to be counted twice; `exchange` is null where it was dropped for `reason`. */
  withdraw(exchange: Exchange | null, reason: DropReason): void;
}

/** How long a response may be on its way to a client that gave up. */
const ABANDONED_NANOS = 1e9;
/** How stale a place in the list may get before it is moved, in nanoseconds. */
const TOUCH_NANOS = 100e6;

export class PendingExchanges {
  oldest: PendingExchange | null = null;
  size = 0;
  /** Exchanges that have ended and are not told of yet. */
  withheld = 0;
  /** Lanes with exchanges that are over and not believed yet. */
  readonly unproven = new Set<{ advance(now: number): void }>();
  /** Those whose window is open, in the order in which it ends. */
  readonly streams = new Set<ExchangeStream>();
  /** Those that are waited for less long than a response is: in doubt, or abandoned. */
  readonly #hurried = new Set<PendingExchange>();
  #newest: PendingExchange | null = null;
  readonly #budget: MemoryBudget;
  readonly #ends: ExchangeEnds;

  constructor(budget: MemoryBudget, ends: ExchangeEnds) {
    this.#budget = budget;
    this.#ends = ends;
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
    if (!pending.listed || time - pending.lastActive < TOUCH_NANOS) return;
    pending.lastActive = time;
    if (this.#newest === pending) return;
    this.#remove(pending);
    this.append(pending);
  }

  *exchanges(): Generator<Exchange> {
    for (let pending = this.oldest; pending !== null; pending = pending.newer) {
      if (pending.exchange !== null) yield pending.exchange;
    }
  }

  /** Some of the body of a request has come whose exchange is undecided. */
  decideByBody(pending: PendingExchange): void {
    const { requestBody } = pending;
    if (requestBody === null || requestBody.truncated || requestBody.keptBytes >= this.#ends.verdictBytesMax)
      this.decide(pending);
  }

  /** Decides whether an exchange is kept that was undecided; returns whether it is. */
  decide(pending: PendingExchange): boolean {
    const { exchange } = pending;
    pending.isUndecided = false;
    if (exchange === null) return false;
    const reason = this.#ends.decide(exchange);
    if (reason === DropReason.none) return true;
    pending.dropReason = reason;
    this.#leave(pending);
    this.#ends.drop(exchange, reason);
    return false;
  }

  /** Bytes were lost that may have held its end. */
  doubt(pending: PendingExchange): void {
    pending.isInDoubt = true;
    if (pending.exchange !== null) this.#hurried.add(pending);
  }

  /** Its client gave it up at `time`. */
  abandon(pending: PendingExchange, time: number): void {
    pending.isAbandoned = true;
    pending.lastActive = time;
    this.#hurried.add(pending);
  }

  /**
   * Emits an exchange as it is, once, unless it may be none; what still comes of it is read for its framing only. With
   * `withheld` it is only put there.
   */
  emit(pending: PendingExchange, mark: number, withheld: Map<PendingExchange, Exchange> | null = null): void {
    const { exchange } = pending;
    // What splitters hold of a message that has not ended comes too late for it.
    this.#endStream(pending);
    if (exchange === null) return;
    if (pending.isRefuted && withheld === null) {
      this.#leave(pending);
      pending.dropReason = DropReason.doubtful;
      this.#ends.drop(exchange, DropReason.doubtful);
      return;
    }
    if (pending.isUndecided && !this.decide(pending)) return;
    this.#leave(pending);
    // That it was given up says why it ends.
    if (!pending.isAbandoned) exchange.marks |= mark;
    if (exchange.response === null) exchange.marks |= Mark.noResponse;
    cutBodies(pending, exchange);
    if (withheld === null) {
      this.#ends.complete(exchange);
      return;
    }
    this.#budget.add(sizeOf(exchange));
    this.withheld++;
    withheld.set(pending, exchange);
  }

  /** Emits what was withheld, unless it may be none. */
  release(withheld: ReadonlyMap<PendingExchange, Exchange>): void {
    for (const [{ isRefuted }, exchange] of withheld) {
      if (isRefuted) {
        this.drop(exchange, DropReason.doubtful);
        continue;
      }
      this.#budget.remove(sizeOf(exchange));
      this.withheld--;
      this.#ends.complete(exchange);
    }
  }

  /** Emits what a window of a stream held. The stream goes on, and has no exchange until more comes. */
  emitWindow(pending: PendingExchange): void {
    const { exchange } = pending;
    if (exchange === null || (pending.isUndecided && !this.decide(pending))) return;
    this.#leave(pending);
    exchange.marks |= Mark.continues;
    cutBodies(pending, exchange);
    this.#ends.complete(exchange);
  }

  /** The next window of a stream is under way. */
  resume(pending: PendingExchange, exchange: Exchange, time: number): void {
    pending.exchange = exchange;
    pending.lastActive = time;
    this.append(pending);
  }

  #endStream(pending: PendingExchange): void {
    pending.requestSplitter?.close();
    pending.responseSplitter?.close();
    pending.stream?.release();
    pending.requestSplitter = null;
    pending.responseSplitter = null;
    pending.stream = null;
  }

  /**
   * Emits the exchanges whose request had ended before `limit` without any of its response having come. Those that are
   * being sent or answered are passed by, however long they pause: their time is their connection's, unless their end may
   * have been lost.
   */
  giveUpWaiting(limit: number): void {
    for (let pending = this.oldest; pending !== null && pending.lastActive < limit; ) {
      const { exchange, newer } = pending;
      if (pending.isInDoubt) {
        this.emit(pending, 0);
      } else if (
        pending.requestEnded &&
        exchange !== null &&
        exchange.response === null &&
        exchange.requestEndTime < limit
      ) {
        pending.isOverdue = true;
        this.emit(pending, 0);
      }
      pending = newer;
    }
  }

  /**
   * Emits, at `now`, what has not gone on for a while: responses whose end may have been lost, for `doubtNanos`, and what is on its
   * way to a client that gave up.
   */
  hurry(now: number, doubtNanos: number): void {
    for (const pending of this.#hurried) {
      const { exchange, isAbandoned, lastActive, stream } = pending;
      if (lastActive >= now - (isAbandoned ? ABANDONED_NANOS : doubtNanos)) continue;
      // One that has not been answered may still be, and a stream has windows.
      if (isAbandoned || (exchange?.response != null && stream === null)) this.emit(pending, 0);
    }
  }

  /** Drops one that was withheld. */
  drop(exchange: Exchange, reason: DropReason): void {
    this.#budget.remove(sizeOf(exchange));
    this.withheld--;
    this.#ends.drop(exchange, reason);
  }

  /** Forgets an exchange that will be read again, which may be withheld. */
  withdraw(pending: PendingExchange, withheld: ReadonlyMap<PendingExchange, Exchange>): void {
    const { exchange, dropReason } = pending;
    const over = withheld.get(pending) ?? null;
    if (over !== null) {
      this.#budget.remove(sizeOf(over));
      this.withheld--;
    }
    this.#endStream(pending);
    if (exchange !== null) this.#leave(pending);
    this.#ends.withdraw(exchange ?? over, dropReason);
  }

  /** Nothing more is kept of it. */
  #leave(pending: PendingExchange): void {
    pending.exchange?.messages?.release();
    pending.exchange = null;
    this.#hurried.delete(pending);
    this.#remove(pending);
    this.#budget.remove(pending.reserved);
    pending.reserved = 0;
    pending.requestBody?.release();
    pending.responseBody?.release();
    pending.requestBody = null;
    pending.responseBody = null;
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

/** What an exchange that is withheld takes from the budget. */
function sizeOf({ request, response }: Exchange): number {
  return EXCHANGE_BYTES + request.body.keptBytes + (response?.body.keptBytes ?? 0);
}

/** What is missing of a body whose message had not ended would not show. */
function cutBodies(pending: PendingExchange, { request, response }: Exchange): void {
  if (!pending.requestEnded) request.body = cutShort(request.body);
  if (response !== null && !pending.responseEnded) response.body = cutShort(response.body);
}
