import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/decode/address.js';
import type { Endpoint, HeaderPair } from '../../src/pair/exchange.js';
import { type AddressRange, isInRanges, PRIVATE_RANGES, parseAddressRange } from '../../src/trace/address-range.js';
import { clientOf } from '../../src/trace/client.js';

const PEER: Endpoint = { address: '10.0.0.1', port: 5000 };
const FORWARDED = 'forwarded';
const FOR = 'x-forwarded-for';

/** The headers of a request as lines. */
function headersOf(lines: readonly string[]): HeaderPair[] {
  return lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
}

function find(lines: readonly string[], peer = PEER, trusted: readonly AddressRange[] = PRIVATE_RANGES) {
  const { address, port, source } = clientOf(peer, headersOf(lines), trusted);
  return [address, port, source];
}

const ranges = (...texts: string[]) => texts.map((text) => parseAddressRange(text) as AddressRange);

describe('the client is the rightmost that is no trusted proxy', () => {
  it.each<[string[], string, number | null, string]>([
    [[], '10.0.0.1', 5000, 'peer'],
    [['X-Other: 203.0.113.7'], '10.0.0.1', 5000, 'peer'],
    // RFC 7239
    [['Forwarded: for=192.0.2.60;proto=http;by=203.0.113.43'], '192.0.2.60', null, FORWARDED],
    [['forwarded: For="[2001:db8:cafe::17]:4711"'], '2001:db8:cafe::17', 4711, FORWARDED],
    [['Forwarded: proto=http;for=192.0.2.43, for=198.51.100.17'], '198.51.100.17', null, FORWARDED],
    [['Forwarded: for=192.0.2.43, for=10.0.0.9'], '192.0.2.43', null, FORWARDED],
    [['Forwarded: for=192.0.2.43', 'Forwarded: for=10.0.0.9'], '192.0.2.43', null, FORWARDED],
    [['Forwarded: for="192.0.2.43:47011"'], '192.0.2.43', 47011, FORWARDED],
    [['Forwarded: for="192.0.2.43:_port"'], '192.0.2.43', null, FORWARDED],
    [['Forwarded: for="192.0.2.43:99999"'], '192.0.2.43', null, FORWARDED],
    [['Forwarded: for=unknown'], '10.0.0.1', 5000, 'peer'],
    [['Forwarded: for=_gazonk'], '10.0.0.1', 5000, 'peer'],
    [['Forwarded: by=203.0.113.43'], '10.0.0.1', 5000, 'peer'],
    [['Forwarded: host="a,b;for=6.6.6.6";for=192.0.2.60'], '192.0.2.60', null, FORWARDED],
    [['Forwarded: ext="\\", for=6.6.6.6";for="192.0.2.6\\0"'], '192.0.2.60', null, FORWARDED],
    [[`Forwarded: for = 192.0.2.60 ; proto=http`], '192.0.2.60', null, FORWARDED],
    // X-Forwarded-For
    [['X-Forwarded-For: 203.0.113.7, 70.41.3.18'], '70.41.3.18', null, FOR],
    [['X-Forwarded-For: 203.0.113.7, 10.1.1.1, 192.168.3.4'], '203.0.113.7', null, FOR],
    [['X-Forwarded-For: 203.0.113.7', 'x-forwarded-for: 10.1.1.1'], '203.0.113.7', null, FOR],
    [['x-forwarded-for: 2001:db8::1'], '2001:db8::1', null, FOR],
    [['x-forwarded-for: 2001:DB8:0:0::1'], '2001:db8::1', null, FOR],
    [['x-forwarded-for: [2001:db8::1]'], '2001:db8::1', null, FOR],
    [['x-forwarded-for: [2001:db8::1]:8080'], '2001:db8::1', 8080, FOR],
    [['x-forwarded-for: 2001:db8:1:2:3:4:5:6:8080'], '2001:db8:1:2:3:4:5:6', 8080, FOR],
    [['X-Forwarded-For: 203.0.113.7:8080'], '203.0.113.7', 8080, FOR],
    [['X-Forwarded-For: "203.0.113.7"'], '203.0.113.7', null, FOR],
    [['X-Forwarded-For: ,203.0.113.7 ,, ,\t10.1.1.1, '], '203.0.113.7', null, FOR],
    [['X-Forwarded-For: ::ffff:203.0.113.7'], '::ffff:203.0.113.7', null, FOR],
    [['X-Forwarded-For: 203.0.113.7, ::ffff:10.1.1.1'], '203.0.113.7', null, FOR],
    [['X-Forwarded-For: <script>'], '10.0.0.1', 5000, 'peer'],
    [['X-Forwarded-For: '], '10.0.0.1', 5000, 'peer'],
    [['X-Forwarded-For: 010.0.0.1'], '10.0.0.1', 5000, 'peer'],
    // A client inside, asked for by proxies inside.
    [['X-Forwarded-For: 10.3.0.4, 10.1.1.1'], '10.3.0.4', null, FOR],
    [['X-Forwarded-For: 100.64.3.4'], '100.64.3.4', null, FOR],
  ])('%j → %s', (lines, address, port, source) => {
    expect(find(lines)).toEqual([address, port, source]);
  });

  it.each<[string[], string, number | null, string]>([
    // What is left of a node without address, or one that cannot be read, may be anybody's invention.
    [['X-Forwarded-For: 6.6.6.6, unknown, 10.1.1.1'], '10.1.1.1', null, FOR],
    [['X-Forwarded-For: 6.6.6.6, unknown'], '10.0.0.1', 5000, 'peer'],
    [['X-Forwarded-For: 6.6.6.6 10.1.1.1'], '10.0.0.1', 5000, 'peer'],
    [['Forwarded: for=6.6.6.6, for=_hidden, for=10.1.1.1'], '10.1.1.1', null, FORWARDED],
    [['Forwarded: for=6.6.6.6, proto=https'], '10.0.0.1', 5000, 'peer'],
    // A quotation without end swallows what the proxy added; the line of another proxy behind it stands.
    [['Forwarded: for="6.6.6.6, for=203.0.113.7'], '10.0.0.1', 5000, 'peer'],
    [['Forwarded: for="6.6.6.6', 'Forwarded: for=203.0.113.7'], '203.0.113.7', null, FORWARDED],
    [[`Forwarded: for=6.6.6.6, ${'x'.repeat(10_000)}`], '10.0.0.1', 5000, 'peer'],
    [[`X-Forwarded-For: 6.6.6.6, ${'10.1.1.1,'.repeat(100)}10.2.2.2`], '10.1.1.1', null, FOR],
    // Where one list ends without one that is not trusted, the other is read.
    [['Forwarded: for=unknown', 'X-Forwarded-For: 203.0.113.7'], '203.0.113.7', null, FOR],
    [['X-Forwarded-For: 203.0.113.7', 'Forwarded: for=10.1.1.1'], '203.0.113.7', null, FOR],
    // Forwarded first, whichever comes first; behind a load balancer of AWS, which passes it on as it came, the other.
    [['X-Forwarded-For: 203.0.113.7', 'Forwarded: for=192.0.2.60'], '192.0.2.60', null, FORWARDED],
    [['Forwarded: for=192.0.2.60', 'X-Forwarded-For: 203.0.113.7'], '192.0.2.60', null, FORWARDED],
    [
      ['Forwarded: for=6.6.6.6', 'X-Forwarded-For: 203.0.113.7', 'X-Amzn-Trace-Id: Root=1-2-3'],
      '203.0.113.7',
      null,
      FOR,
    ],
    [
      ['Forwarded: for=192.0.2.60', 'X-Forwarded-For: 10.9.9.9', 'X-Amzn-Trace-Id: Root=1'],
      '192.0.2.60',
      null,
      FORWARDED,
    ],
  ])('%j → %s', (lines, address, port, source) => {
    expect(find(lines)).toEqual([address, port, source]);
  });

  it('is the peer where that is no trusted proxy', () => {
    const lines = ['X-Forwarded-For: 203.0.113.7', 'CloudFront-Viewer-Address: 203.0.113.7:1'];
    for (const [address, trusted] of [
      ['198.51.100.1', PRIVATE_RANGES],
      ['10.0.0.1', []],
      ['10.0.0.1', ranges('10.1.0.0/16')],
    ] as const) {
      expect(find(lines, { address, port: 7 }, trusted)).toEqual([address, 7, 'peer']);
    }
    expect(find(lines, { address: '10.1.2.3', port: 7 }, ranges('10.1.0.0/16'))[0]).toBe('203.0.113.7');
    expect(find(lines, { address: '::ffff:10.1.2.3', port: 7 }, ranges('10.1.0.0/16'))[0]).toBe('203.0.113.7');
  });
});

