/** What active response never touches, whatever an order says. */
import { parseAddress } from '../decode/address.js';
import { type AddressRange, isInRanges, parseAddressRange } from '../trace/address-range.js';

export const SSH_PORT = 22;

const rangesOf = (texts: readonly string[]): readonly AddressRange[] =>
  texts.map((text) => parseAddressRange(text) as AddressRange);

/** Metadata and credential endpoints: of AWS and most others, of Azure, of Alibaba Cloud, of AWS and of Google Cloud by IPv6. */
const METADATA = rangesOf([
  '169.254.0.0/16',
  '168.63.129.16/32',
  '100.100.100.200/32',
  'fd00:ec2::/32',
  'fd20:ce::254/128',
]);

/**
 * No TCP connection has such an end (RFC 1122 §4.2.3.10, RFC 9293 §3.9.2.3), so what looks like one was forged: unspecified, for which
 * raw(7) would put in an address of this host; multicast and broadcast, which would reach others.
 */
const NOBODY = rangesOf(['0.0.0.0/8', '224.0.0.0/4', '255.255.255.255/32', '::/128', 'ff00::/8']);

/** Why no packet may be sent to or from it; null where one may. */
export function addressProtection(address: string): string | null {
  const words = parseAddress(address);
  if (words === null) return null;
  if (isInRanges(words, METADATA)) return 'it is with a metadata endpoint';
  return isInRanges(words, NOBODY) ? 'one of its addresses is of no single host' : null;
}
