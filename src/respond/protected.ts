/** What active response never touches, whatever an order says. */
import { parseAddress } from '../decode/address.js';
import { type AddressRange, isInRanges, parseAddressRange } from '../trace/address-range.js';

export const SSH_PORT = 22;

/** Metadata and credential endpoints. */
const METADATA: readonly AddressRange[] = ['169.254.0.0/16', 'fd00:ec2::/32'].map(
  (text) => parseAddressRange(text) as AddressRange,
);

export function isProtectedAddress(address: string): boolean {
  const words = parseAddress(address);
  return words !== null && isInRanges(words, METADATA);
}
