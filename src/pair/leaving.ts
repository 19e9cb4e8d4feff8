/**
 * Whether a connection has left HTTP by an answer that was lost (RFC 9110 §7.8, §9.3.6): its client asked for that, and what
 * followed makes no sense as HTTP. What looks like a request behind that is text.
 *
 * in:  requests without a known answer, and bytes that make no sense · out: a verdict
 */
import type { PendingExchange } from './pending-exchanges.js';

export class Leaving {
  hasLeft = false;
  /** Whether the latest request asked to leave, and its answer is not known. */
  #mayHave = false;

  /** The latest request goes without its answer; null: it may still get it. */
  noteUnanswered(request: PendingExchange | null): void {
    this.#mayHave = request !== null && asksToLeave(request);
  }

  noteGivenUp(requests: readonly PendingExchange[]): void {
    if (requests.length > 0) this.noteUnanswered(requests.at(-1) ?? null);
  }

  /** Bytes came that begin no message, while `waiting` had no answer yet. */
  noteAlien(waiting: readonly PendingExchange[], areResponsesLost: boolean): void {
    const last = waiting.at(-1);
    this.hasLeft ||= last === undefined ? this.#mayHave : areResponsesLost && asksToLeave(last);
  }
}

function asksToLeave({ method, exchange }: PendingExchange): boolean {
  return method === 'CONNECT' || (exchange !== null && exchange.request.headers.get('upgrade') !== undefined);
}
