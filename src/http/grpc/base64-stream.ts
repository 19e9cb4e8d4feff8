/**
 * Base64 that comes in pieces (RFC 4648 §4), each of which may be padded for itself, as gRPC-Web sends it: a piece a frame.
 *
 * in:  characters, cut anywhere · out: bytes, as soon as a group of four is whole
 */
const PAD = 0x3d;
const NOT_BASE64 = 0xff;

const VALUES = (() => {
  const values = new Uint8Array(256).fill(NOT_BASE64);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  for (let i = 0; i < alphabet.length; i++) values[alphabet.charCodeAt(i)] = i;
  return values;
})();

export class Base64Stream {
  /** The bits of a group that has begun, and how many characters and pads of it came. */
  #bits = 0;
  #count = 0;
  #pads = 0;

  /** What is decoded of `bytes[start, end)`, line ends passed over; null where it is no base64. */
  data(bytes: Buffer, start: number, end: number): Buffer | null {
    const decoded = Buffer.allocUnsafe((((end - start + 3) >> 2) + 1) * 3);
    let at = 0;
    for (let i = start; i < end; i++) {
      const byte = bytes[i] as number;
      if (byte === 0x0a || byte === 0x0d) continue;
      const value = VALUES[byte] as number;
      if (byte === PAD) this.#pads++;
      else if (value === NOT_BASE64 || this.#pads > 0) return null;
      this.#bits = (this.#bits << 6) | (byte === PAD ? 0 : value);
      if (++this.#count < 4) continue;
      if (this.#pads > 2) return null;
      decoded[at++] = (this.#bits >> 16) & 0xff;
      if (this.#pads < 2) decoded[at++] = (this.#bits >> 8) & 0xff;
      if (this.#pads < 1) decoded[at++] = this.#bits & 0xff;
      this.#bits = 0;
      this.#count = 0;
      this.#pads = 0;
    }
    return decoded.subarray(0, at);
  }
}
