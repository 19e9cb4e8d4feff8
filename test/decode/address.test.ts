import { isIP } from 'node:net';
import { expect, it } from 'vitest';
import { parseAddress } from '../../src/decode/address.js';
import { addressText } from '../../src/pair/address.js';
import { Random, runSeed } from '../support/random.js';

it.each([
  ['0.0.0.0', '0.0.0.0'],
  ['255.255.255.255', '255.255.255.255'],
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
  ['::ffff:c000:201', '::ffff:192.0.2.1'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
])('reads %s', (text, canonical) => {
  expect(addressText(...(parseAddress(text) ?? ([1, 1, 1, 1] as const)))).toBe(canonical);
});

it.each([
  '',
  '1.2.3',
  '1.2.3.4.5',
  '01.2.3.4',
  '1.2.3.256',
  '1.2.3.-4',
  ' 1.2.3.4',
  '1.2.3.4 ',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7::8',
  '12345::',
  'g::',
  ':1::',
  '1:::2',
  '1.2.3.4::',
  '1:2:3:4:5:6:7:1.2.3.4',
  'fe80::1%eth0',
  'ffff:ffff::a00:1',
  '1:2:3:4:5:6:7:8:',
])('refuses %j', (text) => {
  expect(parseAddress(text)).toBeNull();
});

it('reads what Node.js takes for an address, and nothing else', () => {
  const seed = runSeed();
  const random = new Random(seed);
  const parts = ['0', '1', 'ffff', 'db8', '255', '256', '01', ':', ':', '::', '.', '.', '1.2.3.4', ''];
  for (let round = 0; round < 50_000; round++) {
    const text = Array.from({ length: random.between(1, 16) }, () => random.pick(parts)).join('');
    const words = parseAddress(text);
    expect(words !== null, `${text}, seed ${seed}`).toBe(isIP(text) !== 0 && !/^ffff:ffff:/.test(text));
    if (words !== null) expect(parseAddress(addressText(...words)), `${text}, seed ${seed}`).toEqual(words);
  }
});
