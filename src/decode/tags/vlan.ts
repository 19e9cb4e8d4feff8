/**
 * VLAN tags (IEEE 802.1Q §9.6; 802.1ad), behind their EtherType: 0 priority, drop, VLAN (2) │ 2 EtherType (2)
 */
import { u16 } from '../bytes.js';
import type { Cursor } from '../cursor.js';
import { MALFORMED, Next } from '../next.js';

export function readVlan(cursor: Cursor): number {
  const { bytes, at } = cursor;
  if (cursor.left < 4) return MALFORMED;
  // VLAN 0 only carries a priority (IEEE 802.1Q §9.6).
  const id = u16(bytes, at) & 0x0fff;
  if (id !== 0) cursor.enter(id);
  cursor.at += 4;
  const type = u16(bytes, at + 2);
  // A length: the tag stands in a frame of 802.3.
  return type < 0x600 ? Next.llc : type;
}
