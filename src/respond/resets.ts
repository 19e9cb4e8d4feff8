/**
 * The resets that end a connection at both of its ends, by the numbers that its flow knows.
 *
 * A receiver takes a reset only at the very number it waits for (RFC 5961 §3.2), which is what the other side sent last; or, where the
 * packets are still on their way to it, what it acknowledged last. So each end is sent one of each.
 *
 * in: a flow that is followed · out: packets · pure
 */
import type { Flow } from '../flow/flow.js';
import type { TcpStream } from '../flow/tcp-stream.js';
import { type ResetEndpoint, resetPacket } from './reset-packet.js';

/** None where nothing is known of a side. */
export function resetsOf(flow: Flow, endpoints: readonly [ResetEndpoint, ResetEndpoint]): Buffer[] {
  const [one, other] = endpoints;
  return [
    ...resetsAlong(flow.stream0, flow.stream1, one, other),
    ...resetsAlong(flow.stream1, flow.stream0, other, one),
  ];
}

function resetsAlong(stream: TcpStream, back: TcpStream, from: ResetEndpoint, to: ResetEndpoint): Buffer[] {
  const acknowledgement = back.started ? sentUpTo(back) : back.acknowledged;
  return numbersOf(stream).map((sequence) => resetPacket({ from, to, sequence, acknowledgement }));
}

function numbersOf(stream: TcpStream): number[] {
  if (!stream.started) return stream.hasAcknowledged ? [stream.acknowledged] : [];
  const sent = sentUpTo(stream);
  return !stream.hasAcknowledged || stream.acknowledged === sent ? [sent] : [sent, stream.acknowledged];
}

/** What its receiver takes next, once everything has arrived. */
function sentUpTo(stream: TcpStream): number {
  const { last } = stream.held;
  const end = last === undefined ? stream.next : (last.sequence + last.bytes.length + last.cut) | 0;
  // A FIN takes a number.
  return stream.hasFin && end === stream.finSequence ? (end + 1) | 0 : end;
}
