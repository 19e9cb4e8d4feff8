/**
 * Geneve (RFC 8926 §3.4):
 *
 *     0 version, words of options (1) │ 1 flags (1) │ 2 EtherType (2) │ 4 VNI (3) │ 7 reserved (1) │ options
 */
import { i32, u8, u16 } from '../bytes.js';
import type { Cursor } from '../cursor.js';
import { Kind, Next, unread } from '../next.js';

const UDP = 17;
const ETHERTYPE_TRANSPARENT_ETHERNET = 0x6558;

export function readGeneve(cursor: Cursor): number {
  const { bytes, at, left } = cursor;
  if (left < 8 || u8(bytes, at) >> 6 !== 0) return unread(Kind.protocol | UDP);
  const length = 8 + ((u8(bytes, at) & 0x3f) << 2);
  if (left < length) return unread(Kind.protocol | UDP);
  cursor.enter(i32(bytes, at + 4) >>> 8);
  cursor.at += length;
  const type = u16(bytes, at + 2);
  return type === ETHERTYPE_TRANSPARENT_ETHERNET ? Next.ethernet : type;
}
