import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/decode/address.js';
import { UsageError } from '../../src/errors.js';
import { environmentNames, type OptionTable, settingName } from '../../src/options/option-row.js';
import { SENSOR_OPTIONS, type Settings } from '../../src/options/options.js';
import { type Environment, type FlagValues, resolveSensor, resolveSensorSettings } from '../../src/options/settings.js';

const directory = mkdtempSync(join(tmpdir(), 'settings-'));
afterAll(() => rmSync(directory, { recursive: true }));

function file(content: string, name = 'config.yaml'): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

const CAPTURE = file('', 'empty.pcap');
const PEM = file('-----BEGIN CERTIFICATE-----\n', 'a.pem');
const OTHER_PEM = file('-----BEGIN PRIVATE KEY-----\n', 'b.pem');
const KEYS = file('first-key-of-the-fleet\n', 'a.keys');
const OTHER_KEYS = file('second-key-of-the-fleet\n', 'b.keys');
const SHORT_KEYS = file('short\n', 'c.keys');
const TABLE: OptionTable = SENSOR_OPTIONS;

/** A right value for every option: as text, as it comes out, and another one to distinguish sources by. */
const RIGHT: Record<string, { text: string; value: unknown; other: string; otherValue: unknown }> = {
  'satellite-url': {
    text: 'satellite.local:9999',
    value: 'http://satellite.local:9999',
    other: 'https://b/base/',
    otherValue: 'https://b/base',
  },
  'levo-env': { text: 'staging', value: 'staging', other: 'prod', otherValue: 'prod' },
  'levoai-org-id': { text: '0123', value: '0123', other: '1e3', otherValue: '1e3' },
  'levoai-workspace-id': { text: 'w1', value: 'w1', other: 'w2', otherValue: 'w2' },
  'service-name': { text: 'shop', value: 'shop', other: 'no', otherValue: 'no' },
  'resource-attribute': {
    text: 'team=a=b',
    value: [['team', 'a=b']],
    other: 'x.y= z',
    otherValue: [['x.y', 'z']],
  },
  'satellite-header': { text: 'a=b=c', value: [['a', 'b=c']], other: 'x-y= z', otherValue: [['x-y', 'z']] },
  'aws-region': { text: 'us-west-2', value: 'us-west-2', other: 'eu-west-1', otherValue: 'eu-west-1' },
  'trace-export-interval': { text: '1.0', value: 1, other: '0.5', otherValue: 0.5 },
  interfaces: { text: 'lo', value: ['lo'], other: 'lo', otherValue: ['lo'] },
  'interface-include': { text: '^eth', value: ['^eth'], other: 'a,b', otherValue: ['a,b'] },
  'interface-exclude': { text: 'docker\\d', value: ['docker\\d'], other: 'lo', otherValue: ['lo'] },
  'capture-backend': { text: 'ring', value: 'ring', other: 'cap', otherValue: 'cap' },
  'ring-size': { text: '16', value: 16, other: '64.0', otherValue: 64 },
  filter: { text: 'port 80', value: 'port 80', other: '(len > 5)', otherValue: '(len > 5)' },
  read: { text: CAPTURE, value: CAPTURE, other: '-', otherValue: '-' },
  'stream-timeout-seconds': { text: '2.0', value: 2, other: '10', otherValue: 10 },
  'response-timeout-seconds': { text: '60', value: 60, other: '0.5', otherValue: 0.5 },
  'stream-window-seconds': { text: '30', value: 30, other: '1.5', otherValue: 1.5 },
  'stream-messages': { text: '100', value: 100, other: '0', otherValue: 0 },
  'max-memory': { text: '64MiB', value: 67_108_864, other: '100000000', otherValue: 100_000_000 },
  'max-http-length': { text: '1000000', value: 1_000_000, other: '64KiB', otherValue: 65_536 },
  'rate-limit': { text: '50.0', value: 50, other: '0', otherValue: 0 },
  'sample-rate': { text: '0.25', value: 0.25, other: '1', otherValue: 1 },
  'host-allow': { text: 'a,b', value: ['a,b'], other: '[a-z]+', otherValue: ['[a-z]+'] },
  'path-allow': { text: '^/a{1,2}$', value: ['^/a{1,2}$'], other: 'no', otherValue: ['no'] },
  'host-exclusions': { text: 'x', value: ['x'], other: '(?i)Y', otherValue: ['(?i)Y'] },
  'path-exclusions': { text: '\\d+', value: ['\\d+'], other: '<id>', otherValue: ['<id>'] },
  'method-allow': { text: '^(GET|PUT)$', value: ['^(GET|PUT)$'], other: 'POST', otherValue: ['POST'] },
  'status-allow': { text: '404', value: ['404'], other: '2..', otherValue: ['2..'] },
  'keep-duplicates': { text: 'true', value: true, other: 'no', otherValue: false },
  'keep-health-checks': { text: 'true', value: true, other: 'no', otherValue: false },
  'sample-by-parent': { text: 'yes', value: true, other: '0', otherValue: false },
  'export-bytes-per-minute': { text: '1MiB', value: 1_048_576, other: '65536', otherValue: 65_536 },
  'active-response': { text: 'dry-run', value: 'dry-run', other: 'true', otherValue: 'on' },
  'active-response-rule': {
    text: 'connection=10.0.0.7:1-[fd00::1]:80',
    value: [
      { kind: 'connection', text: 'connection=10.0.0.7:1-[fd00::1]:80', one: '10.0.0.7:1', other: '[fd00::1]:80' },
    ],
    other: 'client=10.0.0.0/24',
    otherValue: [{ kind: 'client', text: 'client=10.0.0.0/24', range: { words: parseAddress('10.0.0.0'), bits: 120 } }],
  },
  'active-response-per-minute': { text: '5', value: 5, other: '6000', otherValue: 6000 },
  'active-response-report-seconds': { text: '0.5', value: 0.5, other: '60', otherValue: 60 },
  'max-cpu': { text: '0.10', value: { cores: 0.1 }, other: '5 %', otherValue: { percent: 5 } },
  'redact-header': { text: 'X-Tenant', value: ['X-Tenant'], other: 'a,b', otherValue: ['a,b'] },
  'redact-query': { text: 'e_mail', value: ['e_mail'], other: '2fa', otherValue: ['2fa'] },
  'redact-field': { text: 'größe', value: ['größe'], other: 'user[mail]', otherValue: ['user[mail]'] },
  'redact-pattern': { text: 'ACME-\\d+', value: ['ACME-\\d+'], other: '(?i)x', otherValue: ['(?i)x'] },
  'no-default-redaction': { text: 'on', value: true, other: 'off', otherValue: false },
  'redact-allow': { text: 'email', value: ['email'], other: '/^a,b$/', otherValue: ['/^a,b$/'] },
  'redact-pii': { text: '1', value: true, other: 'false', otherValue: false },
  'grpc-descriptors': { text: CAPTURE, value: CAPTURE, other: PEM, otherValue: PEM },
  'opaque-bodies': { text: 'drop', value: 'drop', other: 'KEEP', otherValue: 'keep' },
  'no-bodies': { text: '1', value: true, other: 'false', otherValue: false },
  workers: { text: '1', value: 1, other: '0', otherValue: 0 },
  'no-routes': { text: '1', value: true, other: 'false', otherValue: false },
  'output-replace': { text: 'true', value: true, other: '0', otherValue: false },
  output: {
    text: 'ndjson',
    value: [{ to: 'ndjson', file: null }],
    other: 'har:x.har',
    otherValue: [{ to: 'har', file: 'x.har' }],
  },
  write: {
    text: 'a.har',
    value: [{ to: 'har', file: 'a.har' }],
    other: 'b/c.PCAP',
    otherValue: [{ to: 'pcap', file: 'b/c.PCAP' }],
  },
  'packets-on': {
    text: 'status>=500',
    value: [{ conditions: [{ kind: 'status', compare: '>=', value: 500 }] }],
    other: 'latency>250ms and mark=aborted',
    otherValue: [
      {
        conditions: [
          { kind: 'latency', compare: '>', value: 250e6 },
          { kind: 'mark', name: 'aborted' },
        ],
      },
    ],
  },
  'packets-to-satellite': { text: '1', value: true, other: 'false', otherValue: false },
  'packets-dir': { text: '/packets', value: '/packets', other: 'x', otherValue: 'x' },
  'packets-max-bytes': { text: '1MiB', value: 1_048_576, other: '65536', otherValue: 65_536 },
  command: { text: 'npm test', value: 'npm test', other: ' a | b', otherValue: ' a | b' },
  verbose: { text: '1', value: 1, other: '9', otherValue: 2 },
  count: { text: '10', value: 10, other: '1', otherValue: 1 },
  'satellite-protocol': { text: 'levo', value: 'levo', other: 'OTLP', otherValue: 'otlp' },
  semconv: { text: 'rpc/dup', value: 'rpc/dup', other: 'stable', otherValue: 'stable' },
  'otlp-encoding': { text: 'json', value: 'json', other: 'protobuf', otherValue: 'protobuf' },
  compression: { text: 'none', value: 'none', other: 'gzip', otherValue: 'gzip' },
  'satellite-ca': { text: PEM, value: PEM, other: OTHER_PEM, otherValue: OTHER_PEM },
  'satellite-client-cert': { text: PEM, value: PEM, other: OTHER_PEM, otherValue: OTHER_PEM },
  'satellite-client-key': { text: PEM, value: PEM, other: OTHER_PEM, otherValue: OTHER_PEM },
  'enrolment-key-file': { text: KEYS, value: KEYS, other: OTHER_KEYS, otherValue: OTHER_KEYS },
  'state-dir': { text: '/var/lib/a', value: '/var/lib/a', other: 'b', otherValue: 'b' },
  'opamp-url': {
    text: 'https://opamp.example/v1/opamp',
    value: 'https://opamp.example/v1/opamp',
    other: 'http://[::1]:4320/x?y=1',
    otherValue: 'http://[::1]:4320/x?y=1',
  },
  'opamp-unsigned': { text: 'true', value: true, other: 'off', otherValue: false },
  'spool-dir': { text: '/var/spool/a', value: '/var/spool/a', other: 'b', otherValue: 'b' },
  'spool-max-bytes': { text: '1MiB', value: 1_048_576, other: '65536', otherValue: 65_536 },
  'health-port': {
    text: '9464',
    value: { host: '127.0.0.1', port: 9464 },
    other: '0.0.0.0:80',
    otherValue: { host: '0.0.0.0', port: 80 },
  },
  'trusted-proxies': {
    text: '203.0.113.0/24, 2001:db8::1',
    value: [
      [
        { words: [-1, -1, -1, 0xcb007100 | 0], bits: 120 },
        { words: [0x20010db8, 0, 0, 1], bits: 128 },
      ],
    ],
    other: 'None',
    otherValue: [[]],
  },
  'public-host': { text: 'Sensor.internal', value: ['sensor.internal'], other: 'shop', otherValue: ['shop'] },
  'pod-metadata': { text: 'true', value: true, other: 'no', otherValue: false },
  'kubernetes-node': { text: 'node-1', value: 'node-1', other: 'b', otherValue: 'b' },
  'pod-selector': { text: 'app in (a, b),!c', value: 'app in (a, b),!c', other: 'x=1', otherValue: 'x=1' },
  'namespace-include': { text: '^shop-', value: ['^shop-'], other: 'a,b', otherValue: ['a,b'] },
  'namespace-exclude': { text: 'test$', value: ['test$'], other: 'c', otherValue: ['c'] },
  'keep-infrastructure': { text: '1', value: true, other: 'off', otherValue: false },
  metrics: { text: 'emf', value: ['emf'], other: 'OTLP', otherValue: ['otlp'] },
  'log-packets': { text: 'hex', value: 'hex', other: 'BATCHES', otherValue: 'batches' },
  'shutdown-timeout': { text: '5.0', value: 5, other: '0', otherValue: 0 },
  'log-level': { text: 'debug', value: 'debug', other: 'WARN', otherValue: 'warn' },
  'log-format': { text: 'json', value: 'json', other: 'text', otherValue: 'text' },
};

