/**
 * Ethernet (IEEE 802.3), and LLC and SNAP behind it or behind 802.11 (IEEE 802.2, RFC 1042):
 *
 *     0 destination (6) │ 6 source (6) │ 12 EtherType, or below 0x600 the length (2)
 *     0 DSAP (1) │ 1 SSAP (1) │ 2 control (1) │ of SNAP: 3 OUI (3) │ 6 EtherType (2)
 */
import { u8, u16 } from './bytes.js';
import type { Cursor } from './cursor.js';
import { Kind, MALFORMED, Next, unread } from './next.js';

const DSAP_IP = 0x06;
const DSAP_SNAP = 0xaa;
/** Encapsulated Ethernet, and 802.1H bridge tunnels. Behind other OUIs there is no EtherType. */
const OUI_ETHERNET = 0x000000;
const OUI_BRIDGE = 0x0000f8;

export function readEthernet(cursor: Cursor): number {
  const { bytes, at, end } = cursor;
  if (end - at < 14) return MALFORMED;
  cursor.at = at + 14;
  const type = u16(bytes, at + 12);
  return type < 0x600 ? Next.llc : type;
}

export function readLlc(cursor: Cursor): number {
  const { bytes, at, left } = cursor;
  if (left < 3) return MALFORMED;
  const dsap = u8(bytes, at);
  if (dsap === DSAP_SNAP && left >= 8) {
    const oui = (u8(bytes, at + 3) << 16) | u16(bytes, at + 4);
    if (oui !== OUI_ETHERNET && oui !== OUI_BRIDGE) return unread(Kind.llc | dsap);
    cursor.at += 8;
    return u16(bytes, at + 6);
  }
  cursor.at += 3;
  return dsap === DSAP_IP ? Next.ip : unread(Kind.llc | dsap);
}

/** EtherTypes by which a guess that a frame begins here is held to be right. */
const PLAUSIBLE: ReadonlySet<number> = new Set([
  0x0800, 0x0806, 0x86dd, 0x8100, 0x88a8, 0x9100, 0x8847, 0x8848, 0x8864, 0x8863, 0x88cc, 0x894f, 0x8809,
]);

/** Whether a frame may begin at `at`: for encapsulations that do not say whether one does. */
export function seemsEthernet({ bytes, end }: Cursor, at: number): boolean {
  return end - at >= 14 && PLAUSIBLE.has(u16(bytes, at + 12));
}
