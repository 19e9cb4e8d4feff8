/**
 * Ranges of IP addresses (CIDR, RFC 4632 §3.1 and RFC 4291 §2.3): those of the proxies whose word about a client counts.
 */
import { type AddressWords, parseAddress, unmapped } from '../decode/address.js';
import { IPV4_WORD } from '../decode/segment.js';

export interface AddressRange {
  readonly words: AddressWords;
  /** How many bits of `words` count, of 128: an IPv4 range has 96 more than its prefix says. */
  readonly bits: number;
}

/** `10.0.0.0/8`, `fd00::/8`, or one address. Null if it is neither. */
export function parseAddressRange(text: string): AddressRange | null {
  const [, address = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const words = parseAddress(address);
  if (words === null) return null;
  const isV4 = words[0] === IPV4_WORD;
  const bits = Number(prefix ?? 128) + (isV4 && prefix !== undefined ? 96 : 0);
  return bits <= 128 ? { words, bits } : null;
}

/** A range of IPv6 has no address of IPv4 in it, whatever words these are. */
export function isInRange(words: AddressWords, range: AddressRange): boolean {
  if ((words[0] === IPV4_WORD) !== (range.words[0] === IPV4_WORD)) return false;
  for (let i = 0, bits = range.bits; bits > 0; i++, bits -= 32) {
    const mask = bits >= 32 ? -1 : ~(-1 >>> bits);
    if (((words[i] as number) ^ (range.words[i] as number)) & mask) return false;
  }
  return true;
}

/** Whether an address is in one of `ranges`; one that is mapped into IPv6 is the IPv4 address that it means. */
export function isInRanges(words: AddressWords, ranges: readonly AddressRange[]): boolean {
  const plain = unmapped(words);
  return ranges.some((range) => isInRange(plain, range));
}

/**
 * Addresses that nobody has on the Internet, so that whoever connects by one is of the same network: RFC 1918, loopback,
 * link-local, those that providers share (RFC 6598, and EKS for pods), and unique local (RFC 4193).
 */
export const PRIVATE_RANGES: readonly AddressRange[] = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '100.64.0.0/10',
  '::1/128',
  'fe80::/10',
  'fc00::/7',
].map((text) => parseAddressRange(text) as AddressRange);
