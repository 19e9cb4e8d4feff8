/**
 * Whether a segment belongs to a new connection on the ports of one that is known.
 *
 * in:  a flow, and a segment with its endpoints · out: whether the flow is over
 */
import type { Counters } from '../counters.js';
import type { Segment } from '../decode/segment.js';
import { TcpFlag } from '../decode/segment.js';
import { isStray, LOSS_BYTES_MAX } from './acknowledgements.js';
import { type Flow, FlowPhase } from './flow.js';
import type { Direction } from './flow-consumer.js';
import type { TcpStream } from './tcp-stream.js';

/** Silence in front of a new connection: what is captured out of order comes sooner. */
const SILENCE_NANOS = 1e9;

/**
 * A SYN that does not repeat the one which opened the flow begins a new connection. Where none was captured, bytes do whose
 * numbers agree with nothing: their own lie outside their stream, and what they acknowledge outside the other one (RFC 9293
 * §3.4.1: numbers of a new connection need not follow the old).
 */
export function beginsAnew(flow: Flow, segment: Segment, time: number): boolean {
  const { sequence, flags, payloadStart, payloadEnd } = segment;
  if ((flags & TcpFlag.syn) !== 0) return isNewSyn(flow, segment);
  if (payloadEnd === payloadStart) return false;
  // Its SYN may be late, or lost.
  if (flow.phase === FlowPhase.closed && isStray(flow, flow.directionOf(segment) === 1 ? 1 : 0, segment)) return true;
  if (time - flow.lastActive < SILENCE_NANOS) return false;
  const isSecond = flow.directionOf(segment) === 1;
  const stream = isSecond ? flow.stream1 : flow.stream0;
  if (!stream.carried) return false;
  const isBefore = ((sequence - stream.first) | 0) < -1;
  const ahead = (sequence - stream.next) | 0;
  // Nothing follows the end of a stream.
  if (flow.phase === FlowPhase.closed) return isBefore || ahead > 1;
  if ((flags & TcpFlag.ack) === 0 || (!isBefore && ahead <= 0)) return false;
  return isOutside(isSecond ? flow.stream0 : flow.stream1, segment.acknowledgement);
}

function isNewSyn(flow: Flow, segment: Segment): boolean {
  const stream = flow.stream(flow.directionOf(segment) === 1 ? 1 : 0);
  if (stream.hasSyn) return stream.synSequence !== segment.sequence;
  if (flow.phase === FlowPhase.closed) return true;
  // Its own SYN may have been overtaken by what follows it, or by what that was answered.
  const had = (stream.first - segment.sequence - 1) | 0;
  return stream.started && (stream.carried ? had !== 0 : had < 0 || had > LOSS_BYTES_MAX);
}

/** Whether `acknowledgement` is of no byte of the stream, nor of one that the capture may have lost behind it. */
function isOutside(stream: TcpStream, acknowledgement: number): boolean {
  if (!stream.carried) return false;
  return ((acknowledgement - stream.first) | 0) < 0 || ((acknowledgement - stream.next) | 0) > LOSS_BYTES_MAX;
}

/**
 * Whether a SYN that has come late shows that a flow which is taken for joined in the middle was seen from its first byte on.
 */
export function beginsHere(flow: Flow, isSecond: boolean, { sequence, flags, acknowledgement }: Segment): boolean {
  const stream = isSecond ? flow.stream1 : flow.stream0;
  const other = isSecond ? flow.stream0 : flow.stream1;
  if ((flags & TcpFlag.ack) === 0) return stream.carried && ((sequence + 1) | 0) === stream.first;
  const begin = other.hasSyn ? (other.synSequence + 1) | 0 : other.first;
  return (other.carried || other.hasSyn) && acknowledgement === begin;
}

/** Whether a segment repeats the last byte, to see whether the peer is still there (RFC 9293 §3.8.4). */
export function isProbe({ payloadStart, payloadEnd }: Segment): boolean {
  return payloadEnd - payloadStart === 1;
}

/** A flow is first seen after its start. */
export function noteMidstream(flow: Flow, counters: Counters): void {
  flow.midstream = true;
  counters.flows_midstream++;
}

/** `segment` says what its receiver's stream has come to. */
export function noteAcknowledgement(flow: Flow, direction: Direction, segment: Segment, counters: Counters): void {
  const { acknowledgement } = segment;
  const stream = direction === 1 ? flow.stream1 : flow.stream0;
  const other = direction === 1 ? flow.stream0 : flow.stream1;
  if (!other.started) {
    // The receiver has everything before this, so the stream goes on here: a loss right behind it shows as a gap.
    other.startAt(acknowledgement);
    if (!other.hasSyn && !flow.midstream && !stream.hasSyn) noteMidstream(flow, counters);
  }
  other.noteAcknowledged(acknowledgement);
  if (!flow.midstream || segment.payloadEnd > segment.payloadStart || ((acknowledgement - other.first) | 0) > 0) return;
  // Its receiver had no more when its first bytes had passed here: others, in front of them, were under way as well.
  if (other.carried) flow.onWithin?.(direction === 1 ? 0 : 1);
}

/**
 * Whether a closed flow goes on, from where it stood. A side that resets a connection sends nothing more on it: if its next byte
 * comes, the reset was forged, or refused by the receiver (RFC 5961 §3.2, RFC 2385).
 */
export function reopens(flow: Flow, direction: Direction, segment: Segment): boolean {
  const stream = flow.stream(direction);
  if (flow.resetBy !== direction || segment.payloadEnd === segment.payloadStart) return false;
  if (segment.sequence !== stream.next || stream.hasFin) return false;
  flow.resetBy = -1;
  flow.midstream = stream.carried;
  flow.stream0.ended = false;
  flow.stream1.ended = false;
  return true;
}
