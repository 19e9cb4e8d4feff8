/** S3 (moto) and Kafka (a broker) as outputs of a receiver and of a sensor's packets. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { Consumer, stringDeserializers } from '@platformatic/kafka';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/output/clock.js';
import { openS3Output } from '../../../src/packets/outputs/s3-output.js';
import { makeCertificates } from '../../support/certificates.js';
import { freePort } from '../../support/free-port.js';
import { type Kafka, kafkaInstalled, startKafka } from '../../support/kafka.js';
import { type Moto, motoInstalled, startMoto } from '../../support/moto.js';
import { needs } from '../../support/needs.js';
import { recordingLog } from '../../support/relay.js';
import { frameWith, receiverOf, record, sendTo, until } from '../../support/stream-ends.js';

const HEAD = 'd4c3b2a1020004000000000000000000ffff000001000000';

describe('S3', needs({ moto: motoInstalled }), () => {
  let moto: Moto;
  let client: S3Client;
  const saved = { ...process.env };
  beforeAll(async () => {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' });
    moto = await startMoto(1);
    client = new S3Client({ endpoint: moto.url, region: 'eu-west-1', forcePathStyle: true });
  });
  afterAll(async () => {
    client.destroy();
    await moto.stop();
    process.env = saved;
  });

  async function bucket(name: string): Promise<string> {
    await client.send(
      new CreateBucketCommand({ Bucket: name, CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } }),
    );
    return name;
  }

  async function objects(name: string): Promise<[key: string, body: Buffer][]> {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: name }));
    const bodies = Contents.map(async ({ Key = '' }): Promise<[string, Buffer]> => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: name, Key }));
      return [Key, Buffer.from((await Body?.transformToByteArray()) ?? [])];
    });
    return Promise.all(bodies);
  }

  const output = (name: string, changes: object = {}) => ({
    bucket: name,
    region: 'eu-west-1',
    endpoint: moto.url,
    ...changes,
  });

  it('has one object of what a receiver got, complete at its end, and none without packets', async () => {
    const name = await bucket('whole');
    const one = await receiverOf({ output: { plugins: { s3: output(name) } } });
    await sendTo(one.port, frameWith(record(1, 'a'), record(2, 'b')));
    await until(() => one.receiver.book.packets === 2);
    await one.close();
    const empty = await receiverOf({ output: { plugins: { s3: output(name) } } });
    await empty.close();
    const found = await objects(name);
    expect(found).toHaveLength(1);
    const [[key, body] = ['', Buffer.alloc(0)]] = found;
    expect(key).toMatch(/^\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-[0-9a-f]{8}\.pcap$/);
    expect(body.toString('hex')).toBe(HEAD + record(1, 'a').toString('hex') + record(2, 'b').toString('hex'));
    expect(one.receiver.outputs.all[0]?.book).toMatchObject({ taken: 2, written: 2 });
  });

  it('has large objects in parts, and begins another when one is large enough', async () => {
    const name = await bucket('parts');
    const { log } = recordingLog();
    const settings = {
      ...{ bucket: name, region: 'eu-west-1', endpoint: moto.url, key: 'a/{sensor}/{id}', acl: 'private' as const },
      ...{ sse: 'AES256' as const, kmsKeyId: '', objectBytes: 12 << 20, partBytes: 5 << 20, quietMillis: 60_000 },
      ...{ format: 'pcap' as const, snapLength: 65_535, queueBytesMax: 64 << 20 },
    };
    const s3 = await openS3Output({ settings, log, clock: systemClock });
    const origin = { name: 'web-1', key: 'web-1' };
    const records = record(1, 'x'.repeat((1 << 20) - 16));
    let settled = 0;
    for (let i = 0; i < 14; i++) s3.take({ origin, linkType: 1, records, packets: 1, frame: null }, () => settled++);
    await s3.close(60_000);
    const found = await objects(name);
    expect(found.map(([, { length }]) => length).sort((a, b) => a - b)).toEqual([24 + (2 << 20), 24 + (12 << 20)]);
    expect(found.every(([key]) => key.startsWith('a/web-1/'))).toBe(true);
    expect(settled).toBe(14);
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: name }));
    expect(Uploads).toEqual([]);
  });

  it.each([
    ['AES256', '', 'AES256', undefined],
    ['aws:kms', 'alias/packets', 'aws:kms', 'alias/packets'],
  ])('is encrypted as %s says, in one piece and in several', async (sse, kmsKeyId, has, key) => {
    const name = await bucket(`sse-${sse.replace(/\W/, '-').toLowerCase()}`);
    const keys = { sse, uploadChunkSize: '5MB', totalFileSize: '5.9MB', ...(kmsKeyId === '' ? {} : { kmsKeyId }) };
    const one = await receiverOf({ output: { plugins: { s3: output(name, keys) } } });
    const frame = frameWith(...Array.from({ length: 4 }, (_, i) => record(i, 'x'.repeat((1 << 18) - 24))));
    await sendTo(one.port, ...Array.from({ length: 7 }, () => frame));
    await until(() => (one.receiver.outputs.all[0]?.book.written ?? 0) >= 24);
    await one.close();
    const found = await objects(name);
    expect(found).toHaveLength(2);
    for (const [Key] of found) {
      const head = await client.send(new HeadObjectCommand({ Bucket: name, Key }));
      expect([head.ServerSideEncryption, head.SSEKMSKeyId]).toEqual([has, key]);
    }
  });

  it('is complete when nothing comes for a while', async () => {
    const name = await bucket('quiet');
    const one = await receiverOf({ output: { plugins: { s3: output(name, { uploadTimeout: '100ms' }) } } });
    await sendTo(one.port, frameWith(record(1, 'a')));
    await until(() => one.receiver.outputs.all[0]?.book.written === 1);
    expect(await objects(name)).toHaveLength(1);
    await one.close();
  });
});

describe('a service that is away', () => {
  it('holds up neither the file nor the end, and its packets are counted', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' });
    const s3 = { bucket: 'b', region: 'eu-west-1', endpoint, uploadTimeout: '10ms' };
    const one = await receiverOf({ output: { file: { path: '/dev/null/none' }, plugins: { s3 } } }).catch(
      (error) => error,
    );
    expect(String(one)).toMatch(/output\.file\.path \/dev\/null\/none/);
    const two = await receiverOf({ output: { plugins: { s3 } } });
    await sendTo(two.port, frameWith(record(1, 'a')));
    await until(() => two.receiver.book.packets === 1);
    await two.close();
    expect(two.receiver.outputs.all[0]?.book).toMatchObject({ taken: 1, written: 0, dropped: { failed: 1 } });
  });
});

describe('Kafka', needs({ kafka: kafkaInstalled }, 'openssl'), () => {
  let kafka: Kafka;
  const folder = mkdtempSync(join(tmpdir(), 'kafka-ca-'));
  beforeAll(async () => {
    const { ca, server } = makeCertificates();
    writeFileSync(join(folder, 'ca.pem'), ca);
    writeFileSync(join(folder, 'other.pem'), makeCertificates().ca);
    kafka = await startKafka({ guard: { certificate: server, user: 'packets', password: 's3cret' } });
  });
  afterAll(async () => {
    await kafka.stop();
    rmSync(folder, { recursive: true });
  });

  const guarded = (keys: object) => ({
    ...{ brokers: kafka.guarded, topic: 'guarded', maxWait: '10ms', tls: true, ca: join(folder, 'ca.pem') },
    ...{ username: 'packets', password: 's3cret', ...keys },
  });

  it.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])('takes packets over TLS from a user by %s', async (sasl) => {
    const one = await receiverOf({ output: { plugins: { kafka: guarded({ sasl }) } } });
    await sendTo(one.port, frameWith(record(1, 'a packet')));
    await until(() => one.receiver.outputs.all[0]?.book.written === 1);
    await one.close();
  });

  it('gives the password by a variable as well', async () => {
    process.env.KAFKA_PASSWORD = 's3cret';
    try {
      const one = await receiverOf({ output: { plugins: { kafka: guarded({ sasl: 'PLAIN', password: '' }) } } });
      await sendTo(one.port, frameWith(record(1, 'a packet')));
      await until(() => one.receiver.outputs.all[0]?.book.written === 1);
      await one.close();
    } finally {
      delete process.env.KAFKA_PASSWORD;
    }
  });

  it.each([
    ['a wrong password', { sasl: 'SCRAM-SHA-512', password: 'wrong' }],
    ['no user', { sasl: null }],
    ['a certificate of another authority', { sasl: 'PLAIN', ca: 'other.pem' }],
    ['no TLS', { sasl: 'PLAIN', tls: false }],
  ])('is not written to with %s, and that is said and counted', async (_what, changes) => {
    const { sasl, ...given } = changes as { sasl: string | null; ca?: string };
    const keys = { ...given, ...(sasl === null ? {} : { sasl }), timeout: '2s' };
    const one = await receiverOf({
      output: {
        plugins: { kafka: guarded({ ...keys, ...(given.ca === undefined ? {} : { ca: join(folder, given.ca) }) }) },
      },
    });
    await sendTo(one.port, frameWith(record(1, 'a packet')));
    await until(() => one.said().some((line) => line.includes('Kafka topic guarded')));
    expect(one.said().join()).not.toContain('s3cret');
    await one.close();
    expect(one.receiver.outputs.all[0]?.book).toMatchObject({ taken: 1, written: 0, dropped: { failed: 1 } });
  });

  it('has messages of whole packets, those of a file under one key', async () => {
    const topic = 'packets';
    const keys = { brokers: kafka.broker, topic, messageSize: '200B', fileSize: '500B', maxWait: '100ms' };
    const one = await receiverOf({ output: { plugins: { kafka: keys } } });
    const records = Array.from({ length: 20 }, (_, i) => record(i, 'x'.repeat(40 + i)));
    await sendTo(one.port, frameWith(...records));
    await until(() => one.receiver.outputs.all[0]?.book.written === 20);
    await one.close();

    const consumer = new Consumer({
      ...{ groupId: 'test', clientId: 'test', bootstrapBrokers: [kafka.broker] },
      deserializers: { ...stringDeserializers, value: (value?: Buffer) => value as Buffer },
    });
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false });
    const files = new Map<string, Buffer>();
    let bytes = 0;
    for await (const { key, value, headers } of stream) {
      expect(value.length).toBeLessThanOrEqual(200);
      expect(headers.get('sensor')).toBe('127.0.0.1');
      files.set(key, Buffer.concat([files.get(key) ?? Buffer.alloc(0), value]));
      bytes += value.length;
      if (bytes >= Buffer.concat(records).length + 4 * files.size) break;
    }
    await consumer.close(true);
    expect(files.size).toBeGreaterThan(1);
    for (const file of files.values()) expect(file.subarray(0, 4).toString('hex')).toBe('deefece0');
    // Files are in partitions by their keys, and between partitions there is no order.
    const whole = Buffer.concat(records);
    const contents = [...files.values()].map((file) => file.subarray(4));
    const inOrder = contents.sort((one, other) => whole.indexOf(one) - whole.indexOf(other));
    expect(Buffer.concat(inOrder).equals(whole)).toBe(true);
  });
});
