import type { Trace } from '../trace/trace.js';

/**
 * Where traces go: a satellite, a file, stdout. `accept` never throws and never waits; an output that cannot keep up
 * drops its oldest and counts.
 */
export interface TraceOutput {
  accept(trace: Trace): void;
  /**
   * What a producer that can wait (a capture file being read) waits for before it hands over more; undefined while there
   * is room. Live capture does not ask.
   */
  drained?(): Promise<void> | undefined;
  /** Sends what is held, waiting at most `deadlineMillis`; then releases everything. */
  close(deadlineMillis: number): Promise<void>;
}
