/**
 * Kafka as an output: messages of whole packets, those of one "file" under one key and so in one partition.
 *
 *     the messages of a key, one after the other: magic de ef ec e0 · pcap records of microseconds
 *
 * in: runs of packets · out: messages; one that is not full goes when its first packet has waited long enough
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { RECORD_BYTES } from '../../capture/packet-encoder.js';
import { SensorError, UsageError } from '../../errors.js';
import type { Clock } from '../../output/clock.js';
import type { Log } from '../../output/log.js';
import { createDelivery, type Delivery } from './delivery.js';
import { type NoteConnection, watchKafka } from './own-connections.js';
import { createOutputBook, type PacketOutput, type PacketRun } from './packet-output.js';
import type { SaslMechanism } from './service-words.js';

export interface KafkaSettings {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly topic: string;
  readonly messageBytes: number;
  readonly fileBytes: number;
  readonly acks: 'all' | 'none' | 'one' | '-1' | '0' | '1';
  readonly timeoutMillis: number;
  readonly waitMillis: number;
  readonly tls: boolean;
  readonly ca: string | null;
  readonly sasl: SaslMechanism | null;
  readonly username: string;
  readonly password: string;
  readonly queueBytesMax: number;
}

export interface KafkaContext {
  readonly settings: KafkaSettings;
  /** Told of what is connected to. */
  readonly noteConnection?: NoteConnection | undefined;
  readonly log: Log;
  readonly clock: Clock;
}

interface Message {
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** The messages of one sensor and link type, under one key. */
interface OpenFile {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  bytes: number;
  pieces: Buffer[];
  held: number;
  packets: number;
  settled: (() => void)[];
  cancelWait: () => void;
}

const MAGIC = Buffer.from([0xde, 0xef, 0xec, 0xe0]);
const ACKS = { all: -1, '-1': -1, none: 0, '0': 0, one: 1, '1': 1 } as const;
const TIMEOUT_MILLIS = 30_000;
const FILES_MAX = 256;

/** @throws SensorError where the package is not installed, UsageError for a file of certificates that cannot be read */
export async function openKafkaOutput({ settings, noteConnection, log, clock }: KafkaContext): Promise<PacketOutput> {
  const name = `Kafka topic ${settings.topic}`;
  const book = createOutputBook();
  const { send, closeProducer } = await openProducer(settings);
  const unwatch = noteConnection === undefined ? () => {} : watchKafka(noteConnection);
  const delivery = createDelivery({ name, book, bytesMax: settings.queueBytesMax, log, clock });
  const ends = { delivery, send, closeProducer: () => closeProducer().finally(unwatch) };
  return new KafkaOutput(name, book, settings, clock, ends);
}

interface ProducerEnd {
  send(message: Message): Promise<void>;
  closeProducer(): Promise<void>;
}

async function openProducer(settings: KafkaSettings): Promise<ProducerEnd> {
  const { brokers, clientId, topic, acks, timeoutMillis, tls, ca, sasl, username, password } = settings;
  const kafka = await loadKafka();
  const producer = new kafka.Producer<string, Buffer, string, string>({
    clientId,
    bootstrapBrokers: [...brokers],
    serializers: { ...kafka.stringSerializers, value: (value?: Buffer) => value },
    timeout: timeoutMillis || TIMEOUT_MILLIS,
    connectTimeout: timeoutMillis || TIMEOUT_MILLIS,
    retries: 0,
    autocreateTopics: true,
    ...(tls ? { tls: ca === null ? {} : { ca: readCa(ca) } } : {}),
    // Hosted brokers are found by the name that a client asks for, which an address may not be (RFC 6066 section 3).
    tlsServerName: brokers.every((broker) => isIP(hostOf(broker)) === 0),
    ...(sasl === null
      ? {}
      : { sasl: { mechanism: sasl, username, password: password || (process.env.KAFKA_PASSWORD ?? '') } }),
  });
  return {
    send: async ({ key, value, headers }) => {
      await producer.send({ messages: [{ topic, key, value, headers }], acks: ACKS[acks] });
    },
    closeProducer: () => producer.close(),
  };
}

function hostOf(broker: string): string {
  return broker.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

async function loadKafka(): Promise<typeof import('@platformatic/kafka')> {
  try {
    return await import('@platformatic/kafka');
  } catch {
    throw new SensorError(
      'output.plugins.kafka takes the package @platformatic/kafka, which is not installed; npm install it',
    );
  }
}

function readCa(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(
      `output.plugins.kafka.ca ${path}: ${(error as Error).message}; name a file of certificates (PEM)`,
    );
  }
}

class KafkaOutput implements PacketOutput {
  readonly name: string;
  readonly book: ReturnType<typeof createOutputBook>;
  readonly #settings: KafkaSettings;
  readonly #clock: Clock;
  readonly #ends: ProducerEnd & { delivery: Delivery };
  /** By sensor and link type. */
  readonly #files = new Map<string, OpenFile>();
  #heldBytes = 0;

