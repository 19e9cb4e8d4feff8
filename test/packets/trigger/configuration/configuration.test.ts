/** The configuration: the stock program's documented sample, every key of it, and the recorded ones with their bugs. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfiguration } from '../../../../src/packets/trigger/configuration/configuration.js';
import { readFlags } from '../../../../src/packets/trigger/configuration/flags.js';
import type { TriggerSettings } from '../../../../src/packets/trigger/configuration/settings.js';
import { needs } from '../../../support/needs.js';
import { sharedLines, sharedPackets } from '../../../support/shared-packets.js';

const folder = mkdtempSync(join(tmpdir(), 'pcapdaemon-configuration-'));
mkdirSync(join(folder, 'out'));
mkdirSync(join(folder, 'spool'));
writeFileSync(join(folder, 'ca.pem'), 'PEM');
afterAll(() => rmSync(folder, { recursive: true }));

const MACHINE = { node: 'node-1', interfaces: ['lo', 'cap0', 'eth0'], memoryBytes: 1 << 30 };
let files = 0;

async function read(toml: string | null, words: readonly string[] = []) {
  const path = join(folder, `${files++}.toml`);
  if (toml !== null) writeFileSync(path, toml.replaceAll('"out"', JSON.stringify(join(folder, 'out'))));
  const flags = readFlags([...(toml === null ? [] : ['-config', path]), ...words]);
  if (flags === 'help') throw new Error('help');
  return readConfiguration(flags, MACHINE);
}

const settingsOf = async (toml: string | null, words?: readonly string[]): Promise<TriggerSettings> =>
  (await read(toml, words)).settings;

const MINIMUM = '[general]\nwritelocal = true\nlocaldir = "out"\n';
const REDIS = '[redis]\nlisten = true\nhost = "127.0.0.1"\nchannel = "capture"\n';

/** The sample that the documents have, with each key in it. */
const SAMPLE = `
[general]
maxpackets = 50000
maxbytes = 100000000
maxtimeout = 3600
maxduration = 3600
defaulttimeout = 10
writelocal = true
localdir = "out"
snaplength = 500
packetdebug = true
logrequests = true

[cloudshark]
host = "cloudshark.example"
scheme = "http"
port = 8080
token = "0123456789abcdef0123456789abcdef"
upload = true
timeout = 30

[redis]
listen = true
host = "redis.example"
port = 6380
channel = "capture"
auth = "secret"

[kafka]
listen = true
server = ["kafka.example:9092", "other.example:9092"]
topic = "capture"

[syslog]
priority = 25
tag = "mytag"

[[interface]]
name = "eth0"
alias = ["main", "public"]

[[interface]]
name = "lo"

[s3]
accessid = "id"
accesskey = "key"
endpoint = "s3.example"
bucket = "captures"
folder = "pcaps"
upload = true
region = "us-east-1"
acl = "bucket-owner-full-control"
encryption = true

[sqs]
listen = true
region = "us-east-1"
accessid = "id"
accesskey = "key"
url = "https://sqs.us-east-1.amazonaws.com/123456789012/q"
waitseconds = 2
chunksize = 5
`;

it('reads every documented key', async () => {
  const { settings, notes } = await read(SAMPLE);
  expect(notes).toEqual(['[[interface]] lo: has no alias, so that no message can name it by one']);
  expect(settings).toMatchObject({
    node: 'node-1',
    caps: {
      ...{ packetsMax: 50_000, bytesMax: 100_000_000, timeoutSecondsMax: 3600, durationSecondsMax: 3600 },
      ...{ timeoutSeconds: 10, snapLength: 500, beforeSecondsMax: 0 },
    },
    packetDebug: true,
    logRequests: true,
    local: { directory: join(folder, 'out') },
    cloudshark: {
      ...{ host: 'cloudshark.example', scheme: 'http', port: 8080, timeoutSeconds: 30, isVerified: true, ca: null },
      token: '0123456789abcdef0123456789abcdef',
    },
    redis: {
      host: 'redis.example',
      port: 6380,
      channels: ['capture'],
      patterns: [],
      password: 'secret',
      user: null,
      tls: null,
    },
    kafka: { servers: ['kafka.example:9092', 'other.example:9092'], topic: 'capture', tls: null, sasl: null },
    syslog: { priority: 25, tag: 'mytag', socket: null },
    aliases: [
      { name: 'eth0', aliases: ['main', 'public'] },
      { name: 'lo', aliases: [] },
    ],
    s3: {
      ...{ keys: { accessKeyId: 'id', secretAccessKey: 'key' }, endpoint: 's3.example', bucket: 'captures' },
      ...{ folder: 'pcaps', region: 'us-east-1', acl: 'bucket-owner-full-control', encryption: true },
    },
    allowed: { buckets: ['captures'], endpoints: ['s3.example'], acls: ['bucket-owner-full-control'], replyTo: [] },
    sqs: {
      ...{ region: 'us-east-1', waitSeconds: 2, chunkSize: 5, endpoint: 'https://sqs.us-east-1.amazonaws.com' },
      url: 'https://sqs.us-east-1.amazonaws.com/123456789012/q',
    },
  });
});

