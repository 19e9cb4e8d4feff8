/** Which topic of Kafka is read, and how. */
export type SaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';

export interface KafkaTarget {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly group: string;
  readonly isSecure: boolean;
  readonly sasl: SaslMechanism | null;
  readonly username: string;
  readonly password: string;
  /** Whose traces the topic holds, where there are organisations; empty where there are none. */
  readonly organisation: string;
}
