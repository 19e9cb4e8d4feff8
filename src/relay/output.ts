import type { Trace } from '../pair/trace.js';

/**
 * Where traces go: a satellite, a file, stdout. `accept` never throws and never waits; an output that cannot keep up
 * drops its oldest and counts.
 */
export interface TraceOutput {
  accept(trace: Trace): void;
  /** Sends what is held, waiting at most `deadlineMillis`; then releases everything. */
  close(deadlineMillis: number): Promise<void>;
}
