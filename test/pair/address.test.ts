/** Addresses as RFC 5952 §4 and §5 want them. */
import { expect, it } from 'vitest';
import { IPV4_WORD } from '../../src/decode/segment.js';
import { addressText } from '../../src/pair/address.js';
import { address4, address6 } from '../support/packets.js';

it.each([
  ['2001:db8::1', '2001:db8:0:0:0:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1::1', '2001:0:0:1:0:0:0:1'],
  ['2001:db8::1:0:0:1', '2001:db8:0:0:1:0:0:1'],
  ['::', '0:0:0:0:0:0:0:0'],
  ['::1', '0:0:0:0:0:0:0:1'],
  ['1::', '1:0:0:0:0:0:0:0'],
  ['fe80::a:b', 'FE80:0:0:0:0:0:A:B'],
  ['::ffff:192.0.2.1', '0:0:0:0:0:ffff:c000:0201'],
  ['ff02::2', 'ff02:0:0:0:0:0:0:2'],
])('%s', (canonical, full) => {
  const bytes = address6(full);
  const words = [0, 4, 8, 12].map((at) => bytes.readInt32BE(at)) as [number, number, number, number];
  expect(addressText(...words)).toBe(canonical);
});

it.each(['0.0.0.0', '10.9.0.1', '255.255.255.255', '128.0.0.1'])('%s', (text) => {
  expect(addressText(IPV4_WORD, IPV4_WORD, IPV4_WORD, address4(text).readInt32BE(0))).toBe(text);
});
