/** Configurations as people have them: right ones, contradictory ones, and every key. */
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { UsageError } from '../../../src/errors.js';
import { planCapture } from '../../../src/packets/stream/capture-plan.js';
import { readStreamConfig, type StreamRole } from '../../../src/packets/stream/config.js';
import { KEY_ROWS, type KeyName } from '../../../src/packets/stream/config-keys.js';

const read = (yaml: string, role: StreamRole = 'sensor') => readStreamConfig('FILE', parse(yaml), role);
const SENSOR = 'output: {server: {address: 127.0.0.1, port: 8081}}';
const RECEIVER = 'input: {address: 0.0.0.0, port: 8081}\noutput: {file: {path: /tmp/dump_file}}';

/** The samples that the stock program comes with. */
describe('stock samples', () => {
  it.each<[string, StreamRole, string]>([
    ['sensor-local', 'sensor', 'output:\n  server:\n    address: 127.0.0.1\n    port: 8081\npcapMode: all'],
    ['receiver', 'receiver', 'input:\n  address: 0.0.0.0\n  port: 8081\noutput:\n  file:\n    path: /tmp/dump_file'],
    ['receiver-stdout', 'receiver', 'input:\n  address: 0.0.0.0\n  port: 8081\noutput:\n  file:\n    path: stdout'],
    [
      'sensor-s3',
      'sensor',
      'output:\n  plugins:\n    s3:\n      region: eu-west-1\n      bucket: foo-pcap\n      totalFileSize: 10MB\n      uploadChunkSize: 5MB\n      uploadTimeout: 1m\n      cannedACL: bucket-owner-full-control\npcapMode: all',
    ],
    [
      'receiver-kafka',
      'receiver',
      'input:\n  address: 0.0.0.0\n  port: 8081\noutput:\n  plugins:\n    kafka:\n      brokers: 0.0.0.0:9092\n      clientId: packetstreamer\n      topic: packetstreamer',
    ],
  ])('%s', (_name, role, yaml) => {
    expect(read(yaml, role).notes).toEqual([]);
  });
});

