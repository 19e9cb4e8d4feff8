/**
 * GTP-U, the user plane of mobile networks (3GPP TS 29.281 §5.1, §5.2):
 *
 *     0 version 1, protocol type, flags E, S, PN (1) │ 1 message (1) │ 2 length (2) │ 4 tunnel (4)
 *       │ with any flag: sequence number (2), N-PDU (1), next extension (1)
 *     extension   0 length in words (1) │ 1 content │ next extension (1)
 */
import { i32, u8 } from '../bytes.js';
import type { Cursor } from '../cursor.js';
import { Kind, MALFORMED, Next, unread } from '../next.js';

const UDP = 17;
const VERSION_AND_TYPE = 0xf0;
const VERSION_1_GTP = 0x30;
const WITH_OPTIONAL_FIELDS = 0x07;
const WITH_EXTENSION = 0x04;
const MESSAGE_G_PDU = 255;

export function readGtp(cursor: Cursor): number {
  const { bytes, at } = cursor;
  if (cursor.left < 8) return unread(Kind.protocol | UDP);
  const flags = u8(bytes, at);
  const isPacket = (flags & VERSION_AND_TYPE) === VERSION_1_GTP && u8(bytes, at + 1) === MESSAGE_G_PDU;
  if (!isPacket) return unread(Kind.protocol | UDP);
  cursor.enter(i32(bytes, at + 4));
  cursor.at += 8;
  if ((flags & WITH_OPTIONAL_FIELDS) === 0) return Next.ip;
  if (cursor.left < 4) return MALFORMED;
  cursor.at += 4;
  let extension = flags & WITH_EXTENSION ? u8(bytes, cursor.at - 1) : 0;
  while (extension !== 0) {
    if (cursor.left < 4) return MALFORMED;
    const length = u8(bytes, cursor.at) << 2;
    if (length === 0 || length > cursor.left) return MALFORMED;
    cursor.at += length;
    extension = u8(bytes, cursor.at - 1);
  }
  return Next.ip;
}
