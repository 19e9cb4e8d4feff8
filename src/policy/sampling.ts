/**
 * Which traces are sampled, by the trace id alone: every sensor and SDK on a request's path that samples consistently
 * keeps the same ones (OpenTelemetry "TraceState: Probability Sampling": the
 * rightmost 56 bits of the trace id are its randomness R; a trace is kept iff R ≥ (1 − ratio) · 2⁵⁶).
 */
import type { TraceContext } from '../pair/trace-context.js';

export interface SamplingSettings {
  /** Share of traces kept, 0 to 1. */
  sampleRate: number;
  /** Where there is a caller's `traceparent`, its `sampled` flag decides instead. */
  sampleByParent: boolean;
}

export function isSampled(context: TraceContext, settings: SamplingSettings): boolean {
  if (settings.sampleByParent && context.sampled !== null) return context.sampled;
  return isSampledByRatio(context.traceId, settings.sampleRate);
}

function isSampledByRatio(traceId: string, ratio: number): boolean {
  if (ratio >= 1) return true;
  if (ratio <= 0) return false;
  // In halves: a float64 holds 53 bits.
  const threshold = (1 - ratio) * 2 ** 28;
  const high = Number.parseInt(traceId.slice(18, 25), 16);
  if (high !== Math.floor(threshold)) return high > threshold;
  return Number.parseInt(traceId.slice(25), 16) >= (threshold % 1) * 2 ** 28;
}