describe('every key', () => {
  /** A right value, what it is read as, and a wrong one where there is one. */
  const VALUES: Record<KeyName, [right: string, value: unknown, wrong?: string]> = {
    'input.address': ['"::1"', '::1', '[1]'],
    'input.port': ['"9000"', 9000, '70000'],
    'output.server.address': ['receiver.example', 'receiver.example', '{}'],
    'output.server.port': ['1', 1, '0'],
    'output.file.path': ['stdout', 'stdout', '[a]'],
    'output.file.format': ['PCAPNG', 'pcapng', 'cap'],
    'output.file.perSensor': ['true', true, '3'],
    'output.file.rotateSize': ['1GB', 1 << 30, '1 parsec'],
    'output.file.rotateTime': ['1h30m', 5_400_000, 'soon'],
    'output.file.keep': ['7', 7, '-1'],
    'output.file.order': ['500ms', 500, '-1s'],
    'output.plugins.s3.bucket': ['foo', 'foo', '[]'],
    'output.plugins.s3.region': ['eu-west-1', 'eu-west-1', '{}'],
    'output.plugins.s3.totalFileSize': ['10 megabytes', 10 << 20, '10 parsecs'],
    'output.plugins.s3.uploadChunkSize': ['5.5MB', 5.5 * 2 ** 20, '0'],
    'output.plugins.s3.uploadTimeout': ['90', 90_000, '1 minute'],
    'output.plugins.s3.cannedACL': ['private', 'private', 'anybody'],
    'output.plugins.s3.endpoint': ['http://127.0.0.1:9000', 'http://127.0.0.1:9000', '[]'],
    'output.plugins.s3.key': ['"{year}/{id}.pcap"', '{year}/{id}.pcap', '{}'],
    'output.plugins.s3.sse': ['aws:kms', 'aws:kms', 'rot13'],
    'output.plugins.s3.kmsKeyId': ['alias/a', 'alias/a', '{}'],
    'output.plugins.kafka.brokers': ['"a:1, b:2"', ['a:1', 'b:2'], '{}'],
    'output.plugins.kafka.clientId': ['me', 'me', '{}'],
    'output.plugins.kafka.topic': ['packets', 'packets', '{}'],
    'output.plugins.kafka.messageSize': ['65KB', 66_560, 'big'],
    'output.plugins.kafka.fileSize': ['1 MiB', 1 << 20, 'big'],
    'output.plugins.kafka.acks': ['-1', '-1', '5'],
    'output.plugins.kafka.timeout': ['10s', 10_000, 'x'],
    'output.plugins.kafka.maxWait': ['250ms', 250, 'x'],
    'output.plugins.kafka.tls': ['true', true, 'x'],
    'output.plugins.kafka.ca': ['ca.pem', 'ca.pem', '{}'],
    'output.plugins.kafka.sasl': ['scram-sha-256', 'SCRAM-SHA-256', 'x'],
    'output.plugins.kafka.username': ['u', 'u', '{}'],
    'output.plugins.kafka.password': ['p', 'p', '{}'],
    'tls.enable': ['true', true, 'maybe'],
    'tls.certfile': ['a.crt', 'a.crt', '{}'],
    'tls.keyfile': ['a.key', 'a.key', '{}'],
    'tls.ca': ['ca.crt', 'ca.crt', '{}'],
    'tls.serverName': ['name', 'name', '{}'],
    'tls.clientCA': ['ca.crt', 'ca.crt', '{}'],
    'auth.enable': ['false', false, '1.5'],
    'auth.key': ['123', '123', '{}'],
    compressBlockSize: ['128', 128, '0'],
    inputPacketLen: ['64', 64, 'x'],
    gatherMaxWaitSec: ['1', 1, '1.5'],
    logFilename: ['a.log', 'a.log', '{}'],
    pcapMode: ['Deny', 'deny', 'most'],
    capturePorts: ['[80, "443"]', [80, 443], '[99999]'],
    captureInterfacesPorts: ['{eth0: [80], lo: }', { eth0: [80], lo: [] }, '{eth0: [a]}'],
    ignorePorts: ['22', [22], 'ssh'],
    filter: ['host 10.0.0.1', 'host 10.0.0.1', '{}'],
    loopback: ['true', true, 'x'],
    ringSize: ['16', 16, '0'],
    name: ['web-1', 'web-1', '{}'],
    announce: ['false', false, 'x'],
    whenAway: ['Drop-Newest', 'drop-newest', 'wait'],
    queueSize: ['1MB', 1 << 20, 'x'],
    spoolDir: ['/spool', '/spool', '{}'],
    spoolSize: ['2GB', 2 ** 31, 'x'],
    keepAliveSec: ['5', 5, '60'],
    maxConnections: ['4', 4, '0'],
    maxBlockSize: ['64', 64, '1'],
    idleTimeoutSec: ['60', 60, '-1'],
    health: ['9100', '9100', '{}'],
    logLevel: ['debug', 'debug', 'loud'],
    logFormat: ['json', 'json', 'xml'],
  };

  const nested = (name: string, value: string) => {
    const parts = name.split('.');
    return parts.reduceRight((inner, part) => `{${part}: ${inner}}`, value);
  };
  const merged = (name: KeyName, value: string) => {
    const role = KEY_ROWS[name].of === 'receiver' ? 'receiver' : 'sensor';
    const base = parse(role === 'sensor' ? SENSOR : RECEIVER);
    const beside: Record<string, unknown> = {
      'output.plugins.s3': { bucket: 'b' },
      'output.plugins.kafka': { brokers: 'b:1' },
    };
    const tree = mergeTrees(base, parse(nested(name, value)));
    for (const [group, keys] of Object.entries(beside))
      if (name.startsWith(group)) mergeTrees(tree, parse(nested(group, JSON.stringify(keys))), true);
    if (name === 'output.file.keep')
      tree.output = { ...tree.output, file: { path: 'a', keep: Number(value), rotateSize: '1MB' } };
    if (name === 'tls.certfile') tree.tls = { certfile: value, keyfile: 'k' };
    if (name === 'tls.keyfile') tree.tls = { certfile: 'c', keyfile: value };
    return readStreamConfig('FILE', tree, role).values;
  };

  it.each(Object.entries(VALUES) as [KeyName, [string, unknown, string?]][])('%s', (name, [right, value, wrong]) => {
    expect(merged(name, right)[name]).toEqual(value);
    if (wrong !== undefined && wrong !== '{}' && wrong !== '[]')
      expect(() => merged(name, wrong)).toThrow(new RegExp(`FILE: ${name.replace('.', '\\.')}`));
  });
});

