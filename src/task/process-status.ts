/** What the process takes: memory, CPU, descriptors, and how late its event loop is. */
import { readdir } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ProcessStatus } from './metrics.js';

export interface ProcessMonitor {
  status(): Promise<ProcessStatus>;
  stop(): void;
}

/** Milliseconds between two looks at the event loop. Delays are exact to this, and each look wakes the process. */
const RESOLUTION_MILLIS = 20;

export function monitorProcess(): ProcessMonitor {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MILLIS });
  delay.enable();
  const startTimeSeconds = Date.now() / 1000 - process.uptime();
  // The histogram holds whole intervals; what exceeds the interval is delay.
  const late = (nanos: number): number => Math.max(0, nanos / 1e9 - RESOLUTION_MILLIS / 1000);
  return {
    async status() {
      const { user, system } = process.cpuUsage();
      return {
        residentBytes: process.memoryUsage.rss(),
        cpuSeconds: (user + system) / 1e6,
        startTimeSeconds,
        openDescriptors: await readdir('/proc/self/fd').then(
          (names) => names.length,
          () => null,
        ),
        eventLoopDelaySeconds: {
          p50: late(delay.percentile(50)),
          p99: late(delay.percentile(99)),
          max: late(delay.max),
        },
      };
    },
    stop: () => delay.disable(),
  };
}
