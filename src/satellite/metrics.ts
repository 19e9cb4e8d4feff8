/**
 * `GET /metrics`: what a satellite received, and how far behind its queue it is.
 *
 * in: counts · out: Prometheus' text · pure
 */
import { encodeMetrics, type Metric } from '../packets/metrics-text.js';
import type { KafkaBook } from './receive/kafka-source.js';

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export interface SatelliteCounts {
  /** Null where that would tell one organisation of the others. */
  readonly received: number | null;
  /** Null where nothing is read from Kafka. */
  readonly kafka: Readonly<KafkaBook> | null;
}

export function satelliteMetrics({ received, kafka }: SatelliteCounts): string {
  const metrics: Metric[] = [];
  if (received !== null)
    metrics.push(counter('traces_received', 'Traces received since the start, kept or not.', received));
  if (kafka !== null) {
    metrics.push(
      counter('kafka_messages', 'Messages of the topic that were read and whose traces are kept.', kafka.messages),
      counter('kafka_traces', 'Traces in those messages.', kafka.traces),
      counter('kafka_messages_set_aside', 'Messages that could not be read, and were passed over.', kafka.poison),
      counter('kafka_retries', 'Tries of messages that the store did not take at once.', kafka.retries),
    );
    if (kafka.lag !== null)
      metrics.push({
        ...counter('kafka_lag_messages', 'Messages of the partitions read here that are not read yet.', kafka.lag),
        kind: 'gauge',
        name: 'pcap_sensor_satellite_kafka_lag_messages',
      });
  }
  return encodeMetrics(metrics);
}

const counter = (name: string, help: string, value: number): Metric => ({
  name: `pcap_sensor_satellite_${name}_total`,
  kind: 'counter',
  help,
  samples: [[{}, value]],
});
