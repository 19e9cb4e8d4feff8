/**
 * What messages come through: the shape that Redis, SQS and Kafka have.
 */

/** Where results of a message are told. It survives in the spool as JSON. */
export interface ReplyTarget {
  readonly source: SourceName;
  /** A channel, a topic, or a queue's URL. */
  readonly name: string;
}

export type SourceName = 'redis' | 'sqs' | 'kafka';

/**
 * What became of a message, for a source that gives it again otherwise: `done` once its captures have been delivered, `refused`
 * for good, `elsewhere` where it is for another node, `busy` where another time may be better.
 */
export type Settlement = 'done' | 'refused' | 'elsewhere' | 'busy';

export interface IncomingMessage {
  readonly text: string;
  /** Where its results go, unless it names another place; null for nowhere. */
  readonly replyTo: ReplyTarget | null;
  /** Called once. */
  settle(as: Settlement): void;
}

export interface MessageSource {
  readonly name: SourceName;
  /** As a person would say it, without a password. */
  readonly description: string;
  /** Hands messages over until `close`; a broker that is away is waited for. */
  start(onMessage: (message: IncomingMessage) => void): Promise<void>;
  /** Takes no further messages. Those taken can still be settled and answered. */
  stop(): Promise<void>;
  /** Tells a result. */
  publish(to: string, text: string): Promise<void>;
  close(): Promise<void>;
}

export interface SourceLog {
  info(message: string): void;
  warn(message: string): void;
}

/** The name that results go under beside the messages. */
export function resultsName(name: string): string {
  return `${name}${RESULTS}`;
}

const RESULTS = '.results';

/** Whether a name is one of results: a pattern of channels may match those as well. */
export function isResultsName(name: string): boolean {
  return name.endsWith(RESULTS);
}

/** The pause before the next attempt: twice as long each time, up to `most` milliseconds. */
export function pauseBehind(attempts: number, most: number): number {
  return Math.min(250 * 2 ** Math.min(attempts, 16), most);
}
