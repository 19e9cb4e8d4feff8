/** Bounds that packets have wherever they come from. */

/** No packet that a sensor can capture is longer: MAXIMUM_SNAPLEN of libpcap. */
export const PACKET_BYTES_MAX = 262_144;
