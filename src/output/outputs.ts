/** Several outputs as one: each takes every trace. */
import type { TraceOutput } from './output.js';

export function joinOutputs(outputs: readonly TraceOutput[]): TraceOutput {
  const broken = outputs.flatMap((output) => output.broken ?? []);
  return {
    // One that takes traces is reason enough to go on, and so is that there was none to begin with.
    ...(broken.length === 0 || broken.length < outputs.length ? {} : { broken: Promise.all(broken).then(() => {}) }),
    accept(trace) {
      for (const output of outputs) output.accept(trace);
    },
    drained() {
      const waits = outputs.flatMap((output) => output.drained?.() ?? []);
      return waits.length === 0 ? undefined : Promise.all(waits).then(() => {});
    },
    hurry() {
      for (const output of outputs) output.hurry?.();
    },
    async close(deadlineMillis) {
      await Promise.all(outputs.map((output) => output.close(deadlineMillis)));
    },
  };
}