describe('CloudFront', () => {
  const viewer = 'CloudFront-Viewer-Address';
  const SOURCE = 'cloudfront-viewer-address';

  it.each<[string[], string, number | null, string]>([
    [[`${viewer}: 203.0.113.7:46532`, 'X-Forwarded-For: 203.0.113.7, 130.176.1.2'], '203.0.113.7', 46532, SOURCE],
    [[`${viewer}: 2001:db8::7:46532`, 'X-Forwarded-For: 2001:db8::7, 130.176.1.2'], '2001:db8::7', 46532, SOURCE],
    [[`${viewer}: 2001:db8::7:4653`, 'X-Forwarded-For: 2001:db8::7, 130.176.1.2'], '2001:db8::7', 4653, SOURCE],
    [[`${viewer}: [2001:db8::7]:443`, 'X-Forwarded-For: 2001:0db8::7, 130.176.1.2'], '2001:db8::7', 443, SOURCE],
    [[`${viewer}: 203.0.113.7:46532`], '203.0.113.7', 46532, SOURCE],
    // Named by somebody else: no proxy has that address in its list.
    [[`${viewer}: 6.6.6.6:1`, 'X-Forwarded-For: 203.0.113.7'], '203.0.113.7', null, FOR],
    [[`${viewer}: 6.6.6.6:1`, `${viewer}: 203.0.113.7:1`], '10.0.0.1', 5000, 'peer'],
    [[`${viewer}: nobody`, 'X-Forwarded-For: 203.0.113.7'], '203.0.113.7', null, FOR],
    [[`${viewer}: 203.0.113.7`, 'X-Forwarded-For: 203.0.113.7, 130.176.1.2'], '203.0.113.7', null, SOURCE],
  ])('%j → %s', (lines, address, port, source) => {
    expect(find(lines)).toEqual([address, port, source]);
  });
});

