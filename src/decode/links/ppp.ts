/**
 * PPP (RFC 1661 §2, RFC 1662 §2) and PPPoE (RFC 2516 §4):
 *
 *     PPP     0 address, control (2), may be left out │ protocol (2), its first byte may be left out if it is zero
 *     PPPoE   0 version, type (1) │ 1 code (1) │ 2 session (2) │ 4 length (2)
 *     LINKTYPE_PPP_WITH_DIR   0 direction (1) │ PPP
 */
import { u8, u16 } from '../bytes.js';
import type { Cursor } from '../cursor.js';
import { Kind, MALFORMED, Next } from '../next.js';

const ADDRESS_AND_CONTROL = 0xff03;
const PROTOCOL_IPV4 = 0x21;
const PROTOCOL_IPV6 = 0x57;
const PROTOCOL_MPLS = 0x281;

export function readPpp(cursor: Cursor): number {
  const { bytes, end } = cursor;
  let { at } = cursor;
  if (end - at >= 2 && u16(bytes, at) === ADDRESS_AND_CONTROL) at += 2;
  if (end - at < 2) return MALFORMED;
  let protocol = u8(bytes, at);
  at += 1;
  if ((protocol & 1) === 0) {
    protocol = (protocol << 8) | u8(bytes, at);
    at += 1;
  }
  cursor.at = at;
  if (protocol === PROTOCOL_IPV4) return Next.ipv4;
  if (protocol === PROTOCOL_IPV6) return Next.ipv6;
  return protocol === PROTOCOL_MPLS ? Next.mpls : Kind.ppp | protocol;
}

export function readPppoe(cursor: Cursor): number {
  if (cursor.left < 6) return MALFORMED;
  cursor.at += 6;
  return Next.ppp;
}

export function readPppWithDirection(cursor: Cursor): number {
  cursor.at += 1;
  return Next.ppp;
}
