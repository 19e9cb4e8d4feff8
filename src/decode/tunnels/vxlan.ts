/**
 * VXLAN (RFC 7348 §5), and its Generic Protocol Extension (draft-ietf-nvo3-vxlan-gpe §3):
 *
 *     0 flags: I (0x08), of the extension P (0x04) (1) │ 1 reserved (2) │ 3 of the extension: next protocol (1) │ 4 VNI (3) │ 7 reserved (1)
 */
import { i32, u8 } from '../bytes.js';
import type { Cursor } from '../cursor.js';
import { Kind, Next, unread } from '../next.js';

const HEADER_BYTES = 8;
const UDP = 17;
const VNI = 0x08;
const NEXT_PROTOCOL = 0x04;

export function readVxlan(cursor: Cursor): number {
  const { bytes, at, left } = cursor;
  if (left < HEADER_BYTES || (u8(bytes, at) & VNI) === 0) return unread(Kind.protocol | UDP);
  cursor.enter(i32(bytes, at + 4) >>> 8);
  cursor.at += HEADER_BYTES;
  return Next.ethernet;
}

export function readVxlanGpe(cursor: Cursor): number {
  const { bytes, at, left } = cursor;
  if (left < HEADER_BYTES) return unread(Kind.protocol | UDP);
  const flags = u8(bytes, at);
  if ((flags & NEXT_PROTOCOL) === 0) return readVxlan(cursor);
  if (flags & VNI) cursor.enter(i32(bytes, at + 4) >>> 8);
  cursor.at += HEADER_BYTES;
  return nextOfNsh(u8(bytes, at + 3)) ?? unread(Kind.protocol | UDP);
}

/** The registry that the extension shares with the Network Service Header (RFC 8300 §9.1.4). */
export function nextOfNsh(protocol: number): number | undefined {
  return [undefined, Next.ipv4, Next.ipv6, Next.ethernet, Next.nsh, Next.mpls][protocol];
}
