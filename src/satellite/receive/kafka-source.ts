/**
 * Traces from a topic of Kafka, as the Collector's Kafka exporter writes them (`encoding: otlp_proto`): an `ExportTraceServiceRequest` a message.
 *
 * in: a topic, in a consumer group · out: each message is given to a `Receive`, at least once; what is kept of it is there once, by its ids
 *
 * A message counts as read when its traces are kept: then, and only behind all before it in its partition, its offset is committed. One that
 * cannot be read is set aside, and the next one is read. While the store takes nothing, nothing further is read.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, Message, MessagesStream } from '@platformatic/kafka';
import { reasonOf, SensorError } from '../../errors.js';
import type { Receive } from './ingest.js';
import type { KafkaTarget } from './kafka-target.js';
import type { SetAside } from './set-aside.js';

export interface KafkaSourceContext {
  readonly receive: Receive;
  readonly setAside: SetAside;
  onReceived(count: number, lines: string): void;
  onNotice(notice: string): void;
}

/** What was read so far. */
export interface KafkaBook {
  messages: number;
  traces: number;
  /** Messages that could not be read, and were set aside. */
  poison: number;
  /** Tries of messages that the store did not take at once. */
  retries: number;
  /** Messages of the partitions read here that are not read yet; null where it is not known. */
  lag: number | null;
}

const PACKAGE = '@platformatic/kafka';
/** Messages under way at once, and bytes of them. */
const UNDER_WAY_MAX = 64;
const UNDER_WAY_BYTES_MAX = 32 << 20;
/** Messages that are done with and wait for one before them to be. */
const UNCOMMITTED_MAX = 10_000;
const FETCH_BYTES = 8 << 20;
const COMMIT_MILLIS = 1000;
const LAG_MILLIS = 5000;
/** The epoch of a partition's leader is not known here. */
const NO_EPOCH = -1;
/** What asks for the first offset (KIP-79). */
const EARLIEST = -2n;
const RETRY_MILLIS = 250;
const RETRY_MILLIS_MAX = 10_000;
/** A message that the store refused so often while it took others is the reason itself. */
const TRIES_MAX = 8;
const OTLP = { protocol: 'otlp', isPacked: false, isProtobuf: true } as const;

type Bytes = Message<Buffer, Buffer, Buffer, Buffer>;
/** Without its value, which is not to wait for those before it. */
interface UnderWay {
  readonly offset: bigint;
  isDone: boolean;
}

export class KafkaSource {
  readonly book: KafkaBook = { messages: 0, traces: 0, poison: 0, retries: 0, lag: null };
  readonly #target: KafkaTarget;
  readonly #context: KafkaSourceContext;
  /** By partition, in the order of offsets. */
  readonly #underWay = new Map<number, UnderWay[]>();
  /** By partition, the last of those that are done with and have none before them that is not. */
  readonly #done = new Map<number, bigint>();
  #count = 0;
  #bytes = 0;
  #uncommitted = 0;
  #wake: () => void = () => {};
  #consumer: Consumer<Buffer, Buffer, Buffer, Buffer> | null = null;
  #stream: MessagesStream<Buffer, Buffer, Buffer, Buffer> | null = null;
  #isClosing = false;
  #running: Promise<void> = Promise.resolve();
  #committing: Promise<void> = Promise.resolve();
  readonly #ending = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  /** Counts what the store took, so that a message that is refused meanwhile is known. */
  #taken = 0;

