/**
 * The outputs that `--output` asks for, as one.
 *
 * in: settings, what the task says of itself · out: a `TraceOutput`, and how long exports take where traces leave the task
 *
 * Exactly one output keeps the books, so that an exchange is counted once however many take it: the first that may be
 * away, else the first.
 */
import type { Settings } from '../options/options.js';
import { createBooks, createSideBooks } from '../output/books.js';
import { systemClock } from '../output/clock.js';
import type { OutputContext, TraceOutput } from '../output/output.js';
import { joinOutputs } from '../output/outputs.js';
import { isRemote, type OutputOptions, openOutput } from '../output/registry.js';
import type { Histogram } from '../output/relay/histogram.js';

export interface OutputsContext extends Omit<OutputContext<OutputOptions>, 'options' | 'books' | 'clock'> {
  settings: Settings;
}

export interface Outputs {
  output: TraceOutput;
  /** Milliseconds of each attempt to export; null where every output is on this machine. */
  exportLatency: Histogram | null;
}

/** @throws SensorError, UsageError where an output cannot be opened as told */
export async function openOutputs({ settings, ...context }: OutputsContext): Promise<Outputs> {
  const { counters } = context;
  const keeper = settings.output.find(isRemote) ?? settings.output[0];
  const outputs: TraceOutput[] = [];
  let exportLatency: Histogram | null = null;
  try {
    for (const target of settings.output) {
      const books = target === keeper ? createBooks(counters) : createSideBooks(counters);
      const output = await openOutput(target, { ...context, options: settings, books, clock: systemClock });
      outputs.push(output);
      if (target === keeper) exportLatency = output.latency ?? null;
    }
  } catch (error) {
    await Promise.all(outputs.map((output) => output.close(0)));
    throw error;
  }
  const [only, ...others] = outputs;
  return { output: only !== undefined && others.length === 0 ? only : joinOutputs(outputs), exportLatency };
}
