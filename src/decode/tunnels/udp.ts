/**
 * UDP (RFC 768), for the tunnels that its destination port announces:
 *
 *     0 source port (2) │ 2 destination port (2) │ 4 length (2) │ 6 checksum (2)
 */
import { u16 } from '../bytes.js';
import type { Cursor } from '../cursor.js';
import { Kind, MALFORMED } from '../next.js';

export function readUdp(cursor: Cursor): number {
  const { bytes, at } = cursor;
  if (cursor.left < 8) return MALFORMED;
  cursor.at += 8;
  return Kind.udpPort | u16(bytes, at + 2);
}
