/** Several outputs as one: each takes every trace. */
import type { TraceOutput } from './output.js';

export function joinOutputs(outputs: readonly TraceOutput[]): TraceOutput {
  return {
    accept(trace) {
      for (const output of outputs) output.accept(trace);
    },
    drained() {
      const waits = outputs.flatMap((output) => output.drained?.() ?? []);
      return waits.length === 0 ? undefined : Promise.all(waits).then(() => {});
    },
    async close(deadlineMillis) {
      await Promise.all(outputs.map((output) => output.close(deadlineMillis)));
    },
  };
}
