/** Kafka with a real broker: every partition, from now on, waited for while it is away. */
import { Consumer, Producer } from '@platformatic/kafka';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates } from '../../../support/certificates.js';
import { freePort } from '../../../support/free-port.js';
import { type Kafka, kafkaInstalled, startKafka } from '../../../support/kafka.js';
import { needs } from '../../../support/needs.js';
import { type RunningDaemon, startPcapdaemon } from '../../../support/pcapdaemon.js';

describe('a daemon that consumes a topic', needs({ kafka: kafkaInstalled }, 'capture', 'openssl'), () => {
  let kafka: Kafka;
  let daemon: RunningDaemon;
  let producer: Producer<Buffer, Buffer, Buffer, Buffer>;
  let ca = '';

  beforeAll(async () => {
    const certificates = makeCertificates();
    ca = certificates.ca;
    const address = { port: await freePort(), controller: await freePort() };
    daemon = await startPcapdaemon({
      toml: `
[general]
writelocal = true
localdir = "OUT"
[kafka]
listen = true
server = ["127.0.0.1:${address.port}"]
topic = "capture"`,
    });
    // The stock program panics.
    await daemon.said(/kafka .*trying again/);
    kafka = await startKafka({
      ...address,
      guard: { certificate: certificates.server, user: 'alerts', password: 's3cret' },
    });
    producer = new Producer({ clientId: 'test', bootstrapBrokers: [kafka.broker], autocreateTopics: true });
    await daemon.said(/kafka .*: consuming/);
  });

  afterAll(async () => {
    await producer?.close().catch(() => {});
    await daemon?.kill();
    await kafka?.stop();
  });

  it('hears every partition, and answers on the topic of results', async () => {
    const consumer = new Consumer<Buffer, Buffer, Buffer, Buffer>({
      clientId: 'test',
      groupId: 'test',
      bootstrapBrokers: [kafka.broker],
      autocreateTopics: true,
    });
    const asked = [0, 1, 2].map((partition) => ({
      topic: 'capture',
      partition,
      value: Buffer.from(
        JSON.stringify({ node: 'any', interface: ['lo'], packets: 1, bpf: 'tcp', id: `p${partition}` }),
      ),
    }));
    await producer.send({ messages: [...asked, { topic: 'capture', partition: 0, value: Buffer.from('hello') }] });
    const found: any[] = [];
    const stream = await consumer.consume({ topics: ['capture.results'], mode: 'earliest', maxWaitTime: 200 });
    for await (const { value } of stream) {
      found.push(JSON.parse(value.toString()));
      if (found.length === 4) break;
    }
    await consumer.close(true);
    expect(
      found
        .filter(({ status }) => status === 'captured')
        .map(({ id }) => id)
        .sort(),
    ).toEqual(['p0', 'p1', 'p2']);
    expect(found.find(({ status }) => status === 'refused').reason).toMatch(/not a JSON object/);
    expect(daemon.files()).toHaveLength(3);
  });

  it.each(['PLAIN', 'SCRAM-SHA-512'])('hears over TLS as a user by %s', async (mechanism) => {
    const guarded = await startPcapdaemon({
      files: { 'ca.pem': ca },
      toml: `
[general]
writelocal = true
localdir = "OUT"
[kafka]
listen = true
server = ["${kafka.guarded}"]
topic = "guarded"
tls = true
ca = "FOLDER/ca.pem"
user = "alerts"
password = "s3cret"
mechanism = "${mechanism}"`,
    });
    try {
      await guarded.said(/kafka .*: consuming/);
      const value = Buffer.from('{"node":"any","interface":["lo"],"packets":1,"duration":1,"bpf":"tcp"}');
      await producer.send({ messages: [{ topic: 'guarded', value }] });
      await guarded.said(/stopped by/);
    } finally {
      await guarded.kill();
    }
  });
});
