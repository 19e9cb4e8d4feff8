/** How often and how fast, over stretches of equal length. Pure. */
import type { Rate } from './store.js';

export interface Timed {
  /** Microseconds since 1970. */
  readonly start: number;
  /** Nanoseconds. */
  readonly duration: number;
  readonly status: number | null;
}

export function ratesOf(found: readonly Timed[], stretches: number): Rate[] {
  if (found.length === 0) return [];
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  for (const { start } of found) {
    first = Math.min(first, start);
    last = Math.max(last, start);
  }
  const length = Math.max(1, Math.ceil((last - first + 1) / stretches));
  const stretched = Array.from({ length: stretches }, (_, i) => ({
    start: first + i * length,
    failures: 0,
    durations: [] as number[],
  }));
  for (const { start, duration, status } of found) {
    const stretch = stretched[Math.floor((start - first) / length)];
    stretch?.durations.push(duration);
    if (stretch !== undefined && (status === null || status >= 500)) stretch.failures++;
  }
  return stretched.map(({ start, failures, durations }) => {
    const sorted = Float64Array.from(durations).sort();
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return { start, traces: durations.length, failures, p50: at(0.5), p95: at(0.95) };
  });
}
