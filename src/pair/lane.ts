/**
 * The requests of one direction of a connection, and the responses that come the other way: first in, first out
 * (RFC 9112 §9.3.2), as long as that can be known.
 *
 * Lost bytes may have held whole messages. A client that waits for each response before its next request (nearly all)
 * puts the pairing right again by itself: whatever comes next belongs together. One that pipelines does not, and then
 * nothing is paired any more: a missing response is a gap that is told, a wrong one would be a lie.
 */
import type { PendingExchange } from './pending-exchanges.js';

export class Lane {
  /** Requests whose responses have not ended, oldest first. */
  readonly waiting: PendingExchange[] = [];
  /** The one whose request is being read. */
  sending: PendingExchange | null = null;
  /** The one whose response is being read: the first in line. */
  answering: PendingExchange | null = null;
  /** Whether it cannot be known any more which response answers which request. */
  isUnpairable = false;
  /** Whether two requests were ever under way at once. */
  #pipelines = false;
  /** Whether request bytes were lost, and no response has shown since that the client waits for it. */
  #requestsLost = false;
  /** Whether the response of the only request under way may have been lost. */
  #responseLost = false;

  /**
   * A request has come. Returns those that will not get a response, as far as can be known from its coming; the caller
   * gives them up. Call before it joins the line.
   */
  arrive(): PendingExchange[] {
    if (this.#requestsLost) {
      // Nobody answered what was lost before the client went on: it does not wait, or nothing says that it does.
      this.#requestsLost = false;
      this.isUnpairable = true;
    }
    if (this.waiting.length === 0) return [];
    if (this.#responseLost && this.answering === null) {
      this.#responseLost = false;
      // The client moved on, so it had its response.
      if (!this.#pipelines) return this.waiting.splice(0);
      this.isUnpairable = true;
    }
    if (!this.isUnpairable) this.#pipelines = true;
    return this.isUnpairable ? this.waiting.splice(0) : [];
  }

  /** A final response has been seen to its end, or one that answers nothing. */
  noteResponse(): void {
    this.#responseLost = false;
    if (this.waiting.length === 0) this.#requestsLost = false;
  }

  /** Bytes of the requests' stream were lost that may have held requests. */
  loseRequests(): void {
    this.#requestsLost = true;
  }

  /** Bytes of the responses' stream were lost that may have held responses. Returns those to give up. */
  loseResponses(): PendingExchange[] {
    if (this.waiting.length > 1 || (this.waiting.length === 1 && this.#pipelines)) {
      this.isUnpairable = true;
      return this.waiting.splice(0);
    }
    this.#responseLost = this.waiting.length === 1;
    return [];
  }
}
