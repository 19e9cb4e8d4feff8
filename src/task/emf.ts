/**
 * Metrics in CloudWatch's embedded metric format: lines of the log that CloudWatch makes metrics of
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
 *
 * in: points, now and then · out: lines of JSON; a counter is what was added since the last time · pure
 */
import type { MetricPoint } from './metric-points.js';

export const EMF_NAMESPACE = 'pcap-sensor';
/** Of one line; the format allows no more. */
const METRICS_MAX = 100;

const UNITS: Readonly<Record<MetricPoint['unit'], string>> = {
  bytes: 'Bytes',
  seconds: 'Seconds',
  milliseconds: 'Milliseconds',
  count: 'Count',
  share: 'None',
};

export class EmfEncoder {
  readonly #service: string;
  readonly #before = new Map<string, number>();

  constructor(service: string) {
    this.#service = service;
  }

  /** A counter that has never counted is left out: each metric that CloudWatch keeps costs something. */
  lines(points: readonly MetricPoint[], timestampMillis: number): string[] {
    const groups = new Map<string, MetricPoint[]>();
    for (const point of points) {
      const value = this.#valueOf(point);
      if (value === null) continue;
      const key = JSON.stringify(point.labels);
      const group = groups.get(key) ?? [];
      groups.set(key, group);
      group.push({ ...point, value });
    }
    return [...groups.values()].flatMap((group) =>
      Array.from({ length: Math.ceil(group.length / METRICS_MAX) }, (_, index) =>
        this.#line(group.slice(index * METRICS_MAX, (index + 1) * METRICS_MAX), timestampMillis),
      ),
    );
  }

  #valueOf({ name, kind, labels, value }: MetricPoint): number | null {
    if (!Number.isFinite(value)) return null;
    if (kind === 'gauge') return value;
    const key = `${name}${JSON.stringify(labels)}`;
    const before = this.#before.get(key) ?? 0;
    if (value === 0 && before === 0) return null;
    this.#before.set(key, value);
    return value - before;
  }

  #line(points: readonly MetricPoint[], timestamp: number): string {
    const labels = points[0]?.labels ?? {};
    const directive = {
      Namespace: EMF_NAMESPACE,
      Dimensions: [['service', ...Object.keys(labels)]],
      Metrics: points.map(({ name, unit }) => ({ Name: name, Unit: UNITS[unit] })),
    };
    return JSON.stringify({
      _aws: { Timestamp: timestamp, CloudWatchMetrics: [directive] },
      service: this.#service,
      ...labels,
      ...Object.fromEntries(points.map(({ name, value }) => [name, value])),
    });
  }
}
