/**
 * PKTAP, what macOS' tcpdump writes for several interfaces at once (XNU bsd/net/pktap.h), little-endian:
 *
 *     0 header length (4) │ 4 type (4), 1 for a packet │ 8 DLT of what follows (4) │ 12 interface, process, …
 */
import { u32le } from '../bytes.js';
import type { Cursor } from '../cursor.js';
import { Kind, MALFORMED, unread } from '../next.js';

const PKTAP = 258;
const TYPE_PACKET = 1;
const HEADER_BYTES_MIN = 12;

export function readPktap(cursor: Cursor): number {
  const { bytes, at, left } = cursor;
  if (left < HEADER_BYTES_MIN) return MALFORMED;
  const length = u32le(bytes, at);
  if (length < HEADER_BYTES_MIN || length > left) return MALFORMED;
  if (u32le(bytes, at + 4) !== TYPE_PACKET) return unread(Kind.link | PKTAP);
  const dlt = u32le(bytes, at + 8);
  cursor.at += length;
  return dlt > 0xffff ? unread(Kind.link | PKTAP) : Kind.link | dlt;
}
