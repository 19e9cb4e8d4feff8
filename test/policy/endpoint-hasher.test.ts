import { describe, expect, it } from 'vitest';
import { EndpointHasher } from '../../src/policy/endpoint-hasher.js';

const hasher = new EndpointHasher();
const key = (path: string) => hasher.key('GET', 'api', path);

describe('EndpointHasher', () => {
  it.each([
    ['/users/1', '/users/99999'],
    ['/users/1/orders/2', '/users/3/orders/4'],
    ['/u/6f1c2a34-0f5b-4b7a-9d8e-1c2d3e4f5a6b', '/u/00000000-0000-0000-0000-000000000001'],
    ['/o/65f1c0ffee65f1c0ffee65f1', '/o/507f1f77bcf86cd799439011'],
    ['/day/2024-01-31', '/day/1999-12-01'],
    ['/order-4711/lines', '/order-12/lines'],
    ['/INV_2024_000123', '/INV_2025_000001'],
    ['/user123', '/user456'],
    ['/by/ann@example.com', '/by/bob.b@example.org'],
    ['/t/eyJhbGciOiJIUzI1NiJ9abcdefg', '/t/eyJhbGciOiJSUzI1NiJ9zyxwvuts0123'],
    [`/s/${'x'.repeat(60)}`, `/s/${'y'.repeat(70)}`],
  ])('%s is %s', (one, other) => {
    expect(key(one)).toBe(key(other));
  });

  it.each([
    ['/users', '/orders'],
    ['/users/1', '/users/me'],
    ['/users/1', '/users/1/orders'],
    ['/users/1', '/users/1/'.repeat(2)],
    ['/v1/users', '/v2/users'],
    ['/s3/x', '/s4/x'],
    ['/oauth2', '/oauth1'],
    ['/deadbeef/x', '/feedbeef/x'],
    ['/a/b', '/a%2fb'],
    ['/', ''],
    ['/a', '/A'],
  ])('%s is not %s', (one, other) => {
    expect(key(one)).not.toBe(key(other));
  });

  it('distinguishes methods and hosts, but not the case of hosts', () => {
    expect(hasher.key('GET', 'a', '/')).not.toBe(hasher.key('PUT', 'a', '/'));
    expect(hasher.key('GET', 'a', '/')).not.toBe(hasher.key('GET', 'b', '/'));
    expect(hasher.key('GET', 'Api.Example', '/')).toBe(hasher.key('GET', 'api.example', '/'));
  });

  it('rarely gives two endpoints one key', () => {
    const keys = new Set<number>();
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    for (const a of letters) for (const b of letters) for (const c of letters) keys.add(key(`/${a}${b}/${c}${a}x`));
    // With so many keys of 30 bits, chance makes 0.14 pairs equal.
    expect(keys.size).toBeGreaterThan(26 ** 3 - 3);
    for (const k of keys) expect(k >= 0 && k < 2 ** 30).toBe(true);
  });

  it('reads no more of a path than it must', () => {
    const prefix = '/a'.repeat(16);
    expect(key(`${prefix}/x`)).toBe(key(`${prefix}/y/z`));
  });
});
