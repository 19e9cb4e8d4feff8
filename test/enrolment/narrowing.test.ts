import { describe, expect, it } from 'vitest';
import { filterRefusal } from '../../src/enrolment/filter-words.js';
import { furtherRules, narrowed, type SteeredSettings } from '../../src/enrolment/narrowing.js';
import { type Narrowing, readRemoteConfiguration, STEERABLE } from '../../src/enrolment/remote-configuration.js';
import { SENSOR_OPTIONS } from '../../src/options/options.js';
import { Random, runSeed } from '../support/random.js';

const OWN: SteeredSettings = {
  filter: 'tcp port 80',
  hostExclusions: ['^internal'],
  pathExclusions: [],
  rateLimit: 100,
  sampleRate: 0.5,
  redactHeader: ['X-Tenant'],
  redactQuery: [],
  redactField: [],
  redactPattern: ['ACME-\\d+'],
  redactPii: true,
  noBodies: false,
  opaqueBodies: 'searched',
};

function narrowingOf(configuration: object): Narrowing {
  const read = readRemoteConfiguration(JSON.stringify(configuration));
  if ('why' in read) throw new Error(read.why);
  return read.value;
}

const whyNot = (configuration: object | string): string => {
  const text = typeof configuration === 'string' ? configuration : JSON.stringify(configuration);
  const read = readRemoteConfiguration(text);
  return 'why' in read ? read.why : '';
};

describe('what a server asks for', () => {
  it('joins what is left out or redacted, and takes the lesser and the stricter of the rest', () => {
    const by = narrowingOf({
      filter: 'not host 10.0.0.1',
      'host-exclusions': ['^admin', '^internal'],
      'rate-limit': 20,
      'sample-rate': 0.9,
      'redact-header': ['X-Other'],
      'no-bodies': true,
      'opaque-bodies': 'drop',
    });
    expect(narrowed(OWN, by)).toEqual({
      ...OWN,
      filter: '(tcp port 80) and (not host 10.0.0.1)',
      hostExclusions: ['^internal', '^admin'],
      rateLimit: 20,
      redactHeader: ['X-Tenant', 'X-Other'],
      noBodies: true,
      opaqueBodies: 'drop',
    });
    expect(furtherRules(by)).toBeNull();
  });

  it('has rules of what is kept apart, as both have to hold', () => {
    const by = narrowingOf({ 'host-allow': ['^a'], 'status-allow': ['^5'] });
    expect(furtherRules(by)).toEqual({ hostAllow: ['^a'], pathAllow: [], methodAllow: [], statusAllow: ['^5'] });
    expect(narrowed(OWN, by)).toEqual(OWN);
  });

  it('limits a sensor that has no limit', () => {
    expect(narrowed({ ...OWN, rateLimit: 0 }, narrowingOf({ 'rate-limit': 5 })).rateLimit).toBe(5);
  });

  it('asks for nothing where it is empty', () => {
    expect(narrowed(OWN, narrowingOf({}))).toEqual(OWN);
    expect(narrowed(OWN, null)).toBe(OWN);
    expect(whyNot('')).toBe('');
  });

  it.each([
    ['[', 'is not JSON'],
    ['[]', 'is no JSON object'],
    ['null', 'is no JSON object'],
    [{ 'rate-limit': '5' }, '"rate-limit" is no number from 1 to 1000000000'],
    [{ 'rate-limit': 1.5 }, '"rate-limit" is no whole number'],
    [{ 'sample-rate': -1 }, '"sample-rate" is no number from 0 to 1'],
    [{ 'ttl-seconds': 1e9 }, '"ttl-seconds" is no number'],
    [{ 'host-allow': 'a' }, 'is no list of texts'],
    [{ 'host-allow': [''] }, 'has an entry of 0 characters'],
    [{ 'host-allow': Array.from({ length: 129 }, String) }, 'has 129 entries; 128 may be pushed'],
    [{ 'path-allow': ['('] }, '"(" is no RE2 pattern'],
    [{ 'redact-field': ['--'] }, 'has neither letter nor digit'],
    [{ filter: 5 }, '"filter" is no text'],
    [{ pause: 'yes' }, '"pause" is neither true nor false'],
    [{ 'redact-pattern': ['x'.repeat(513)] }, '513 characters'],
    [' '.repeat(70_000), 'has 70000 bytes'],
  ])('%j is refused: %s', (configuration, why) => {
    expect(whyNot(configuration)).toContain(why);
  });

  it('is refused whole, with all that is wrong with it', () => {
    const why = whyNot({ 'rate-limit': 0, output: 'ndjson', pause: true });
    expect(why).toContain('"rate-limit"');
    expect(why).toContain('"output" cannot be pushed: where data goes is the sensor’s own');
  });
});

