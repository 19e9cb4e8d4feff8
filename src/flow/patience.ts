/** How long the reassembler waits for missing bytes, and after which signs it stops. */
import type { Flow } from './flow.js';

/**
 * How long bytes that the receiver has acknowledged may still be on their way to the sensor: a capture taken at several
 * queues or interfaces delivers packets slightly out of order.
 */
const STALL_PACKETS = 128;
export const STALL_NANOS = 1e9;

/**
 * The same shortly after the kernel has said that it dropped packets: then the bytes are not on their way, and holding
 * what comes behind them would cost most when there is no time for it.
 */
const STALL_PACKETS_BEHIND_DROPS = 4;
const DROPS_RECENT_NANOS = 1e9;

/**
 * After how many packets of a flow the wait is over, when the kernel dropped some `sinceDrops` nanoseconds ago. A flow of several
 * legs may have all of a block of one interface before the first packet of another one: then only time tells.
 */
export function stallPackets({ legs }: Flow, sinceDrops: number): number {
  if (legs.length > 0) return Number.POSITIVE_INFINITY;
  return sinceDrops < DROPS_RECENT_NANOS ? STALL_PACKETS_BEHIND_DROPS : STALL_PACKETS;
}

/** How often waiting flows are looked at, in nanoseconds of capture time. */
export const SWEEP_NANOS = 100e6;

/** How long a closed flow is remembered: late retransmissions must not open it anew. */
export const CLOSED_NANOS = 5e9;

/**
 * How far behind a stream a segment can be and still be a retransmission. Windows do not reach this far. What lies further
 * back is new: the capture slept while gigabytes passed, and the sequence numbers have wrapped.
 */
export const RETRANSMISSION_BYTES_MAX = 1 << 28;
/**
 * What a segment acknowledges lies no further behind what its sender was sent since: the largest window that is in use. RFC 5961
 * §5.2 has receivers ignore others.
 */
export const ACKNOWLEDGED_BEHIND_MAX = 1 << 26;
