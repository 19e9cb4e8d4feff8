/**
 * `GET /metrics`: what a satellite received, what it refused, how far behind its queue it is, and how its fleet is.
 *
 * in: counts · out: Prometheus' text · pure
 */

import type { RefusalReason } from '../enrolment/verifier.js';
import { encodeMetrics, type Metric } from '../packets/metrics-text.js';
import type { ConnectionDivisionStatus } from './fleet/connection-division.js';
import type { FleetBudgetStatus } from './fleet/fleet-budget.js';
import type { KafkaBook } from './receive/kafka-source.js';

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export interface SatelliteCounts {
  /** Null where that would tell one organisation of the others. */
  readonly received: number | null;
  /** Null where nothing is read from Kafka. */
  readonly kafka: Readonly<KafkaBook> | null;
  /** Requests that were not signed as they should be, by reason; null as `received`, and where nothing has to be signed. */
  readonly refused: Readonly<Record<RefusalReason, number>> | null;
  readonly fleet: FleetCounts;
}

/** What there is of the sensors of one organisation. */
export interface FleetCounts {
  readonly agents: {
    readonly running: number;
    readonly unwell: number;
    readonly refusing: number;
    readonly evicted: number;
  };
  readonly budgets: readonly FleetBudgetStatus[];
  readonly division: ConnectionDivisionStatus;
  readonly orders: number;
}

export function satelliteMetrics({ received, kafka, refused, fleet }: SatelliteCounts): string {
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
      metrics.push(
        gauge('kafka_lag_messages', 'Messages of the partitions read here that are not read yet.', kafka.lag),
      );
  }
  if (refused !== null)
    metrics.push({
      ...counter('requests_refused', 'Requests that were not signed as they should be, by reason.', 0),
      samples: Object.entries(refused).map(([reason, count]) => [{ reason }, count]),
    });
  return encodeMetrics([...metrics, ...fleetMetrics(fleet)]);
}

function fleetMetrics({ agents, budgets, division, orders }: FleetCounts): Metric[] {
  const ofBudgets = (name: string, help: string, of: (budget: FleetBudgetStatus) => number): Metric => ({
    ...gauge(`fleet_budget_${name}`, help, 0),
    samples: budgets.map((budget) => [{ scope: budget.scope, name: budget.name }, of(budget)]),
  });
  const metrics: Metric[] = [
    gauge('fleet_agents', 'OpAMP agents that have not said that they end.', agents.running),
    gauge('fleet_agents_unwell', 'Of these, those that say that they are not well.', agents.unwell),
    gauge('fleet_agents_refusing', 'Of these, those that refuse what they were last asked for.', agents.refusing),
    counter('fleet_agents_evicted', 'Agents that were forgotten to make room for others.', agents.evicted),
    gauge('fleet_orders', 'Orders of active response in force.', orders),
    gauge('fleet_sharing_groups', 'Groups of sensors that share connections.', division.groups.length),
    counter(
      'fleet_sharing_missed',
      'Exchanges, of those compared, that one of a group did not see while it was taken to see the same.',
      division.missed,
    ),
    counter(
      'fleet_sharing_refused',
      'Sensors, exchanges and pairs that there was no room to compare.',
      division.refused,
    ),
  ];
  if (budgets.length === 0) return metrics;
  return [
    ...metrics,
    ofBudgets('traces_per_minute', 'Traces a minute of a budget.', ({ perMinute }) => perMinute),
    ofBudgets('sensors', 'Sensors that share it.', ({ sensors }) => sensors),
    ofBudgets('asked_traces_per_minute', 'What these see.', ({ asked }) => asked),
    ofBudgets('given_traces_per_minute', 'What they may keep.', ({ leased }) => leased),
    ofBudgets('kept_traces_per_minute', 'What they say that they keep.', ({ kept }) => kept),
    {
      ...counter('fleet_budget_reports_refused', 'Reports that there was no room for.', 0),
      samples: budgets.map(({ scope, name, refused }) => [{ scope, name }, refused]),
    },
  ];
}

const gauge = (name: string, help: string, value: number): Metric => ({
  ...counter(name, help, value),
  kind: 'gauge',
  name: `pcap_sensor_satellite_${name}`,
});

const counter = (name: string, help: string, value: number): Metric => ({
  name: `pcap_sensor_satellite_${name}_total`,
  kind: 'counter',
  help,
  samples: [[{}, value]],
});