/** Wrong values of every option, and what the error says about them. */
const WRONG: Record<string, readonly (readonly [text: string, says: string])[]> = {
  'satellite-url': [
    ['http://', 'not a URL'],
    ['http://a b/', 'not a URL'],
    ['ftp://a', 'is not http or https'],
    ['http://a:99999', 'not a URL'],
    ['http://a:4317', '4318'],
    ['a:4317', '4318'],
    ['http://user:hunter2@a', '--satellite-header'],
    ['user:hunter2@a:1', '--satellite-header'],
    ['http://a/?token=hunter2', 'query'],
    ['< INSERT SATELLITE URL, e.g. http://satellite.company.com:9999 >', 'placeholder'],
    ['http://<satellite-host>:9999', 'placeholder'],
  ],
  'levo-env': [
    ['<environment>', 'placeholder'],
    ['a\nb', 'ASCII'],
  ],
  'levoai-org-id': [['<INSERT ORG ID>', 'placeholder']],
  'levoai-workspace-id': [['< your workspace >', 'placeholder']],
  'service-name': [['naïve', 'ASCII']],
  'resource-attribute': [
    ['payments', 'names no attribute'],
    ['=payments', 'names no attribute'],
    ['té=payments', 'other characters than ASCII'],
  ],
  'satellite-header': [
    ['hunter2', 'equals sign'],
    ['=hunter2', 'header name'],
    ['a b=hunter2', 'header name'],
    ['a=hunter2\r\nb: c', 'no header can carry'],
  ],
  'aws-region': [['< INSERT AWS REGION (us-west-2) >', 'placeholder']],
  'trace-export-interval': [
    ['soon', 'is not a number'],
    ['-1', 'out of range'],
    ['0', 'out of range'],
    ['1e9', 'out of range'],
    ['10s', 'is not a number'],
    ['Infinity', 'is not a number'],
    ['0x10', 'is not a number'],
  ],
  interfaces: [['nope0', 'lo']],
  'interface-include': [['eth(', 'RE2']],
  'interface-exclude': [['(?=lo)', 'RE2']],
  'capture-backend': [['pcap', 'auto, ring, cap']],
  'max-memory': [
    ['1MiB', 'out of range'],
    ['lots', 'is not a number of bytes'],
  ],
  'ring-size': [
    ['0', 'out of range'],
    ['1.5', 'whole number'],
    ['8MiB', 'is not a number'],
  ],
  filter: [
    ['port 80) or (port 81', 'parentheses'],
    ['((port 80)', 'parentheses'],
    ['<INSERT FILTER>', 'placeholder'],
  ],
  read: [
    ['/does/not/exist.pcap', 'does not exist'],
    ['/', 'is a directory'],
  ],
  'stream-timeout-seconds': [['', 'needs a value']],
  'response-timeout-seconds': [['0', 'out of range 0.1 to 86400']],
  'stream-window-seconds': [['0', 'out of range 1 to 86400']],
  'stream-messages': [['-1', 'out of range 0 to 10000']],
  'max-http-length': [
    ['many', 'is not a number of bytes'],
    ['-1', 'is not a number of bytes'],
    ['1.5', 'whole number of bytes'],
    ['2GiB', 'out of range'],
  ],
  'rate-limit': [
    ['50.5', 'whole number'],
    ['-1', 'out of range'],
    ['fast', 'is not a number'],
    ['1,000', 'is not a number'],
  ],
  'sample-rate': [
    ['1.5', 'out of range 0 to 1'],
    ['50%', 'is not a number'],
  ],
  'host-allow': [['(', 'RE2']],
  'path-allow': [
    ['(?=x)', 'RE2'],
    ['(a)\\1', 'RE2'],
  ],
  'host-exclusions': [['*', 'RE2']],
  'method-allow': [['(', 'RE2']],
  'status-allow': [['[', 'RE2']],
  'keep-duplicates': [['maybe', 'neither true nor false']],
  'keep-health-checks': [['maybe', 'neither true nor false']],
  'sample-by-parent': [['maybe', 'neither true nor false']],
  'export-bytes-per-minute': [['1', 'out of range']],
  'active-response': [['maybe', 'none of dry-run, on and off']],
  'active-response-rule': [
    ['10.0.0.7', 'is no rule'],
    ['client=ten', 'no address and no network'],
    ['path=(', 'RE2 cannot read'],
    ['connection=10.0.0.7:1', 'is no connection'],
  ],
  'active-response-per-minute': [['0', 'out of range']],
  'active-response-report-seconds': [['0', 'out of range']],
  'max-cpu': [
    ['fast', 'is no amount of CPU'],
    ['0', 'out of range'],
    ['-1', 'is no amount of CPU'],
    ['101%', 'out of range'],
    ['0%', 'out of range'],
  ],
  'redact-header': [['--', 'neither letter nor digit']],
  'redact-query': [['&=', 'neither letter nor digit']],
  'redact-field': [['_', 'neither letter nor digit']],
  'redact-pattern': [['(?=x)', 'RE2']],
  'no-default-redaction': [['maybe', 'neither true nor false']],
  'redact-allow': [
    ['--', 'neither letter nor digit'],
    ['/(?=x)/', 'RE2'],
  ],
  'redact-pii': [['maybe', 'neither true nor false']],
  'opaque-bodies': [['some', 'is not one of']],
  'no-bodies': [['maybe', 'neither true nor false']],
  workers: [['2', 'out of range']],
  'no-routes': [['maybe', 'neither true nor false']],
  'output-replace': [['maybe', 'neither true nor false']],
  'path-exclusions': [
    ['< INSERT PATHS >', 'placeholder'],
    ['[', 'RE2'],
  ],
  output: [
    ['stdout', 'satellite'],
    ['har:', 'har:FILE'],
    ['har', 'har:FILE'],
    ['ndjson:', 'ndjson'],
    ['satellite:x', 'satellite'],
  ],
  write: [
    ['capture', 'ends in .pcap, .har or .ndjson'],
    ['a.json', 'ends in .pcap'],
  ],
  'packets-on': [
    ['5xx', 'is no condition'],
    ['status>=5x', 'is not a number'],
    ['mark=strange', 'is no mark'],
    ['path~(', 'is not an RE2 pattern'],
    ['latency>1', 'give a unit'],
  ],
  'packets-to-satellite': [['maybe', 'neither true nor false']],
  'packets-dir': [['<PACKETS DIRECTORY>', 'placeholder']],
  'packets-max-bytes': [['1', 'out of range']],
  verbose: [
    ['much', 'is not how often'],
    ['-1', 'is not how often'],
  ],
  count: [
    ['0', 'out of range'],
    ['1.5', 'whole number'],
  ],
  command: [
    ['10', '--count'],
    [' ', 'is empty'],
  ],
  config: [['/does/not/exist.yaml', 'does not exist']],
  'satellite-protocol': [['grpc', 'auto, otlp, levo']],
  semconv: [['http', 'stable, rpc/dup']],
  'grpc-descriptors': [
    ['/does/not/exist.pb', 'does not exist'],
    ['/', 'is a directory'],
  ],
  'otlp-encoding': [['xml', 'auto, protobuf, json']],
  compression: [['br', 'gzip, none']],
  'satellite-ca': [
    ['/does/not/exist.pem', 'does not exist'],
    [CAPTURE, 'is not PEM'],
  ],
  'satellite-client-cert': [[CAPTURE, 'is not PEM']],
  'satellite-client-key': [['/', 'is a directory']],
  'enrolment-key-file': [
    ['/does/not/exist.keys', 'does not exist'],
    [SHORT_KEYS, 'can be guessed'],
    ['env:NO_SUCH_KEY', 'names a variable that is not set'],
  ],
  'state-dir': [['<STATE DIRECTORY>', 'placeholder']],
  'opamp-url': [
    ['opamp.example', 'is no URL over HTTP'],
    ['ftp://opamp.example/v1/opamp', 'is no URL over HTTP or a WebSocket'],
    ['https://a:b@opamp.example/', 'has a user in it'],
  ],
  'opamp-unsigned': [['perhaps', 'neither true nor false']],
  'spool-dir': [['<SPOOL DIRECTORY>', 'placeholder']],
  'spool-max-bytes': [
    ['1KiB', 'out of range'],
    ['much', 'is not a number of bytes'],
  ],
  'health-port': [
    ['65536', 'is not a port'],
    ['http', 'is not a port'],
    ['::1:80', 'is not a port'],
  ],
  'trusted-proxies': [
    ['10.0.0.0/33', 'is no range of addresses'],
    ['10.0.0/8', 'is no range of addresses'],
    ['proxy.internal', 'is no range of addresses'],
    ['::1/129', 'is no range of addresses'],
    ['10.0.0.0/8,', 'is no range of addresses'],
  ],
  'public-host': [
    ['http://sensor', 'is no host name'],
    ['sensor:80', 'is no host name'],
    ['*', 'is no host name'],
    ['a b', 'is no host name'],
  ],
  'pod-metadata': [['maybe', 'neither true nor false']],
  'kubernetes-node': [['<NODE>', 'placeholder']],
  'pod-selector': [
    ['app=shop tier=web', 'is no label selector'],
    ['app in shop', 'is no label selector'],
    ['-x', 'is no label selector'],
  ],
  'namespace-include': [['(', 'RE2']],
  'namespace-exclude': [['(?=x)', 'RE2']],
  'keep-infrastructure': [['maybe', 'neither true nor false']],
  metrics: [['statsd', 'otlp, emf']],
  'log-packets': [['all', 'none, batches, hex']],
  'shutdown-timeout': [['-1', 'out of range']],
  'log-level': [['loud', 'debug, info, warn, error, silent']],
  'log-format': [['xml', 'json']],
};

