/** Traces from a topic of Kafka: read at least once, kept once, with what nobody can read set aside. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { Producer } from '@platformatic/kafka';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseKafka, showKafka } from '../../src/options/kafka-target.js';
import { SetAside } from '../../src/satellite/receive/set-aside.js';
import { type Satellite, startSatellite } from '../../src/satellite/satellite.js';
import { type Kafka, kafkaInstalled, startKafka } from '../support/kafka.js';
import { needs } from '../support/needs.js';

const root = mkdtempSync(join(tmpdir(), 'from-kafka-'));
afterAll(() => rmSync(root, { recursive: true }));

/** An `ExportTraceServiceRequest` of one span, as `otlp_proto` has it: traces.proto's fields by their numbers. */
function message(id: number): Buffer {
  const key = (writer: BinaryWriter, name: string, value: string) => {
    writer.uint32(10).string(name);
    writer.uint32(18).fork().uint32(10).string(value).join();
  };
  const span = new BinaryWriter();
  span.uint32(10).bytes(Buffer.from(id.toString(16).padStart(32, '0'), 'hex'));
  span.uint32(18).bytes(Buffer.from(id.toString(16).padStart(16, '0'), 'hex'));
  span.uint32(48).int32(2);
  span.uint32(57).fixed64('1780000000000000000').uint32(65).fixed64('1780000000001000000');
  for (const [name, value] of [
    ['http.request.method', 'GET'],
    ['url.path', `/${id}`],
  ] as const) {
    span.uint32(74).fork();
    key(span, name, value);
    span.join();
  }
  const request = new BinaryWriter();
  request.uint32(10).fork().uint32(18).fork().uint32(18).bytes(span.finish()).join().join();
  return Buffer.from(request.finish());
}

describe('Kafka', needs({ kafka: kafkaInstalled }), () => {
  let kafka: Kafka;
  beforeAll(async () => {
    kafka = await startKafka();
  });
  afterAll(() => kafka?.stop());

  async function produce(topic: string, values: readonly Buffer[]): Promise<void> {
    const producer = new Producer({ clientId: 'test', bootstrapBrokers: [kafka.broker], autocreateTopics: true });
    await producer.send({
      messages: values.map((value, i) => ({ topic, value, key: Buffer.from(String(i)) })),
      acks: -1,
    });
    await producer.close();
  }

  const notices: string[] = [];
  const start = (topic: string, directory: string | null): Promise<Satellite> =>
    startSatellite({
      host: '127.0.0.1',
      port: 0,
      traces_max: 10,
      store: { directory, retention: { millis: 1e12, bytes: 1e12 } },
      from: { target: parseKafka(`kafka://${kafka.broker}/${topic}?group=satellites`), setAside: join(root, topic) },
      onNotice: (notice) => notices.push(notice),
    });

  const factsOf = async ({ url }: Satellite) =>
    (await fetch(`${url}/api/facts`)).json() as Promise<{ stored: number; held: number }>;
  const metricOf = async ({ url }: Satellite, name: string): Promise<number> =>
    Number(
      new RegExp(`^pcap_sensor_satellite_${name} (\\d+)$`, 'm').exec(
        await (await fetch(`${url}/metrics`)).text(),
      )?.[1] ?? Number.NaN,
    );

  it('gives each trace once, in a group, with the lag in the metrics', async () => {
    await produce('once', [...Array.from({ length: 30 }, (_, i) => message(i + 1)), message(1)]);
    const [one, other] = [await start('once', null), await start('once', null)];
    try {
      await expect
        .poll(async () => (await factsOf(one)).stored + (await factsOf(other)).stored, { timeout: 60_000 })
        .toBeGreaterThanOrEqual(30);
      const lags = async () =>
        (await metricOf(one, 'kafka_lag_messages')) + (await metricOf(other, 'kafka_lag_messages'));
      await expect.poll(lags, { timeout: 60_000 }).toBe(0);
    } finally {
      await Promise.all([one.close(), other.close()]);
    }
  });

  it('passes over what nobody can read, and sets it aside', async () => {
    const poison = Buffer.from('this is no protobuf');
    await produce('poison', [message(1), poison, Buffer.alloc(0), message(2)]);
    const satellite = await start('poison', null);
    try {
      await expect.poll(() => metricOf(satellite, 'kafka_messages_set_aside_total'), { timeout: 60_000 }).toBe(1);
      await expect.poll(async () => (await factsOf(satellite)).stored, { timeout: 60_000 }).toBe(2);
    } finally {
      await satellite.close();
    }
    const [name, ...more] = readdirSync(join(root, 'poison'));
    expect([name, more]).toEqual([expect.stringMatching(/^poison-\d+-\d+\.otlp$/), []]);
    expect(readFileSync(join(root, 'poison', name!)).equals(poison)).toBe(true);
    expect(notices.filter((notice) => notice.includes('is passed over: not protobuf'))).toHaveLength(1);
    // Another of the group does not meet it again.
    const again = await start('poison', null);
    await produce('poison', [message(3)]);
    await expect.poll(() => metricOf(again, 'kafka_messages_total'), { timeout: 60_000 }).toBeGreaterThan(0);
    expect(await metricOf(again, 'kafka_messages_set_aside_total')).toBe(0);
    await again.close();
  });

  it('goes on after its end and after the broker’s, with all there once', async () => {
    const directory = join(root, 'kept');
    let satellite = await start('restarts', directory);
    let produced = 0;
    for (let round = 0; round < 3; round++) {
      await produce(
        'restarts',
        Array.from({ length: 20 }, () => message(++produced)),
      );
      await expect.poll(async () => (await factsOf(satellite)).held, { timeout: 60_000 }).toBe(produced);
      await satellite.close();
      await produce('restarts', [message(++produced), message(1)]);
      satellite = await start('restarts', directory);
    }
    await expect.poll(async () => (await factsOf(satellite)).held, { timeout: 60_000 }).toBe(produced);
    await satellite.close();
  });
});

