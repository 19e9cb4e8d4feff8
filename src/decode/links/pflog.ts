/**
 * pflog, what the packet filter of the BSDs logs (OpenBSD sys/net/if_pflog.h):
 *
 *     0 length (1) │ 1 address family (1) │ 2 action (1) │ 3 reason (1) │ 4 interface (16) │ 20 rule, ids, addresses, …
 *
 * The length does not count the padding: to four bytes, or to a long of the machine that captured.
 */
import { u8 } from '../bytes.js';
import type { Cursor } from '../cursor.js';
import { MALFORMED, Next } from '../next.js';

const HEADER_BYTES_MIN = 44;

export function readPflog(cursor: Cursor): number {
  const { bytes, at, left } = cursor;
  if (left < HEADER_BYTES_MIN) return MALFORMED;
  const length = u8(bytes, at);
  if (length < HEADER_BYTES_MIN || length > left) return MALFORMED;
  const behind = at + ((length + 3) & ~3);
  cursor.at = beginsIp(cursor, behind) ? behind : at + ((length + 7) & ~7);
  return Next.ip;
}

function beginsIp({ bytes, end }: Cursor, at: number): boolean {
  const version = at < end ? u8(bytes, at) >> 4 : 0;
  return version === 4 || version === 6;
}
