/**
 * Messages from a Kafka topic: from every partition, those that come from now on.
 *
 * Every node has to see every message, so each is a group of its own, which commits nothing: what was written while a node was
 * away asked for packets of then. Brokers that are away are waited for, at the start as well.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { isIP } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { loadOptional } from '../aws.js';
import type { KafkaSettings } from '../configuration/settings.js';
import { type IncomingMessage, type MessageSource, pauseBehind, resultsName, type SourceLog } from './source.js';

const PAUSE_MILLIS_MAX = 10_000;
/** How long the broker may wait for the next message, which is how late one comes at most. */
const FETCH_MILLIS = 500;

/** @throws SensorError where the client is not installed */
export async function createKafkaSource(settings: KafkaSettings, node: string, log: SourceLog): Promise<MessageSource> {
  const library = await loadOptional(
    '@platformatic/kafka',
    '[kafka] listen = true',
    () => import('@platformatic/kafka'),
  );
  const { servers, topic, tls, sasl } = settings;
  const base = {
    bootstrapBrokers: [...servers],
    // As the stock program has it: a topic that is not there yet is made, where the broker lets clients do so.
    autocreateTopics: true,
    retries: 3,
    ...(tls === null
      ? {}
      : { tls: { rejectUnauthorized: tls.isVerified, ...(tls.ca === null ? {} : { ca: tls.ca }) } }),
    // Hosted brokers are found by the name that a client asks for, which an address may not be (RFC 6066 section 3).
    tlsServerName: servers.every((server) => isIP(server.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')) === 0),
    ...(sasl === null
      ? {}
      : { sasl: { mechanism: sasl.mechanism as 'PLAIN', username: sasl.user, password: sasl.password } }),
  };
  const clientId = `pcapdaemon-${node.replaceAll(/[^\w.-]/g, '_')}`;
  const stopping = new AbortController();
  const { signal } = stopping;
  const openConsumer = () =>
    new library.Consumer<Buffer, Buffer, Buffer, Buffer>({
      ...base,
      clientId,
      groupId: `${clientId}-${randomBytes(6).toString('hex')}`,
      maxWaitTime: FETCH_MILLIS,
    });
  const openProducer = () => new library.Producer<Buffer, Buffer, Buffer, Buffer>({ ...base, clientId });
  let producer: ReturnType<typeof openProducer> | null = null;
  let closeConsumer: () => Promise<void> = async () => {};
  let consuming: Promise<void> = Promise.resolve();
  const description = `kafka ${servers.join(',')} ${topic}`;

  async function consume(onMessage: (message: IncomingMessage) => void, started: () => void): Promise<void> {
    let said = '';
    for (let failures = 0; !signal.aborted; failures++) {
      const consumer = openConsumer();
      try {
        const stream = await consumer.consume({ topics: [topic], mode: 'latest', autocommit: false });
        closeConsumer = async () => {
          await stream.close();
          await consumer.close(true);
        };
        // Until it is known where a partition ends, "from now on" has not begun.
        if (stream.offsetsToFetch.size === 0) await once(stream, 'offsets', { signal });
        log.info(`${description}: consuming`);
        started();
        said = '';
        failures = 0;
        for await (const { value } of stream) {
          if (signal.aborted) break;
          onMessage({
            text: value?.toString() ?? '',
            replyTo: { source: 'kafka', name: resultsName(topic) },
            settle: () => {},
          });
        }
      } catch (error) {
        const reason = reasonOf(error);
        if (!signal.aborted && reason !== said) log.warn(`${description}: ${reason}; trying again`);
        said = reason;
      }
      await closed(async () => consumer.close(true));
      if (!signal.aborted) await wait(pauseBehind(failures, PAUSE_MILLIS_MAX), undefined, { signal }).catch(() => {});
    }
  }

  const stop = async () => {
    stopping.abort();
    await closeConsumer().catch(() => {});
    await consuming;
  };
  return {
    name: 'kafka',
    description,
    stop,
    start(onMessage) {
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve());
        consuming = consume(onMessage, resolve);
      });
    },
    async publish(to, text) {
      producer ??= openProducer();
      await producer.send({ messages: [{ topic: to, value: Buffer.from(text) }] });
    },
    async close() {
      await stop();
      await closed(async () => producer?.close());
    },
  };
}

/** A client that was never connected has nothing to close. */
async function closed(close: () => Promise<unknown>): Promise<void> {
  await close().catch(() => {});
}

function reasonOf(error: unknown): string {
  const { message, errors } = error as AggregateError;
  const first = (errors as Error[] | undefined)?.[0];
  return first === undefined ? message : `${message} (${first.message})`;
}
