/**
 * The PROXY protocol header, which load balancers send before the first byte of a connection
 * (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt §2.1, §2.2).
 */
import { type AddressWords, parseAddress } from '../decode/address.js';
import { IPV4_WORD } from '../decode/segment.js';
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
  const v2 = matchPrefix(bytes, at, end, V2_SIGNATURE);
  if (v2 !== Recognition.yes) return v2 === Recognition.maybe ? ProxyHeader.incomplete : ProxyHeader.none;
  if (end - at < V2_HEADER_BYTES) return ProxyHeader.incomplete;
  const length = ((bytes[at + 14] as number) << 8) | (bytes[at + 15] as number);
  const headerEnd = at + V2_HEADER_BYTES + length;
  return headerEnd <= end ? headerEnd : ProxyHeader.incomplete;
}

/** Where a connection came from before the balancer. */
export interface ProxySource {
  readonly words: AddressWords;
  readonly port: number;
}

// §2.2: bytes 12 to 15 are version and command, family and protocol, length; the addresses follow.
const V2_COMMAND_PROXY = 0x21;
const V2_FAMILY_INET = 1;
const V2_FAMILY_INET6 = 2;
const V2_TRANSPORT_STREAM = 1;

/**
 * The source of the connection that the whole header in `bytes[at, end)` names. Null if it names none: it is of the
 * balancer's own (`LOCAL`), of a kind that has no address (`UNKNOWN`, `AF_UNIX`), or cannot be read.
 */
export function proxySourceOf(bytes: Buffer, at: number, end: number): ProxySource | null {
  return bytes[at] === V1_SIGNATURE.charCodeAt(0) ? sourceOfV1(bytes, at, end) : sourceOfV2(bytes, at, end);
}

/** §2.1: `PROXY TCP4 SOURCE DESTINATION SOURCE_PORT DESTINATION_PORT\r\n`. */
function sourceOfV1(bytes: Buffer, at: number, end: number): ProxySource | null {
  const line = bytes.toString('latin1', at, end);
  const match = /^PROXY TCP([46]) ([0-9a-f:.]+) [0-9a-f:.]+ (\d{1,5}) \d{1,5}\r?\n$/i.exec(line);
  const words = match === null ? null : parseAddress(match[2] as string);
  if (match === null || words === null || (words[0] === IPV4_WORD) !== (match[1] === '4')) return null;
  const port = Number(match[3]);
  return port > 65_535 ? null : { words, port };
}

/** §2.2: source address, destination address, source port, destination port; what follows them says nothing of addresses. */
function sourceOfV2(bytes: Buffer, at: number, end: number): ProxySource | null {
  const family = (bytes[at + 13] as number) >> 4;
  if (bytes[at + 12] !== V2_COMMAND_PROXY || ((bytes[at + 13] as number) & 15) !== V2_TRANSPORT_STREAM) return null;
  const from = at + V2_HEADER_BYTES;
  if (family === V2_FAMILY_INET && end - from >= 12) {
    const words = [IPV4_WORD, IPV4_WORD, IPV4_WORD, bytes.readInt32BE(from)] as const;
    return { words, port: bytes.readUInt16BE(from + 8) };
  }
  if (family !== V2_FAMILY_INET6 || end - from < 36) return null;
  const word = (i: number) => bytes.readInt32BE(from + 4 * i);
  return { words: [word(0), word(1), word(2), word(3)], port: bytes.readUInt16BE(from + 32) };
}