describe('a server that tries to widen what leaves', () => {
  /** Of the options that are not to be asked for, every one is tried; and these with values that widen. */
  const ATTEMPTS: readonly object[] = [
    { 'rate-limit': 0 },
    { 'rate-limit': -1 },
    { 'sample-rate': 2 },
    { 'redact-pii': false },
    { 'no-bodies': false },
    { 'opaque-bodies': 'keep' },
    { filter: 'tcp) or (tcp' },
    { filter: 'tcp)) or ((tcp' },
    { filter: '' },
    { filter: 'vlan' },
    { filter: 'host metadata.internal' },
    { filter: 'tcp\u0000) or (tcp' },
    { filter: 'port http' },
    { filter: 'ether proto 0x888e' },
    { filter: 'inbound' },
    { __proto__x: 1, constructor: { rateLimit: 0 } },
    { 'ttl-seconds': 1e12 },
    { 'packets-on': ['pushed'] },
    { 'packets-on': ['status>=500 and pushed'] },
    { 'packets-on': ['anything'] },
    { 'packets-on': 'status>=500' },
  ];

  it.each(ATTEMPTS.map((attempt) => [JSON.stringify(attempt), attempt] as const))('is refused: %s', (_, attempt) => {
    expect(whyNot(attempt)).not.toBe('');
  });

  it('is refused by the name of every option that is not to be asked for', () => {
    const names = Object.keys(SENSOR_OPTIONS).filter((name) => !Object.hasOwn(STEERABLE, name));
    expect(names.length).toBeGreaterThan(50);
    for (const name of names) expect(whyNot({ [name]: 'x' })).toMatch(/cannot be pushed: \S/);
  });

  it('gets no more than before by whatever is taken', () => {
    const random = new Random(runSeed());
    const lists = [
      'host-exclusions',
      'path-exclusions',
      'redact-header',
      'redact-query',
      'redact-field',
      'redact-pattern',
    ];
    for (let round = 0; round < 2000; round++) {
      const asked: Record<string, unknown> = {};
      for (const name of lists)
        if (random.chance(0.3)) asked[name] = [random.pick(['a', 'b', '^internal', 'ACME-\\d+'])];
      if (random.chance(0.5)) asked['rate-limit'] = random.between(1, 1e6);
      if (random.chance(0.5)) asked['sample-rate'] = random.next();
      if (random.chance(0.3)) asked['redact-pii'] = true;
      if (random.chance(0.3)) asked['opaque-bodies'] = random.pick(['searched', 'drop']);
      const own: SteeredSettings = {
        ...OWN,
        rateLimit: random.pick([0, 1, 500]),
        opaqueBodies: random.pick(['keep', 'searched', 'drop']),
      };
      const now = narrowed(own, narrowingOf(asked));
      if (own.rateLimit > 0) expect(now.rateLimit).toBeLessThanOrEqual(own.rateLimit);
      expect(now.rateLimit > 0 || own.rateLimit === 0).toBe(true);
      expect(now.sampleRate).toBeLessThanOrEqual(own.sampleRate);
      for (const name of [
        'hostExclusions',
        'pathExclusions',
        'redactHeader',
        'redactQuery',
        'redactField',
        'redactPattern',
      ] as const)
        expect(now[name]).toEqual(expect.arrayContaining([...own[name]]));
      expect(now.redactPii).toBe(true);
      const order = ['keep', 'searched', 'drop'];
      expect(order.indexOf(now.opaqueBodies)).toBeGreaterThanOrEqual(order.indexOf(own.opaqueBodies));
      expect(now.filter).toBe(own.filter);
    }
  });
});

describe('a filter that is pushed', () => {
  it.each([
    'port 80',
    'not port 8080',
    'tcp portrange 8000-8999 and not net 10.0.0.0/8',
    'src host 192.168.0.1 or dst host fe80::1',
    'host 2001:db8::1 && !(port 22)',
    'tcp[tcpflags] & (tcp-syn|tcp-fin) != 0',
    'tcp[12:1] & 0xf0 > 0x50',
    'net 10.1',
    'len <= 1500',
  ])('%s may be', (expression) => {
    expect(filterRefusal(expression)).toBeNull();
  });

  it.each([
    ['port http', '"http"'],
    ['host example.com', '"example.com"'],
    ['vlan and port 80', '"vlan"'],
    ['geneve', '"geneve"'],
    ['port 80)', 'closes more'],
    ['(port 80', 'opens more'],
    ['port 80; drop', '";'],
    ['host "a"', '"\\"a'],
    ['port 80\\', '"\\\\"'],
    ['a '.repeat(2000), 'characters'],
    ['port 80 or '.repeat(150).slice(0, -4), 'more than 256 words'],
  ])('%j may not be', (expression, why) => {
    expect(filterRefusal(expression)).toContain(why);
  });
});
