/**
 * What captures put in front of 802.11 frames about their reception, little-endian where nothing else is said:
 *
 *     radiotap (radiotap.org)                  0 version (1) │ 1 pad (1) │ 2 length (2) │ 4 present bits (4 each) │ fields
 *     PPI (https://www.tcpdump.org/linktypes)  0 version (1) │ 1 flags (1) │ 2 length (2) │ 4 DLT of what follows (4)
 *     AVS                                      0 version (4) │ 4 length (4), big-endian
 *     Prism                                    0 message (4) │ 4 length (4)
 */
import { u8, u16, u16le, u32le } from '../bytes.js';
import type { Cursor } from '../cursor.js';
import { Kind, MALFORMED, unread } from '../next.js';

const IEEE80211 = 105;
const PRISM = 119;
const PPI = 192;

const PRESENT_TSFT = 0x01;
const PRESENT_FLAGS = 0x02;
const PRESENT_MORE = 0x8000_0000;
const FLAG_PADDED = 0x20;
/** Words of present bits that are looked through; no radio has more. */
const PRESENT_WORDS_MAX = 32;
/** The version and length of an AVS header, which some drivers write where Prism's is announced. */
const AVS_VERSION = 0x8021;

export function readRadiotap(cursor: Cursor): number {
  const { bytes, at, left } = cursor;
  if (left < 8) return MALFORMED;
  const length = u16le(bytes, at + 2);
  if (length < 8 || length > left) return MALFORMED;
  cursor.padded = (flagsOf(bytes, at, length) & FLAG_PADDED) !== 0;
  cursor.at += length;
  return Kind.link | IEEE80211;
}

/** The flags field, which is the first but for the time; 0 if there is none. */
function flagsOf(bytes: Buffer, at: number, length: number): number {
  const present = u32le(bytes, at + 4);
  if ((present & PRESENT_FLAGS) === 0) return 0;
  let offset = 8;
  let word = present;
  for (let i = 0; i < PRESENT_WORDS_MAX && (word & PRESENT_MORE) !== 0 && offset + 4 <= length; i++) {
    word = u32le(bytes, at + offset);
    offset += 4;
  }
  // Fields are aligned to their own size, from the header's beginning.
  if (present & PRESENT_TSFT) offset = ((offset + 7) & ~7) + 8;
  return offset < length ? u8(bytes, at + offset) : 0;
}

export function readPpi(cursor: Cursor): number {
  const { bytes, at, left } = cursor;
  if (left < 8) return MALFORMED;
  const length = u16le(bytes, at + 2);
  const dlt = u32le(bytes, at + 4);
  if (length < 8 || length > left) return MALFORMED;
  cursor.at += length;
  return dlt > 0xffff ? unread(Kind.link | PPI) : Kind.link | dlt;
}

export function readAvs(cursor: Cursor): number {
  const { bytes, at, left } = cursor;
  if (left < 8) return MALFORMED;
  const length = u16(bytes, at + 6);
  if (length < 8 || length > left) return MALFORMED;
  cursor.at += length;
  return Kind.link | IEEE80211;
}

export function readPrism(cursor: Cursor): number {
  const { bytes, at, left } = cursor;
  if (left < 8) return MALFORMED;
  if (u16(bytes, at + 2) >> 4 === AVS_VERSION >> 4) return readAvs(cursor);
  const length = u32le(bytes, at + 4);
  if (length < 8 || length > left) return unread(Kind.link | PRISM);
  cursor.at += length;
  return Kind.link | IEEE80211;
}
