/**
 * The sensor's counters in Prometheus text (https://prometheus.io/docs/instrumenting/exposition_formats/).
 *
 * in: `SensorStatus` · out: text/plain; version=0.0.4
 *
 * Written here rather than by a library: the counters are kept anyway, and their names are the metrics' names. A counter that is added
 * appears by itself.
 */
import type { InterfaceStatistics } from '../capture/packet-batch.js';
import { type Counters, exchangesInFlight } from '../counters.js';
import type { Histogram } from '../output/relay/histogram.js';

/** The sensor at one moment. */
export interface SensorStatus {
  readonly counters: Readonly<Counters>;
  readonly interfaces: readonly InterfaceStatistics[];
  /** TCP connections followed now. */
  readonly flowCount: number;
  /** Share of the last half minute in which exchanges were taken; 1 without a CPU budget. */
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

/** Counters that also fall. */
const GAUGES: ReadonlySet<keyof Counters> = new Set(['queue_traces', 'queue_bytes', 'spool_traces', 'spool_bytes']);

const PREFIX = 'pcap_sensor_';

export function encodeMetrics(status: SensorStatus): string {
  const lines: string[] = [];
  const metric = (name: string, type: 'counter' | 'gauge' | 'summary' | 'histogram', help: string): void => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  };
  const single = (name: string, type: 'counter' | 'gauge', help: string, value: number | null): void => {
    if (value === null) return;
    metric(name, type, help);
    lines.push(`${name} ${value}`);
  };

  const { counters } = status;
  const outcomes: [string, number][] = [];
  for (const [name, value] of Object.entries(counters) as [keyof Counters, number][]) {
    if (name === 'exchanges_exported') outcomes.push(['exported', value]);
    else if (name.startsWith('exchanges_dropped_')) outcomes.push([name.slice('exchanges_dropped_'.length), value]);
    else if (GAUGES.has(name)) single(`${PREFIX}${name}`, 'gauge', words(name), value);
    else single(`${PREFIX}${name}_total`, 'counter', words(name), value);
  }
  metric(
    `${PREFIX}exchanges_total`,
    'counter',
    'Exchanges by outcome; with those in flight they add up to those seen.',
  );
  for (const [outcome, value] of outcomes) lines.push(`${PREFIX}exchanges_total{outcome="${outcome}"} ${value}`);
  single(
    `${PREFIX}exchanges_in_flight`,
    'gauge',
    'Exchanges that have not reached an outcome yet.',
    exchangesInFlight(counters),
  );

  single(`${PREFIX}flows_held`, 'gauge', 'TCP connections followed now.', status.flowCount);
  single(
    `${PREFIX}watched_share`,
    'gauge',
    'Share of the last half minute in which exchanges were taken; less than 1 while --max-cpu is spent.',
    status.watchedShare,
  );

  metric(`${PREFIX}interface_packets_total`, 'counter', 'Packets captured.');
  for (const { name, packets } of status.interfaces)
    lines.push(`${PREFIX}interface_packets_total{interface="${label(name)}"} ${packets}`);
  metric(`${PREFIX}interface_dropped_total`, 'counter', 'Packets the kernel dropped because the sensor was too slow.');
  for (const { name, dropped } of status.interfaces)
    if (dropped !== null) lines.push(`${PREFIX}interface_dropped_total{interface="${label(name)}"} ${dropped}`);

  if (status.exportLatency !== null) histogram(lines, `${PREFIX}export_duration_seconds`, status.exportLatency);

  const delay = status.process.eventLoopDelaySeconds;
  metric(`${PREFIX}event_loop_delay_seconds`, 'gauge', 'How late timers ran since the start.');
  for (const [quantile, value] of [
    ['0.5', delay.p50] as const,
    ['0.99', delay.p99] as const,
    ['1', delay.max] as const,
  ])
    lines.push(`${PREFIX}event_loop_delay_seconds{quantile="${quantile}"} ${value}`);
  single('process_resident_memory_bytes', 'gauge', 'Resident memory.', status.process.residentBytes);
  single('process_cpu_seconds_total', 'counter', 'CPU time, user and system.', status.process.cpuSeconds);
  single(
    'process_start_time_seconds',
    'gauge',
    'Start, in seconds since the Unix epoch.',
    status.process.startTimeSeconds,
  );
  single('process_open_fds', 'gauge', 'Open file descriptors.', status.process.openDescriptors);
  return `${lines.join('\n')}\n`;
}

function histogram(lines: string[], name: string, { bounds, counts, sum }: Histogram): void {
  lines.push(`# HELP ${name} Attempts to export a batch.`, `# TYPE ${name} histogram`);
  let total = 0;
  for (let i = 0; i < bounds.length; i++) {
    total += counts[i] as number;
    lines.push(`${name}_bucket{le="${(bounds[i] as number) / 1000}"} ${total}`);
  }
  total += counts[bounds.length] as number;
  lines.push(`${name}_bucket{le="+Inf"} ${total}`, `${name}_sum ${sum / 1000}`, `${name}_count ${total}`);
}

const words = (name: string): string => `${name[0]?.toUpperCase()}${name.slice(1).replaceAll('_', ' ')}.`;

const label = (value: string): string =>
  value.replace(/["\\\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
