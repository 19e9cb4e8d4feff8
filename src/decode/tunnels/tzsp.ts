/**
 * TZSP, what MikroTik's and other access points' sniffers stream (TaZmen Sniffer Protocol):
 *
 *     0 version (1) │ 1 type (1) │ 2 encapsulated protocol (2) │ 4 fields: tag (1), length (1), value; 0 pads, 1 ends
 */
import { u8, u16 } from '../bytes.js';
import type { Cursor } from '../cursor.js';
import { Kind, MALFORMED, Next, unread } from '../next.js';

const UDP = 17;
const VERSION = 1;
const TAG_PADDING = 0;
const TAG_END = 1;

/** What carries a packet: one that was received, and one to be sent. */
const TYPES_MAX = 1;

/** By encapsulated protocol. */
const NEXTS: ReadonlyMap<number, number> = new Map([
  [1, Next.ethernet],
  [18, Kind.link | 105],
  [119, Kind.link | 119],
  [127, Kind.link | 163],
]);

export function readTzsp(cursor: Cursor): number {
  const { bytes, at } = cursor;
  if (cursor.left < 5 || u8(bytes, at) !== VERSION || u8(bytes, at + 1) > TYPES_MAX) {
    return unread(Kind.protocol | UDP);
  }
  cursor.at += 4;
  for (;;) {
    if (cursor.left < 1) return MALFORMED;
    const tag = u8(bytes, cursor.at);
    cursor.at += 1;
    if (tag === TAG_END) break;
    if (tag === TAG_PADDING) continue;
    if (cursor.left < 1) return MALFORMED;
    cursor.at += 1 + u8(bytes, cursor.at);
  }
  return NEXTS.get(u16(bytes, at + 2)) ?? unread(Kind.protocol | UDP);
}
