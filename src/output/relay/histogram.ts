/** Durations in buckets, one for each bound that they do not exceed. */
export interface Histogram {
  readonly bounds: readonly number[];
  /** One more than `bounds`: the last counts what exceeds every bound. Not cumulative. */
  readonly counts: number[];
  sum: number;
}

export function createHistogram(bounds: readonly number[]): Histogram {
  return { bounds, counts: new Array(bounds.length + 1).fill(0), sum: 0 };
}

export function observe(histogram: Histogram, value: number): void {
  let i = 0;
  while (i < histogram.bounds.length && value > (histogram.bounds[i] as number)) i++;
  histogram.counts[i] = (histogram.counts[i] ?? 0) + 1;
  histogram.sum += value;
}
