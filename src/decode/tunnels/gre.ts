/**
 * GRE (RFC 2784 §2, RFC 2890 §2), on IP or behind UDP (RFC 8086), and PPTP's version of it (RFC 2637 §4.1):
 *
 *     0 flags, version (2) │ 2 EtherType (2) │ checksum (4) │ key (4) │ sequence number (4) │ of PPTP: acknowledgement (4)
 *
 * Behind the first four bytes stands what the flags announce.
 */
import { i32, u16 } from '../bytes.js';
import type { Cursor } from '../cursor.js';
import { Kind, MALFORMED, Next, unread } from '../next.js';
import { readErspan2, readErspan3 } from './erspan.js';

const GRE = 47;

const CHECKSUM = 0x8000;
const KEY = 0x2000;
const SEQUENCE = 0x1000;
const ACKNOWLEDGEMENT = 0x0080;
const VERSION = 0x0007;

const ETHERTYPE_TRANSPARENT_ETHERNET = 0x6558; // RFC 1701
const ETHERTYPE_ERSPAN_2 = 0x88be;
const ETHERTYPE_ERSPAN_3 = 0x22eb;
const ETHERTYPE_PPP = 0x880b;

export function readGre(cursor: Cursor): number {
  const { bytes, at, left } = cursor;
  if (left < 4) return MALFORMED;
  const flags = u16(bytes, at);
  const version = flags & VERSION;
  const type = u16(bytes, at + 2);
  if (version === 1 && type === ETHERTYPE_PPP) return readPptp(cursor, flags);
  if (version !== 0) return unread(Kind.protocol | GRE);
  let length = 4;
  if (flags & CHECKSUM) length += 4;
  if (flags & KEY) {
    if (left < length + 4) return MALFORMED;
    cursor.enter(i32(bytes, at + length));
    length += 4;
  }
  const hasSequence = (flags & SEQUENCE) !== 0;
  if (hasSequence) length += 4;
  if (left < length) return MALFORMED;
  cursor.at += length;
  if (type === ETHERTYPE_TRANSPARENT_ETHERNET) return Next.ethernet;
  if (type === ETHERTYPE_ERSPAN_2) return readErspan2(cursor, hasSequence);
  return type === ETHERTYPE_ERSPAN_3 ? readErspan3(cursor) : type;
}

/** The key's first half is the payload's length. A packet that only acknowledges has none. */
function readPptp(cursor: Cursor, flags: number): number {
  const { bytes, at, left } = cursor;
  const length = 8 + (flags & SEQUENCE ? 4 : 0) + (flags & ACKNOWLEDGEMENT ? 4 : 0);
  if (left < 8 || (flags & SEQUENCE) === 0 || u16(bytes, at + 4) === 0) return unread(Kind.protocol | GRE);
  if (left < length) return MALFORMED;
  cursor.at += length;
  return Next.ppp;
}
