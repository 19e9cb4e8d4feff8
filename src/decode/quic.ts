/**
 * QUIC (RFC 9000), which HTTP/3 goes over: recognised by the first bytes of a datagram, not read.
 *
 *     long header    1 1 type … │ 1 version (4) │ 5 length of the destination's id (1) │ 6 …           §17.2
 *     short header   0 1 …      │ 1 destination's id, of a length that is not said …                   §17.3.1
 *
 * A sender that greases the fixed bit (RFC 9287) is missed, and so is a short header beyond port 443, which looks like
 * anything.
 */
import { i32, u8 } from './bytes.js';

/** By convention that of HTTP/3, as of HTTPS. */
export const QUIC_PORT = 443;

/** The least that a packet has in which nothing is left out (§10.3). */
const PACKET_BYTES_MIN = 21;
const LONG_HEADER = 0x80;
const FIXED_BIT = 0x40;
const ID_BYTES_MAX = 20;

/** Whether the payload of a datagram, `bytes[at, end)`, is QUIC by its looks; `isUsualPort` where a port is that of HTTP/3. */
export function isQuic(bytes: Buffer, at: number, end: number, isUsualPort: boolean): boolean {
  if (end - at < PACKET_BYTES_MIN) return false;
  const first = u8(bytes, at);
  if ((first & FIXED_BIT) === 0) return false;
  if ((first & LONG_HEADER) === 0) return isUsualPort;
  return u8(bytes, at + 5) <= ID_BYTES_MAX && (isUsualPort || isVersion(i32(bytes, at + 1)));
}

/** Versions 1 and 2 (RFC 9369), drafts of them, and those that are reserved to be tried and refused (RFC 9000 §15). */
function isVersion(version: number): boolean {
  const isDraft = version >>> 8 === 0xff_0000;
  const isReserved = (version & 0x0f0f_0f0f) === 0x0a0a_0a0a;
  return version === 1 || version === 0x6b33_43cf || isDraft || isReserved;
}
