/**
 * Headers that capturing systems put in place of the link's own, with a protocol and little else
 * (https://www.tcpdump.org/linktypes.html):
 *
 *     LINKTYPE_LINUX_SLL    0 packet type (2) │ 2 ARPHRD (2) │ 4 address length (2) │ 6 address (8) │ 14 protocol (2)
 *     LINKTYPE_LINUX_SLL2   0 protocol (2) │ 2 reserved (2) │ 4 interface (4) │ 8 ARPHRD (2) │ 10 packet type (1) │ 11 …
 *     LINKTYPE_C_HDLC       0 address (1) │ 1 control (1) │ 2 EtherType (2)
 *     LINKTYPE_NULL, _LOOP  0 protocol family (4), in the machine's byte order or the network's
 *     LINKTYPE_ENC          0 address family (4) │ 4 SPI (4) │ 8 flags (4)
 *     LINKTYPE_IPNET        0 version (1) │ 1 family (1) │ 2 hook (2) │ 4 length (4) │ 8 interfaces, zones (16)
 *     LINKTYPE_NETANALYZER  0 flags, length (4) │ Ethernet
 */
import { u16 } from '../bytes.js';
import type { Cursor } from '../cursor.js';
import { MALFORMED, Next } from '../next.js';

/** ETH_P_802_2 of Linux: what follows begins with LLC. */
const PROTOCOL_802_2 = 4;

export function readLinuxSll(cursor: Cursor): number {
  return cooked(cursor, 14, 16);
}

export function readLinuxSll2(cursor: Cursor): number {
  return cooked(cursor, 0, 20);
}

export function readCiscoHdlc(cursor: Cursor): number {
  return cooked(cursor, 2, 4);
}

function cooked(cursor: Cursor, protocolAt: number, length: number): number {
  const { bytes, at } = cursor;
  if (cursor.left < length) return MALFORMED;
  cursor.at += length;
  const protocol = u16(bytes, at + protocolAt);
  return protocol === PROTOCOL_802_2 ? Next.llc : protocol;
}

/** The numbers of the families differ between systems, and so does their byte order. The version nibble does not. */
export function readFamily(cursor: Cursor): number {
  cursor.at += 4;
  return Next.ip;
}

export function readEnc(cursor: Cursor): number {
  cursor.at += 12;
  return Next.ip;
}

export function readIpnet(cursor: Cursor): number {
  cursor.at += 24;
  return Next.ip;
}

export function readNetanalyzer(cursor: Cursor): number {
  cursor.at += 4;
  return Next.ethernet;
}