describe('PROXY headers', () => {
  const proxied = (...sources: string[]): Endpoint => ({
    ...PEER,
    sources: sources.map((address, i) => ({ address, port: 7000 + i })),
  });

  it.each<[Endpoint, string[], string, number | null, string]>([
    [proxied('203.0.113.7'), [], '203.0.113.7', 7000, 'proxy-protocol'],
    [proxied('203.0.113.7'), ['X-Forwarded-For: 6.6.6.6'], '203.0.113.7', 7000, 'proxy-protocol'],
    [proxied('10.0.0.2'), ['X-Forwarded-For: 203.0.113.7'], '203.0.113.7', null, FOR],
    [proxied('10.0.0.2', '203.0.113.7'), [], '203.0.113.7', 7001, 'proxy-protocol'],
    [proxied('203.0.113.7', '6.6.6.6'), [], '203.0.113.7', 7000, 'proxy-protocol'],
    [{ ...proxied('6.6.6.6'), address: '203.0.113.7' }, [], '203.0.113.7', 5000, 'peer'],
  ])('%j, %j → %s', (peer, lines, address, port, source) => {
    expect(find(lines, peer)).toEqual([address, port, source]);
  });
});

describe('ranges of addresses', () => {
  it.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.2', false],
    ['10.1.2.3/31', '10.1.2.2', true],
    ['0.0.0.0/0', '255.1.2.3', true],
    ['0.0.0.0/0', '::1', false],
    ['::/0', '::1', true],
    ['fc00::/7', 'fdff::1', true],
    ['fc00::/7', 'fe00::1', false],
    ['2001:db8::/33', '2001:db8:7fff::', true],
    ['2001:db8::/33', '2001:db8:8000::', false],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
  ])('%s has %s: %s', (range, address, isIn) => {
    expect(isInRanges(parseAddress(address) ?? [0, 0, 0, 0], ranges(range))).toBe(isIn);
  });

  it.each(['', '/8', '10.0.0.0/', '10.0.0.0/33', '::/129', '10.0.0.0/8/8', '10.0.0.0/-1', 'a.example'])(
    '%j is none',
    (text) => {
      expect(parseAddressRange(text)).toBeNull();
    },
  );
});

it.each(['::/0', 'ff00::/8', '8000::/1'])('no address of IPv4 is in %s', (text) => {
  expect(isInRanges(parseAddress('10.0.0.7')!, ranges(text))).toBe(false);
  expect(isInRanges(parseAddress('::ffff:10.0.0.7')!, ranges(text))).toBe(false);
  expect(isInRanges(parseAddress('ff02::1')!, ranges(text))).toBe(true);
});
