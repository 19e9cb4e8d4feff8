import { describe, expect, it } from 'vitest';
import { decodePath, requestAuthority, requestPath, withoutPort } from '../../src/pair/request-target.js';
import { type ExchangeParts, makeExchange } from '../policy/make-exchange.js';

describe('requestAuthority', () => {
  it.each<[string, ExchangeParts, string]>([
    ['Host header', { headers: [['host', 'a.example:81']] }, 'a.example:81'],
    ['Host header, name in any case', { headers: [['HOST', 'A.example']] }, 'A.example'],
    ['absolute-form wins over Host', { target: 'http://b.example:82/x', headers: [['Host', 'a']] }, 'b.example:82'],
    ['absolute-form without path', { target: 'http://b.example?x=/y' }, 'b.example'],
    ['userinfo is no host', { target: 'http://u:p@b.example/x' }, 'b.example'],
    ['authority-form', { method: 'CONNECT', target: 'c.example:443' }, 'c.example:443'],
    ['no Host', { headers: [], server: '10.0.0.9', port: 90 }, '10.0.0.9:90'],
    ['empty Host', { headers: [['Host', '']], server: '10.0.0.9', port: 90 }, '10.0.0.9:90'],
    ['no Host, IPv6', { headers: [], server: '2001:db8::1', port: 90 }, '[2001:db8::1]:90'],
    ['a URL in the path is no authority', { target: '/go?to=http://evil.example/' }, 'api.example.com'],
  ])('%s', (_, parts, authority) => {
    expect(requestAuthority(makeExchange(parts))).toBe(authority);
  });
});

describe('requestPath', () => {
  it.each([
    ['GET', '/a/b?c=/d', '/a/b'],
    ['GET', '/a?b?c', '/a'],
    ['GET', '/', '/'],
    ['GET', '//double/slash', '//double/slash'],
    ['GET', 'http://h:1/a/b?c', '/a/b'],
    ['GET', 'HTTPS://h', '/'],
    ['GET', 'http://h?q', '/'],
    ['OPTIONS', '*', '*'],
    ['CONNECT', 'h:443', ''],
    ['GET', 'no-slash', 'no-slash'],
    ['GET', '', ''],
  ])('%s %s', (method, target, path) => {
    expect(requestPath(method, target)).toBe(path);
  });
});

describe('decodePath', () => {
  it.each([
    ['/plain', '/plain'],
    ['/a%20b', '/a b'],
    ['/%2e%2E/etc', '/../etc'],
    ['/%c3%a4', '/ä'],
    ['/%252e', '/%2e'],
    ['/100%', '/100%'],
    ['/%zz%41', '/%zzA'],
    ['/%ff%41', '/%ffA'],
    ['/%c3%28', '/%c3('],
    ['/%e4%bd%a0%ff%e5%a5%bd', '/你%ff好'],
    ['/%c0%ae%c0%ae/', '/%c0%ae%c0%ae/'],
    ['/%ed%a0%80x', '/%ed%a0%80x'],
    ['/%f0%9f%98%80', '/😀'],
    ['/%e4%bd', '/%e4%bd'],
    ['/%', '/%'],
  ])('%s', (path, decoded) => {
    expect(decodePath(path)).toBe(decoded);
  });
});

it.each([
  ['a', 'a'],
  ['a:1', 'a'],
  ['a:', 'a'],
  ['[::1]:1', '[::1]'],
  ['[::1]', '[::1]'],
  ['a:b', 'a:b'],
])('withoutPort(%s)', (authority, host) => {
  expect(withoutPort(authority)).toBe(host);
});