/** What makes settings complete beside the option under test. */
function complete(name: string): FlagValues {
  const url = { 'satellite-url': ['http://127.0.0.1:9999'] };
  return name === 'satellite-url' || name === 'output' ? {} : url;
}

function resolve(flags: FlagValues, environment: Environment = {}, base: FlagValues = {}): Settings {
  return resolveSensorSettings({ ...base, ...flags }, environment);
}

function failure(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
}

it('has a right and a wrong value for every option, so that no new one goes untested', () => {
  const names = Object.keys(SENSOR_OPTIONS);
  expect(Object.keys(RIGHT).sort()).toEqual(names.filter((name) => name !== 'config').sort());
  expect(Object.keys(WRONG).sort()).toEqual(names.sort());
});

describe.each(Object.entries(RIGHT))('--%s', (name, { text, value, other, otherValue }) => {
  const property = settingName(name) as keyof Settings;
  const variables = environmentNames(name, TABLE[name] as (typeof TABLE)[string]);
  const yaml = file(`${name}: ${JSON.stringify(other)}\n`, `${name}.yaml`);

  it('is read from a flag, text as it comes', () => {
    expect(resolve({ [name]: [text] }, {}, complete(name))[property]).toEqual(value);
  });

  it.each(variables)('is read from %s', (variable) => {
    expect(resolve({}, { [variable]: text }, complete(name))[property]).toEqual(value);
  });

  it('is read from the file', () => {
    expect(resolve({ config: [yaml] }, {}, complete(name))[property]).toEqual(otherValue);
  });

  it('takes a flag before the environment, and the environment before the file', () => {
    const [variable] = variables as [string];
    const base = complete(name);
    expect(resolve({ [name]: [text], config: [yaml] }, { [variable]: other }, base)[property]).toEqual(value);
    expect(resolve({ config: [yaml] }, { [variable]: text }, base)[property]).toEqual(value);
  });

  it('takes an empty variable for none', () => {
    const [variable] = variables as [string];
    expect(resolve({ config: [yaml] }, { [variable]: '' }, complete(name))[property]).toEqual(otherValue);
  });
});