describe('what is set aside', () => {
  it('is the newest of so many bytes', async () => {
    const directory = join(root, 'aside');
    const aside = new SetAside(directory, 250);
    for (const [i, bytes] of [100, 100, 100, 300].entries()) {
      await aside.keep(`topic-0-${i}`, Buffer.alloc(bytes));
      if (i < 3) statSync(join(directory, `topic-0-${i}.otlp`));
    }
    expect(readdirSync(directory).length).toBe(2);
    expect(await new SetAside(null).keep('x', Buffer.alloc(1))).toBeNull();
  });
});

describe('what names a topic', () => {
  it.each([
    [
      'kafka://b/t?group=g',
      { brokers: ['b:9092'], topic: 't', group: 'g', isSecure: false, sasl: null, organisation: '' },
    ],
    ['kafka://a:1,[::1]:2/otlp_spans?group=g&secure', { brokers: ['a:1', '[::1]:2'], isSecure: true }],
    ['kafka://u:p%40ss@b:1/t?group=g&sasl=plain', { username: 'u', password: 'p@ss', sasl: 'PLAIN' }],
    ['kafka://u:p@b:1/t?group=g&organisation=acme/x', { sasl: 'SCRAM-SHA-512', organisation: 'acme/x' }],
  ])('%s', (given, target) => {
    expect(parseKafka(given)).toMatchObject(target);
  });

  it.each([
    ['broker:9092', 'is no topic of Kafka; give a URL such as kafka://broker:9092/otlp_spans?group=satellites'],
    ['kafka://u:secret@b/t', 'has no group'],
    ['kafka://u:secret@b/t?group=a b', 'has a group "a b"'],
    ['kafka://u:secret@b/t?group=g&grop=1', 'has the parameter "grop"; there are group, secure, sasl, organisation'],
    ['kafka://u:secret@b/t?group=g&sasl=GSSAPI', 'give one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512'],
    ['kafka://b/t?group=g&sasl=PLAIN', 'has sasl and no user'],
    ['kafka://u:secret@b:port/t?group=g', 'has the broker "b:port"'],
    ['kafka://u:secret@b:99999/t?group=g', 'has the broker'],
  ])('%s is refused', (given, says) => {
    expect(() => parseKafka(given)).toThrow(says);
    expect(() => parseKafka(given)).not.toThrow(/secret/);
    expect(showKafka(given)).not.toContain('secret');
  });
});
