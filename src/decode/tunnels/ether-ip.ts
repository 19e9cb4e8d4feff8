/**
 * EtherIP (RFC 3378 §3): 0 version 3, reserved (2) │ an Ethernet frame
 */
import { u8 } from '../bytes.js';
import type { Cursor } from '../cursor.js';
import { Kind, MALFORMED, Next, unread } from '../next.js';

const ETHER_IP = 97;
const VERSION = 3;

export function readEtherIp(cursor: Cursor): number {
  if (cursor.left < 2) return MALFORMED;
  if (u8(cursor.bytes, cursor.at) >> 4 !== VERSION) return unread(Kind.protocol | ETHER_IP);
  cursor.at += 2;
  return Next.ethernet;
}