describe.each(Object.entries(WRONG))('a wrong --%s', (name, wrongs) => {
  const [variable] = environmentNames(name, TABLE[name] as (typeof TABLE)[string]) as [string];

  it.each(wrongs)('%j is refused in one line that names option, source, value and way out', (text, says) => {
    const fromFlag = failure(() => resolve({ [name]: [text] }, {}, complete(name)));
    expect(fromFlag).toContain(`--${name} `);
    expect(fromFlag).toContain(says);
    expect(fromFlag).not.toContain('environment variable');
    const messages = [fromFlag];
    // An empty variable sets nothing, and a list in one is split at line ends.
    if (text !== '' && !text.includes('\n')) {
      const fromVariable = failure(() => resolve({}, { [variable]: text }, complete(name)));
      expect(fromVariable).toContain(`--${name} `);
      expect(fromVariable).toContain(`(from environment variable ${variable})`);
      expect(fromVariable).toContain(says);
      messages.push(fromVariable);
    }
    if (text !== '' && name !== 'config') {
      const path = file(`${name}: ${JSON.stringify(text)}\n`, 'wrong.yaml');
      const fromFile = failure(() => resolve({ config: [path] }, {}, complete(name)));
      expect(fromFile).toContain(`--${name} `);
      expect(fromFile).toContain(`(from ${path})`);
      expect(fromFile).toContain(says);
      messages.push(fromFile);
    }
    for (const message of messages) {
      expect(message).not.toContain('\n');
      expect(message).not.toContain('hunter2');
      expect(message).toMatch(/give|leave|see|there are|use|send/);
    }
  });
});