function mergeTrees(into: any, from: any, keepsFirst = false): any {
  for (const [key, value] of Object.entries(from)) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value) && typeof into[key] === 'object')
      mergeTrees(into[key], value, keepsFirst);
    else if (!(keepsFirst && key in into)) into[key] = value;
  }
  return into;
}

describe('what a stock program crashes at or ignores', () => {
  it.each<[string, string, StreamRole, RegExp]>([
    ['no output', 'pcapMode: all', 'sensor', /no output configured; give output\.server/],
    ['a mistyped output', 'outpt: {}', 'sensor', /no output configured; give .*; outpt is no key that anything reads/],
    ['null output', 'output:', 'sensor', /no output configured/],
    ['an empty output', 'output: {}', 'sensor', /no output configured/],
    ['an empty output in a receiver', 'input: {port: 1}\noutput: {}', 'receiver', /no output configured/],
    ['nothing', '', 'receiver', /no input configured/],
    ['no port', 'input: {address: a}\noutput: {file: {path: a}}', 'receiver', /no port configured for input/],
    ['no port of the server', 'output: {server: {address: a}}', 'sensor', /no port configured for server output/],
    [
      'a server in a receiver',
      'input: {port: 1}\noutput: {server: {address: a, port: 1}}',
      'receiver',
      /output\.server has no meaning/,
    ],
    ['a block size of 0', `${SENSOR}\ncompressBlockSize: 0`, 'sensor', /compressBlockSize 0 is no integer from 1/],
    [
      'a key of 59 bytes',
      `${SENSOR}\nauth: {enable: true, key: ${'a'.repeat(59)}}`,
      'sensor',
      /auth\.key has 59 bytes, and 58 fit/,
    ],
    ['no key', `${SENSOR}\nauth: {enable: true}`, 'sensor', /auth\.enable takes auth\.key/],
    [
      'half a pair',
      `${SENSOR}\ntls: {enable: true, certfile: a}`,
      'sensor',
      /tls\.certfile is given without tls\.keyfile/,
    ],
    ['TLS without a pair', `${RECEIVER}\ntls: {enable: true}`, 'receiver', /takes tls\.certfile and tls\.keyfile/],
    ['Kafka without brokers', 'output: {plugins: {kafka: {topic: a}}}', 'sensor', /has no brokers/],
    ['S3 without a bucket', 'output: {plugins: {s3: {region: a}}}', 'sensor', /has no bucket/],
    [
      'small parts',
      'output: {plugins: {s3: {bucket: a, uploadChunkSize: 1MB}}}',
      'sensor',
      /uploadChunkSize 1048576 is less/,
    ],
    [
      'mode all with ports',
      `${SENSOR}\npcapMode: all\ncapturePorts: [80]`,
      'sensor',
      /pcapMode all and capturePorts contradict/,
    ],
    [
      'mode all with interfaces',
      `${SENSOR}\npcapMode: all\ncaptureInterfacesPorts: {a: [80]}`,
      'sensor',
      /pcapMode all and captureInterfacesPorts contradict/,
    ],
    [
      'ports captured and ignored',
      `${SENSOR}\ncapturePorts: [80]\nignorePorts: [80]`,
      'sensor',
      /capturePorts and ignorePorts|capturePorts, .*ignorePorts|capturePorts .*ignorePorts/,
    ],
    [
      'two values',
      `${RECEIVER}\ntls: {enable: true, certfile: a, certFile: b, keyfile: k}`,
      'receiver',
      /tls\.certfile and tls\.certFile are the same key/,
    ],
    ['a spool without a place', `${SENSOR}\nwhenAway: spool`, 'sensor', /give spoolDir/],
  ])('%s', (_what, yaml, role, message) => {
    expect(() => read(yaml, role)).toThrow(message);
    expect(() => read(yaml, role)).toThrow(UsageError);
  });

  it('takes keys in any case, and both ways to write certfile', () => {
    const { values } = read('Output: {SERVER: {Address: a, PORT: 1}}\nTLS: {Enable: true, certFile: c, keyFile: k}');
    expect([values['output.server.port'], values['tls.certfile'], values['tls.keyfile']]).toEqual([1, 'c', 'k']);
  });

  it('says what it does not know, and what does nothing there', () => {
    expect(read(`${SENSOR}\nsamplingRate: {maxPktsToWrite: 1}\ninput: {port: 1}`).notes).toEqual([
      'samplingRate is no key that anything reads; docs/packetstreamer.md has those there are',
      'input.port does nothing in a sensor',
    ]);
  });

  it.each([0, -1, 262_145])('takes inputPacketLen %i for whole packets', (length) => {
    expect(read(`${SENSOR}\ninputPacketLen: ${length}`).values.inputPacketLen).toBe(262_144);
  });
});

