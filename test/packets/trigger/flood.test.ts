/**
 * Messages as a fleet gets them: for one of three nodes or all of them, valid, invalid and hostile, through Redis, SQS and Kafka at once.
 * Every node has to do what each message asks of it and nothing else, within its memory.
 *
 * `TRIGGER_SECONDS=10 npx vitest run test/packets/trigger/flood` sends them over ten seconds, as an outage would, and through Kafka as well,
 * where that is installed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateQueueCommand, GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Kafka, kafkaInstalled, startKafka } from '../../support/kafka.js';
import { type Moto, motoInstalled, startMoto } from '../../support/moto.js';
import { makeVethPair, type VethPair } from '../../support/namespace.js';
import { needs } from '../../support/needs.js';
import { numberedFrames, readPcap } from '../../support/pcap-records.js';
import { type RunningDaemon, startPcapdaemon } from '../../support/pcapdaemon.js';
import { Random, runSeed } from '../../support/random.js';
import { type Redis, startRedis } from '../../support/redis.js';

const NODES = ['node-1', 'node-2', 'node-3'];
const MESSAGES = 200;
const SECONDS = Number(process.env.TRIGGER_SECONDS ?? 2);
/** A queue that three nodes share hands a message on every few seconds until it has found its own, which takes a while for many. */
const SQS_SHARE = process.env.TRIGGER_SECONDS === undefined ? 0 : 0.25;
/** A broker takes long to start. */
const KAFKA_SHARE = process.env.TRIGGER_SECONDS === undefined || !kafkaInstalled ? 0 : 0.33;
const MEMORY = 4_000_000;

type Expected = 'captured' | 'empty' | 'refused';

interface Answer {
  readonly id?: string;
  readonly node: string;
  readonly status: string;
  readonly reason?: string;
}

interface Planned {
  readonly text: string;
  readonly through: 'redis' | 'sqs' | 'kafka';
  /** The nodes that have to answer, and how. */
  readonly nodes: readonly string[];
  readonly expected: Expected;
}

