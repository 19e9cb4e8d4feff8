/**
 * What a segment's acknowledgement number says, and whether its numbers are those of its connection at all.
 *
 * in:  a segment, and the streams of the flow that has its ports · out: a sequence number of the other stream, or a verdict
 */
import { type Segment, TcpFlag } from '../decode/segment.js';
import type { Flow } from './flow.js';
import type { Direction } from './flow-consumer.js';
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
 * Whether a segment is none of its flow's: what it acknowledges lies outside the other stream, and itself outside its own
 * (RFC 9293 §3.10.7.4). On ports that are used again it is one of the connection before, which came late.
 */
export function isStray(flow: Flow, direction: Direction, segment: Segment): boolean {
  if ((segment.flags & (TcpFlag.ack | TcpFlag.syn)) !== TcpFlag.ack || segment.acknowledgement === 0) return false;
  const stream = direction === 1 ? flow.stream1 : flow.stream0;
  const other = direction === 1 ? flow.stream0 : flow.stream1;
  // Nearly every segment acknowledges all that there is.
  if (!other.started || segment.acknowledgement === other.next || !isOutside(other, segment.acknowledgement))
    return false;
  return stream.started ? isOutside(stream, segment.sequence) : other.hasSyn;
}

function isOutside(stream: TcpStream, number: number): boolean {
  const isBefore = stream.hasSyn
    ? ((number - stream.synSequence) | 0) < 0
    : ((number - stream.first) | 0) < -LOSS_BYTES_MAX;
  return isBefore || ((number - stream.next) | 0) > LOSS_BYTES_MAX;
}
