/**
 * The metrics at one moment as numbers with labels, for those who push them: the rows of /metrics, with a unit.
 *
 * in: `SensorStatus` · out: points; of a histogram its sum and its count · pure
 */
import { labelsOf, METRIC_ROWS, type SensorStatus } from './metrics.js';

export interface MetricPoint {
  readonly name: string;
  /** A counter only rises. */
  readonly kind: 'counter' | 'gauge';
  readonly unit: 'bytes' | 'seconds' | 'milliseconds' | 'count' | 'share';
  readonly help: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export function metricPoints(status: SensorStatus): MetricPoint[] {
  return METRIC_ROWS.flatMap(({ name, kind, help, samples }) =>
    (samples(status) ?? []).flatMap(([suffix, value]): MetricPoint[] => {
      if (kind !== 'histogram') return [{ name, kind, unit: unitOf(name), help, labels: labelsOf(suffix), value }];
      if (suffix !== '_sum' && suffix !== '_count') return [];
      const unit = suffix === '_sum' ? unitOf(name) : 'count';
      return [{ name: `${name}${suffix}`, kind: 'counter', unit, help, labels: {}, value }];
    }),
  );
}

/** Names end in their unit. */
function unitOf(name: string): MetricPoint['unit'] {
  if (/(^|_)bytes(_|$)/.test(name)) return 'bytes';
  if (/_seconds(_total)?$/.test(name)) return 'seconds';
  if (/_millis(_total)?$/.test(name)) return 'milliseconds';
  return name.endsWith('_share') ? 'share' : 'count';
}
