/**
 * The sensor's metrics, a row each, in Prometheus text (https://prometheus.io/docs/instrumenting/exposition_formats/).
 *
 * in: `SensorStatus` · out: text/plain; version=0.0.4
 *
 * Written here rather than by a library: the counters are kept anyway, and each row of `COUNTER_ROWS` gives its metric.
 */
import type { InterfaceStatistics } from '../capture/packet-batch.js';
import { COUNTER_ROWS, type CounterRow, type Counters, DROP_REASONS, exchangesInFlight } from '../counters.js';
import type { Histogram } from '../output/relay/histogram.js';

/** The sensor at one moment. */
export interface SensorStatus {
  readonly counters: Readonly<Counters>;
  readonly interfaces: readonly InterfaceStatistics[];
  /** By rule, in how many places of traces it replaced something. */
  readonly redactions: ReadonlyMap<string, number>;
  /** TCP connections followed now. */
  readonly flowCount: number;
  /** Share of the last half minute in which exchanges were admitted; 1 without a CPU budget. */
  readonly watchedShare: number;
  /** Export attempts, in milliseconds; null without a satellite. */
  readonly exportLatency: Histogram | null;
  readonly process: ProcessStatus;
}

export interface ProcessStatus {
  readonly residentBytes: number;
  readonly cpuSeconds: number;
  readonly startTimeSeconds: number;
  readonly openDescriptors: number | null;
  readonly eventLoopDelaySeconds: { readonly p50: number; readonly p99: number; readonly max: number };
}

/** One metric: what `/metrics` and the documents say of it, and its samples. */
export interface MetricRow {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** What follows the name, and the value. Null where the quantity cannot be known. */
  readonly samples: (status: SensorStatus) => readonly Sample[] | null;
}

type Sample = readonly [suffix: string, value: number];

const PREFIX = 'pcap_sensor_';

/** Every metric, in the order they are written: a row for each counter, then those that are made of something else. */
export const METRIC_ROWS: readonly MetricRow[] = [
  ...Object.entries<CounterRow>(COUNTER_ROWS)
    .filter(([name]) => name !== 'exchanges_exported')
    .map(
      ([name, { kind, help }]): MetricRow => ({
        name: `${PREFIX}${name}${kind === 'counter' ? '_total' : ''}`,
        kind,
        help,
        samples: ({ counters }) => [['', counters[name as keyof Counters]]],
      }),
    ),
  {
    name: `${PREFIX}exchanges_total`,
    kind: 'counter',
    help: 'Exchanges by outcome; with those in flight they add up to those seen.',
    samples: ({ counters }) => [
      [label('outcome', 'exported'), counters.exchanges_exported],
      ...DROP_REASONS.map(({ outcome, counter }): Sample => [label('outcome', outcome), counters[counter]]),
    ],
  },
  {
    name: `${PREFIX}exchanges_in_flight`,
    kind: 'gauge',
    help: 'Exchanges that have not reached an outcome yet.',
    samples: ({ counters }) => one(exchangesInFlight(counters)),
  },
  {
    name: `${PREFIX}redactions_total`,
    kind: 'counter',
    help: 'Places in traces where a rule of redaction replaced something.',
    samples: ({ redactions }) => [...redactions].sort().map(([rule, count]) => [label('rule', rule), count]),
  },
  {
    name: `${PREFIX}flows_held`,
    kind: 'gauge',
    help: 'TCP connections followed now.',
    samples: ({ flowCount }) => one(flowCount),
  },
  {
    name: `${PREFIX}watched_share`,
    kind: 'gauge',
    help: 'Share of the last half minute in which exchanges were admitted; less than 1 while --max-cpu is spent.',
    samples: ({ watchedShare }) => one(watchedShare),
  },
  {
    name: `${PREFIX}interface_packets_total`,
    kind: 'counter',
    help: 'Packets captured on an interface.',
    samples: ({ interfaces }) => interfaces.map(({ name, packets }) => [label('interface', name), packets]),
  },
  {
    name: `${PREFIX}interface_dropped_total`,
    kind: 'counter',
    help: 'Packets that the kernel dropped on an interface because the sensor was too slow.',
    samples: ({ interfaces }) =>
      interfaces.flatMap(({ name, dropped }): Sample[] =>
        dropped === null ? [] : [[label('interface', name), dropped]],
      ),
  },
  {
    name: `${PREFIX}export_duration_seconds`,
    kind: 'histogram',
    help: 'Attempts to export a batch.',
    samples: ({ exportLatency }) => (exportLatency === null ? null : histogramSamples(exportLatency)),
  },
  {
    name: `${PREFIX}event_loop_delay_seconds`,
    kind: 'gauge',
    help: 'How late timers ran since the start.',
    samples: ({ process: { eventLoopDelaySeconds: delay } }) => [
      [label('quantile', '0.5'), delay.p50],
      [label('quantile', '0.99'), delay.p99],
      [label('quantile', '1'), delay.max],
    ],
  },
  {
    name: 'process_resident_memory_bytes',
    kind: 'gauge',
    help: 'Resident memory.',
    samples: ({ process }) => one(process.residentBytes),
  },
  {
    name: 'process_cpu_seconds_total',
    kind: 'counter',
    help: 'CPU time, user and system.',
    samples: ({ process }) => one(process.cpuSeconds),
  },
  {
    name: 'process_start_time_seconds',
    kind: 'gauge',
    help: 'Start, in seconds since the Unix epoch.',
    samples: ({ process }) => one(process.startTimeSeconds),
  },
  {
    name: 'process_open_fds',
    kind: 'gauge',
    help: 'Open file descriptors.',
    samples: ({ process }) => (process.openDescriptors === null ? null : one(process.openDescriptors)),
  },
];

export function encodeMetrics(status: SensorStatus): string {
  const lines = METRIC_ROWS.flatMap(({ name, kind, help, samples }) => {
    const present = samples(status);
    if (present === null) return [];
    const values = present.map(([suffix, value]) => `${name}${suffix} ${value}`);
    return [`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`, ...values];
  });
  return `${lines.join('\n')}\n`;
}

function one(value: number): readonly Sample[] {
  return [['', value]];
}

/** Cumulative, in seconds. */
function histogramSamples({ bounds, counts, sum }: Histogram): readonly Sample[] {
  let total = 0;
  const buckets = bounds.map((bound, i): Sample => {
    total += counts[i] as number;
    return [`_bucket${label('le', String(bound / 1000))}`, total];
  });
  total += counts[bounds.length] as number;
  return [...buckets, [`_bucket${label('le', '+Inf')}`, total], ['_sum', sum / 1000], ['_count', total]];
}

/** The labels in what `label` makes. */
export function labelsOf(suffix: string): Record<string, string> {
  const [, name, value] = /^\{(\w+)="(.*)"\}$/s.exec(suffix) ?? [];
  if (name === undefined || value === undefined) return {};
  return { [name]: value.replace(/\\(.)/gs, (_, one: string) => (one === 'n' ? '\n' : one)) };
}

function label(name: string, value: string): string {
  const escaped = value.replace(/["\\\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
  return `{${name}="${escaped}"}`;
}