it('reads what is ours', async () => {
  const settings = await settingsOf(`
[general]
writelocal = true
localdir = "out"
format = "pcapng"
maxmemory = "64MiB"
maxcaptures = 20
ringsize = 4
health = "9411"
lookback = ["32MiB", "90s"]
metadata = true
spooldir = "${join(folder, 'spool')}"
spoolmaxbytes = "1GiB"
retryseconds = "2m"
replyto = ["answers"]
[redis]
listen = true
host = "redis"
channel = ["a", "b"]
patterns = ["alerts.*"]
user = "me"
auth = "secret"
tls = true
ca = "${join(folder, 'ca.pem')}"
insecure = true
[s3]
upload = true
bucket = "a"
region = "eu-central-1"
buckets = ["b"]
endpoints = ["https://minio:9000"]
acls = ["public-read"]
[sqs]
listen = true
region = "eu-central-1"
url = "https://sqs.eu-central-1.amazonaws.com/1/q"
endpoint = "http://127.0.0.1:5000"
[kafka]
listen = true
server = "kafka:9093"
topic = "t"
tls = true
user = "u"
password = "p"
mechanism = "scram-sha-512"
[cloudshark]
upload = true
host = "cs"
token = "t"
ca = "${join(folder, 'ca.pem')}"
insecure = true
[syslog]
socket = "/run/log"
`);
  expect(settings).toMatchObject({
    ...{
      format: 'pcapng',
      memoryBytesMax: 64 << 20,
      capturesMax: 20,
      ringMebibytes: 4,
      takesMetadata: true,
      health: '9411',
    },
    lookback: { bytesMax: 32 << 20, secondsMax: 90 },
    spool: { directory: join(folder, 'spool'), bytesMax: 1 << 30 },
    retrySeconds: 120,
    allowed: {
      ...{ replyTo: ['answers'], buckets: ['a', 'b'], endpoints: ['https://minio:9000'] },
      acls: ['private', 'public-read'],
    },
    redis: {
      ...{ channels: ['a', 'b'], patterns: ['alerts.*'], user: 'me', password: 'secret', port: 6379 },
      tls: { ca: 'PEM', isVerified: false },
    },
    s3: { keys: null, endpoint: null, folder: '', acl: 'private', encryption: false },
    sqs: { endpoint: 'http://127.0.0.1:5000', keys: null, waitSeconds: 20, chunkSize: 10 },
    kafka: {
      servers: ['kafka:9093'],
      tls: { ca: null, isVerified: true },
      sasl: { mechanism: 'SCRAM-SHA-512', user: 'u', password: 'p' },
    },
    cloudshark: { scheme: 'https', port: 443, ca: 'PEM', isVerified: false, timeoutSeconds: 0 },
    syslog: { priority: 85, tag: 'pcapdaemon', socket: '/run/log' },
  });
  expect((await settingsOf(`${MINIMUM}lookback = 16\n${REDIS}`)).lookback).toEqual({
    bytesMax: 16 << 20,
    secondsMax: 86_400,
  });
  expect((await settingsOf(`${MINIMUM}lookback = "30s"\n${REDIS}`)).lookback).toEqual({
    bytesMax: 64 << 20,
    secondsMax: 30,
  });
  expect((await settingsOf(`${MINIMUM}format = "pcap-nano"\n${REDIS}`)).format).toBe('pcap-nano');
});

