/** Reads without bounds checks of their own: callers check a header's length once, then read its fields. */

export function u8(bytes: Uint8Array, offset: number): number {
  return bytes[offset] as number;
}

export function u16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] as number) << 8) | (bytes[offset + 1] as number);
}

/** A signed 32-bit integer: addresses and sequence numbers are compared modulo 2^32, so the sign does not matter. */
export function i32(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset] as number) << 24) |
    ((bytes[offset + 1] as number) << 16) |
    ((bytes[offset + 2] as number) << 8) |
    (bytes[offset + 3] as number)
  );
}

/** Little-endian. */
export function u16le(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset + 1] as number) << 8) | (bytes[offset] as number);
}

/** Little-endian. */
export function u32le(bytes: Uint8Array, offset: number): number {
  return (u16le(bytes, offset) | (u16le(bytes, offset + 2) << 16)) >>> 0;
}
