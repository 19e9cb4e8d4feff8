/**
 * Reports on a running sensor: a line a minute in the log, and health and metrics if a port was given.
 */
import type { InterfaceStatistics } from '../capture/packet-batch.js';
import type { Counters } from '../counters.js';
import type { Logger } from '../log.js';
import type { Settings } from '../options/options.js';
import type { Histogram } from '../output/relay/histogram.js';
import { type HealthServer, startHealthServer } from '../task/health-server.js';
import { encodeMetrics } from '../task/metrics.js';
import { monitorProcess } from '../task/process-status.js';
import { progressLine } from './progress.js';

export interface ReportContext {
  settings: Settings;
  counters: Counters;
  statistics: () => InterfaceStatistics[];
  /** As `Outputs.exportLatency`. */
  exportLatency: Histogram | null;
  log: Logger;
  isCapturing: () => boolean;
  flowCount: () => number;
  /** See `Watch.share`. */
  watchedShare: () => number | null;
  tlsNames: () => readonly string[];
}

export interface Report {
  close(): Promise<void>;
}

const PROGRESS_MILLIS = 60_000;

/** @throws SensorError if the health port cannot be listened on */
export async function reportSensor({
  settings,
  counters,
  statistics,
  exportLatency,
  log,
  isCapturing,
  flowCount,
  watchedShare,
  tlsNames,
}: ReportContext): Promise<Report> {
  const monitor = settings.healthPort === null ? null : monitorProcess();
  let server: HealthServer | null = null;
  if (settings.healthPort !== null && monitor !== null) {
    server = await startHealthServer({
      address: settings.healthPort,
      isReady: isCapturing,
      metrics: async () =>
        encodeMetrics({
          counters,
          interfaces: statistics(),
          flowCount: flowCount(),
          watchedShare: watchedShare() ?? 1,
          exportLatency,
          process: await monitor.status(),
        }),
    });
    log.info({ host: settings.healthPort.host, port: server.port }, 'health and metrics are served');
  }

  let before: Counters = { ...counters };
  let droppedBefore = 0;
  const progress = setInterval(() => {
    const interfaces = statistics();
    const dropped = interfaces.reduce((sum, one) => sum + (one.dropped ?? 0), 0);
    const line = progressLine(before, counters, {
      interfaces: interfaces.map(({ name }) => name),
      filter: settings.filter,
      tlsNames: tlsNames(),
      exporting: exportLatency !== null,
      seconds: PROGRESS_MILLIS / 1000,
      packetsDropped: dropped - droppedBefore,
      residentBytes: process.memoryUsage.rss(),
    });
    log[line.level](line.fields, line.message);
    before = { ...counters };
    droppedBefore = dropped;
  }, PROGRESS_MILLIS);
  progress.unref();

  return {
    async close() {
      clearInterval(progress);
      monitor?.stop();
      await server?.close();
    },
  };
}
