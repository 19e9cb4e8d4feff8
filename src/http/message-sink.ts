/**
 * What a reader of one direction of a connection says about its messages, one after the other: the seam between
 * protocols and pairing.
 */
import type { EndCause } from '../flow/flow-consumer.js';
import type { MessageHead } from './message-head.js';

/** How a message ended. */
export const Ending = {
  /** Where its framing said. */
  complete: 0,
  /** The connection closed first. */
  aborted: 1,
  /** The framing was lost in a gap. */
  lost: 2,
  /** The framing makes no sense from some place on. */
  malformed: 3,
  /** The flow was forgotten first. */
  unfinished: 4,
} as const;
export type Ending = (typeof Ending)[keyof typeof Ending];

export interface MessageSink {
  /** A request's head is complete. */
  onRequest(head: MessageHead): void;
  /** The method of the request that the next response answers; empty where none is known. */
  awaitedMethod(): string;
  /** Whether anything will be read of the next response's reason and headers; if not, they may be left out. */
  wantsResponse(): boolean;
  /** A response's head is complete. */
  onResponse(head: MessageHead): void;
  /**
   * Body bytes `bytes[start, end)`, transfer coding removed; valid during the call. `expected`: bytes of this body still to
   * come, these included, where that is known, else 0.
   */
  onBody(bytes: Buffer, start: number, end: number, expected: number, time: number): void;
  /** Body bytes that the capture lost. */
  onBodyLost(length: number): void;
  /** The message is over. */
  onMessageEnd(ending: Ending, trailers: [string, string][], time: number): void;
  /**
   * The stream lost its place, by lost bytes (`isLoss`) or by bytes that make no sense: messages may be missing between the
   * last one and the next. `wasInMessage`: it happened in the middle of a body, which has been ended.
   */
  onDesync(isLoss: boolean, wasInMessage: boolean): void;
  /** The stream carries no more messages. */
  onStreamEnd(cause: EndCause): void;
  /** The connection is not HTTP any more: nothing that waits for a response will get one. */
  onLeave(): void;
}
