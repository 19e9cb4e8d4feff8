/** What the sensor exposes, read by the parser of Prometheus' own client. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Counters, createCounters } from '../../src/counters.js';
import { createHistogram, observe } from '../../src/output/relay/histogram.js';
import { encodeMetrics } from '../../src/task/metrics.js';
import { needs } from '../support/needs.js';

const tools = process.env.PCAP_SENSOR_TOOLS ?? join(homedir(), '.cache', 'pcap-sensor');
const python = join(tools, 'prometheus', 'bin', 'python');
/** test/support/install-prometheus-parser installs it. */
const isInstalled = existsSync(python);

const PARSE = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families
json.dump({
  family.name: {
    "type": family.type,
    "help": family.documentation,
    "samples": [[sample.name, sample.labels, sample.value] for sample in family.samples],
  } for family in text_string_to_metric_families(sys.stdin.read())
}, sys.stdout)`;

interface Family {
  type: string;
  help: string;
  samples: [name: string, labels: Record<string, string>, value: number][];
}

it('every quantity is read as it was meant', needs({ 'prometheus-parser': isInstalled }), () => {
  const counters = createCounters();
  // Each a number of its own, so that none can pass for another.
  for (const [index, name] of (Object.keys(counters) as (keyof Counters)[]).entries()) counters[name] = 1000 + index;
  const exportLatency = createHistogram([5, 100]);
  for (const millis of [1, 50, 5000]) observe(exportLatency, millis);
  const odd = 'eth"0\\\n';
  const text = encodeMetrics({
    counters,
    interfaces: [
      { name: 'lo', packets: 7, dropped: 3, freezes: 0 },
      { name: odd, packets: 9, dropped: null, freezes: null },
    ],
    redactions: new Map([['name:password', 3]]),
    flowCount: 12,
    watchedShare: 0.25,
    exportLatency,
    process: {
      residentBytes: 2 ** 27,
      cpuSeconds: 1.5,
      startTimeSeconds: 1_780_000_000.5,
      openDescriptors: 24,
      eventLoopDelaySeconds: { p50: 0.0001, p99: 0.002, max: 1e-7 },
    },
  });
  const parsed = spawnSync(python, ['-c', PARSE], { input: text, encoding: 'utf8' });
  expect(parsed.stderr).toBe('');
  const families = JSON.parse(parsed.stdout) as Record<string, Family>;
  const values = (name: string): [Record<string, string>, number][] =>
    families[name]?.samples.map(([, labels, value]) => [labels, value]) ?? [];

  expect(values('pcap_sensor_packets_seen')).toEqual([[{}, counters.packets_seen]]);
  expect(values('pcap_sensor_interface_packets')).toEqual([
    [{ interface: 'lo' }, 7],
    [{ interface: odd }, 9],
  ]);
  expect(values('pcap_sensor_interface_dropped')).toEqual([[{ interface: 'lo' }, 3]]);
  expect(values('pcap_sensor_gaps')).toEqual([[{}, counters.gaps]]);
  expect(values('pcap_sensor_flows_opened')).toEqual([[{}, counters.flows_opened]]);
  expect(values('pcap_sensor_flows_held')).toEqual([[{}, 12]]);
  expect(values('pcap_sensor_exchanges')).toContainEqual([{ outcome: 'exported' }, counters.exchanges_exported]);
  expect(values('pcap_sensor_exchanges')).toContainEqual([
    { outcome: 'undeliverable' },
    counters.exchanges_dropped_undeliverable,
  ]);
  expect(values('pcap_sensor_queue_bytes')).toEqual([[{}, counters.queue_bytes]]);
  expect(values('pcap_sensor_export_retries')).toEqual([[{}, counters.export_retries]]);
  expect(values('pcap_sensor_watched_share')).toEqual([[{}, 0.25]]);
  expect(values('process_resident_memory_bytes')).toEqual([[{}, 2 ** 27]]);
  expect(values('process_start_time_seconds')).toEqual([[{}, 1_780_000_000.5]]);
  expect(values('pcap_sensor_event_loop_delay_seconds')).toEqual([
    [{ quantile: '0.5' }, 0.0001],
    [{ quantile: '0.99' }, 0.002],
    [{ quantile: '1' }, 1e-7],
  ]);
  expect(families.pcap_sensor_export_duration_seconds).toMatchObject({
    type: 'histogram',
    samples: [
      ['pcap_sensor_export_duration_seconds_bucket', { le: '0.005' }, 1],
      ['pcap_sensor_export_duration_seconds_bucket', { le: '0.1' }, 2],
      ['pcap_sensor_export_duration_seconds_bucket', { le: '+Inf' }, 3],
      ['pcap_sensor_export_duration_seconds_sum', {}, 5.051],
      ['pcap_sensor_export_duration_seconds_count', {}, 3],
    ],
  });
  // None is lost on the way, none without a type or a word of help.
  const exposed = Object.values(families).flatMap(({ samples }) => samples.map(([, , value]) => value));
  for (const [name, value] of Object.entries(counters)) expect(exposed, name).toContain(value);
  for (const [name, family] of Object.entries(families)) {
    expect(['counter', 'gauge', 'histogram'], name).toContain(family.type);
    expect(family.help, name).not.toBe('');
  }
});
