/**
 * `--metrics`: pushes what /metrics has, once a minute and at the end, since nothing asks a Fargate task for it: as lines on standard
 * output for CloudWatch (`emf`), or by the OTLP exporter of OpenTelemetry's SDK (`otlp`), which OTEL_EXPORTER_OTLP_METRICS_… configure,
 * and OTEL_EXPORTER_OTLP_… where they say nothing.
 */
import { hostname } from 'node:os';
import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
import { UsageError } from '../errors.js';
import { systemClock } from '../output/clock.js';
import { type FoldedWarnings, foldWarnings } from '../output/fold.js';
import type { Log } from '../output/log.js';
import { checkedOtelUrl, unspokenProtocol } from '../output/otel/endpoint.js';
import { EmfEncoder } from './emf.js';
import { type MetricPoint, metricPoints } from './metric-points.js';
import type { SensorStatus } from './metrics.js';

export type MetricsTarget = 'otlp' | 'emf';

export interface PushContext {
  readonly service: string | null;
  readonly status: () => Promise<SensorStatus>;
  readonly sensorVersion: string;
  readonly write: (line: string) => void;
  readonly log: Log;
}

export interface MetricsPush {
  /** Pushes once more, and waits at most so long for that. */
  close(deadlineMillis: number): Promise<void>;
}

const PUSH_MILLIS = 60_000;
/** The exporter tries again for ten seconds by itself, which nobody who stops a sensor waits for. */
const LAST_PUSH_MILLIS = 3000;
/** While the receiver is away it is said again once in so long. */
const SAY_AGAIN_MILLIS = 3_600_000;

/** @throws UsageError where a package that is optional is not installed */
export async function pushMetrics(targets: readonly MetricsTarget[], context: PushContext): Promise<MetricsPush> {
  const pushes = await Promise.all(
    [...new Set(targets)].map((target) => (target === 'emf' ? pushEmf(context) : pushOtlp(context))),
  );
  return {
    async close(deadlineMillis) {
      await Promise.all(pushes.map((push) => push.close(deadlineMillis)));
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

async function pushOtlp({ service, status, sensorVersion, log }: PushContext): Promise<MetricsPush> {
  const url = checkedOtelUrl('metrics', process.env);
  const unspoken = unspokenProtocol('metrics', process.env);
  if (unspoken !== null) log.warn({ url }, unspoken);
  const { MeterProvider, PeriodicExportingMetricReader } = await optional(import('@opentelemetry/sdk-metrics'));
  const { OTLPMetricExporter } = await optional(import('@opentelemetry/exporter-metrics-otlp-http'));
  const { resourceFromAttributes } = await import('@opentelemetry/resources');
  const exporter = sayFailures(new OTLPMetricExporter(), url, foldWarnings(log, systemClock, SAY_AGAIN_MILLIS));
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': service ?? hostname(), 'host.name': hostname() }),
    readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: PUSH_MILLIS })],
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
    // It exports once more, and says where that fails: metrics are no reason to fail.
    async close(deadlineMillis) {
      const stop = new AbortController();
      const millis = Math.min(deadlineMillis, LAST_PUSH_MILLIS);
      const late = systemClock.sleep(millis, stop.signal).then(() => true);
      const ended = provider.shutdown().then(
        () => false,
        () => false,
      );
      if (await Promise.race([ended, late]))
        log.warn({ url }, `the last metrics were not sent within ${millis / 1000} s; they are given up`);
      stop.abort();
    },
  };
}

/** The exporter, with a line in the log when the receiver goes away and when it is back: the SDK says neither. */
function sayFailures(exporter: PushMetricExporter, url: string, warnings: FoldedWarnings): PushMetricExporter {
  const send = exporter.export.bind(exporter);
  exporter.export = (metrics, done) =>
    send(metrics, (result) => {
      const { code, error } = result;
      if (code === 0) warnings.reset('otlp');
      else
        warnings.warn(
          'otlp',
          { url, reason: error?.message },
          '--metrics otlp: metrics were not taken; trying again every minute',
        );
      done(result);
    });
  return exporter;
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
