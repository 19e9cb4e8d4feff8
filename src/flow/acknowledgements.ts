/**
 * What a segment's acknowledgement number says, and whether its numbers are those of its connection at all.
 *
 * in:  a segment, and the streams of the flow that has its ports · out: a sequence number of the other stream, or a verdict
 */
import { type Segment, TcpFlag } from '../decode/segment.js';
import type { Flow } from './flow.js';
import type { Direction } from './flow-consumer.js';
import { RETRANSMISSION_BYTES_MAX } from './patience.js';
import type { TcpStream } from './tcp-stream.js';

/** How far beyond its stream a number may be when the capture lost what it covers. */
export const LOSS_BYTES_MAX = 1 << 24;

/**
 * What `segment` acknowledges of `other`; all of it that is here where it says nothing. Some who make captures by hand leave
 * the number at 0, so 0 counts only where it is the next of numbers that wrap.
 */
export function acknowledgementOf({ flags, acknowledgement }: Segment, other: TcpStream): number {
  if ((flags & TcpFlag.ack) === 0) return other.next;
  if (acknowledgement !== 0) return acknowledgement;
  const isWrap = other.first < 0 && Math.abs(other.next) <= LOSS_BYTES_MAX;
  return isWrap ? 0 : other.next;
}

/**
 * Whether a segment is none of its flow's, but one of the connection before on the same ports, which came late: what it acknowledges
 * lies outside the other stream (RFC 9293 §3.10.7.4). Where that is only too far ahead, the capture may have lost what it
 * acknowledges: then its own number lies outside its stream, too, or it says nothing else.
 */
export function isStray(flow: Flow, direction: Direction, segment: Segment): boolean {
  if ((segment.flags & (TcpFlag.ack | TcpFlag.syn)) !== TcpFlag.ack || segment.acknowledgement === 0) return false;
  const stream = direction === 1 ? flow.stream1 : flow.stream0;
  const other = direction === 1 ? flow.stream0 : flow.stream1;
  // Nearly every segment acknowledges all that there is.
  if (segment.acknowledgement === other.next && other.started) return false;
  if (!other.started) return stream.hasSyn && isBefore(stream, segment.sequence);
  const isBehind = isBefore(other, segment.acknowledgement);
  if (!isBehind && !isAhead(other, segment.acknowledgement)) return false;
  if (!stream.started || segment.payloadEnd === segment.payloadStart)
    return other.hasSyn || isOff(stream, segment.sequence);
  return (isBehind && stream.hasSyn && other.hasSyn) || isOff(stream, segment.sequence);
}

const isOff = (stream: TcpStream, number: number): boolean =>
  stream.started && (isBefore(stream, number) || isAhead(stream, number));

/** Whether a number is none of what a stream has had; of one whose SYN was not seen, by far. */
function isBefore({ next, position, hasSyn, synSequence, first }: TcpStream, number: number): boolean {
  const had = position + (hasSyn ? (first - synSequence) | 0 : LOSS_BYTES_MAX);
  return ((next - number) | 0) > Math.min(had, RETRANSMISSION_BYTES_MAX);
}

const isAhead = ({ next }: TcpStream, number: number): boolean => ((number - next) | 0) > LOSS_BYTES_MAX;