describe(
  'a fleet of three',
  needs({ moto: motoInstalled }, 'namespaces', 'ip', 'sysctl', 'unshare', 'tcpreplay', 'redis-server'),
  () => {
    const seed = runSeed();
    let redis: Redis;
    let kafka: Kafka | null = null;
    let producer: Producer<string, string, string, string> | null = null;
    let consumer: Consumer<string, string, string, string> | null = null;
    /** What is said on the topic of results. */
    const said: Answer[] = [];
    let moto: Moto;
    let sqs: SQSClient;
    let queue: string;
    let pair: VethPair;
    let daemons: RunningDaemon[];
    let traffic: ChildProcess;

    beforeAll(async () => {
      redis = await startRedis();
      moto = await startMoto(0);
      if (KAFKA_SHARE > 0) await openKafka();
      pair = makeVethPair();
      sqs = new SQSClient({
        region: 'us-east-1',
        endpoint: moto.url,
        credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      });
      const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: 'capture' }));
      queue = `${moto.url}${new URL(QueueUrl).pathname}`;
      const toml = `
[general]
maxpackets = 500
maxbytes = 1000000
maxtimeout = 30
maxduration = 12
defaulttimeout = 3
snaplength = 500
maxmemory = ${MEMORY}
maxcaptures = 500
writelocal = true
localdir = "OUT"
lookback = ["8MiB", "10s"]
[redis]
listen = true
host = "127.0.0.1"
port = ${redis.port}
channel = "capture"
[sqs]
listen = true
region = "us-east-1"
url = "${queue}"
accessid = "a"
accesskey = "b"
waitseconds = 1
${kafka === null ? '' : `[kafka]\nlisten = true\nserver = ["${kafka.broker}"]\ntopic = "capture"`}
[[interface]]
name = "${pair.here}"
alias = ["main"]`;
      daemons = await Promise.all(NODES.map((node) => startPcapdaemon({ toml, node })));
      await Promise.all(daemons.map((daemon) => daemon.said(/waiting for messages/)));
      if (kafka !== null) await Promise.all(daemons.map((daemon) => daemon.said(/kafka .*: consuming/)));
      const frames = join(daemons[0]?.folder ?? '', 'frames.pcap');
      writeFileSync(frames, numberedFrames(60_000));
      traffic = spawn(...pair.inside('tcpreplay', '--quiet', '--pps', '1000', '--intf1', pair.there, frames), {
        stdio: 'ignore',
      });
    });

    /** Both topics are there before anybody listens. */
    async function openKafka(): Promise<void> {
      kafka = await startKafka();
      const client = { clientId: 'test', bootstrapBrokers: [kafka.broker] };
      const admin = new Admin(client);
      await admin.createTopics({ topics: ['capture', 'capture.results'], partitions: 3, replicas: 1 });
      await admin.close();
      producer = new Producer({ ...client, serializers: stringSerializers });
      consumer = new Consumer({ ...client, groupId: 'test', deserializers: stringDeserializers });
      const stream = await consumer.consume({ topics: ['capture.results'], mode: 'earliest', maxWaitTime: 200 });
      stream.on('data', ({ value }: { value: string }) => void said.push(JSON.parse(value) as Answer));
    }

    afterAll(async () => {
      await consumer?.close(true);
      await producer?.close();
      await kafka?.stop();
      traffic?.kill('SIGKILL');
      await Promise.all((daemons ?? []).map((daemon) => daemon.kill()));
      sqs?.destroy();
      pair?.remove();
      await moto?.stop();
      await redis?.stop();
    });

    function plan(random: Random, id: string): Planned {
      const through = random.chance(SQS_SHARE) ? 'sqs' : random.chance(KAFKA_SHARE) ? 'kafka' : 'redis';
      // What a queue hands to one node is for one node.
      const node = through === 'sqs' ? random.pick(NODES) : random.pick([...NODES, 'any']);
      const nodes = node === 'any' ? NODES : [node];
      const good = {
        id,
        node,
        interface: [pair.here],
        packets: random.between(1, 40),
        snap: random.pick([64, 500, 1500]),
        bpf: 'ether proto 0x88b5',
      };
      const of = (fields: object, expected: Expected): Planned => ({
        text: JSON.stringify({ ...good, ...fields }),
        through,
        nodes,
        expected,
      });
      return random.pick([
        () => of({}, 'captured'),
        () => of({}, 'captured'),
        () => of({ interface: undefined, alias: ['main'], tags: 'a,b' }, 'captured'),
        () => of({ duration: 1, packets: 500, snap: 64, bpf: 'greater 1000 and ether proto 0x88b5' }, 'captured'),
        () => of({ before: 1, packets: 100, snap: 64 }, 'captured'),
        () => of({ bpf: 'udp port 4', timeout: 1 }, 'empty'),
        () => of({ packets: 501 }, 'refused'),
        () => of({ packets: -1 }, 'refused'),
        () => of({ packets: 500, snap: 262_144, bytes: 900_000_000 }, 'refused'),
        () => of({ interface: ['eth99'] }, 'refused'),
        () => of({ interface: Array.from({ length: 3000 }, (_, i) => `eth${i}x`) }, 'refused'),
        () => of({ bpf: '(((((' }, 'refused'),
        () => of({ bpf: 'tcp or '.repeat(900) }, 'refused'),
        () => of({ bucket: 'theirs' }, 'refused'),
        () => of({ replyto: 'elsewhere' }, 'refused'),
        () => of({ before: 3600 }, 'refused'),
      ])();
    }

    it('does what each message asks for, and nothing else', async () => {
      const random = new Random(seed);
      const planned = new Map<string, Planned>();
      const began = performance.now();
      // No node knows whom these are for: all of them refuse what comes through Redis.
      const broken = [
        'hello',
        '{"packets":10.0}',
        '[]',
        `{"node":${'['.repeat(5000)}`,
        '{"node":"any","interface":"lo","packets":1}',
      ];
      const answersOf = (id: string): Answer[] => [...redis.results, ...said].filter((result) => result.id === id);
      const isAnswered = (id: string, one: Planned) => {
        const answers = answersOf(id);
        return one.through === 'sqs' || answers.length >= one.nodes.length;
      };
      for (let i = 0; i < MESSAGES; i++) {
        const id = `m${i}`;
        const one = i % 10 === 9 ? null : plan(random, id);
        if (one === null) await redis.publish('capture', random.pick(broken));
        else {
          planned.set(id, one);
          if (one.through === 'redis') await redis.publish('capture', one.text);
          else if (one.through === 'kafka') await producer?.send({ messages: [{ topic: 'capture', value: one.text }] });
          else await sqs.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: one.text }));
        }
        const due = began + ((i + 1) / MESSAGES) * SECONDS * 1000;
        if (performance.now() < due) await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
      }
      await new Promise<void>((resolve) => {
        const look = () => {
          if ([...planned].every(([id, one]) => isAnswered(id, one))) resolve();
          else setTimeout(look, 50);
        };
        look();
      });
      for (const [id, { nodes, expected, text, through }] of planned) {
        if (through === 'sqs') continue;
        const answers = answersOf(id);
        const where = `SEED=${seed} ${text.slice(0, 200)}`;
        expect(answers.map(({ node }) => node).sort(), where).toEqual([...nodes].sort());
        for (const answer of answers) {
          // There may be no room for so many at once, which is said.
          if (answer.status === 'refused' && expected !== 'refused')
            expect(answer.reason, where).toMatch(/maxmemory are taken|maxcaptures/);
          else expect(answer.status, `${where} ${answer.reason}`).toBe(expected);
        }
      }
      // The queue is empty: each message has found its node.
      await new Promise<void>((resolve) => {
        const look = async () => {
          const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
          const { Attributes = {} } = await sqs.send(
            new GetQueueAttributesCommand({ QueueUrl: queue, AttributeNames: [...names] }),
          );
          if (names.every((name) => Attributes[name] === '0')) resolve();
          else setTimeout(look, 200);
        };
        void look();
      });
      const peaks = daemons.map(({ pid }) => peakKibibytes(pid));
      const books: Record<string, number>[] = [];
      for (const daemon of daemons) {
        expect(await daemon.stop()).toBe(0);
        books.push(JSON.parse(daemon.lines.findLast((line) => line.includes('"summary"')) ?? '{}'));
      }
      for (const [i, book] of books.entries()) {
        const n = (name: string) => book[name] ?? Number.NaN;
        expect(n('messages')).toBe(
          n('messages_invalid') + n('messages_refused') + n('messages_accepted') + n('messages_elsewhere'),
        );
        expect(n('captures_started')).toBe(n('captures_finished'));
        expect(n('uploads_done')).toBe(n('captures_finished') - n('captures_empty'));
        const files = daemons[i]?.files() ?? [];
        expect(files).toHaveLength(n('uploads_done'));
        for (const name of files) {
          const { records } = readPcap(daemons[i]?.file(name) ?? Buffer.alloc(24));
          // Frames are numbered: none is missing between two of a capture that takes all of them, and none is there twice.
          const numbers = records.map(({ hex }) => Number.parseInt(hex.slice(28, 36), 16));
          const step = records.every(({ wire }) => wire === 1400) ? 2 : 1;
          expect(
            numbers.every((number, at) => at === 0 || number === (numbers[at - 1] ?? 0) + step),
            name,
          ).toBe(true);
        }
      }
      const ways = ['redis', 'sqs', 'kafka']
        .map((way) => `${[...planned.values()].filter(({ through }) => through === way).length} by ${way}`)
        .join(', ');
      process.stdout.write(
        `${MESSAGES} messages in ${SECONDS} s, ${ways}: ${books.map((b) => `${b.captures_finished} captures, ${b.messages_refused} refused, ${b.messages_invalid} invalid`).join('; ')}; peak RSS ${peaks.map((kib) => `${kib >> 10} MiB`).join(', ')}\n`,
      );
      // What Node.js takes, 8 MiB of lookback, and what captures may.
      for (const kib of peaks) expect(kib).toBeLessThan(220 << 10);
    });
  },
);

function peakKibibytes(pid: number): number {
  return Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
}
