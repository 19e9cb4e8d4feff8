/**
 * Quantiles of durations within 1 % of the true value, from counts in buckets that grow by a fixed ratio (DDSketch,
 * https://www.vldb.org/pvldb/vol12/p2195-masson.pdf).
 *
 * Two sketches merge by adding their counts, and there are no more buckets than the range has: from a microsecond to an hour some 1,100.
 */
export type QuantileSketch = Map<number, number>;

const ACCURACY = 0.01;
const RATIO = (1 + ACCURACY) / (1 - ACCURACY);
const LOG_RATIO = Math.log(RATIO);
const LEAST_NANOS = 1e3;
const GREATEST_NANOS = 3.6e12;

export function noteDuration(sketch: QuantileSketch, nanos: number): void {
  const within = Math.min(GREATEST_NANOS, Math.max(LEAST_NANOS, nanos));
  const bucket = Math.ceil(Math.log(within) / LOG_RATIO);
  sketch.set(bucket, (sketch.get(bucket) ?? 0) + 1);
}

export function mergeSketch(into: QuantileSketch, from: QuantileSketch): void {
  for (const [bucket, count] of from) into.set(bucket, (into.get(bucket) ?? 0) + count);
}

/** Nanoseconds, or null where nothing was noted; `share` is from 0 to 1. */
export function quantile(sketch: QuantileSketch, share: number): number | null {
  const buckets = [...sketch].sort(([a], [b]) => a - b);
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return null;
  let rank = Math.floor(share * (total - 1));
  for (const [bucket, count] of buckets) {
    if (rank < count) return Math.round((2 * RATIO ** bucket) / (RATIO + 1));
    rank -= count;
  }
  return null;
}
