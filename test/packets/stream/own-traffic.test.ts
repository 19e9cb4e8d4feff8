/** A sensor that writes to S3 or Kafka leaves what it sends there out of what it captures. */
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/output/clock.js';
import { readStreamConfig } from '../../../src/packets/stream/config.js';
import { startStreamSensor } from '../../../src/packets/stream/sensor.js';
import { makeCertificates } from '../../support/certificates.js';
import { freePort } from '../../support/free-port.js';
import { type Kafka, kafkaInstalled, startKafka } from '../../support/kafka.js';
import { type Moto, motoInstalled, startMoto } from '../../support/moto.js';
import { needs } from '../../support/needs.js';
import { recordingLog } from '../../support/relay.js';
import { until } from '../../support/stream-ends.js';

/** Datagrams on loopback, one after the other, each sent when the one before has been written; how many packets were captured. */
async function captured(plugins: object, servicePort: number, datagrams: number): Promise<number> {
  const port = await freePort();
  const filter = `udp port ${port} or tcp port ${servicePort}`;
  const keys = { captureInterfacesPorts: { lo: [] }, gatherMaxWaitSec: 0, output: { plugins }, filter };
  const { log } = recordingLog();
  const config = readStreamConfig('test', keys, 'sensor');
  const sensor = await startStreamSensor(config, { log, clock: systemClock, onGone: () => {} });
  const socket = createSocket('udp4').bind(port, '127.0.0.1');
  for (let sent = 1; sent <= datagrams; sent++) {
    socket.send(`datagram ${sent}`, port, '127.0.0.1');
    await until(() => (sensor.outputs.all[0]?.book.written ?? 0) >= sent);
  }
  socket.close();
  await sensor.close(5000);
  return sensor.books.accounts.get('lo')?.captured ?? 0;
}

describe('S3', needs({ moto: motoInstalled }, 'capture'), () => {
  let moto: Moto;
  const saved = { ...process.env };
  beforeAll(async () => {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' });
    moto = await startMoto(1);
  });
  afterAll(async () => {
    process.env = saved;
    await moto.stop();
  });

  it('is not uploaded what went there', async () => {
    const client = new S3Client({ endpoint: moto.url, region: 'us-east-1', forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: 'own' }));
    client.destroy();
    const s3 = { bucket: 'own', region: 'us-east-1', endpoint: moto.url, uploadTimeout: '20ms' };
    expect(await captured({ s3 }, Number(new URL(moto.url).port), 5)).toBe(5);
  });
});

describe('Kafka', needs({ kafka: kafkaInstalled }, 'capture', 'openssl'), () => {
  let kafka: Kafka;
  const folder = mkdtempSync(join(tmpdir(), 'kafka-ca-'));
  beforeAll(async () => {
    const { ca, server } = makeCertificates();
    writeFileSync(join(folder, 'ca.pem'), ca);
    kafka = await startKafka({ guard: { certificate: server, user: 'packets', password: 's3cret' } });
  });
  afterAll(async () => {
    await kafka.stop();
    rmSync(folder, { recursive: true });
  });

  it.each([
    ['in clear', () => ({ brokers: kafka.broker })],
    [
      'over TLS',
      () => ({
        ...{ brokers: kafka.guarded, tls: true, ca: join(folder, 'ca.pem') },
        ...{ sasl: 'PLAIN', username: 'packets', password: 's3cret' },
      }),
    ],
  ])('is not sent what went there %s', async (_how, broker) => {
    const keys = { ...broker(), topic: 'own', maxWait: '20ms' };
    expect(await captured({ kafka: keys }, Number(keys.brokers.split(':')[1]), 5)).toBe(5);
  });
});
