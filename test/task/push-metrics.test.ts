/** Metrics that are pushed: CloudWatch's embedded metric format, and OTLP, made of the rows of /metrics. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createCounters } from '../../src/counters.js';
import { EmfEncoder } from '../../src/task/emf.js';
import { metricPoints } from '../../src/task/metric-points.js';
import { METRIC_ROWS, type SensorStatus } from '../../src/task/metrics.js';
import { captureFile, conversation } from '../support/capture-file.js';
import { runCommand } from '../support/command.js';
import { freePort } from '../support/free-port.js';
import { startScriptedSatellite } from '../support/relay.js';

const folder = mkdtempSync(join(tmpdir(), 'metrics-'));
afterAll(() => rmSync(folder, { recursive: true }));
const CAPTURE = join(folder, 'a.pcap');
writeFileSync(
  CAPTURE,
  captureFile(
    conversation([
      ['client', 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'],
      ['server', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ]),
  ),
);

const status = (change: Partial<SensorStatus> = {}): SensorStatus => ({
  counters: createCounters(),
  interfaces: [{ name: 'eth "1"\\', packets: 3, dropped: null, freezes: null }],
  redactions: new Map(),
  flowCount: 2,
  watchedShare: 0.5,
  exportLatency: { bounds: [10], counts: [1, 1], sum: 30 },
  process: {
    residentBytes: 1000,
    cpuSeconds: 1.5,
    startTimeSeconds: 1,
    openDescriptors: null,
    eventLoopDelaySeconds: { p50: 0, p99: 0, max: 0 },
  },
  ...change,
});

it('has a point for every row that has a sample, with its unit and labels', () => {
  const points = metricPoints(status());
  const names = new Set(points.map(({ name }) => name.replace(/_(sum|count)$/, '')));
  const rows = METRIC_ROWS.filter(({ samples }) => (samples(status()) ?? []).length > 0).map(({ name }) => name);
  expect([...names].sort()).toEqual(rows.map((name) => name.replace(/_(sum|count)$/, '')).sort());
  const of = (name: string) => points.find((point) => point.name === name);
  expect(of('pcap_sensor_interface_packets_total')).toMatchObject({
    kind: 'counter',
    unit: 'count',
    labels: { interface: 'eth "1"\\' },
    value: 3,
  });
  expect(of('pcap_sensor_packet_bytes_seen_total')).toMatchObject({ unit: 'bytes' });
  expect(of('pcap_sensor_export_duration_seconds_sum')).toMatchObject({ unit: 'seconds', value: 0.03 });
  expect(of('pcap_sensor_export_duration_seconds_count')).toMatchObject({ unit: 'count', value: 2 });
  expect(of('process_cpu_seconds_total')).toMatchObject({ unit: 'seconds', value: 1.5 });
});

it('writes lines of EMF: counters as what was added, gauges as they are, at most 100 metrics a line', () => {
  const counters = createCounters();
  for (const name of Object.keys(counters) as (keyof typeof counters)[]) counters[name] = 5;
  const encoder = new EmfEncoder('cart');
  const first = encoder.lines(metricPoints(status({ counters })), 1_700_000_000_000).map((line) => JSON.parse(line));
  for (const { _aws, service } of first) {
    expect(service).toBe('cart');
    expect(_aws.Timestamp).toBe(1_700_000_000_000);
    expect(_aws.CloudWatchMetrics[0].Namespace).toBe('pcap-sensor');
    expect(_aws.CloudWatchMetrics[0].Metrics.length).toBeLessThanOrEqual(100);
  }
  const line = first.find((one) => 'pcap_sensor_packets_seen_total' in one);
  expect(line.pcap_sensor_packets_seen_total).toBe(5);
  expect(line._aws.CloudWatchMetrics[0].Dimensions).toEqual([['service']]);
  expect(line._aws.CloudWatchMetrics[0].Metrics).toContainEqual({
    Name: 'pcap_sensor_packet_bytes_seen_total',
    Unit: 'Bytes',
  });
  const exported = first.find((one) => one.outcome === 'exported');
  expect(exported).toMatchObject({
    pcap_sensor_exchanges_total: 5,
    _aws: { CloudWatchMetrics: [{ Dimensions: [['service', 'outcome']] }] },
  });

  counters.packets_seen = 8;
  const second = encoder.lines(metricPoints(status({ counters })), 1).map((text) => JSON.parse(text));
  // There are more than go into one line.
  const later = Object.assign({}, ...second.filter(({ _aws }) => _aws.CloudWatchMetrics[0].Dimensions[0].length === 1));
  expect(later).toMatchObject({
    pcap_sensor_packets_seen_total: 3,
    pcap_sensor_gaps_total: 0,
    pcap_sensor_watched_share: 0.5,
  });
});

it('leaves out a counter that has never counted', () => {
  const text = new EmfEncoder('cart').lines(metricPoints(status()), 1).join('\n');
  expect(text).not.toContain('pcap_sensor_gaps_total');
  expect(text).toContain('process_resident_memory_bytes');
});

const ARGS = ['apidump', '--read', CAPTURE, '--output', `ndjson:${join(folder, 'traces.ndjson')}`];

it('writes them to standard output at the end of a run', async () => {
  const { code, stdout, stderr } = await runCommand([...ARGS, '--metrics', 'emf', '--service-name', 'cart']);
  expect(code, stderr).toBe(0);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.find((line) => line.outcome === 'exported')).toMatchObject({
    service: 'cart',
    pcap_sensor_exchanges_total: 1,
  });
});

it('are not mixed into traces', async () => {
  const { code, stderr } = await runCommand(['apidump', '--read', CAPTURE, '--output', 'ndjson', '--metrics', 'emf']);
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining('--metrics emf writes to standard output too'),
  });
});

it('sends them by OTLP to where the variables say', async () => {
  const receiver = await startScriptedSatellite(() => (_request, response) => void response.end('{}'));
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url };
  const { code, stderr } = await runCommand([...ARGS, '--metrics', 'otlp', '--service-name', 'cart'], { env });
  await receiver.close();
  expect(code, stderr).toBe(0);
  expect(receiver.requests.map(({ url }) => url)).toEqual(['/v1/metrics']);
  const { resourceMetrics } = JSON.parse(receiver.requests[0]?.body ?? '{}');
  expect(JSON.stringify(resourceMetrics[0].resource)).toContain('"cart"');
  const metrics = resourceMetrics[0].scopeMetrics[0].metrics as {
    name: string;
    unit: string;
    sum?: { dataPoints: object[] };
  }[];
  const exchanges = metrics.find(({ name }) => name === 'pcap_sensor_exchanges_total');
  expect(exchanges?.sum?.dataPoints).toContainEqual(
    expect.objectContaining({ attributes: [{ key: 'outcome', value: { stringValue: 'exported' } }], asDouble: 1 }),
  );
  expect(metrics.find(({ name }) => name === 'pcap_sensor_packet_bytes_seen_total')).toMatchObject({ unit: 'By' });
});

describe('where OTLP goes', () => {
  const reached = async (changes: (url: string, other: string) => Record<string, string>, words: string[] = []) => {
    const [one, other] = await Promise.all([
      startScriptedSatellite(() => (_request, response) => void response.end('{}')),
      startScriptedSatellite(() => (_request, response) => void response.end('{}')),
    ]);
    const { code, stderr } = await runCommand([...ARGS, '--metrics', 'otlp', ...words], {
      env: changes(one.url, other.url),
    });
    await Promise.all([one.close(), other.close()]);
    expect(code, stderr).toBe(0);
    return [one, other].map(({ requests }) => requests.map(({ url }) => url).sort());
  };

  it('is what is said of metrics, before what is said of all', async () => {
    const found = await reached((url, other) => ({
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${other}/own/metrics`,
    }));
    expect(found).toEqual([[], ['/own/metrics']]);
  });

  it('is not where traces go, if that was said of traces', async () => {
    const found = await reached(
      (url, other) => ({
        OTEL_EXPORTER_OTLP_ENDPOINT: url,
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${other}/own/traces`,
      }),
      ['--output', 'otel'],
    );
    expect(found).toEqual([['/v1/metrics'], ['/own/traces']]);
  });
});

it('says once that a receiver of metrics is away, and ends as soon as without it', async () => {
  const env = { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `http://127.0.0.1:${await freePort()}/v1/metrics` };
  const { code, stderr } = await runCommand([...ARGS, '--metrics', 'otlp', '--shutdown-timeout', '0.5'], { env });
  expect(code).toBe(0);
  const lines = stderr.split('\n').filter((line) => line.includes('WARN'));
  expect(lines).toEqual([expect.stringMatching(/the last metrics were not sent within 0\.5 s; they are given up/)]);
});

it('says why a receiver refuses metrics', async () => {
  const receiver = await startScriptedSatellite(() => (_request, response) => void response.writeHead(403).end('no'));
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url };
  const { code, stderr } = await runCommand([...ARGS, '--metrics', 'otlp'], { env });
  await receiver.close();
  expect(code).toBe(0);
  expect(stderr.match(/--metrics otlp: metrics were not taken/g)).toHaveLength(1);
  expect(stderr).toMatch(/Forbidden|403/);
});

it('refuses a variable that holds no URL, by name', async () => {
  const env = { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'collector:4318' };
  const { code, stderr } = await runCommand([...ARGS, '--metrics', 'otlp'], { env });
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining('OTEL_EXPORTER_OTLP_METRICS_ENDPOINT "collector:4318" is no URL'),
  });
});
