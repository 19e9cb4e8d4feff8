/** The states of a reader, how its stream may end, and what messages without a head or an end are taken for. */

import type { StreamPlace } from '../../flow/flow-consumer.js';
import { MessageHead } from '../message-head.js';
import type { Ending } from '../message-sink.js';
import { type BodyFraming, Framing } from './body-framing.js';
import type { HeadBuffer } from './head-buffer.js';
import type { Piece } from './stretch.js';

export const State = {
  /** Between messages. */
  idle: 0,
  /** Gathering a head that came in pieces. */
  head: 1,
  body: 2,
  /** In the middle of a message, or behind lost bytes: nothing is read until it is known that a message begins. */
  lost: 3,
  /** Something that is not HTTP came between messages: a message may begin with the next segment. */
  astray: 4,
  /** Not read any more. */
  closed: 5,
} as const;
export type State = (typeof State)[keyof typeof State];

export type ReaderEnding = typeof Ending.complete | typeof Ending.aborted | typeof Ending.unfinished;

/** A response of HTTP/0.9 has no head. */
export const SIMPLE_RESPONSE = Object.assign(new MessageHead(), {
  status: 200,
  version: '0.9',
  isOpenEnded: true,
  endsWithStream: true,
});
/** The framing of a body whose length is not known. */
export const TO_THE_END: BodyFraming = { framing: Framing.close, length: 0, malformed: false };

/** Where and when the current message began. */
export class MessageStart {
  #time = 0;
  #received = 0;
  #isSentAgain = false;
  /** Of its first byte, and what its segment acknowledged. */
  place = 0;
  acknowledges = 0;
  /** See `MessageHead`. */
  quietNanos = 0;

  /** `peer`: the other stream, as far as it had been delivered. */
  set(
    time: number,
    place: number,
    { acknowledges, isSentAgain }: StreamPlace,
    peer: StreamPlace,
    isMidstream: boolean,
  ): void {
    this.#time = time;
    this.place = place;
    this.acknowledges = acknowledges;
    this.#isSentAgain = isSentAgain;
    this.#received = peer.position;
    const isAll = acknowledges === peer.position && place === peer.acknowledges;
    const isQuiet = !isMidstream && !isSentAgain && isAll;
    this.quietNanos = isQuiet ? Math.max(0, time - peer.carriedAt) : 0;
  }

  /** What was gathered of the head; null where that is not all that came of it. */
  pieceOf(head: HeadBuffer | null): Piece | null {
    if (head === null || head.isCut) return null;
    const { place, acknowledges } = this;
    return { place, acknowledges, time: this.#time, bytes: Buffer.from(head.bytes.subarray(0, head.length)) };
  }

  /** The head is complete at `endTime`. */
  tell(head: MessageHead, endTime: number): void {
    head.startTime = this.#time;
    head.endTime = endTime;
    head.position = this.place;
    head.acknowledges = this.acknowledges;
    head.isSentAgain = this.#isSentAgain;
    head.received = this.#received;
    head.quietNanos = this.quietNanos;
  }
}
