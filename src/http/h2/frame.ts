/**
 * The frames of HTTP/2 (RFC 9113 §4.1, §6): their numbers, what makes bytes one, and where they begin.
 *
 *      0                   1                   2                   3
 *     +-----------------------------------------------+---------------+
 *     |                  Length (24)                  |   Type (8)    |
 *     +---------------+---------------+---------------+---------------+
 *     |   Flags (8)   |R|             Stream Identifier (31)
 *     +---------------+-----------------------------------------------+
 *                     |                 Payload (0…) …
 *     +---------------+-----------------------------------------------+
 */
import { matchPrefix, Recognition } from '../protocol.js';

/** What a client begins its connection with (§3.4). */
export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** As much of it is beyond doubt: no message of HTTP/1 begins so, as its method is reserved (§11.6). */
const PREFACE_LINE = PREFACE.slice(0, 16);

export const FRAME_HEADER_BYTES = 9;
/** The largest that a peer need take (§4.2), which nearly all keep to. */
const FRAME_BYTES_MAX = 16_384;
export const SETTING_BYTES = 6;

export const Frame = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const Flag = { ack: 0x01, endStream: 0x01, endHeaders: 0x04, padded: 0x08, priority: 0x20 } as const;

/** Flags that each type has (§6), by its number; any other is no frame that anybody sends. */
const FLAGS = [0x09, 0x2d, 0, 0, 0x01, 0x0c, 0x01, 0, 0, 0x04];

/** The only setting that is read (§6.5.2): bytes of the table that decodes what the other side sends. */
export const SETTINGS_HEADER_TABLE_SIZE = 1;

/** §7 */
const ERROR_NAMES = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
];

/** The name of an error code (§7); its number in hexadecimal where it has none. */
export function errorName(code: number): string {
  return ERROR_NAMES[code] ?? `0x${code.toString(16)}`;
}

/** How far `bytes[start, end)` agree with the preface. */
export function recognisePreface(bytes: Uint8Array, start: number, end: number): Recognition {
  return matchPrefix(bytes, start, end, PREFACE_LINE);
}

/** Whether `bytes[start, end)` begin with the preface. */
export function isPreface(bytes: Uint8Array, start: number, end: number): boolean {
  return recognisePreface(bytes, start, end) === Recognition.yes;
}

/** The first frame of a server (§3.4): SETTINGS without flags, of the connection. */
export function recogniseSettings(bytes: Buffer, start: number, end: number): Recognition {
  const header = [0, -1, -1, Frame.settings, 0, 0, 0, 0, 0];
  for (let i = 0; i < FRAME_HEADER_BYTES; i++) {
    if (start + i >= end) return Recognition.maybe;
    if (header[i] !== -1 && bytes[start + i] !== header[i]) return Recognition.no;
  }
  const length = bytes.readUIntBE(start, 3);
  return length <= FRAME_BYTES_MAX && length % SETTING_BYTES === 0 ? Recognition.yes : Recognition.no;
}

/**
 * Whether frames fill `bytes[start, end)` to its end, or two are whole and a third has begun, or a message's head is whole and its
 * DATA has begun.
 */
export function areFrames(bytes: Buffer, start: number, end: number): boolean {
  let at = start;
  let whole = 0;
  while (at + FRAME_HEADER_BYTES <= end && isFrameHeader(bytes, at)) {
    at += FRAME_HEADER_BYTES + bytes.readUIntBE(at, 3);
    if (at === end) return true;
    if (at > end) return whole > 1 || (whole === 1 && beginsMessage(bytes, start));
    whole++;
  }
  return false;
}

/** Whether the frame at `bytes[at]` is a whole head whose first field only requests or only responses have, and DATA of it follows. */
function beginsMessage(bytes: Buffer, at: number): boolean {
  const payload = at + FRAME_HEADER_BYTES;
  const next = payload + bytes.readUIntBE(at, 3);
  const isHead = bytes[at + 3] === Frame.headers && bytes[at + 4] === Flag.endHeaders && bytes[next + 3] === Frame.data;
  const first = bytes[payload] as number;
  return isHead && bytes.readUInt32BE(at + 5) === bytes.readUInt32BE(next + 5) && first >= 0x82 && first <= 0x8e;
}

/** Whether a frame header is at `bytes[at]`, of a frame that somebody would send. */
export function isFrameHeader(bytes: Buffer, at: number): boolean {
  const length = bytes.readUIntBE(at, 3);
  const type = bytes[at + 3] as number;
  const flags = bytes[at + 4] as number;
  const stream = bytes.readUInt32BE(at + 5);
  const allowed = FLAGS[type];
  if (allowed === undefined || (flags & ~allowed) !== 0 || length > FRAME_BYTES_MAX || stream > 0x7fff_ffff)
    return false;
  switch (type) {
    case Frame.priority:
      return stream !== 0 && length === 5;
    case Frame.rstStream:
      return stream !== 0 && length === 4;
    case Frame.settings:
      return stream === 0 && length % SETTING_BYTES === 0 && (flags === 0 || length === 0);
    case Frame.ping:
      return stream === 0 && length === 8;
    case Frame.goAway:
      return stream === 0 && length >= 8;
    case Frame.windowUpdate:
      return length === 4;
    default:
      // A frame without payload says nothing of what it is: eight zeros and little more may be anything.
      return stream !== 0 && (length > 0 || type === Frame.data);
  }
}
