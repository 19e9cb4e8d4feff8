/** How long the reassembler waits for what, and what it takes for a sign of what. */

/**
 * How long acknowledged bytes may still be on their way to us: captures taken at several queues or interfaces hand
 * packets on slightly out of order.
 */
export const STALL_PACKETS = 128;
export const STALL_NANOS = 1e9;

/**
 * And where the kernel has said that it dropped packets, shortly before: they are not on their way. Keeping what comes
 * behind them for longer would cost most when there is no time for it.
 */
export const STALL_PACKETS_BEHIND_DROPS = 4;
export const DROPS_RECENT_NANOS = 1e9;

/** How often the clock is looked at, in nanoseconds of capture time. */
export const SWEEP_NANOS = 100e6;

/** How long a closed flow is remembered: late retransmissions must not open it anew. */
export const CLOSED_NANOS = 5e9;

/**
 * How far behind a stream a segment can be and still be a retransmission. Windows do not reach this far; a capture
 * that slept while gigabytes passed does, and the sequence numbers have wrapped.
 */
export const RETRANSMISSION_BYTES_MAX = 1 << 28;
