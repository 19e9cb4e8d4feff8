import { describe, expect, it } from 'vitest';
import { splitAuthority } from '../../../src/output/satellite/authority.js';
import { parseRetryAfter } from '../../../src/output/satellite/retry-after.js';

const connected = { address: '10.0.0.1', port: 5000 };

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