describe('bodies and memory', () => {
  const resolve = (...words: string[]) =>
    resolveSensorSettings(
      {
        output: ['ndjson'],
        ...Object.fromEntries(words.map((word) => word.split('=')).map(([name, text]) => [name, [text]])),
      } as FlagValues,
      {},
    );

  it('are refused where both were given and the one cannot hold the other', () => {
    expect(() => resolve('max-http-length=60MB', 'max-memory=64MiB')).toThrow(
      '--max-http-length 60000000 does not fit into --max-memory 67108864; give at most --max-http-length 3947580, or at ' +
        'least --max-memory 1020000000',
    );
    expect(resolve('max-http-length=60MB', 'max-memory=1GiB')).toMatchObject({ maxHttpLength: 60_000_000 });
    expect(resolve('max-http-length=3947580', 'max-memory=64MiB')).toMatchObject({ maxHttpLength: 3_947_580 });
  });

  it('are as they can be where one was not given', () => {
    expect(resolve('max-http-length=60MB')).toMatchObject({ maxHttpLength: 60_000_000, maxMemory: null });
    expect(resolve('max-memory=8MiB')).toMatchObject({ maxHttpLength: null, maxMemory: 8 << 20 });
  });
});

describe('lists', () => {
  it('keep every flag and never split at commas', () => {
    expect(resolve({ 'path-allow': ['a,b', 'c'] }, {}, complete('')).pathAllow).toEqual(['a,b', 'c']);
  });

  it.each([
    ['a,b', ['a,b']],
    ['a\nb\n\nc,d\n', ['a', 'b', 'c,d']],
    ['["a,b","c\\nd"]', ['a,b', 'c\nd']],
    ['[a-z]+', ['[a-z]+']],
    ['["a", 1]', ['["a", 1]']],
  ])('in a variable: %j', (text, values) => {
    expect(resolve({}, { LEVO_PATH_ALLOW: text }, complete('')).pathAllow).toEqual(values);
  });

  it('in a file: a sequence, or one text', () => {
    const path = file('path-allow: [a, "b,c"]\nhost-allow: d\npath-exclusions:\n  - ^/e\nhost-exclusions: []\n');
    const settings = resolve({ config: [path] }, {}, complete(''));
    expect(settings.pathAllow).toEqual(['a', 'b,c']);
    expect(settings.hostAllow).toEqual(['d']);
    expect(settings.pathExclusions).toEqual(['^/e']);
    expect(settings.hostExclusions).toEqual([]);
  });
});

