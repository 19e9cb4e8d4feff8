/**
 * `--metrics`: pushes what /metrics has, once a minute and at the end, since nothing asks a Fargate task for it: as lines on standard
 * output for CloudWatch (`emf`), or by the OTLP exporter of OpenTelemetry's SDK, which OTEL_EXPORTER_OTLP_… configure (`otlp`).
 */
import { hostname } from 'node:os';
import { UsageError } from '../errors.js';
import { EmfEncoder } from './emf.js';
import { type MetricPoint, metricPoints } from './metric-points.js';
import type { SensorStatus } from './metrics.js';

export type MetricsTarget = 'otlp' | 'emf';

export interface PushContext {
  readonly service: string | null;
  readonly status: () => Promise<SensorStatus>;
  readonly sensorVersion: string;
  readonly write: (line: string) => void;
}

export interface MetricsPush {
  /** Pushes once more, and waits for that as long as the receiver is given. */
  close(): Promise<void>;
}

const PUSH_MILLIS = 60_000;

/** @throws UsageError where a package that is optional is not installed */
export async function pushMetrics(targets: readonly MetricsTarget[], context: PushContext): Promise<MetricsPush> {
  const pushes = await Promise.all(
    [...new Set(targets)].map((target) => (target === 'emf' ? pushEmf(context) : pushOtlp(context))),
  );
  return {
    async close() {
      await Promise.all(pushes.map((push) => push.close()));
    },
  };
}

function pushEmf({ service, status, write }: PushContext): MetricsPush {
  const encoder = new EmfEncoder(service ?? hostname());
  const push = async () => {
    for (const line of encoder.lines(metricPoints(await status()), Date.now())) write(line);
  };
  const timer = setInterval(() => void push(), PUSH_MILLIS);
  timer.unref();
  return {
    close() {
      clearInterval(timer);
      return push();
    },
  };
}

const UCUM: Readonly<Record<MetricPoint['unit'], string>> = {
  bytes: 'By',
  seconds: 's',
  milliseconds: 'ms',
  count: '1',
  share: '1',
};

async function pushOtlp({ service, status, sensorVersion }: PushContext): Promise<MetricsPush> {
  const { MeterProvider, PeriodicExportingMetricReader } = await optional(import('@opentelemetry/sdk-metrics'));
  const { OTLPMetricExporter } = await optional(import('@opentelemetry/exporter-metrics-otlp-http'));
  const { resourceFromAttributes } = await import('@opentelemetry/resources');
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': service ?? hostname(), 'host.name': hostname() }),
    readers: [
      new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter(), exportIntervalMillis: PUSH_MILLIS }),
    ],
  });
  const meter = provider.getMeter('pcap-sensor', sensorVersion);
  // One look at the sensor a push: the callbacks of one collection share it.
  let looked: Promise<MetricPoint[]> | null = null;
  const look = () => {
    looked ??= status()
      .then(metricPoints)
      .finally(() => setImmediate(() => (looked = null)));
    return looked;
  };
  const kinds = new Map((await look()).map((point) => [point.name, point]));
  for (const { name, kind, unit, help } of kinds.values()) {
    const settings = { unit: UCUM[unit], description: help };
    const instrument =
      kind === 'counter' ? meter.createObservableCounter(name, settings) : meter.createObservableGauge(name, settings);
    instrument.addCallback(async (result) => {
      for (const point of await look()) if (point.name === name) result.observe(point.value, point.labels);
    });
  }
  return {
    // It exports once more. What cannot be sent is said by nobody: metrics are no reason to fail.
    close: () => provider.shutdown().catch(() => {}),
  };
}

async function optional<T>(loading: Promise<T>): Promise<T> {
  try {
    return await loading;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND') throw error;
    const name = /Cannot find package '([^']+)'/.exec(message)?.[1] ?? message;
    throw new UsageError(
      `--metrics otlp takes the package ${name}, which is not installed; npm install ${name}, or leave it out`,
    );
  }
}
