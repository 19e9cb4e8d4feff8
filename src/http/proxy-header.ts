/**
 * The PROXY protocol header, which load balancers send before the first byte of a connection
 * (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt §2.1, §2.2).
 */
import { matchPrefix, Recognition } from './protocol.js';

const V1_SIGNATURE = 'PROXY ';
const V1_BYTES_MAX = 107;
const V2_SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';
const V2_HEADER_BYTES = 16;

export const ProxyHeader = {
  none: -1,
  /** One has begun, and its end is not here. */
  incomplete: 0,
} as const;

/** Where the header that begins at `bytes[at]` ends, or a value of `ProxyHeader`. */
export function proxyHeaderEnd(bytes: Uint8Array, at: number, end: number): number {
  const v1 = matchPrefix(bytes, at, end, V1_SIGNATURE);
  if (v1 === Recognition.maybe) return ProxyHeader.incomplete;
  if (v1 === Recognition.yes) {
    const limit = Math.min(end, at + V1_BYTES_MAX);
    for (let i = at; i < limit; i++) if (bytes[i] === 0x0a) return i + 1;
    return ProxyHeader.incomplete;
  }
  if (matchPrefix(bytes, at, end, V2_SIGNATURE) !== Recognition.yes) return ProxyHeader.none;
  if (end - at < V2_HEADER_BYTES) return ProxyHeader.incomplete;
  const length = ((bytes[at + 14] as number) << 8) | (bytes[at + 15] as number);
  const headerEnd = at + V2_HEADER_BYTES + length;
  return headerEnd <= end ? headerEnd : ProxyHeader.incomplete;
}