describe("OpenTelemetry's variables", () => {
  const OTEL = {
    OTEL_SERVICE_NAME: 'cart',
    OTEL_RESOURCE_ATTRIBUTES: 'team=payments,note=a%2Cb%20c, service.version=1',
  };
  const yaml = file('service-name: filed\n', 'service.yaml');

  it('count where nothing of ours is set', () => {
    expect(resolve({}, OTEL, complete(''))).toMatchObject({
      serviceName: 'cart',
      resourceAttribute: [
        ['team', 'payments'],
        ['note', 'a,b c'],
        ['service.version', '1'],
      ],
    });
    expect(resolve({ config: [yaml] }, OTEL, complete(''))).toMatchObject({ serviceName: 'filed' });
    expect(resolve({}, { ...OTEL, LEVO_SERVICE_NAME: 'ours' }, complete(''))).toMatchObject({ serviceName: 'ours' });
    expect(resolve({ 'resource-attribute': ['a=b'] }, OTEL, complete(''))).toMatchObject({
      resourceAttribute: [['a', 'b']],
    });
  });

  it.each(['no pair', 'a=%zz', '=x'])('are left out whole where they cannot be read, and said so: %j', (text) => {
    const { settings, notes } = resolveSensor(complete(''), { OTEL_RESOURCE_ATTRIBUTES: `a=b,${text}` });
    expect(settings.resourceAttribute).toEqual([]);
    expect(notes.map(({ message }) => message)).toEqual([expect.stringContaining('OTEL_RESOURCE_ATTRIBUTES')]);
  });
});