  constructor(
    name: string,
    book: ReturnType<typeof createOutputBook>,
    settings: KafkaSettings,
    clock: Clock,
    ends: ProducerEnd & { delivery: Delivery },
  ) {
    this.name = name;
    this.book = book;
    this.#settings = settings;
    this.#clock = clock;
    this.#ends = ends;
  }

  take(run: PacketRun, settled?: () => void): void {
    this.book.taken += run.packets;
    if (this.#heldBytes + this.#ends.delivery.bytes > this.#settings.queueBytesMax) {
      this.book.dropped['queue-full'] += run.packets;
      settled?.();
      return;
    }
    const key = `${run.linkType} ${run.origin.key}`;
    const { records } = run;
    for (let at = 0; at < records.length; ) {
      const file = this.#fileFor(key, run);
      const { end, packets } = fitting(records, at, this.#settings.messageBytes - file.held);
      // A packet larger than a message has one of its own.
      if (packets === 0 && file.packets > 0) {
        this.#sendMessage(key, file);
        continue;
      }
      const next = packets === 0 ? at + RECORD_BYTES + records.readUInt32LE(at + 8) : end;
      this.#hold(file, records.subarray(at, next));
      if (file.packets === 0)
        file.cancelWait = this.#clock.after(this.#settings.waitMillis, () => this.#sendMessage(key, file));
      file.packets += Math.max(1, packets);
      at = next;
      if (at === records.length && settled !== undefined) file.settled.push(settled);
      if (file.held >= this.#settings.messageBytes) this.#sendMessage(key, file);
    }
  }

  drained(): Promise<void> | undefined {
    return this.#ends.delivery.drained();
  }

  async close(deadlineMillis: number): Promise<void> {
    for (const [key, file] of this.#files) this.#sendMessage(key, file);
    await this.#ends.delivery.close(deadlineMillis);
    const late = this.#clock.sleep(1000, new AbortController().signal);
    await Promise.race([this.#ends.closeProducer().catch(() => {}), late]);
  }

  #fileFor(key: string, { origin, linkType }: PacketRun): OpenFile {
    const known = this.#files.get(key);
    if (known !== undefined) return known;
    const [oldest] = this.#files;
    if (this.#files.size >= FILES_MAX && oldest !== undefined) {
      this.#sendMessage(...oldest);
      this.#files.delete(oldest[0]);
    }
    const headers = { sensor: origin.name, linkType: String(linkType) };
    const file: OpenFile = {
      key: randomUUID(),
      headers,
      bytes: 0,
      pieces: [],
      held: 0,
      packets: 0,
      settled: [],
      cancelWait: () => {},
    };
    this.#files.set(key, file);
    this.#hold(file, MAGIC);
    return file;
  }

  #hold(file: OpenFile, bytes: Buffer): void {
    file.pieces.push(bytes);
    file.held += bytes.length;
    file.bytes += bytes.length;
    this.#heldBytes += bytes.length;
  }

  #sendMessage(key: string, file: OpenFile): void {
    file.cancelWait();
    const { packets, settled, headers } = file;
    if (packets > 0) {
      const value = Buffer.concat(file.pieces);
      this.#heldBytes -= file.held;
      file.pieces = [];
      file.held = 0;
      file.packets = 0;
      file.settled = [];
      const message: Message = { key: file.key, value, headers };
      this.#ends.delivery.push({ bytes: value.length, packets, settled, send: () => this.#ends.send(message) });
    }
    if (file.bytes >= this.#settings.fileBytes) this.#files.delete(key);
  }
}

/** The whole records from `at` on that fit into `room`. */
function fitting(records: Buffer, at: number, room: number): { end: number; packets: number } {
  let end = at;
  let packets = 0;
  while (end < records.length) {
    const next = end + RECORD_BYTES + records.readUInt32LE(end + 8);
    if (next - at > room) break;
    end = next;
    packets++;
  }
  return { end, packets };
}
