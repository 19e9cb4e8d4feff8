/**
 * Reports on a running sensor: a line a minute in the log, and health and metrics if a port was given.
 */
import type { InterfaceStatistics } from '../capture/packet-batch.js';
import type { Counters } from '../counters.js';
import { type UnreadFlowKind, unreadFlowsBetween } from '../http/unread-flows.js';
import type { Logger } from '../log.js';
import type { Settings } from '../options/options.js';
import type { Histogram } from '../output/relay/histogram.js';
import type { ExchangeAssembler } from '../pair/exchange-assembler.js';
import { type HealthServer, startHealthServer } from '../task/health-server.js';
import { encodeMetrics, type ProcessStatus, type SensorStatus } from '../task/metrics.js';
import { monitorProcess } from '../task/process-status.js';
import type { MetricsPush } from '../task/push-metrics.js';
import { SENSOR_VERSION } from '../version.js';
import { progressLine } from './progress.js';

export interface ReportContext {
  settings: Settings;
  counters: Counters;
  statistics: () => InterfaceStatistics[];
  /** As `Outputs.exportLatency`. */
  exportLatency: Histogram | null;
  log: Logger;
  isCapturing: () => boolean;
  /** See `TraceStage.redactions`. */
  redactions: ReadonlyMap<string, number>;
  /** See `Watch.share`. */
  watchedShare: () => number | null;
  traffic: Pick<ExchangeAssembler, 'flowCount' | 'tlsNames' | 'unread' | 'unreadFlows'>;
}

export interface Report {
  close(): Promise<void>;
}

const PROGRESS_MILLIS = 60_000;

async function openPush(settings: Settings, log: Logger, status: () => Promise<SensorStatus>): Promise<MetricsPush> {
  const { pushMetrics } = await import('../task/push-metrics.js');
  return pushMetrics(settings.metrics, {
    service: settings.serviceName,
    status,
    sensorVersion: SENSOR_VERSION,
    write: (line) => void process.stdout.write(`${line}\n`),
    log,
  });
}

/** @throws SensorError if the health port cannot be listened on */
export async function reportSensor({
  settings,
  counters,
  statistics,
  exportLatency,
  log,
  isCapturing,
  redactions,
  watchedShare,
  traffic,
}: ReportContext): Promise<Report> {
  const monitor = settings.healthPort === null && settings.metrics.length === 0 ? null : monitorProcess();
  const status = async (process: ProcessStatus): Promise<SensorStatus> => ({
    counters,
    interfaces: statistics(),
    redactions,
    flowCount: traffic.flowCount,
    watchedShare: watchedShare() ?? 1,
    exportLatency,
    process,
  });
  let server: HealthServer | null = null;
  if (settings.healthPort !== null && monitor !== null) {
    server = await startHealthServer({
      address: settings.healthPort,
      publicHosts: settings.publicHost,
      isReady: isCapturing,
      metrics: async () => encodeMetrics(await status(await monitor.status())),
    });
    log.info({ host: settings.healthPort.host, port: server.port }, 'health and metrics are served');
  }

  const push =
    monitor === null || settings.metrics.length === 0
      ? null
      : await openPush(settings, log, async () => status(await monitor.status()));

  let before: Counters = { ...counters };
  let droppedBefore = 0;
  let flowsBefore: readonly UnreadFlowKind[] = [];
  const progress = setInterval(() => {
    const interfaces = statistics();
    const dropped = interfaces.reduce((sum, one) => sum + (one.dropped ?? 0), 0);
    const line = progressLine(before, counters, {
      interfaces: interfaces.map(({ name }) => name),
      filter: settings.filter,
      tlsNames: traffic.tlsNames,
      unread: traffic.unread,
      unreadFlows: unreadFlowsBetween(flowsBefore, traffic.unreadFlows),
      exporting: exportLatency !== null,
      seconds: PROGRESS_MILLIS / 1000,
      packetsDropped: dropped - droppedBefore,
      residentBytes: process.memoryUsage.rss(),
    });
    log[line.level](line.fields, line.message);
    before = { ...counters };
    flowsBefore = traffic.unreadFlows;
    droppedBefore = dropped;
  }, PROGRESS_MILLIS);
  progress.unref();

  return {
    async close() {
      clearInterval(progress);
      await push?.close(settings.shutdownTimeout * 1000);
      monitor?.stop();
      await server?.close();
    },
  };
}
