/**
 * Tags that switches put between the addresses and the EtherType, behind an EtherType of their own:
 *
 *     VN-Tag          0x8926   0 direction, pointer, ports (4) │ EtherType (2)
 *     E-Tag           0x893F   0 priority, ports (6) │ EtherType (2)                 IEEE 802.1BR-2012 §11.2.1.2
 *     Cisco metadata  0x8909   0 version (1) │ 1 words of options (1) │ 2 options │ EtherType (2)
 *     Cisco ttag      0x8988   0 time (6) │ EtherType (2)
 */
import { u8, u16 } from '../bytes.js';
import type { Cursor } from '../cursor.js';
import { MALFORMED } from '../next.js';

export function readVnTag(cursor: Cursor): number {
  return behindTag(cursor, 4);
}

export function readETag(cursor: Cursor): number {
  return behindTag(cursor, 6);
}

export function readCiscoTtag(cursor: Cursor): number {
  return behindTag(cursor, 6);
}

export function readCiscoMetadata(cursor: Cursor): number {
  if (cursor.left < 2) return MALFORMED;
  return behindTag(cursor, 2 + (u8(cursor.bytes, cursor.at + 1) << 2));
}

function behindTag(cursor: Cursor, length: number): number {
  const { bytes, at } = cursor;
  if (cursor.left < length + 2) return MALFORMED;
  cursor.at += length + 2;
  return u16(bytes, at + length);
}