describe('the configuration file', () => {
  it("takes the keys that only the vendor's file for Windows has, and names them", () => {
    const path = file(
      'name: levo\ndisplay-name: Levo\ndescription: x\nlog-file-path: c.log\nexec: a.exe\nargs: ["apidump"]\nrate-limit: 7\n',
    );
    const { settings, notes } = resolveSensor({ ...complete(''), config: [path] }, {});
    expect(settings.rateLimit).toBe(7);
    expect(notes.map(({ message }) => message)).toEqual([
      expect.stringContaining(
        'name, display-name, description, log-file-path, exec, args say how a Windows service is started',
      ),
    ]);
  });

  it('reads the file the vendor documents', () => {
    const path = file(`
satellite-url: "http://satellite.local:9999"
levo-env: "staging"
levoai-org-id: 5e2c5ae0-9a5f-4f0c-8c57-3c7a6b9f3a11
rate-limit: 1000
trace-export-interval: 10
filter: ""
path-allow: []
host-allow: []
path-exclusions: []
host-exclusions: []
max-http-length: 10000000
stream-timeout-seconds: 10
`);
    expect(resolve({ config: [path] })).toMatchObject({
      satelliteUrl: 'http://satellite.local:9999',
      levoEnv: 'staging',
      levoaiOrgId: '5e2c5ae0-9a5f-4f0c-8c57-3c7a6b9f3a11',
      rateLimit: 1000,
      traceExportInterval: 10,
      filter: '',
      pathAllow: [],
      maxHttpLength: 10_000_000,
      streamTimeoutSeconds: 10,
    });
  });

  it('takes empty, null and ~ for not set, and an empty file for nothing', () => {
    const path = file('levo-env:\nservice-name: null\nrate-limit: ~\nlevoai-org-id: ""\n');
    expect(resolve({ config: [path] }, {}, complete(''))).toMatchObject({
      levoEnv: null,
      serviceName: null,
      rateLimit: 1000,
      levoaiOrgId: null,
    });
    expect(resolve({ config: [file('# nothing\n', 'comment.yaml')] }, {}, complete('')).rateLimit).toBe(1000);
  });

  it.each([
    ['rate-limits: 5\n', 'did you mean rate-limit?'],
    ['constructor: 5\n', '"constructor" is no option'],
    ['config: other.yaml\n', '"config" is no option'],
    ['rate-limit: [1, 2]\n', 'must be one text'],
    ['path-allow: {a: b}\n', 'must be a list of texts'],
    ['path-allow: [[a]]\n', 'must be a list of texts'],
    ['- rate-limit\n', 'is not a mapping'],
    ['just text\n', 'is not a mapping'],
    ['a: b\nrate-limit: "unclosed\n', 'is not YAML'],
    ['rate-limit: 1\nrate-limit: 2\n', 'line 2 is not YAML (DUPLICATE_KEY)'],
    ['rate-limit: 1\nrate-limit: 2\n', 'Map keys must be unique; mend that line'],
    ['rate-limit:\n\t- 1\n', 'line 2 is not YAML (TAB_AS_INDENT): Tabs are not allowed'],
    ['rate-limit: *none\n', 'mend its aliases'],
  ])('%j is refused', (content, says) => {
    const path = file(content);
    const message = failure(() => resolve({ config: [path] }, {}, complete('')));
    expect(message).toContain(says);
    expect(message).toContain(path);
    expect(message).not.toContain('\n');
  });

  it('is refused when it is larger than any configuration', () => {
    const path = file('#'.repeat(1 << 21));
    expect(failure(() => resolve({ config: [path] }))).toContain('larger than');
  });

  it('does not let aliases multiply', () => {
    const path = file('x: &a [l,l,l]\npath-allow: [*a]\n');
    expect(failure(() => resolve({ config: [path] }))).toContain('"x" is no option');
  });
});

