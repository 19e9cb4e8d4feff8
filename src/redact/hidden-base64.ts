/** Documents and keys hidden in base64 (RFC 4648), such as a service account in a Kubernetes secret. */
import { CARRIAGE_RETURN, isSpace, LINE_FEED } from './byte-text.js';

const DIGITS = new Int8Array(256).fill(-1);
for (const [value, digit] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries())
  DIGITS[digit.charCodeAt(0)] = value;
DIGITS['-'.charCodeAt(0)] = 62;
DIGITS['_'.charCodeAt(0)] = 63;

/** A secret with a name takes more than this. */
export const RUN_BYTES_MIN = 24;

/** Calls back with each run of base64 that begins like text. */
export function eachHiddenText(
  bytes: Buffer,
  start: number,
  end: number,
  found: (start: number, end: number) => void,
): void {
  for (let probe = start + RUN_BYTES_MIN / 2; probe < end; probe += RUN_BYTES_MIN / 2) {
    if ((DIGITS[bytes[probe] as number] as number) < 0) continue;
    let from = probe;
    while (from > start && (DIGITS[bytes[from - 1] as number] as number) >= 0) from--;
    let to = digitsEnd(bytes, probe + 1, end);
    if (from > start && bytes[from - 1] === 0x5c) from++;
    if (to - from >= RUN_BYTES_MIN && beginsLikeText(bytes, from, to)) {
      // Lines of the same text (RFC 2045 §6.8).
      for (let line = from; to - line >= LINE_BYTES_MIN; ) {
        line = bytes[to] === CARRIAGE_RETURN ? to + 2 : to + 1;
        if (line >= end || bytes[line - 1] !== LINE_FEED || (DIGITS[bytes[line] as number] as number) < 0) break;
        to = digitsEnd(bytes, line, end);
      }
      while (to < end && bytes[to] === 0x3d) to++;
      found(from, to);
    }
    if (to > probe) probe = to;
  }
}

/** A line that goes on in the next. */
const LINE_BYTES_MIN = 60;

function digitsEnd(bytes: Buffer, at: number, end: number): number {
  let to = at;
  while (to < end && (DIGITS[bytes[to] as number] as number) >= 0) to++;
  return to;
}

/** Whether there is any, which is less than to say where. */
export function mayHideText(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < RUN_BYTES_MIN) return false;
  for (let probe = start + RUN_BYTES_MIN / 2; probe < end; probe += RUN_BYTES_MIN / 2) {
    if ((DIGITS[bytes[probe] as number] as number) < 0) continue;
    let from = probe;
    while (from > start && (DIGITS[bytes[from - 1] as number] as number) >= 0) from--;
    if (from > start && bytes[from - 1] === 0x5c) from++;
    const to = digitsEnd(bytes, probe + 1, end);
    if (to - from >= RUN_BYTES_MIN && beginsLikeText(bytes, from, to)) return true;
    probe = to;
  }
  return false;
}

/** Whether the first 15 bytes are printable, which those of one random run in two million are. */
function beginsLikeText(bytes: Buffer, from: number, to: number): boolean {
  for (let i = from; i + 4 <= to && i < from + 20; i += 4) {
    const word =
      ((DIGITS[bytes[i] as number] as number) << 18) |
      ((DIGITS[bytes[i + 1] as number] as number) << 12) |
      ((DIGITS[bytes[i + 2] as number] as number) << 6) |
      (DIGITS[bytes[i + 3] as number] as number);
    if (!isText(word >> 16) || !isText((word >> 8) & 0xff) || !isText(word & 0xff)) return false;
  }
  return true;
}

function isText(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || isSpace(byte);
}
