/**
 * What is known of a message when its head is complete, whatever protocol it came by.
 *
 * A reader writes one object anew for each message. It is valid during the call it is given to: a sink copies the values
 * it keeps.
 */
import { HeaderList } from './header-list.js';

export const NO_HEADERS = new HeaderList('', []);

export class MessageHead {
  /** Empty in a response. */
  method = '';
  /** As sent; empty in a response. */
  target = '';
  /** 0 in a request. */
  status = 0;
  /** Empty in a request, and where `MessageSink.wantsResponse` was answered with no. */
  reason = '';
  /** `1.1`, `1.0`. */
  version = '';
  /** None where `MessageSink.wantsResponse` was answered with no. */
  headers: HeaderList = NO_HEADERS;
  /** Whether the message departs from the grammar. */
  malformed = false;
  /** Whether it was longer than a head may be, or had more headers: some of them were left out. */
  isTooLarge = false;
  /** Whether it is the first since bytes were lost that may have held whole messages. */
  isAfterLoss = false;
  /** Whether it does not say how long its body is. */
  isOpenEnded = false;
  /** Whether its body lasts as long as its stream: no other message follows in that. */
  endsWithStream = false;
  /** Whether the connection stops being HTTP behind it. */
  leavesHttp = false;
  /** The place of its first byte in its stream, and what the segment with that byte acknowledges of the other stream. */
  position = 0;
  acknowledges = 0;
  /** Whether that segment was sent again, and may have acknowledged less at first. */
  isSentAgain = false;
  /** How far the other stream had been delivered when that byte came. */
  received = 0;
  /**
   * For how long nothing had been said when that byte came, with all that either side had said received; 0: not at all, or
   * the connection was not seen from its start.
   */
  quietNanos = 0;
  /** Times of the message's first byte and of its head's last one, in nanoseconds. */
  startTime = 0;
  endTime = 0;
}

/** 1xx: another response follows (RFC 9110 §15.2), but not behind 101, which ends HTTP. */
export function isInterim(status: number): boolean {
  return status >= 100 && status < 200 && status !== 101;
}
