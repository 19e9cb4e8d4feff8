import { describe, expect, it } from 'vitest';
import { splitAuthority } from '../../../src/output/satellite/authority.js';
import { clientOf } from '../../../src/output/satellite/forwarded.js';
import { parseRetryAfter } from '../../../src/output/satellite/retry-after.js';

const connected = { address: '10.0.0.1', port: 5000 };

describe('clientOf', () => {
  it.each([
    ['Forwarded', 'for=192.0.2.60;proto=http;by=203.0.113.43', '192.0.2.60', null],
    ['forwarded', 'For="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17', 4711],
    ['Forwarded', 'proto=http;for=192.0.2.43, for=198.51.100.17', '192.0.2.43', null],
    ['Forwarded', 'for="192.0.2.43:47011"', '192.0.2.43', 47011],
    ['Forwarded', 'for=unknown', '10.0.0.1', 5000],
    ['Forwarded', 'for=_gazonk', '10.0.0.1', 5000],
    ['Forwarded', 'by=203.0.113.43', '10.0.0.1', 5000],
    ['X-Forwarded-For', '203.0.113.7, 70.41.3.18', '203.0.113.7', null],
    ['x-forwarded-for', '2001:db8::1', '2001:db8::1', null],
    ['X-Forwarded-For', '203.0.113.7:8080', '203.0.113.7', 8080],
    ['X-Forwarded-For', '<script>', '10.0.0.1', 5000],
    ['X-Forwarded-For', '', '10.0.0.1', 5000],
    ['X-Other', '203.0.113.7', '10.0.0.1', 5000],
  ])('%s: %s', (name, value, address, port) => {
    expect(clientOf([[name, value]], connected)).toEqual({ address, port });
  });

  it('believes Forwarded before X-Forwarded-For, whichever comes first', () => {
    const both: [string, string][] = [
      ['X-Forwarded-For', '203.0.113.7'],
      ['Forwarded', 'for=192.0.2.60'],
    ];
    expect(clientOf(both, connected).address).toBe('192.0.2.60');
    expect(clientOf(both.reverse(), connected).address).toBe('192.0.2.60');
  });
});

describe('splitAuthority', () => {
  it.each([
    ['h.example', 'h.example', 5000],
    ['h.example:80', 'h.example', 80],
    ['[2001:db8::1]:8080', '2001:db8::1', 8080],
    ['[2001:db8::1]', '2001:db8::1', 5000],
    ['user:pass@h.example:80', 'h.example', 80],
    ['', '10.0.0.1', 5000],
    [':80', '10.0.0.1', 5000],
    ['a:b:c', '10.0.0.1', 5000],
  ])('%s', (authority, address, port) => {
    expect(splitAuthority(authority, connected)).toEqual({ address, port });
  });
});

describe('parseRetryAfter', () => {
  it.each([
    ['120', 120_000],
    ['0', 0],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Thu, 01 Jan 2025 00:00:00 GMT', 0],
    ['-1', null],
    ['1.5', null],
    ['later', null],
    [undefined, null],
  ])('%s', (value, millis) => {
    expect(parseRetryAfter(value, Date.parse('2026-01-01T00:00:00Z'))).toBe(millis);
  });
});
