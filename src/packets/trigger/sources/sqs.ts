/**
 * Messages from an SQS queue, by long polling.
 *
 * A message is deleted when its captures have been delivered, or when it is refused for good; until then it is kept invisible
 * to others. One for another node, or one that there is no room for now, is given back after a while: at random, so that the
 * nodes that share a queue do not come for it all at once and wear out the number of times it may be received.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Message, SQSClient } from '@aws-sdk/client-sqs';
import { credentialsOf, loadOptional } from '../aws.js';
import type { SqsSettings } from '../configuration/settings.js';
import { type IncomingMessage, type MessageSource, pauseBehind, type Settlement, type SourceLog } from './source.js';

/** How long a message is invisible without a word from here; it is said again three times as often. */
const VISIBILITY_SECONDS = 30;
const KEEP_ALIVE_MILLIS = (VISIBILITY_SECONDS * 1000) / 3;
const PAUSE_MILLIS_MAX = 30_000;
const CONNECT_MILLIS = 10_000;
/** How long nothing may come over a connection: three times what a poll may last. */
const SILENCE_MILLIS = 60_000;
/** Messages whose captures are under way; none are asked for while there are as many. */
const UNDER_WAY_MAX = 1000;
/** Seconds after which a message is given back: 1 to 5. */
const GIVE_BACK_SECONDS_MAX = 5;

/** @throws SensorError where the client is not installed */
export async function createSqsSource(settings: SqsSettings, log: SourceLog): Promise<MessageSource> {
  const library = await loadOptional('@aws-sdk/client-sqs', '[sqs] listen = true', () => import('@aws-sdk/client-sqs'));
  const client = new library.SQSClient({
    region: settings.region,
    endpoint: settings.endpoint,
    useQueueUrlAsEndpoint: false,
    requestHandler: { connectionTimeout: CONNECT_MILLIS, socketTimeout: SILENCE_MILLIS },
    ...credentialsOf(settings.keys),
  });
  return new SqsSource(settings, log, client, library);
}

type Library = typeof import('@aws-sdk/client-sqs');

class SqsSource implements MessageSource {
  readonly name = 'sqs';
  readonly description: string;
  readonly #settings: SqsSettings;
  readonly #log: SourceLog;
  readonly #client: SQSClient;
  readonly #library: Library;
  readonly #stopping = new AbortController();
  /** Receipts of messages under way. */
  readonly #underWay = new Set<string>();
  readonly #settling = new Set<Promise<void>>();
  #keepAlive: NodeJS.Timeout | null = null;
  #polling: Promise<void> = Promise.resolve();
  #said = '';

  constructor(settings: SqsSettings, log: SourceLog, client: SQSClient, library: Library) {
    this.#settings = settings;
    this.#log = log;
    this.#client = client;
    this.#library = library;
    this.description = `sqs ${settings.url}`;
  }

  async start(onMessage: (message: IncomingMessage) => void): Promise<void> {
    this.#keepAlive = setInterval(() => this.#stayInvisible(), KEEP_ALIVE_MILLIS);
    this.#polling = this.#poll(onMessage);
    this.#log.info(`${this.description}: polling`);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#polling;
  }

  async publish(to: string, text: string): Promise<void> {
    await this.#client.send(new this.#library.SendMessageCommand({ QueueUrl: to, MessageBody: text }));
  }

  async close(): Promise<void> {
    await this.stop();
    if (this.#keepAlive !== null) clearInterval(this.#keepAlive);
    await Promise.all(this.#settling);
    this.#client.destroy();
  }

  async #poll(onMessage: (message: IncomingMessage) => void): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; ) {
      if (this.#underWay.size >= UNDER_WAY_MAX) {
        await wait(1000, undefined, { signal }).catch(() => {});
        continue;
      }
      try {
        for (const message of await this.#receive(signal)) this.#take(message, onMessage);
        if (failures > 0) this.#log.info(`${this.description}: answers again`);
        failures = 0;
        this.#said = '';
      } catch (error) {
        if (signal.aborted) return;
        this.#warn('receiving', error);
        await wait(pauseBehind(++failures, PAUSE_MILLIS_MAX), undefined, { signal }).catch(() => {});
      }
    }
  }

  async #receive(abortSignal: AbortSignal): Promise<readonly Message[]> {
    const { url, chunkSize, waitSeconds } = this.#settings;
    const command = new this.#library.ReceiveMessageCommand({
      QueueUrl: url,
      MaxNumberOfMessages: chunkSize,
      WaitTimeSeconds: waitSeconds,
      VisibilityTimeout: VISIBILITY_SECONDS,
    });
    const { Messages = [] } = await this.#client.send(command, { abortSignal });
    return Messages;
  }

  #take({ Body = '', ReceiptHandle: receipt = '' }: Message, onMessage: (message: IncomingMessage) => void): void {
    this.#underWay.add(receipt);
    onMessage({
      text: withoutEnvelope(Body),
      replyTo: null,
      settle: (as) => {
        this.#underWay.delete(receipt);
        const settled = this.#settle(receipt, as);
        this.#settling.add(settled);
        void settled.then(() => this.#settling.delete(settled));
      },
    });
  }

  async #settle(receipt: string, as: Settlement): Promise<void> {
    const isOver = as === 'done' || as === 'refused';
    const request = { QueueUrl: this.#settings.url, ReceiptHandle: receipt };
    try {
      if (isOver) await this.#client.send(new this.#library.DeleteMessageCommand(request));
      else
        await this.#client.send(
          new this.#library.ChangeMessageVisibilityCommand({ ...request, VisibilityTimeout: giveBackSeconds() }),
        );
    } catch (error) {
      this.#warn(isOver ? 'deleting a message' : 'giving a message back', error);
    }
  }

  #stayInvisible(): void {
    const { url } = this.#settings;
    for (const receipt of this.#underWay) {
      const request = { QueueUrl: url, ReceiptHandle: receipt, VisibilityTimeout: VISIBILITY_SECONDS };
      this.#client
        .send(new this.#library.ChangeMessageVisibilityCommand(request))
        .catch((error) => this.#warn('keeping a message invisible', error));
    }
  }

  #warn(what: string, error: unknown): void {
    const { name, message } = error as Error;
    const text = `${what}: ${name}: ${message}`;
    if (text !== this.#said) this.#log.warn(`${this.description}, ${text}`);
    this.#said = text;
  }
}

/** A whole number of seconds, as SQS takes them. */
function giveBackSeconds(): number {
  return 1 + Math.floor(Math.random() * GIVE_BACK_SECONDS_MAX);
}

/** What SNS delivers to a queue holds the message as a text, unless raw delivery is on. */
export function withoutEnvelope(body: string): string {
  if (!body.includes('"Notification"')) return body;
  try {
    const { Type, Message, TopicArn } = JSON.parse(body);
    return Type === 'Notification' && typeof Message === 'string' && typeof TopicArn === 'string' ? Message : body;
  } catch {
    return body;
  }
}
