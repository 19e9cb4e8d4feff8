/**
 * L2TP version 2 behind UDP (RFC 2661 §3.1), its data messages:
 *
 *     0 flags T, L, S, O, version (2) │ with L: length (2) │ tunnel (2) │ session (2) │ with S: numbers (4) │ with O: size, pad
 */
import { i32, u16 } from '../bytes.js';
import type { Cursor } from '../cursor.js';
import { Kind, MALFORMED, Next, unread } from '../next.js';

const UDP = 17;
const CONTROL = 0x8000;
const LENGTH = 0x4000;
const SEQUENCE = 0x0800;
const OFFSET = 0x0200;
const VERSION = 0x000f;

export function readL2tp(cursor: Cursor): number {
  const { bytes, at } = cursor;
  if (cursor.left < 6) return unread(Kind.protocol | UDP);
  const flags = u16(bytes, at);
  if ((flags & VERSION) !== 2 || (flags & CONTROL) !== 0) return unread(Kind.protocol | UDP);
  let length = 2 + (flags & LENGTH ? 2 : 0);
  if (cursor.left < length + 4) return MALFORMED;
  cursor.enter(i32(bytes, at + length));
  length += 4 + (flags & SEQUENCE ? 4 : 0);
  if (flags & OFFSET) {
    if (cursor.left < length + 2) return MALFORMED;
    length += 2 + u16(bytes, at + length);
  }
  if (cursor.left < length) return MALFORMED;
  cursor.at += length;
  return Next.ppp;
}
