/** What a reader of a stream works with, and whom it asks about the flow. */
import type { Counters } from '../../counters.js';
import type { Direction, StreamPlace } from '../../flow/flow-consumer.js';
import type { Limits } from '../../limits.js';
import type { MemoryBudget } from '../../memory-budget.js';
import type { MessageHead } from '../message-head.js';
import type { Opening, Recognition } from '../protocol.js';
import type { HeadParser } from './head-parser.js';

/** What all readers share. */
export interface ReaderContext {
  readonly limits: Limits;
  readonly counters: Counters;
  readonly budget: MemoryBudget;
  readonly parser: HeadParser;
  /** Written anew for each message that a sink is given. */
  readonly head: MessageHead;
}

/** What a reader reads. */
export interface ReaderPlace {
  readonly direction: Direction;
  /** Its stream, and the one the other way. */
  readonly stream: StreamPlace;
  readonly peer: StreamPlace;
  /** Whether a stream that does not begin with a message may still be HTTP: its flow was joined in the middle. */
  readonly flow: { readonly isMidstream: boolean };
}

/** Decides about the flow when one of its streams is not, or no longer, HTTP/1. */
export interface ReaderOwner {
  /**
   * A message should begin with `opening`, and none does. Returns whether another protocol does; yes: it has the flow now.
   * `isStart`: no message of this stream was read before.
   */
  onForeign(opening: Opening, isStart: boolean): Recognition;
  /** The stream does not begin with anything that can be read. */
  onUnreadable(direction: Direction, time: number): void;
  /** The request that has just been read shows that the next byte of the other stream begins a message. */
  onTurn(direction: Direction): void;
  /** The message that has just ended was the connection's last. */
  onUpgrade(direction: Direction, time: number): void;
}
