/**
 * ERSPAN, mirrored Ethernet frames behind GRE (draft-foschiano-erspan-03 §4):
 *
 *     type I     no header, and no GRE sequence number
 *     type II    0 version 1, VLAN (2) │ 2 class, session (2) │ 4 index (4)
 *     type III   0 version 2, VLAN (2) │ 2 class, session (2) │ 4 time (4) │ 8 group (2) │ 10 flags, O last (2) │ with O: 8 more
 */
import { u8 } from '../bytes.js';
import type { Cursor } from '../cursor.js';
import { MALFORMED, Next } from '../next.js';

const HEADER_2_BYTES = 8;
const HEADER_3_BYTES = 12;
const SUBHEADER_BYTES = 8;
const VERSION_3 = 2;

/** Types I and II have the same EtherType; some switches give it to type III too. */
export function readErspan2(cursor: Cursor, hasSequence: boolean): number {
  cursor.mirrored = true;
  if (!hasSequence) return Next.ethernet;
  if (cursor.left < HEADER_2_BYTES) return MALFORMED;
  if (u8(cursor.bytes, cursor.at) >> 4 === VERSION_3) return readErspan3(cursor);
  cursor.at += HEADER_2_BYTES;
  return Next.ethernet;
}

export function readErspan3(cursor: Cursor): number {
  const { bytes, at, left } = cursor;
  cursor.mirrored = true;
  if (left < HEADER_3_BYTES) return MALFORMED;
  cursor.at += HEADER_3_BYTES + ((u8(bytes, at + 11) & 1) === 1 ? SUBHEADER_BYTES : 0);
  return Next.ethernet;
}
