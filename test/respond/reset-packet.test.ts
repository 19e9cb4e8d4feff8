/** Resets as literal bytes. */
import { expect, it } from 'vitest';
import { parseAddress } from '../../src/decode/address.js';
import { type ResetEndpoint, resetPacket } from '../../src/respond/reset-packet.js';
import { Random, runSeed } from '../support/random.js';

const at = (address: string, port: number): ResetEndpoint => ({ words: parseAddress(address)!, port });
const hex = (packet: Buffer) => packet.toString('hex').replace(/(.{8})(?=.)/g, '$1 ');

it('is RST and ACK over IPv4', () => {
  const packet = resetPacket({
    from: at('10.0.0.1', 40_000),
    to: at('192.168.1.2', 80),
    sequence: 0x12345678,
    acknowledgement: -1,
  });
  expect(hex(packet)).toBe('45000028 00004000 40066f25 0a000001 c0a80102 9c400050 12345678 ffffffff 50140000 dee80000');
});

it('is RST and ACK over IPv6', () => {
  const packet = resetPacket({ from: at('fd00::1', 1), to: at('fd00::2', 65_535), sequence: 0, acknowledgement: 5 });
  expect(hex(packet)).toBe(
    '60000000 00140640 fd000000 00000000 00000000 00000001 fd000000 00000000 00000000 00000002 ' +
      '0001ffff 00000000 00000005 50140000 b5c60000',
  );
});

it('has checksums that make each sum all ones', () => {
  const random = new Random(runSeed());
  const sum = (bytes: Buffer, more = 0): number => {
    let total = more;
    for (let i = 0; i < bytes.length; i += 2) total += bytes.readUInt16BE(i);
    return (total % 0xffff) + 0;
  };
  const number = () => (random.next() * 2 ** 32) | 0;
  for (let i = 0; i < 2000; i++) {
    const [a, b] = random.chance(0.5)
      ? [`10.${i % 256}.${random.between(0, 255)}.9`, `172.16.${random.between(0, 255)}.1`]
      : [`fd00::${random.between(0, 9999)}`, `2001:db8::${(i % 4096).toString(16)}`];
    const from = at(a as string, random.between(0, 65_535));
    const to = at(b as string, random.between(0, 65_535));
    const packet = resetPacket({ from, to, sequence: number(), acknowledgement: number() });
    const isV4 = packet.length === 40;
    if (isV4) expect(sum(packet.subarray(0, 20))).toBe(0);
    expect(sum(packet.subarray(isV4 ? 12 : 8), 6 + 20)).toBe(0);
  }
});
