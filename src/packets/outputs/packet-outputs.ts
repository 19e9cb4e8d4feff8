/**
 * All outputs of a sensor or receiver together. A producer waits for an output only where there is no other: of several, one
 * that is slow loses packets, which are counted, and holds up none.
 */
import type { PacketOutput, PacketRun } from './packet-output.js';

export interface PacketOutputs {
  readonly all: readonly PacketOutput[];
  /** Packets are settled when the first output is done with them. */
  take(run: PacketRun, settled: () => void): void;
  drained(): Promise<void> | undefined;
  close(deadlineMillis: number): Promise<void>;
}

export function joinOutputs(all: readonly PacketOutput[]): PacketOutputs {
  return {
    all,
    take(run, settled) {
      const [first, ...others] = all;
      if (first === undefined) settled();
      else first.take(run, settled);
      for (const output of others) output.take(run);
    },
    drained: () => (all.length === 1 ? all[0]?.drained() : undefined),
    async close(deadlineMillis) {
      await Promise.all(all.map((output) => output.close(deadlineMillis)));
    },
  };
}
