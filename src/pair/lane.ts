/**
 * The requests of one direction of a connection, and the responses that come the other way: first in, first out
 * (RFC 9112 §9.3.2), as long as that can be known.
 *
 * Lost bytes may have held whole messages. Nearly every client waits for each response before its next request, and then
 * whatever comes next puts the pairing right again: a request says that all before it is settled. One that pipelines
 * says no such thing, and then nothing is paired any more on its connection: a missing response is a gap that is told, a
 * wrong one would be a lie.
 *
 * Methods return the exchanges that will not get a response, for the caller to give up.
 */
import type { PendingExchange } from './pending-exchanges.js';

const NONE: PendingExchange[] = [];

export class Lane {
  /** Requests whose responses have not ended, oldest first. */
  readonly waiting: PendingExchange[] = [];
  /** The one whose request is being read. */
  sending: PendingExchange | null = null;
  /** The one whose response is being read: the first in line. */
  answering: PendingExchange | null = null;
  /** Whether the stream of the responses has ended. */
  isClosed = false;
  /** Whether it cannot be known any more which response answers which request. */
  isUnpairable = false;
  /** Whether the connection was first seen in its middle, and whether a request was seen since. */
  readonly #isMidstream: boolean;
  #hasBegun = false;
  /** Whether two requests were ever under way at once. */
  #pipelines = false;
  /** Whether bytes were ever lost that may have held messages. */
  #everLost = false;
  /** Whether bytes were lost that may have held requests, since the last request. */
  #requestsLost = false;
  /** Whether, since then, anything came or was lost of the responses: what a client that waits had waited for. */
  #answeredSince = false;
  /** Whether bytes were lost that may have held the response of the one request under way. */
  #responseLost = false;

  constructor(isMidstream: boolean) {
    this.#isMidstream = isMidstream;
  }

  /** A request has come; call before it joins the line. */
  arrive(): PendingExchange[] {
    this.#hasBegun = true;
    if (this.#requestsLost) {
      this.#requestsLost = false;
      if (!this.#answeredSince) this.#pipelines = true;
      if (this.#pipelines) this.isUnpairable = true;
    }
    if (this.waiting.length === 0) {
      this.#responseLost = false;
      return NONE;
    }
    if (this.#responseLost && this.answering === null && !this.#pipelines) {
      // The client moved on, so it had its response.
      this.#responseLost = false;
      return this.waiting.splice(0);
    }
    this.#pipelines = true;
    if (this.#everLost) this.isUnpairable = true;
    return this.isUnpairable ? this.waiting.splice(0) : NONE;
  }

  /**
   * A response has come that nobody waits for. Where a request was lost, or before the first one was seen, that is to be
   * expected. Elsewhere something is out of order, and what comes next may be off by one.
   */
  noteOrphan(): void {
    if (!this.#requestsLost && !(this.#isMidstream && !this.#hasBegun)) this.isUnpairable = true;
    this.noteResponse();
  }

  /** A final response has been seen to its end. */
  noteResponse(): void {
    this.#answeredSince = true;
    this.#responseLost = false;
  }

  /** Bytes of the requests' stream were lost that may have held requests. `wasSending`: from the middle of one. */
  loseRequests(wasSending: boolean): PendingExchange[] {
    this.#everLost = true;
    this.#requestsLost = true;
    this.#answeredSince = false;
    // A client that waits had the response before it sent what was lost; so that was lost too.
    const isOver = !this.#pipelines && !wasSending && this.waiting.length > 0 && this.answering === null;
    return isOver ? this.waiting.splice(0) : NONE;
  }

  /** Bytes of the responses' stream were lost that may have held responses. */
  loseResponses(): PendingExchange[] {
    this.#everLost = true;
    this.#answeredSince = true;
    if (this.waiting.length === 0) return NONE;
    if (this.#pipelines || this.waiting.length > 1) {
      this.isUnpairable = true;
      return this.waiting.splice(0);
    }
    this.#responseLost = true;
    // The next response may be that of a lost request.
    return this.#requestsLost ? this.waiting.splice(0) : NONE;
  }
}
