/**
 * Whether what a lane takes for requests are requests. Behind lost bytes, and in a connection that was joined in the middle,
 * one cannot be distinguished from the text of one in a body. It is a request when it was answered, or when it is one of several
 * right behind each other, as text is not. Followed by anything else, or passed over in silence, it is refuted, and its exchange
 * dropped as doubtful.
 *
 * in:  requests, responses that nobody waited for, and losses · out: a verdict on each request
 */
import type { MessageHead } from '../http/message-head.js';
import { Mark } from './exchange.js';
import { REQUEST_BYTES_MIN } from './likeness.js';
import type { PendingExchange } from './pending-exchanges.js';

/** Requests in a row, each right behind the one before, that are no text in a body. */
const FOUND_IN_ROW = 3;

export class Trust {
  /** Whether the requests are known to be no text. */
  isGiven: boolean;
  /** Whether bytes of the connection were lost, or not seen. */
  isLacking: boolean;
  /** Whether one came, and one that was. */
  hasNoted = false;
  /** Whether the side that may have sent them has sent a response. */
  hasAnswered = false;
  hasAsked = false;
  /** Whether the other side has said something since a loss that answers none of them. */
  isHeard = false;
  /** Requests in a row since then. */
  #inRow = 0;
  /** Where the last response that nobody waited for ended, and what it acknowledged; -1: nowhere that is known. */
  #orphanEnd = -1;
  #orphanAsked = -1;
  /** Whether an interim response came, which may be one to a request whose body goes on. */
  #hasInterim = false;
  /** Whether nothing says that the next request begins a message: it is the first of all that was seen. */
  #isUnpreceded = false;
  /** The request of which that is so. */
  unpreceded: PendingExchange | null = null;
  /** Where bytes were lost last that refuted what was taken for requests. */
  #refutedAt = -REQUEST_BYTES_MIN;

  constructor(isGiven: boolean) {
    this.isGiven = isGiven;
    this.isLacking = !isGiven;
  }

  /** Bytes were lost. Returns the mark for that. */
  noteLoss(): number {
    this.isLacking = true;
    return Mark.gap;
  }

  /** All was seen after all, unless requests were lost (`isGiven`: false). */
  begin(isGiven: boolean): void {
    this.isGiven = isGiven;
    this.isLacking = !isGiven;
    this.unpreceded = null;
  }

  /** Requests that follow may be text. */
  withdraw(): void {
    this.isGiven = false;
    this.#inRow = 0;
  }

  /** What came was right: `isAsked`, with requests in it. */
  prove(isAsked: boolean): void {
    this.isGiven = true;
    this.hasAsked ||= isAsked;
  }

  /** A request takes its place in line. `isClosed`: no response comes any more; `hasLeft`: it is not HTTP any more. */
  note(pending: PendingExchange, isClosed: boolean, hasLeft: boolean): void {
    pending.isFound = !this.isGiven;
    this.hasNoted = true;
    if (!this.isGiven && ++this.#inRow === FOUND_IN_ROW) {
      this.isGiven = true;
      pending.isFound = false;
    }
    if (this.#isUnpreceded && pending.isFound) this.unpreceded = pending;
    this.#isUnpreceded = false;
    this.hasAsked ||= this.isGiven;
    pending.isRefuted = hasLeft || (pending.isFound && (isClosed || isOdd(pending)));
  }

  /** What was taken for requests was text, as bytes that were lost at `place` show. */
  refute(place: number): void {
    this.#refutedAt = place;
  }

  /** Whether a request may begin at `place`, when that much of its stream has been answered and the rest was not seen. */
  mayBegin(place: number, answered: number): boolean {
    return place === answered && place - this.#refutedAt >= REQUEST_BYTES_MIN;
  }

  noteOrphan({ acknowledges }: MessageHead): void {
    this.isHeard = true;
    this.#orphanAsked = acknowledges;
  }

  noteInterim(): void {
    this.#hasInterim = true;
  }

  endOrphan(place: number): void {
    this.#orphanEnd = place;
  }

  /** The first request of a connection that was joined has come: no text if a whole response to all before it had. */
  join({ position, acknowledges, received }: MessageHead): void {
    this.isHeard = false;
    const hasAll = acknowledges === received && acknowledges === this.#orphanEnd;
    this.isGiven ||= hasAll && position === this.#orphanAsked;
    // A client that has all of what its server has sent, which is no leave to go on with a body, speaks next.
    this.#isUnpreceded = position === 0 && (received === 0 || acknowledges < received || this.#hasInterim);
  }
}

/** Whether it departs from the grammar, or lacks what each request has (RFC 9112 §3.2): then it is text more likely. */
function isOdd({ exchange }: PendingExchange): boolean {
  if (exchange === null) return false;
  const { request, marks, protocol } = exchange;
  return (marks & Mark.malformed) !== 0 || (protocol === '1.1' && request.headers.get('host') === undefined);
}
