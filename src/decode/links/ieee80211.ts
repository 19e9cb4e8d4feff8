/**
 * 802.11 data frames in clear text (IEEE 802.11-2020 §9.2.3, §9.3.2.1), all fields little-endian:
 *
 *     0 frame control (2) │ 2 duration (2) │ 4 addresses (3 × 6) │ 22 sequence control (2)
 *       │ of four addresses: the fourth (6) │ of QoS data: QoS control (2), with +HTC: HT control (4) │ LLC
 */
import { u8, u16le } from '../bytes.js';
import type { Cursor } from '../cursor.js';
import { Kind, MALFORMED, Next, unread } from '../next.js';

// Bits of the first byte of the frame control field, and of the second.
const TYPE = 0x0c;
const TYPE_DATA = 0x08;
const SUBTYPE_WITHOUT_DATA = 0x40;
const SUBTYPE_QOS = 0x80;
const BOTH_DISTRIBUTION = 0x03;
const MORE_FRAGMENTS = 0x04;
const PROTECTED = 0x40;
const HT_CONTROL = 0x80;

const FRAGMENT_NUMBER = 0x000f;
/** Of QoS control: several frames lie in this one, each with a header of its own (§9.3.2.2). */
const AGGREGATED = 0x80;
/** Their headers: destination, source, length. */
const AGGREGATED_HEADER_BYTES = 14;

export function readIeee80211(cursor: Cursor): number {
  const { bytes, at } = cursor;
  if (cursor.left < 24) return MALFORMED;
  const control = u8(bytes, at);
  const flags = u8(bytes, at + 1);
  const isClearData = (control & TYPE) === TYPE_DATA && (control & SUBTYPE_WITHOUT_DATA) === 0;
  const isFragment = (flags & MORE_FRAGMENTS) !== 0 || (u16le(bytes, at + 22) & FRAGMENT_NUMBER) !== 0;
  if (!isClearData || isFragment || (flags & PROTECTED) !== 0) return unread(Kind.wlan | control);
  let length = 24;
  if ((flags & BOTH_DISTRIBUTION) === BOTH_DISTRIBUTION) length += 6;
  if (control & SUBTYPE_QOS) {
    if (cursor.left < length + 2) return MALFORMED;
    const isAggregated = (u8(bytes, at + length) & AGGREGATED) !== 0;
    length += 2;
    if (flags & HT_CONTROL) length += 4;
    if (isAggregated) return readAggregated(cursor, length);
  }
  cursor.at += cursor.padded ? (length + 3) & ~3 : length;
  return Next.llc;
}

/** Reads the frame within if it is the only one. A packet yields one segment. */
function readAggregated(cursor: Cursor, length: number): number {
  const { bytes, at, left } = cursor;
  const innerAt = length + AGGREGATED_HEADER_BYTES;
  if (left < innerAt) return MALFORMED;
  const innerLength = (u8(bytes, at + innerAt - 2) << 8) | u8(bytes, at + innerAt - 1);
  // Behind the last frame there is a check sequence at most.
  if (left - innerAt - innerLength > AGGREGATED_HEADER_BYTES) return unread(Kind.wlan | u8(bytes, at));
  cursor.at += innerAt;
  return Next.llc;
}