it('has the defaults that the stock program means to have', async () => {
  const { settings, notes } = await read(MINIMUM + REDIS);
  expect(notes).toEqual([]);
  expect(settings).toMatchObject({
    caps: {
      ...{ packetsMax: 10_000, bytesMax: 100_000_000, timeoutSecondsMax: 3600, durationSecondsMax: 3600 },
      ...{ timeoutSeconds: 60, snapLength: 512 },
    },
    ...{
      format: 'pcap',
      memoryBytesMax: 1 << 28,
      capturesMax: 256,
      lookback: null,
      packetDebug: false,
      logRequests: false,
    },
    ...{ takesMetadata: false, spool: null, retrySeconds: 600, cloudshark: null, s3: null, sqs: null, kafka: null },
    // Without the table nothing goes to the system's log, where the stock program sends every line as kern.emerg.
    syslog: null,
    redis: { port: 6379 },
  });
});

it('takes a text for a time by its unit, where the stock program overflows', async () => {
  const { caps } = await settingsOf(
    `${MINIMUM}defaulttimeout = "10s"\nmaxduration = "1h30m"\nmaxtimeout = "90s"\n${REDIS}`,
  );
  expect(caps).toMatchObject({ timeoutSeconds: 10, durationSecondsMax: 5400, timeoutSecondsMax: 90 });
});

it('matches keys whatever their case, and warns of what nothing reads', async () => {
  const { settings, notes } = await read(
    `[General]\nMaxPackets = 7\nwritelocal = true\nlocaldir = "out"\nnew = 1\n${REDIS}[x]\na = 1\n`,
  );
  expect(settings.caps.packetsMax).toBe(7);
  expect(notes).toEqual([
    'the configuration has [x], which nothing reads',
    'the configuration has new in [general], which nothing reads',
  ]);
});