describe('options together', () => {
  it.each<[string, FlagValues, string]>([
    ['nothing', {}, '--satellite-url is required'],
    ['a file to read', { read: [CAPTURE] }, 'add --output text or ndjson'],
    ['a file to read, to the satellite', { read: [CAPTURE], output: ['satellite'] }, '--satellite-url is required'],
    ['interfaces and a file', { read: [CAPTURE], interfaces: ['lo'], output: ['ndjson'] }, '--interfaces'],
    ['one output twice', { output: ['ndjson', 'ndjson'] }, 'twice'],
    ['an unknown flag', { 'satelite-url': ['x'] }, '--satelite-url is no option; did you mean --satellite-url?'],
    ['an inherited name', { constructor: ['x'] }, '--constructor is no option'],
  ])('%s', (_, flags, says) => {
    expect(failure(() => resolve(flags))).toContain(says);
  });

  it('has no rate limit when reading, unless one is asked for', () => {
    const reading = { read: [CAPTURE], output: ['ndjson'] };
    expect(resolve(reading).rateLimit).toBe(0);
    expect(resolve({ ...reading, 'rate-limit': ['7'] }).rateLimit).toBe(7);
    expect(resolve(reading, { LEVO_RATE_LIMIT: '8' }).rateLimit).toBe(8);
    expect(resolve({ ...reading, config: [file('rate-limit: 9\n')] }).rateLimit).toBe(9);
  });

  it('reads to a satellite when one is named', () => {
    expect(resolve({ read: [CAPTURE], 'satellite-url': ['a'] }).output).toEqual([{ to: 'satellite' }]);
  });

  it('takes the last of a flag given twice', () => {
    expect(resolve({ 'rate-limit': ['1', '2'] }, {}, complete('')).rateLimit).toBe(2);
  });

  it('gives frozen settings', () => {
    const settings = resolve({}, {}, complete(''));
    expect(Object.isFrozen(settings)).toBe(true);
    expect(Object.isFrozen(settings.pathAllow)).toBe(true);
    expect(Object.isFrozen(settings.output)).toBe(true);
  });
});
