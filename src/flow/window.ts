/**
 * The window that a segment advertises: how much its sender can still receive (RFC 9293 §3.1, RFC 7323 §2).
 *
 * in:  a decoded segment · out: its window before scaling, or the scale that its SYN announces
 */
import { u16 } from '../decode/bytes.js';
import type { Segment } from '../decode/segment.js';

const OPTION_END = 0;
const OPTION_NOTHING = 1;
const OPTION_WINDOW_SCALE = 3;
/** The largest scale there is (RFC 7323 §2.3): what one that was not seen is taken for. */
export const WINDOW_SCALE_MAX = 14;

/** Bytes, before they are scaled. */
export function windowOf({ bytes, headerStart }: Segment): number {
  return u16(bytes, headerStart + 14);
}

/** The bits by which the sender of this SYN shifts its later windows; 0 if it does not scale them. */
export function windowScaleOf({ bytes, headerStart, payloadStart }: Segment): number {
  for (let at = headerStart + 20; at < payloadStart; ) {
    const kind = bytes[at] as number;
    if (kind === OPTION_END) return 0;
    if (kind === OPTION_NOTHING) {
      at++;
      continue;
    }
    const length = at + 1 < payloadStart ? (bytes[at + 1] as number) : 0;
    if (length < 2 || at + length > payloadStart) return 0;
    if (kind === OPTION_WINDOW_SCALE && length === 3) return Math.min(bytes[at + 2] as number, WINDOW_SCALE_MAX);
    at += length;
  }
  return 0;
}
