/**
 * What an order or a rule of active response matches.
 *
 * in: `connection=ADDRESS:PORT-ADDRESS:PORT`, `client=ADDRESS`, `client=NETWORK/BITS`, `host=RE2`, `path=RE2` · out: a `Match`
 *
 * A connection is matched by its endpoints, in either order, or by who began it; a request on it by its host or path. IPv6
 * addresses that have a port are in brackets.
 */
import { isIP } from 'node:net';
import { parseAddress } from '../decode/address.js';
import { InvalidValue } from '../errors.js';
import { addressText } from '../pair/address.js';
import { compileRe2, re2Reason } from '../re2.js';
import { type AddressRange, isInRanges, parseAddressRange } from '../trace/address-range.js';

export type Match =
  | { readonly kind: 'connection'; readonly text: string; readonly one: string; readonly other: string }
  | { readonly kind: 'client'; readonly text: string; readonly range: AddressRange }
  | { readonly kind: 'host' | 'path'; readonly text: string; readonly test: (value: string) => boolean };

const PATTERN_CHARACTERS_MAX = 512;
const EXAMPLE = 'client=10.0.0.7, client=10.0.0.0/24, host=RE2, path=RE2 or connection=10.0.0.7:51234-10.0.0.9:80';

/** @throws InvalidValue, with the way out */
export function parseMatch(text: string): Match {
  const [, kind = '', value = ''] = /^(connection|client|host|path)=(.+)$/s.exec(text.trim()) ?? [];
  if (kind === 'connection') {
    const [one, other, more] = value.split('-').map(endpointOf);
    if (typeof one !== 'string' || typeof other !== 'string' || more !== undefined)
      throw new InvalidValue(`is no connection; give two endpoints, such as ${EXAMPLE.slice(EXAMPLE.indexOf('conn'))}`);
    return { kind, text, one, other };
  }
  if (kind === 'client') {
    const range = parseAddressRange(value);
    if (range === null) throw new InvalidValue('names no address and no network; give one, such as client=10.0.0.0/24');
    return { kind, text, range };
  }
  if (kind === 'host' || kind === 'path') {
    if (value.length > PATTERN_CHARACTERS_MAX)
      throw new InvalidValue(`is longer than ${PATTERN_CHARACTERS_MAX} characters; give a shorter pattern`);
    try {
      const compiled = compileRe2(value, kind === 'host' ? 'i' : '');
      return { kind, text, test: (given) => compiled.test(given) };
    } catch (error) {
      throw new InvalidValue(`has a pattern that RE2 cannot read (${re2Reason(error)}); give another`);
    }
  }
  throw new InvalidValue(`is no rule; give ${EXAMPLE}`);
}

export function matchesClient(match: Match, address: string): boolean {
  if (match.kind !== 'client') return false;
  const words = parseAddress(address);
  return words !== null && isInRanges(words, [match.range]);
}

/** Canonical, as flows are named; null where it is none. */
function endpointOf(text: string): string | null {
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text.trim()) ?? [];
  const address = bracketed ?? plain ?? '';
  const words = isIP(address) === 0 ? null : parseAddress(address);
  return words === null || Number(port) > 65_535 ? null : endpointText(addressText(...words), Number(port));
}

export function endpointText(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
