/**
 * A message of OpAMP in a binary message of a WebSocket: a header, and then the message (OpAMP § "WebSocket Message Format").
 *
 *     0x00 · protobuf
 *
 * in: the bytes of either · out: those of the other · pure
 */

const HEADER = Buffer.of(0);

export function toSocketFrame(message: Uint8Array): Buffer {
  return Buffer.concat([HEADER, message]);
}

/** Servers of before the header was there leave it out; no field of a message begins with a zero. */
export function fromSocketFrame(frame: Buffer): Buffer {
  return frame[0] === 0 ? frame.subarray(1) : frame;
}
