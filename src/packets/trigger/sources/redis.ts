/**
 * Messages published in Redis: on channels, and on those that patterns match.
 *
 * A connection that breaks is made again, with its password and its subscriptions. What was published meanwhile is gone, as
 * Redis has it. Results are published over a connection of their own: one that subscribes may do nothing else in RESP 2.
 */
import { loadOptional } from '../aws.js';
import type { RedisSettings } from '../configuration/settings.js';
import {
  type IncomingMessage,
  isResultsName,
  type MessageSource,
  pauseBehind,
  resultsName,
  type SourceLog,
} from './source.js';

const PAUSE_MILLIS_MAX = 5000;
const CONNECT_MILLIS = 5000;
/** Commands that wait while the connection is down; the next is refused. */
const QUEUE_MAX = 1000;
/** A connection that nothing is heard of is asked whether it is still there, so often. */
const PING_MILLIS = 15_000;

/** @throws SensorError where the client is not installed */
export async function createRedisSource(settings: RedisSettings, log: SourceLog): Promise<MessageSource> {
  const { createClient } = await loadOptional('@redis/client', '[redis] listen = true', () => import('@redis/client'));
  const { host, port, channels, patterns, user, password, tls } = settings;
  const description = `redis ${host}:${port}`;
  const connect = { host, port, connectTimeout: CONNECT_MILLIS };
  const secure = {
    ...connect,
    tls: true as const,
    rejectUnauthorized: tls?.isVerified ?? true,
    ...(tls?.ca ? { ca: tls.ca } : {}),
  };
  const reconnectStrategy = (attempts: number) => pauseBehind(attempts, PAUSE_MILLIS_MAX);
  const open = (what: string) => {
    const client = createClient({
      // Redis before 6 knows no other, and nothing here needs more.
      RESP: 2,
      socket: { ...(tls === null ? connect : secure), reconnectStrategy },
      ...(user === null ? {} : { username: user }),
      ...(password === null ? {} : { password }),
      commandsQueueMaxLength: QUEUE_MAX,
      pingInterval: PING_MILLIS,
    });
    let said = '';
    client.on('error', (error: Error) => {
      const reason = reasonOf(error);
      if (reason !== said) log.warn(`${description}, ${what}: ${reason}; trying again`);
      said = reason;
    });
    client.on('ready', () => {
      if (said !== '') log.info(`${description}, ${what}: connected`);
      said = '';
    });
    return client;
  };
  const subscriber = open('messages');
  const publisher = open('results');
  let isStopped = false;

  return {
    name: 'redis',
    description,
    async start(onMessage) {
      const take = (text: string, channel: string) => {
        if (!isStopped && !isResultsName(channel)) onMessage(messageOf(text, channel));
      };
      await connectWhatever(subscriber, () => isStopped);
      void connectWhatever(publisher, () => isStopped);
      if (isStopped) return;
      if (channels.length > 0) await subscriber.subscribe([...channels], take);
      if (patterns.length > 0) await subscriber.pSubscribe([...patterns], take);
      log.info(`${description}: subscribed to ${[...channels, ...patterns].join(', ')}`);
    },
    async stop() {
      isStopped = true;
      if (subscriber.isOpen) subscriber.destroy();
    },
    async publish(channel, text) {
      await publisher.publish(channel, text);
    },
    async close() {
      isStopped = true;
      for (const client of [subscriber, publisher]) if (client.isOpen) client.destroy();
    },
  };
}

function messageOf(text: string, channel: string): IncomingMessage {
  return { text, replyTo: { source: 'redis', name: resultsName(channel) }, settle: () => {} };
}

/** The client gives up at a password that is refused, which may be put right on the other side. */
async function connectWhatever(
  client: { connect(): Promise<unknown>; isOpen: boolean },
  isOver: () => boolean,
): Promise<void> {
  for (let attempts = 0; !isOver(); attempts++) {
    try {
      await client.connect();
      return;
    } catch {
      // Said already, as an event.
      await new Promise((resolve) => setTimeout(resolve, pauseBehind(attempts, PAUSE_MILLIS_MAX)));
    }
  }
}

function reasonOf(error: Error): string {
  const { errors } = error as AggregateError;
  return (Array.isArray(errors) ? (errors[0] as Error | undefined)?.message : undefined) ?? error.message;
}
