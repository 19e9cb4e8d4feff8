/** What is known of one stream of HTTP/2 (RFC 9113 §5), and what comes of it. */
import type { Direction } from '../../flow/flow-consumer.js';
import type { StreamedExchange } from '../exchange-sink.js';
import type { MessageHead } from '../message-head.js';

/** A header block that has been decoded. */
export interface HeadersPlace {
  readonly direction: Direction;
  readonly stream: number;
  readonly endsStream: boolean;
  /** Whether bytes of it were lost. */
  readonly isCut: boolean;
  /** Times of its first byte and of its last. */
  readonly startTime: number;
  readonly endTime: number;
}

export interface Stream {
  readonly id: number;
  readonly exchange: StreamedExchange;
  requestEnded: boolean;
  responseEnded: boolean;
  /** Whether the head of the final response has come. */
  hasResponse: boolean;
  /** Whether it may have been lost: then a block of fields that are not known may be one of trailers as well. */
  mayLackHead: boolean;
  /** A head without a known status: an interim one if another head follows, the final one if DATA does before anything is lost. */
  doubtfulHead: MessageHead | null;
  /** How often the place among the responses' frames had been lost when it came. */
  doubtedAt: number;
  /** Whether a 2xx makes it a tunnel (RFC 9113 §8.5, RFC 8441 §5). */
  isConnect: boolean;
  /** Whether the client gave it up. */
  isAbandoned: boolean;
  /** A bit for each direction in which it was told of a loss, and nothing has come since. */
  uncertain: number;
}

/** What a stream takes from the budget beside its exchange. */
export const STREAM_BYTES = 480;

/** Where in its bytes DATA lies, and `left`: bytes of its frame still to come, these included. */
export interface DataRange {
  start: number;
  end: number;
  left: number;
  time: number;
}
