/**
 * The requests of one direction of a connection, and the responses that come the other way: first in, first out
 * (RFC 9112 §9.3.2), as long as it can be known which answers which.
 *
 * Lost bytes may have held whole messages. Nearly every client waits for each response before its next request, and then
 * the next request puts the pairing right again: all before it has been answered. The request of a client that pipelines
 * says no such thing, and then nothing more is paired on its connection: a missing response is a gap that is marked, a
 * wrong one would be a lie.
 *
 * What is known of the pairing is one state:
 *
 *     state          when a request comes         when an orphan comes   when responses are lost
 *     midstream      → certain                    stays                  → answeredSince
 *     certain        stays                        → unpairable           → responseLost if one waits, else recovered
 *     recovered      → unpairable if one waits    → unpairable           → responseLost if one waits, else stays
 *     requestsLost   → unpairable                 → answeredSince        → answeredSince
 *     answeredSince  → recovered                  stays                  stays
 *     responseLost   → recovered                  (one waits)            stays
 *     unpairable     stays
 *
 * When requests are lost, every state but the last becomes `requestsLost`. With a client that pipelines, a loss while one
 * waits and the request behind `answeredSince` lead to `unpairable`.
 */
import type { MemoryBudget } from '../memory-budget.js';
import { Mark } from './exchange.js';
import type { PendingExchange, PendingExchanges } from './pending-exchanges.js';

/** What a place in line takes from the budget. */
export const PLACE_BYTES = 160;

/** Places in line, for each request that may wait, of requests whose response is read for its framing only. */
const SPENT_PLACES_FACTOR = 16;

const State = {
  /** The connection was joined in the middle, and no request was seen yet: responses to unseen ones are expected. */
  midstream: 0,
  /** No bytes were lost that may have held messages. */
  certain: 1,
  /** Some were, and a request has put the pairing right since. */
  recovered: 2,
  /** Some were that may have held requests; nothing came or was lost of the responses since. */
  requestsLost: 3,
  /** As before, but something did: what a client that waits had waited for. */
  answeredSince: 4,
  /** Some were that may have held the response of the one request in line. */
  responseLost: 5,
  /** It cannot be known any more which response answers which request. */
  unpairable: 6,
} as const;
type State = (typeof State)[keyof typeof State];

export interface LaneContext {
  readonly budget: MemoryBudget;
  readonly pending: PendingExchanges;
  readonly limits: { readonly pipeline_requests_max: number };
}

export class Lane {
  /** The one whose request is being read. */
  sending: PendingExchange | null = null;
  /** The one whose response is being read: the first in line. */
  answering: PendingExchange | null = null;
  readonly #context: LaneContext;
  /** Requests whose responses have not ended, oldest first. */
  readonly #line: PendingExchange[] = [];
  #state: State;
  /** Whether two requests were ever in line at once. */
  #pipelines = false;
  /** Whether the stream of the responses has ended. */
  #isClosed = false;

  constructor(context: LaneContext, isMidstream: boolean) {
    this.#context = context;
    this.#state = isMidstream ? State.midstream : State.certain;
  }

  /** The request that the next response answers. */
  get first(): PendingExchange | undefined {
    return this.#line[0];
  }

  /**
   * A request has come, and will join the line. Gives up those that it shows to be unanswered. Returns whether bytes were
   * lost that make its own response doubtful, or took theirs.
   */
  arrive(): boolean {
    const state = this.#state;
    if (state === State.midstream) {
      this.#state = State.certain;
    } else if (state === State.requestsLost) {
      // It was sent without waiting for the response to what was lost.
      this.#pipelines = true;
      this.#state = State.unpairable;
    } else if (state === State.answeredSince) {
      this.#state = this.#pipelines ? State.unpairable : State.recovered;
    } else if (state === State.responseLost) {
      this.#state = State.recovered;
      if (this.#line.length > 0 && this.answering === null) {
        // The client moved on, so it had its response.
        this.#giveUp(Mark.gap);
        return true;
      }
    }
    if (this.#line.length > 0) {
      this.#pipelines = true;
      if (this.#state !== State.certain) this.#state = State.unpairable;
    }
    if (this.#state !== State.unpairable) return false;
    this.#giveUp(Mark.gap);
    return true;
  }

  /** The request that has arrived takes its place in line. */
  join(pending: PendingExchange): void {
    const { budget, limits, pending: exchanges } = this.#context;
    const max = limits.pipeline_requests_max;
    const places = this.#line.length;
    if (places >= max) {
      // When a client sends this many requests without reading, the oldest goes unanswered, and keeps its place in line.
      exchanges.emit(this.#line[places - max] as PendingExchange, 0);
      if (places >= max * SPENT_PLACES_FACTOR) {
        // Responses this late are not followed.
        this.#giveUp(0);
        this.#state = State.unpairable;
      }
    }
    this.sending = pending;
    if (this.#state === State.unpairable || this.#isClosed) {
      pending.responseEnded = true;
    } else {
      budget.add(PLACE_BYTES);
      this.#line.push(pending);
    }
  }

  /** The response of the first in line has been read to its end. */
  shift(): void {
    this.answering = null;
    if (this.#line.shift() !== undefined) this.#context.budget.remove(PLACE_BYTES);
    this.#noteAnswer();
  }

  /**
   * A response has come that nobody waits for. Where a request was lost, or before the first one was seen, that is to be
   * expected. Elsewhere something is out of order, and what comes next may be off by one.
   */
  noteOrphan(): void {
    if (this.#state === State.certain || this.#state === State.recovered) this.#state = State.unpairable;
    this.#noteAnswer();
  }

  /** Bytes of the requests' stream were lost that may have held requests. `wasSending`: from the middle of one. */
  loseRequests(wasSending: boolean, mark: number): void {
    if (this.#state === State.unpairable) return;
    this.#state = State.requestsLost;
    // A client that waits had the response before it sent what was lost; so that was lost too.
    if (!this.#pipelines && !wasSending && this.answering === null) this.#giveUp(mark);
  }

  /** Bytes of the responses' stream were lost that may have held responses. */
  loseResponses(mark: number): void {
    const state = this.#state;
    if (state === State.unpairable) return;
    for (const { exchange } of this.#line) if (exchange !== null) exchange.marks |= mark;
    const waiting = this.#line.length;
    if (waiting > 1 || (waiting > 0 && this.#pipelines)) {
      this.#state = State.unpairable;
    } else if (state === State.midstream || state === State.requestsLost || state === State.answeredSince) {
      // The next response may be that of a lost request.
      this.#state = State.answeredSince;
    } else {
      this.#state = waiting > 0 ? State.responseLost : State.recovered;
    }
    if (this.#state !== State.responseLost) this.#giveUp(mark);
  }

  /** No response comes any more: the stream of the responses has ended. */
  close(mark: number): void {
    this.#giveUp(mark);
    this.answering = null;
    this.#isClosed = true;
  }

  /** No response comes any more: the connection is not HTTP. */
  leaveHttp(): void {
    this.#giveUp(0);
  }

  /** What a client that waits had waited for has come. */
  #noteAnswer(): void {
    if (this.#state === State.requestsLost) this.#state = State.answeredSince;
    else if (this.#state === State.responseLost) this.#state = State.recovered;
  }

  /** Emits all in line without a response. */
  #giveUp(mark: number): void {
    const { budget, pending } = this.#context;
    const unanswered = this.#line.splice(0);
    budget.remove(unanswered.length * PLACE_BYTES);
    for (const one of unanswered) pending.emit(one, mark);
  }
}