describe('what is captured', () => {
  const plan = (yaml: string) => {
    const { interfaces, expression } = planCapture(read(`${SENSOR}\n${yaml}`).values);
    return [interfaces.names, interfaces.exclude, expression('eth0'), expression('eth1')];
  };
  it.each<[string, unknown[]]>([
    ['', [[], [], '', '']],
    ['pcapMode: Allow', [[], [], '', '']],
    ['capturePorts: [80, 81]', [[], [], '(port 80 or port 81)', '(port 80 or port 81)']],
    ['pcapMode: allow\ncaptureInterfacesPorts: {eth0: [80]}', [['eth0'], [], '(port 80)', '']],
    ['pcapMode: allow\ncaptureInterfacesPorts: {eth0: []}', [['eth0'], [], '', '']],
    ['captureInterfacesPorts: {"eth0:80": }', [['eth0'], [], '(port 80)', '']],
    ['captureInterfacesPorts: {eth0: 80}', [['eth0'], [], '(port 80)', '']],
    ['capturePorts: [80]\ncaptureInterfacesPorts: {eth0: [80, 90]}', [[], [], '(port 80 or port 90)', '(port 80)']],
    ['pcapMode: deny\ncapturePorts: [80]', [[], [], 'not (port 80)', 'not (port 80)']],
    ['pcapMode: deny\ncaptureInterfacesPorts: {eth0: [80]}', [[], [], 'not (port 80)', '']],
    ['pcapMode: deny\ncaptureInterfacesPorts: {eth0: }', [[], ['^eth0$'], '', '']],
    [
      'ignorePorts: [22]\nfilter: tcp or udp',
      [[], [], 'not (port 22) and (tcp or udp)', 'not (port 22) and (tcp or udp)'],
    ],
  ])('%s', (yaml, expected) => {
    expect(plan(yaml)).toEqual(expected);
  });

  it('is on loopback only where that is asked for', () => {
    const skips = (yaml: string) => planCapture(read(`${SENSOR}\n${yaml}`).values).interfaces.skipsLoopback;
    expect([skips(''), skips('loopback: true'), skips('captureInterfacesPorts: {lo: [80]}')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