  private constructor(target: KafkaTarget, context: KafkaSourceContext) {
    this.#target = target;
    this.#context = context;
    // Each message that is under way may wait for it.
    setMaxListeners(UNDER_WAY_MAX + 1, this.#ending.signal);
  }

  /** @throws SensorError where the package is missing; a broker that does not answer is asked again */
  static async start(target: KafkaTarget, context: KafkaSourceContext): Promise<KafkaSource> {
    await loadKafka();
    const source = new KafkaSource(target, context);
    source.#running = source.#run();
    const every = (millis: number, work: () => Promise<void>): void => {
      source.#timers.push(setInterval(() => void work().catch(() => {}), millis).unref());
    };
    every(COMMIT_MILLIS, () => source.#commit());
    every(LAG_MILLIS, () => source.#measure());
    return source;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#ending.abort();
    for (const timer of this.#timers) clearInterval(timer);
    this.#wake();
    // What is under way is finished and committed before the group is left.
    try {
      await this.#stream?.close();
    } catch {
      // Closed already.
    }
    await this.#running;
  }

  async #end(): Promise<void> {
    const [stream, consumer] = [this.#stream, this.#consumer];
    this.#stream = null;
    this.#consumer = null;
    try {
      await stream?.close();
      await consumer?.close(true);
    } catch {
      // The broker is gone, and the group finds out by itself.
    }
  }

  /** Reads, and begins again where the broker went away. */
  async #run(): Promise<void> {
    for (let wait = RETRY_MILLIS; !this.#isClosing; wait = Math.min(wait * 2, RETRY_MILLIS_MAX)) {
      try {
        await this.#read(() => {
          wait = RETRY_MILLIS;
        });
      } catch (error) {
        if (this.#isClosing) break;
        this.#context.onNotice(
          `--from kafka topic ${this.#target.topic}: ${reasonOf(error)}${wayOutOf(error)}; it is tried again`,
        );
      }
      await this.#settled();
      await this.#commit().catch(() => {});
      this.#underWay.clear();
      this.#done.clear();
      this.#uncommitted = 0;
      await this.#end();
      if (!this.#isClosing) await sleep(wait, undefined, { signal: this.#ending.signal }).catch(() => {});
    }
  }

  async #read(onRead: () => void): Promise<void> {
    const consumer = await openConsumer(this.#target);
    this.#consumer = consumer;
    // Without its partitions a member of the group would wait for ever: where the topic is not there, this throws.
    await consumer.metadata({ topics: [this.#target.topic], forceUpdate: true });
    const stream = await consumer.consume({
      topics: [this.#target.topic],
      mode: 'committed',
      fallbackMode: 'earliest',
      autocommit: false,
      maxBytes: FETCH_BYTES,
      highWaterMark: UNDER_WAY_MAX,
    });
    this.#stream = stream;
    for await (const message of stream) {
      onRead();
      while (!this.#isClosing && !this.#hasRoom)
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      if (this.#isClosing) return;
      this.#begin(message);
    }
  }

  get #hasRoom(): boolean {
    return this.#count < UNDER_WAY_MAX && this.#bytes < UNDER_WAY_BYTES_MAX && this.#uncommitted < UNCOMMITTED_MAX;
  }

  #begin(message: Bytes): void {
    const { partition, offset } = message;
    const one: UnderWay = { offset, isDone: false };
    const list = this.#underWay.get(partition);
    if (list === undefined) this.#underWay.set(partition, [one]);
    else list.push(one);
    this.#uncommitted++;
    const bytes = message.value?.length ?? 0;
    this.#count++;
    this.#bytes += bytes;
    void this.#take(message)
      .then((isDone) => {
        one.isDone = isDone;
      })
      .finally(() => {
        this.#count--;
        this.#bytes -= bytes;
        this.#wake();
      });
  }

  /** Out: whether it is done with, by being kept or set aside. */
  async #take(message: Bytes): Promise<boolean> {
    const value = message.value ?? Buffer.alloc(0);
    let wait = RETRY_MILLIS;
    for (let tries = 1; ; tries++) {
      const before = this.#taken;
      // What is handed over is gone afterwards, and it may have to be tried again.
      const said = await this.#context.receive(Buffer.from(value), OTLP).catch((error: unknown) => ({
        status: 500,
        reason: reasonOf(error),
      }));
      if (!('status' in said)) {
        this.#taken++;
        this.book.messages++;
        this.book.traces += said.received;
        this.#context.onReceived(said.received, said.lines ?? '');
        return true;
      }
      const isPoison = said.status < 500 || (tries >= TRIES_MAX && this.#taken > before);
      if (isPoison) return this.#putAside(message, value, said.reason);
      this.book.retries++;
      if (this.#isClosing) return false;
      await sleep(wait, undefined, { signal: this.#ending.signal }).catch(() => {});
      if (this.#isClosing) return false;
      wait = Math.min(wait * 2, RETRY_MILLIS_MAX);
    }
  }

  async #putAside({ topic, partition, offset }: Bytes, value: Buffer, reason: string): Promise<boolean> {
    this.book.poison++;
    const name = `${topic}-${partition}-${offset}`;
    const path = await this.#context.setAside.keep(name, value).catch((error: unknown) => {
      this.#context.onNotice(`a message cannot be set aside: ${reasonOf(error)}`);
      return null;
    });
    const where = path === null ? '' : `, kept as ${path}`;
    this.#context.onNotice(
      `--from kafka topic ${topic}, partition ${partition}, offset ${offset} is passed over: ${reason}${where}`,
    );
    return true;
  }

  /** Until nothing is under way. */
  async #settled(): Promise<void> {
    while (this.#count > 0)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
  }

  /** Commits what all before it are done, one after the other. */
  #commit(): Promise<void> {
    this.#committing = this.#committing.catch(() => {}).then(() => this.#commitNow());
    return this.#committing;
  }

  async #commitNow(): Promise<void> {
    for (const [partition, list] of this.#underWay) {
      const pending = list.findIndex(({ isDone }) => !isDone);
      const done = pending < 0 ? list.length : pending;
      const last = list[done - 1];
      if (last === undefined) continue;
      const { topic } = this.#target;
      await this.#consumer?.commit({ offsets: [{ topic, partition, offset: last.offset, leaderEpoch: NO_EPOCH }] });
      // Where it has been begun again meanwhile, this is another list's.
      if (this.#underWay.get(partition) !== list) continue;
      list.splice(0, done);
      this.#done.set(partition, last.offset);
      this.#uncommitted -= done;
    }
    this.#wake();
  }

  /** Ends of the partitions that are read here, less what was read; of one of which nothing was read yet, what was committed. */
  async #measure(): Promise<void> {
    const { topic } = this.#target;
    const consumer = this.#consumer;
    const partitions = consumer?.assignments?.find((one) => one.topic === topic)?.partitions;
    if (consumer === null || partitions === undefined) {
      this.book.lag = null;
      return;
    }
    const asked = { topics: [topic], partitions: { [topic]: partitions } };
    const [ends, begins, committed] = await Promise.all([
      consumer.listOffsets(asked),
      consumer.listOffsets({ ...asked, timestamp: EARLIEST }),
      consumer.listCommittedOffsets({ topics: [{ topic, partitions }] }),
    ]);
    let lag = 0n;
    for (const partition of partitions) {
      const end = ends.get(topic)?.[partition] ?? 0n;
      const before = this.#done.get(partition) ?? committed.get(topic)?.[partition] ?? -1n;
      const next = before >= 0n ? before + 1n : (begins.get(topic)?.[partition] ?? 0n);
      if (end > next) lag += end - next;
    }
    this.book.lag = Number(lag);
  }
}

/** Node.js has had zstd since 22.15. */
function wayOutOf(error: unknown): string {
  const isZstd = /zstd is not supported/i.test(reasonOf(error));
  return isZstd ? ' (let the Collector compress by gzip, or run the satellite on Node.js 22.15 or newer)' : '';
}

/** One that was killed leaves its partitions to the others after so long. */
const SESSION_MILLIS = 10_000;

async function openConsumer(target: KafkaTarget): Promise<Consumer<Buffer, Buffer, Buffer, Buffer>> {
  const { Consumer } = await loadKafka();
  const { brokers, group, isSecure, sasl, username, password } = target;
  return new Consumer({
    groupId: group,
    clientId: 'pcap-sensor-satellite',
    bootstrapBrokers: [...brokers],
    sessionTimeout: SESSION_MILLIS,
    ...(isSecure ? { tls: {}, tlsServerName: true } : {}),
    ...(sasl === null ? {} : { sasl: { mechanism: sasl, username, password } }),
  });
}

async function loadKafka(): Promise<typeof import('@platformatic/kafka')> {
  return import('@platformatic/kafka').catch(() => {
    throw new SensorError(
      `--from kafka://… takes the package ${PACKAGE}, which is not installed: npm install ${PACKAGE}@1.22.0`,
    );
  });
}
