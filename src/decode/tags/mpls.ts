/**
 * MPLS labels (RFC 3032 §2.1), and the Ethernet pseudowires behind them (RFC 4448 §4):
 *
 *     label   0 label (20 bits), class (3), bottom of stack (1), time to live (8)
 *     control word of a pseudowire, which may be left out   0 zero, flags, length (2) │ 2 sequence number (2)
 *
 * The labels do not say what follows the last of them. IP is known by its version; a control word begins with a zero nibble.
 */
import { u8, u16 } from '../bytes.js';
import type { Cursor } from '../cursor.js';
import { seemsEthernet } from '../ethernet.js';
import { Kind, MALFORMED, Next, unread } from '../next.js';

export function readMpls(cursor: Cursor): number {
  const { bytes } = cursor;
  let isBottom = false;
  while (!isBottom) {
    if (cursor.left < 4) return MALFORMED;
    isBottom = (u8(bytes, cursor.at + 2) & 1) === 1;
    cursor.at += 4;
  }
  return behindLabels(cursor);
}

function behindLabels(cursor: Cursor): number {
  const { bytes, at, left } = cursor;
  if (left < 1) return MALFORMED;
  const nibble = u8(bytes, at) >> 4;
  if (nibble === 4 && seemsIpv4(cursor)) return Next.ipv4;
  if (nibble === 6 && seemsIpv6(cursor)) return Next.ipv6;
  if (nibble === 0 && seemsEthernet(cursor, at + 4)) {
    cursor.at += 4;
    return Next.ethernet;
  }
  if (seemsEthernet(cursor, at)) return Next.ethernet;
  return nibble === 4 || nibble === 6 ? Next.ip : unread(Kind.ipVersion | nibble);
}

/** A frame's destination may begin with the same nibble as a packet. */
function seemsIpv4({ bytes, at, left, cut }: Cursor): boolean {
  const headerLength = (u8(bytes, at) & 0x0f) << 2;
  const totalLength = left < 4 ? 0 : u16(bytes, at + 2);
  return headerLength >= 20 && totalLength >= headerLength && totalLength <= left + cut;
}

function seemsIpv6({ bytes, at, left, cut }: Cursor): boolean {
  return left >= 6 && u16(bytes, at + 4) + 40 <= left + cut;
}
