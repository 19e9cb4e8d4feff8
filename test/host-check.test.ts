import { expect, it } from 'vitest';
import { createHostCheck, isLoopback } from '../src/host-check.js';

const passes = createHostCheck('satellite.internal', ['Shop.Example', 'sidecar']);
const asked = (host: string | null) => passes({ rawHeaders: host === null ? ['Accept', '*/*'] : ['hOST', host] });

it.each([
  null,
  'localhost',
  'LocalHost:9999',
  'localhost.',
  'app.localhost:80',
  '127.0.0.1',
  '127.0.0.1:9999',
  '10.2.3.4:1',
  '[::1]',
  '[::1]:9999',
  '[fe80::1]:9999',
  '[::ffff:10.0.0.1]:80',
  'satellite.internal:9999',
  'SATELLITE.internal.',
  'shop.example',
  'sidecar:9464',
])('%j passes', (host) => {
  expect(asked(host)).toBe(true);
});

it.each([
  '',
  ':80',
  'attacker.example',
  'attacker.example:9999',
  'localhost.attacker.example',
  'notlocalhost',
  '127.0.0.1.nip.io',
  '127.0.0.1.',
  '127.1',
  '0x7f.0.0.1',
  '2130706433',
  '[::1].attacker.example',
  '[attacker.example]',
  '[127.0.0.1]',
  '::1',
  'localhost:80:80',
  'localhost:port',
  'attacker.example@localhost',
  'localhost@attacker.example',
  'localhost/attacker.example',
  'localhost, attacker.example',
  'attacker.example localhost',
  'shop.example.attacker.example',
  'sub.shop.example',
  'ſidecar',
  '\u0000localhost',
])('%j does not', (host) => {
  expect(asked(host)).toBe(false);
});

it('refuses two of them, whichever is right', () => {
  expect(passes({ rawHeaders: ['Host', 'localhost', 'host', 'attacker.example'] })).toBe(false);
  expect(passes({ rawHeaders: ['Host', 'localhost', 'host', 'localhost'] })).toBe(false);
});

it.each([
  ['127.0.0.1', true],
  ['127.8.9.10', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.1', false],
  ['127.example', false],
  ['satellite.internal', false],
])('%s is on this machine alone: %s', (host, isOn) => {
  expect(isLoopback(host)).toBe(isOn);
});
