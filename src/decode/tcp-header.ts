/**
 * The TCP header (RFC 9293 §3.1):
 *
 *     0 ports (2, 2) │ 4 sequence number (4) │ 8 acknowledgement (4) │ 12 words of the header (4 bits) │ 13 flags (1) │ …
 */
import { i32, u8, u16 } from './bytes.js';
import type { Cursor } from './cursor.js';
import type { Segment } from './segment.js';

/** Fills in `segment`. Returns whether the header holds. */
export function readTcp(cursor: Cursor, segment: Segment): boolean {
  const { bytes, at, end } = cursor;
  let { cut } = cursor;
  if (end - at < 20) return false;
  const headerLength = (u8(bytes, at + 12) >> 4) << 2;
  if (headerLength < 20) return false;
  let payloadStart = at + headerLength;
  if (payloadStart > end) {
    // The snap length may end among the options; what lies behind them is then all cut.
    cut -= payloadStart - end;
    if (cut < 0) return false;
    payloadStart = end;
  }
  segment.tunnelId = cursor.network;
  segment.isMirrored = cursor.mirrored;
  segment.sourcePort = u16(bytes, at);
  segment.destinationPort = u16(bytes, at + 2);
  segment.sequence = i32(bytes, at + 4);
  segment.acknowledgement = i32(bytes, at + 8);
  segment.flags = u8(bytes, at + 13);
  segment.bytes = bytes;
  segment.headerStart = at;
  segment.payloadStart = payloadStart;
  segment.payloadEnd = end;
  segment.payloadCut = cut;
  return true;
}
