/**
 * What a reader of one direction of a connection says about its messages, one after the other: the seam between
 * protocols and pairing.
 */
import type { EndCause } from '../flow/flow-consumer.js';
import type { HeaderList } from './header-list.js';
import type { MessageHead } from './message-head.js';
import type { Upgrade } from './protocol.js';

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
  /** Its framing makes no sense; all that came is its body. */
  unframed: 5,
} as const;
export type Ending = (typeof Ending)[keyof typeof Ending];

/** The start of a segment, where a stream has lost its place. */
export interface SegmentStart {
  /** Of its first byte. */
  readonly place: number;
  /** What it acknowledges of the other stream, and what the segment before it did. */
  readonly acknowledges: number;
  readonly before: number;
  /** How far the other stream has been delivered, and what its latest segment acknowledged of this one. */
  readonly received: number;
  readonly answered: number;
  /** See `MessageHead.quietNanos`. */
  readonly quietNanos: number;
  /** The headers of the request that it seems to begin with; null where they are not all in it. */
  headers(): HeaderList | null;
}

/** Whether it is certain which response answers which request: of all; not yet; or never, by what was lost or not seen. */
export type Certainty = 'whole' | 'open' | 'none';

/** The places of a request and of the response that answers it. */
export interface BelievedPair {
  readonly request: number;
  readonly response: number;
}

export interface MessageSink {
  /**
   * A request's head is complete. Returns whether it shows that the next byte of the other stream begins a message: its
   * client takes turns, and has received all before that.
   */
  onRequest(head: MessageHead): boolean;
  /** The method of the request that the response in `head` answers; empty where none is known. */
  awaitedMethod(head: MessageHead): string;
  /** Whether the next response has no head, as its request was one of HTTP/0.9. */
  awaitsSimple(): boolean;
  /** Whether anything will be read of that response's reason and headers; if not, they may be left out. */
  wantsResponse(head: MessageHead): boolean;
  /** A response's head is complete. */
  onResponse(head: MessageHead): void;
  /**
   * Body bytes `bytes[start, end)`, transfer coding removed; valid during the call. `expected`: bytes of this body still to
   * come, these included, where that is known, else 0.
   */
  onBody(bytes: Buffer, start: number, end: number, expected: number, time: number): void;
  /** Body bytes that the capture lost. */
  onBodyLost(length: number): void;
  /** The message is over. `place`: behind its last byte, infinite where that is not known. */
  onMessageEnd(ending: Ending, trailers: [string, string][], time: number, place: number): void;
  /**
   * The stream lost its place, by lost bytes (`isLoss`) or by bytes that make no sense: messages may be missing between the
   * last one and the next. `wasInMessage`: it happened in the middle of one, which has been ended. `place`: of the first byte
   * that is lost or makes no sense. `isCut`: the snap length cut it off; `lost`: how many bytes are,
   * if that is known.
   */
  onDesync(isLoss: boolean, wasInMessage: boolean, place: number, isCut: boolean, lost?: number): void;
  /** Bytes that may be a part of a response passed unread, in a segment that acknowledges the requests up to `acknowledges`. */
  onUnread(acknowledges: number): void;
  /** Whether the requests of this side may be text in a body: bytes in front of them are missing, and none was answered yet. */
  readonly doubtsRequests: boolean;
  /** Whether a request may begin with the segment at `start`, though the stream has lost its place. */
  mayBegin(start: SegmentStart): boolean;
  /**
   * Whether the request being read, of whose body nothing has come, may go without it: it asked whether it should send it, and
   * the segment that acknowledges `acknowledges` was sent when the final answer had been received. Null: it asked, and the
   * answer was lost.
   */
  mayLeaveOutBody(acknowledges: number): boolean | null;
  /**
   * Whether bytes were lost while the requests of this side overlapped: only what follows can tell which response answers
   * which, so nothing more is to be said of either side until that is known (`settle`).
   */
  readonly isDeferred: boolean;
  /** How many requests of this side were under way at most when it sent another; -1: not known for certain. */
  readonly underWayMax: number;
  /** Whether its client was not seen to have several under way, nor to send another before it had all that had come. */
  readonly mayBeSingle: boolean;
  /** The requests of this side that wait for their responses, oldest first. */
  awaited(): readonly { readonly method: string; readonly position: number }[];
  /**
   * From here on (true) each response that comes answers the oldest request that waits, of what was kept and is read again; until it
   * is called with false, and what is read as it comes goes on.
   */
  settle(isSettling: boolean): void;
  /** The oldest requests that wait get no response, but for the last `left`. */
  passOver(left: number): void;
  /** Nothing that ends from here on is told of until `release`, or until it is taken back by `withdraw`. */
  withhold(): void;
  /** Of the requests of this side. */
  readonly certainty: Certainty;
  release(): void;
  /** Whether a request is withheld that has no response. */
  readonly isLacking: boolean;
  /** The exchanges that are withheld and have their response. */
  believed(): readonly BelievedPair[];
  /** How many requests of this side are withheld. */
  readonly withheld: number;
  /** Takes back the request at `place`, as it is read again, if it is withheld. Returns false if it is gone, or has its response. */
  withdraw(place: number): boolean;
  /** Those that are withheld without a response and at none of `places` are no requests. */
  refute(places: ReadonlySet<number>): void;
  /** What the 101 that was read last leaves to the protocol it names; null if it names none. */
  upgrade(): Upgrade | null;
  /** The stream carries no more messages. `isLacking`: what it carried last was not captured. */
  onStreamEnd(cause: EndCause, isLacking: boolean): void;
  /** The connection is not HTTP any more: nothing that waits for a response will get one. */
  onLeave(): void;
}
