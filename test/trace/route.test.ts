/** Routes: what is a value by its looks, what is a word, and how many there may be. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Routes, routeOf } from '../../src/trace/route.js';
import type { Trace } from '../../src/trace/trace.js';
import { apiTrace } from '../support/api-trace.js';

describe('a route', () => {
  it.each([
    ['/', '/'],
    ['/users/17/orders/42', '/users/{userId}/orders/{orderId}'],
    ['/users/3fa85f64-5717-4562-b3fc-2c963f66afa6', '/users/{userId}'],
    ['/events/01ARZ3NDEKTSV4RRFFQ69G5FAV', '/events/{eventId}'],
    ['/reports/2026-01-31', '/reports/{date}'],
    ['/people/ann@example.com', '/people/{email}'],
    ['/commits/9fceb02d0ae598e95dc970b74767f19372d61af8', '/commits/{commitId}'],
    ['/customers/cus_9s6XKzkNRiz8i3', '/customers/{customerId}'],
    ['/orders/order-4711/items', '/orders/{orderId}/items'],
    ['/hosts/10.1.2.3', '/hosts/{hostId}'],
    ['/tiles/4/52.5/13.4', '/tiles/{tileId}/{id}/{id2}'],
    ['/pages/A%20title%20of%20words', '/pages/{pageId}'],
    ['/users/17.json', '/users/{userId}.json'],
    ['/instances/12345678:restart', '/instances/{instanceId}:restart'],
    ['/line-items/7', '/line-items/{lineItemId}'],
    ['/api/v1/users/me', '/api/v1/users/me'],
    ['/2.0/files', '/2.0/files'],
    ['/2010-04-01/Accounts', '/2010-04-01/Accounts'],
    ['/oauth2/token', '/oauth2/token'],
    ['/hashes/sha256', '/hashes/sha256'],
    ['/docs/en-US/getting-started', '/docs/en-US/getting-started'],
    ['/articles/my-first-article', '/articles/my-first-article'],
    ['/SIP/IpAccessControlLists', '/SIP/IpAccessControlLists'],
    ['/a//b/', '/a//b/'],
  ])('of %s is %s', (path, route) => {
    expect(routeOf(path)).toBe(route);
  });

  it('takes time in proportion to the path', () => {
    for (const part of ['a', '0', 'aA0', '-', '%41', '_', '.', 'é', '{'])
      expect(routeOf(`/${part.repeat(100_000)}`).length).toBeLessThan(3000);
    expect(routeOf('/1'.repeat(50_000)).length).toBeLessThan(1000);
  });
});

describe('routes', () => {
  it('are no more than there may be, and none of what was not found', () => {
    const routes = new Routes(2);
    const of = (target: string, status = 200) => routes.of(apiTrace({ target, status }));
    expect(of('/wp-login.php', 404)).toBeNull();
    expect(of('/users/1')).toBe('/users/{userId}');
    expect(of('/users/2', 404)).toBe('/users/{userId}');
    expect(of('/a')).toBe('/a');
    expect(of('/b')).toBeNull();
    expect(of('/a')).toBe('/a');
  });

  it.each([200, 404])('keep nothing of the heads that they were found in, with status %i', (status) => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const held = () => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const routes = new Routes(1000);
    const trace = apiTrace({ target: '/', status });
    const rest = ` HTTP/1.1\r\nX: ${'x'.repeat(64 << 10)}\r\n\r\n`;
    const before = held();
    for (let i = 0; i < 400; i++) {
      const word = `collection-of-${String.fromCharCode(0x61 + (i % 26), 0x61 + ((i / 26) | 0))}`;
      const head = Buffer.from(`GET /${word}/12345${rest}`).toString('latin1');
      routes.of({ ...trace, request: { ...trace.request, path: head.slice(4, head.indexOf(' HTTP')) } });
    }
    const kept = held() - before;
    expect(routes.of(trace)).toBe(status === 200 ? '/' : null);
    expect(kept).toBeLessThan(4 << 20);
  });

  it('are none of calls of gRPC, which name their method, and of what has no path', () => {
    const call: Trace = apiTrace({
      method: 'POST',
      target: '/pkg.Service/Call',
      headers: { 'Content-Type': 'application/grpc' },
    });
    expect(new Routes(9).of(call)).toBeNull();
    expect(new Routes(9).of({ ...call, request: { ...call.request, path: '*', headers: [] } })).toBeNull();
  });
});
