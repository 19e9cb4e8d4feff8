/** TLS on one side only, and certificates that the other side does not take: what each end says, and that the sensor goes on. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { SecureContextOptions } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/output/clock.js';
import { readStreamConfig } from '../../../src/packets/stream/config.js';
import { FrameQueue } from '../../../src/packets/stream/frame-queue.js';
import { startReceiver } from '../../../src/packets/stream/receiver.js';
import { startStreamSensor } from '../../../src/packets/stream/sensor.js';
import { openSensorConnection, type SensorConnection } from '../../../src/packets/stream/sensor-connection.js';
import { makeCertificates } from '../../support/certificates.js';
import { needs } from '../../support/needs.js';
import { recordingLog } from '../../support/relay.js';
import {
  frameWith,
  packetsOf,
  receiverOf,
  record,
  type StartedReceiver,
  temporaryDirectory,
  until,
} from '../../support/stream-ends.js';

const directory = temporaryDirectory();
let made: ReturnType<typeof makeCertificates>;
let endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.reverse()) await end();
  endings = [];
});

const file = (name: string, text: string) => {
  writeFileSync(join(directory(), name), text);
  return join(directory(), name);
};

async function receiver(keys: Readonly<Record<string, unknown>>, port?: number): Promise<StartedReceiver> {
  const one = await receiverOf({ output: { file: { path: join(directory(), 'dump.pcap') } }, ...keys }, port);
  endings.push(() => one.close());
  return one;
}

const withTls = (more: Readonly<Record<string, unknown>> = {}) => ({
  tls: {
    enable: true,
    certfile: file('server.pem', made.server.cert),
    keyfile: file('server.key', made.server.key),
    ...more,
  },
});

interface Sensor {
  readonly connection: SensorConnection;
  readonly queue: FrameQueue;
  readonly confirmed: () => number;
  readonly said: () => string;
  /** How long it waited before each connection but the first, in milliseconds. */
  readonly waits: number[];
}

interface SensorSettings {
  readonly certificate?: SecureContextOptions | null;
  readonly verifies?: boolean;
  readonly authKey?: string;
  readonly name?: string | null;
}

/** A sensor that announces itself and has one packet, with back-off that is written down in place of being waited for. */
function sensorTo(port: number, settings: SensorSettings): Sensor {
  const { certificate = null, verifies = false, authKey = null, name = 'web-1' } = settings;
  const { log, lines } = recordingLog();
  const waits: number[] = [];
  let confirmed = 0;
  const queue = new FrameQueue({
    ...{ bytesMax: 1 << 20, drops: 'oldest', spool: null },
    onConfirmed: () => confirmed++,
    onDropped: () => {},
  });
  const sleep = (millis: number, signal: AbortSignal) => {
    waits.push(millis);
    return systemClock.sleep(2, signal);
  };
  const connection = openSensorConnection({
    ...{ host: '127.0.0.1', port, authKey, name, linkTypes: [1], keepAliveMillis: 60_000, queue },
    tls: certificate === null ? null : { certificate, verifies, serverName: '' },
    ...{ onAddress: () => {}, log, clock: { ...systemClock, sleep, random: () => 1 } },
  });
  endings.push(() => connection.close(50));
  queue.push({ bytes: frameWith(record(1, 'a')), linkType: 1, packets: 1, counts: [['eth0', 1]] });
  connection.wake();
  return { connection, queue, waits, confirmed: () => confirmed, said: () => JSON.stringify(lines) };
}

const BACKOFF = [250, 500, 1000, 2000, 4000, 4000];
const NOT_HERE = /tls.enable is not true here; set it here, with tls.certfile and tls.keyfile, or tls.enable: false at/;
const NOT_THERE = /closed the connection where TLS was to begin; set tls.enable: true there, or false here/;
const WITHOUT_A_WORD =
  /without a word; see its log: where tls.enable or auth.enable is true there, it is to be true here/;
const NO_TLS_COMES = /it does not speak TLS, and tls.enable is true here; set tls.enable: true at the sensor, or false/;

