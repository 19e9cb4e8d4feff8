/**
 * NFLOG, what the log targets of iptables and nftables hand over (https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html):
 *
 *     0 address family (1) │ 1 version (1) │ 2 group (2) │ 4 attributes: length (2) │ type (2) │ value, padded to 4
 *
 * The length covers its own four bytes. Lengths and types are in the byte order of the machine that captured.
 */
import { u8, u16, u16le } from '../bytes.js';
import type { Cursor } from '../cursor.js';
import { Kind, MALFORMED, Next, unread } from '../next.js';

const NFLOG = 239;
/** NFULA_PAYLOAD, include/uapi/linux/netfilter/nfnetlink_log.h. */
const PAYLOAD = 9;
/** Without the bits that say how a value is nested (include/uapi/linux/netlink.h). */
const TYPE_MASK = 0x3fff;

export function readNflog(cursor: Cursor): number {
  const { bytes, end } = cursor;
  if (cursor.left < 8) return MALFORMED;
  let at = cursor.at + 4;
  // Types are small and not zero, so that the first one shows the byte order.
  const read = u8(bytes, at + 2) === 0 ? u16 : u16le;
  while (end - at >= 4) {
    const length = read(bytes, at);
    if (length < 4) return MALFORMED;
    if ((read(bytes, at + 2) & TYPE_MASK) === PAYLOAD) {
      cursor.at = at + 4;
      cursor.cut = Math.max(0, at + length - end);
      cursor.end = Math.min(end, at + length);
      return Next.ip;
    }
    at += (length + 3) & ~3;
  }
  return unread(Kind.link | NFLOG);
}
