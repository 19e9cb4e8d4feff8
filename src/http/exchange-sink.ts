/**
 * What a protocol whose messages say themselves which request they answer tells pairing: HTTP/2, by streams (RFC 9113 §5).
 * The other seam, for messages that come one after the other, is `message-sink.ts`.
 */
import type { Direction, EndCause } from '../flow/flow-consumer.js';
import type { MessageHead } from './message-head.js';
import type { Ending } from './message-sink.js';

/** What is said of a request beyond its head. */
export interface StreamHead {
  /** The side that sent it, or that is to receive its response. */
  readonly client: Direction;
  /** 0 where it is none of HTTP/2. */
  readonly stream: number;
  /** host[:port] as the request says; null where that is not known, or is in a Host header. */
  readonly authority: string | null;
  readonly scheme: 'http' | 'https';
  /** Of extended CONNECT, what the stream is to carry (RFC 8441 §4); null elsewhere. */
  readonly protocol: string | null;
  /** Whether fields of the head are not known: the first of them may be any. */
  readonly hasUnknown: boolean;
  /** Whether the server sent it, for a request that it expects. */
  readonly isPushed: boolean;
}

export interface ExchangeSink {
  /** A request's head is complete. Both are valid during the call. */
  onRequest(head: MessageHead, stream: StreamHead): StreamedExchange;
}

/** An exchange under way. After it was dropped or emitted, calls have no effect. */
export interface StreamedExchange {
  /** Whether anything of its messages is kept. */
  readonly isWanted: boolean;
  /** A response's head is complete; once more where its status was not known, and so 0. */
  onResponse(head: MessageHead): void;
  /** Fields of the response's head, or of trailers, are not known. */
  onUnknownFields(): void;
  /** As `MessageSink.onBody`. */
  onRequestBody(bytes: Buffer, start: number, end: number, expected: number, time: number): void;
  onResponseBody(bytes: Buffer, start: number, end: number, expected: number, time: number): void;
  /** Bytes of a body that the capture lost; 0 where nobody knows how many. */
  onBodyLost(isRequest: boolean, length: number): void;
  onRequestEnd(ending: Ending, trailers: [string, string][], time: number): void;
  onResponseEnd(ending: Ending, trailers: [string, string][], time: number): void;
  /** What was lost may have held its end: it is not waited for without limit. */
  onDoubt(): void;
  /** Its client gave it up, for what `error` names: what is on its way of the response is not waited for for long. */
  onAbandon(error: string | null, time: number): void;
  /** It ends as it is: `error` names who gave it up, and why. */
  onAbort(error: string | null, time: number): void;
  /** It ends as it is: the stream of its responses has ended. */
  onStreamEnd(cause: EndCause): void;
  /** It ends as it is, to make room for others. */
  onEvicted(): void;
}