describe('TLS', needs('openssl'), () => {
  beforeAll(() => {
    made = makeCertificates();
  });

  it.each<[what: string, sensor: SensorSettings, auth: boolean]>([
    ['that announces itself', {}, false],
    ['that shows a key', { authKey: 'abc' }, true],
    ['with a receiver that asks for a key', {}, true],
    ['that does what a stock one does', { name: null }, false],
  ])(
    'in the sensor only: one %s is told, backs off, and comes through when the receiver has it',
    async (_what, sensor, auth) => {
      const keys = auth ? { auth: { enable: true, key: 'abc' } } : {};
      const plain = await receiver(keys);
      const { waits, said, confirmed } = sensorTo(plain.port, { ...sensor, certificate: {} });
      await until(() => waits.length >= BACKOFF.length);
      expect(waits.slice(0, BACKOFF.length)).toEqual(BACKOFF);
      expect(said()).toMatch(NOT_THERE);
      expect(said()).toContain(`127.0.0.1 port ${plain.port}`);
      expect(plain.said().join()).toMatch(NOT_HERE);
      expect(plain.said().join()).toContain('"sensor":"127.0.0.1"');
      expect(confirmed()).toBe(0);
      await plain.close();
      const right = await receiver({ ...(sensor.authKey === undefined ? {} : keys), ...withTls() }, plain.port);
      await until(() => right.receiver.book.packets === 1);
      await until(() => confirmed() === 1);
    },
  );

  it.each<[what: string, sensor: SensorSettings]>([
    ['that announces itself', {}],
    ['that shows a key', { authKey: 'abc' }],
  ])(
    'in the receiver only: a sensor %s is told, backs off, and comes through when TLS is off',
    async (_what, sensor) => {
      const keys = sensor.authKey === undefined ? {} : { auth: { enable: true, key: 'abc' } };
      const secure = await receiver({ ...withTls(), ...keys });
      const { waits, said, confirmed } = sensorTo(secure.port, sensor);
      await until(() => waits.length >= BACKOFF.length);
      expect(waits.slice(0, BACKOFF.length)).toEqual(BACKOFF);
      expect(said()).toMatch(WITHOUT_A_WORD);
      expect(said()).toContain(`127.0.0.1 port ${secure.port}`);
      expect(secure.said().join()).toMatch(NO_TLS_COMES);
      expect(secure.said().join()).toContain('"sensor":"127.0.0.1"');
      expect(confirmed()).toBe(0);
      await secure.close();
      const right = await receiver(keys, secure.port);
      await until(() => right.receiver.book.packets === 1);
      await right.close();
      expect(packetsOf(join(directory(), 'dump.pcap'))).toEqual(['1.0 a']);
    },
  );

  it('and a receiver that asks for certificates: a sensor without one is told what to give', async () => {
    const asks = await receiver(withTls({ clientCA: file('ca.pem', made.ca) }));
    const { waits, said } = sensorTo(asks.port, { certificate: {} });
    await until(() => waits.length >= 2);
    expect(said()).toContain('the receiver asks for a certificate that it trusts; give tls.certfile and tls.keyfile');
    expect(asks.said().join()).toContain('it showed no certificate, and tls.clientCA is given here');
    const shown = sensorTo(asks.port, { certificate: { ...made.client, ca: made.ca }, verifies: true });
    await until(() => shown.confirmed() === 1);
  });

  it('and a receiver of another authority, or of another name', async () => {
    const { port } = await receiver(withTls());
    const stranger = sensorTo(port, { certificate: { ca: makeCertificates().ca }, verifies: true });
    await until(() => stranger.waits.length >= 1);
    expect(stranger.said()).toMatch(/certificate is not trusted \(.+\); give that of its authority as tls.ca/);
    const { server, ca } = makeCertificates('192.0.2.1');
    const elsewhere = await receiverOf({
      output: { file: { path: join(directory(), 'other.pcap') } },
      ...{ tls: { enable: true, certfile: file('o.pem', server.cert), keyfile: file('o.key', server.key) } },
    });
    endings.push(() => elsewhere.close());
    const misled = sensorTo(elsewhere.port, { certificate: { ca }, verifies: true });
    await until(() => misled.waits.length >= 1);
    expect(misled.said()).toMatch(/altnames: .+; give the name that it is for as tls.serverName/);
  });

  it('files that OpenSSL does not take are refused at the start, by their key', async () => {
    const { server, client, ca } = made;
    const good = { certfile: file('s.pem', server.cert), keyfile: file('s.key', server.key) };
    const other = file('other.key', client.key);
    const rubbish = file('rubbish.pem', 'rubbish');
    const context = { log: recordingLog().log, clock: systemClock, onGone: () => {} };
    const output = { file: { path: join(directory(), 'never.pcap') } };
    const cases: [object, RegExp][] = [
      [{ ...good, certfile: rubbish }, /^tls.certfile \S+: no start line; name a certificate \(PEM\)$/],
      [
        { ...good, certfile: '/nowhere' },
        /^tls.certfile \/nowhere: ENOENT: .*; name a file with certificates or a key/,
      ],
      [{ ...good, keyfile: rubbish }, /^tls.keyfile \S+: .*; name a private key without a passphrase \(PEM\)$/],
      [{ ...good, keyfile: other }, /^tls.keyfile \S+: key values mismatch; name the key of tls.certfile \S+$/],
    ];
    for (const [tls, message] of [
      ...cases,
      [{ ...good, clientCA: rubbish }, /^tls.clientCA \S+: no start line/] as const,
    ]) {
      const config = readStreamConfig('t', { input: { port: 1 }, output, tls: { enable: true, ...tls } }, 'receiver');
      await expect(startReceiver(config, context)).rejects.toThrow(message);
    }
    for (const [tls, message] of [...cases, [{ ...good, ca: rubbish }, /^tls.ca \S+: no start line/] as const]) {
      const server = { address: '127.0.0.1', port: 1 };
      const config = readStreamConfig('t', { output: { server }, tls: { enable: true, ...tls } }, 'sensor');
      await expect(startStreamSensor(config, context)).rejects.toThrow(message);
    }
    expect(ca).toContain('CERTIFICATE');
  });
});

describe('what listens there', () => {
  it.each<[what: string, answer: Buffer, sensor: SensorSettings, words: string]>([
    [
      'an alert of TLS',
      Buffer.from('15030100020246', 'hex'),
      {},
      'the receiver speaks TLS, and tls.enable is not true',
    ],
    ['an alert to a key', Buffer.from('15030100020246', 'hex'), { authKey: 'abc' }, 'the receiver speaks TLS, and tls'],
    ['another protocol', Buffer.from('HTTP/1.1 400 Bad Request\r\n'), {}, 'answered with bytes that mean nothing'],
    [
      'that to a key',
      Buffer.from('HTTP/1.1 400 Bad Request\r\n'),
      { authKey: 'a' },
      'bytes that mean nothing to the key',
    ],
  ])('answers with %s, and that is said', async (_what, answer, sensor, words) => {
    const other: Server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(answer));
    }).listen(0, '127.0.0.1');
    await once(other, 'listening');
    endings.push(() => other.close());
    const { waits, said, confirmed } = sensorTo((other.address() as { port: number }).port, sensor);
    await until(() => waits.length >= 1);
    expect(said()).toContain(words);
    expect(said()).not.toContain('declined');
    expect(confirmed()).toBe(0);
  });
});