it.each<[what: string, toml: string | null, reason: RegExp]>([
  ['no file and no flags', null, /nowhere to go|no messages can come/],
  ['bad TOML', 'x = [\n', /line \d: .*; mend that line, as https:\/\/toml.io has it/],
  [
    'a text for a number',
    `[general]\nmaxpackets = "50"\n`,
    /\[general\] maxpackets = "50": is a text; give an integer/,
  ],
  ['a fraction for a number', `[general]\nmaxpackets = 10.0\n`, /maxpackets = 10: is a fraction; give an integer/],
  [
    'a number for a text',
    `[general]\nlocaldir = 7\nwritelocal = true\n${REDIS}`,
    /localdir = 7: is an integer; give text/,
  ],
  ['0 packets', `[general]\nmaxpackets = 0\n`, /give a number from 1/],
  [
    'a default above its cap',
    `${MINIMUM}maxtimeout = 5\ndefaulttimeout = 9\n${REDIS}`,
    /is above maxtimeout, which is 5/,
  ],
  [
    'a directory that is not there',
    `[general]\nwritelocal = true\nlocaldir = "/none"\n${REDIS}`,
    /no such directory; make it/,
  ],
  ['local files without a directory', `[general]\nwritelocal = true\n${REDIS}`, /localdir: is missing/],
  ['no output', REDIS, /captures have nowhere to go/],
  ['no listener', MINIMUM, /no messages can come: set listen = true/],
  ['redis without a host', `${MINIMUM}[redis]\nlisten = true\nchannel = "c"\n`, /\[redis\] host: is missing/],
  ['redis without a channel', `${MINIMUM}[redis]\nlisten = true\nhost = "h"\n`, /\[redis\] channel: is missing/],
  [
    'a user without a password',
    `${MINIMUM}${REDIS}user = "me"\n`,
    /\[redis\] auth: is missing; give the password of the user me/,
  ],
  [
    'a certificate that is not there',
    `${MINIMUM}${REDIS}tls = true\nca = "/none"\n`,
    /ca = "\/none": .*name a PEM file/,
  ],
  ['a certificate without TLS', `${MINIMUM}${REDIS}ca = "${join(folder, 'ca.pem')}"\n`, /there is no tls = true/],
  ['sqs without an address', `${MINIMUM}[sqs]\nlisten = true\nregion = "r"\n`, /\[sqs\] url: is missing/],
  [
    'sqs with one key',
    `${MINIMUM}[sqs]\nlisten = true\nregion = "r"\nurl = "https://q/1"\naccessid = "a"\n`,
    /go together/,
  ],
  ['kafka without a broker', `${MINIMUM}[kafka]\nlisten = true\ntopic = "t"\n`, /\[kafka\] server: is missing/],
  ['kafka without a topic', `${MINIMUM}[kafka]\nlisten = true\nserver = ["k:9"]\n`, /\[kafka\] topic: is missing/],
  ['kafka without a port', `${MINIMUM}[kafka]\nlisten = true\ntopic = "t"\nserver = ["k"]\n`, /give host:port/],
  [
    'kafka with half a login',
    `${MINIMUM}[kafka]\nlisten = true\ntopic = "t"\nserver = ["k:9"]\nuser = "u"\n`,
    /password: is missing/,
  ],
  [
    'an unknown mechanism',
    `${MINIMUM}[kafka]\nlisten = true\ntopic = "t"\nserver = ["k:9"]\nmechanism = "X"\n`,
    /give PLAIN/,
  ],
  [
    'cloudshark without a host',
    `${REDIS}[cloudshark]\nupload = true\ntoken = "t"\n`,
    /\[cloudshark\] host: is missing/,
  ],
  [
    'cloudshark without a token',
    `${REDIS}[cloudshark]\nupload = true\nhost = "h"\n`,
    /\[cloudshark\] token: is missing/,
  ],
  [
    'cloudshark with an address for a host',
    `${REDIS}[cloudshark]\nupload = true\nhost = "http://h/"\ntoken = "t"\n`,
    /without scheme/,
  ],
  [
    'cloudshark by another scheme',
    `${REDIS}[cloudshark]\nupload = true\nhost = "h"\ntoken = "t"\nscheme = "ftp"\n`,
    /"http" or "https"/,
  ],
  ['s3 without a bucket', `${REDIS}[s3]\nupload = true\nregion = "r"\n`, /\[s3\] bucket: is missing/],
  ['an interface without a name', `${MINIMUM}${REDIS}[[interface]]\nalias = ["x"]\n`, /\[\[interface\]\]: has no name/],
  [
    'an unknown interface',
    `${MINIMUM}${REDIS}[[interface]]\nname = "eth7"\n`,
    /name = "eth7": no such interface; there are lo, cap0, eth0/,
  ],
  ['one interface as a table', `${MINIMUM}${REDIS}[interface]\nname = "lo"\n`, /write \[\[interface\]\]/],
  ['a priority that is none', `${MINIMUM}${REDIS}[syslog]\npriority = 192\n`, /from 0 to 191/],
  ['an unknown format', `${MINIMUM}format = "erf"\n${REDIS}`, /format = "erf": give "pcap"/],
  ['a lookback of nothing', `${MINIMUM}lookback = "10"\n${REDIS}`, /lookback = "10": give MiB/],
])('refuses %s', async (_what, toml, reason) => {
  await expect(read(toml)).rejects.toThrow(reason);
});

it('refuses a file that is not there', async () => {
  await expect(readConfiguration(flagsOf('-config', '/none'), MACHINE)).rejects.toThrow(
    /-config \/none: .*name a file/,
  );
});

function flagsOf(...words: string[]) {
  const flags = readFlags(words);
  if (flags === 'help') throw new Error('help');
  return flags;
}

