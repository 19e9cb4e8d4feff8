/**
 * The Network Service Header (RFC 8300 §2.2):
 *
 *     0 version, flags, time to live, length in words (2) │ 2 metadata type (1) │ 3 next protocol (1) │ 4 path (4) │ metadata
 */
import { u8 } from '../bytes.js';
import type { Cursor } from '../cursor.js';
import { MALFORMED, Next, unread } from '../next.js';
import { nextOfNsh } from './vxlan.js';

export function readNsh(cursor: Cursor): number {
  const { bytes, at, left } = cursor;
  if (left < 8) return MALFORMED;
  const length = (u8(bytes, at + 1) & 0x3f) << 2;
  if (length < 8 || length > left) return MALFORMED;
  cursor.at += length;
  return nextOfNsh(u8(bytes, at + 3)) ?? unread(Next.nsh);
}