describe('flags', () => {
  it('are taken with one dash or two, with = or the next word', () => {
    expect(flagsOf('-config', 'a')).toMatchObject({ config: 'a' });
    expect(flagsOf('--config=a')).toMatchObject({ config: 'a' });
    expect(flagsOf('-upload=false', '-writelocal=1', '-panic')).toMatchObject({
      upload: false,
      writelocal: true,
      panic: true,
    });
    expect(readFlags(['-h'])).toBe('help');
    expect(readFlags(['--help'])).toBe('help');
  });

  it.each([
    [['-nope'], /-nope: no such flag/],
    [['file'], /file: no such flag/],
    [['-config'], /-config: has no value/],
    [['-maxpackets', 'x'], /-maxpackets x: give a number from 1/],
    [['-csport', '70000'], /from 1 to 65535/],
    [['-upload=maybe'], /is neither true nor false/],
  ])('%s is refused', (words, reason) => {
    expect(() => readFlags(words as string[])).toThrow(reason as RegExp);
  });

  it('override the file, each', async () => {
    const words = [
      ...[
        '-cshost',
        'flag.example',
        '-cstoken',
        'flagtoken',
        '-csscheme',
        'https',
        '-csport',
        '444',
        '-cstimeout',
        '9',
      ],
      ...['-redisnode', 'flagredis', '-redisport', '6390', '-redischannel', 'flags', '-maxpackets', '7', '-upload'],
      ...['-writelocal', '-destdir', join(folder, 'spool')],
    ];
    const settings = await settingsOf(SAMPLE, words);
    expect(settings).toMatchObject({
      cloudshark: { host: 'flag.example', token: 'flagtoken', scheme: 'https', port: 444, timeoutSeconds: 9 },
      redis: { host: 'flagredis', port: 6390, channels: ['flags'] },
      caps: { packetsMax: 7 },
      local: { directory: join(folder, 'spool') },
    });
  });

  it('alone are enough, which they are not for the stock program', async () => {
    const words = ['-redisnode', 'r', '-redischannel', 'c', '-writelocal', '-destdir', join(folder, 'out')];
    expect(await settingsOf(null, words)).toMatchObject({ redis: { host: 'r', port: 6379 }, local: {} });
  });

  it('leave the directory of the file alone without -writelocal', async () => {
    const settings = await settingsOf(SAMPLE, ['-destdir', join(folder, 'spool')]);
    expect(settings.local?.directory).toBe(join(folder, 'out'));
  });
});

interface RecordedConfiguration {
  readonly case: string;
  readonly toml: string | null;
  readonly arguments?: string;
  readonly start: string;
}

/** What ended the stock program, or left it deaf, and starts here: a default that took no effect, a key left out, a broker away. */
const STARTS_HERE = new Set([
  ...['redis-noport', 's3-noacl', 's3-noenc', 'sqs-nochunk', 'sqs-nowait', 'kafka-nobroker', 'flags-only'],
]);

const recorded = sharedLines<RecordedConfiguration>('pcapdaemon', 'config.jsonl');

describe('the recorded configurations', needs({ 'shared/packets': recorded.length > 0 }), () => {
  const base = sharedBase();
  it.each(recorded.filter(({ case: name }) => name !== 'help'))('$case', async (one) => {
    const toml = one.toml === 'base.toml' ? base : (one.toml ?? null);
    const words = (one.arguments ?? '')
      .split(' ')
      .filter((word) => word !== '' && !/^-?-config|^FILE$|^none|^\(missing/.test(word));
    const out = words.map((word) => (word === 'out' ? join(folder, 'out') : word));
    const given = /none\.conf/.test(one.arguments ?? '') ? [...out, '-config', '/none.conf'] : out;
    const reading = read(toml, given);
    if (one.start === 'running' || STARTS_HERE.has(one.case)) await expect(reading).resolves.toBeDefined();
    else await expect(reading).rejects.toMatchObject({ exitCode: 2 });
  });

  it.each(recorded.filter(({ case: name }) => /nodefaults|only-maxpackets|no-max|no-defaulttimeout/.test(name)))(
    '$case has caps that let messages through',
    async ({ toml }) => {
      const { caps } = await settingsOf(toml);
      expect(Math.min(caps.packetsMax, caps.bytesMax, caps.timeoutSeconds, caps.durationSecondsMax)).toBeGreaterThan(1);
    },
  );

  it('s3-folder and s3-pcaps both name the folder', async () => {
    const folderOf = async (name: string) =>
      (await settingsOf(recorded.find((one) => one.case === name)?.toml ?? '')).s3?.folder;
    expect([await folderOf('s3-folder'), await folderOf('s3-pcaps')]).toEqual(['pcaps', 'deep/er']);
  });
});

function sharedBase(): string {
  const directory = sharedPackets('pcapdaemon');
  if (directory === null) return '';
  return readFileSync(join(directory, 'base.toml'), 'utf8');
}
