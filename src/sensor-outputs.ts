/** Where the sensor's traces go, by its settings. Exactly one output keeps the books (see `relay/file/file-output.ts`). */
import { hostname } from 'node:os';
import type { Counters } from './counters.js';
import type { Limits } from './limits.js';
import type { Logger } from './log.js';
import type { Settings } from './options.js';
import { systemClock } from './relay/clock.js';
import { openFileOutput } from './relay/file/file-output.js';
import type { TraceOutput } from './relay/output.js';
import { joinOutputs } from './relay/outputs.js';
import { createRelay } from './relay/relay.js';
import { DEFAULT_TIMING, NO_TLS_SETTINGS } from './relay/settings.js';
import { parseSatelliteUrl } from './satellite-url.js';
import { SENSOR_VERSION } from './version.js';

export async function openOutputs(
  settings: Settings,
  counters: Counters,
  limits: Limits,
  log: Logger,
): Promise<TraceOutput> {
  const clock = systemClock;
  const toSatellite = settings.output.some(({ to }) => to === 'satellite');
  const outputs: TraceOutput[] = [];
  for (const output of settings.output) {
    if (output.to === 'satellite') {
      outputs.push(await createRelay({ settings: relaySettings(settings), counters, limits, log, clock }));
      continue;
    }
    const keepsBooks = !toSatellite && outputs.length === 0;
    const { file: path } = output;
    outputs.push(
      await openFileOutput({
        format: 'ndjson',
        path,
        keepsBooks,
        sensorVersion: SENSOR_VERSION,
        counters,
        limits,
        log,
        clock,
      }),
    );
  }
  return outputs.length === 1 ? (outputs[0] as TraceOutput) : joinOutputs(outputs);
}

function relaySettings(settings: Settings) {
  if (settings.satelliteUrl === null) throw new Error('settings have a satellite output and no satellite');
  return {
    satellite: parseSatelliteUrl(settings.satelliteUrl),
    protocol: 'auto',
    compression: 'gzip',
    exportIntervalMillis: settings.traceExportInterval * 1000,
    environment: settings.levoEnv ?? '',
    organizationId: settings.levoaiOrgId ?? '',
    workspaceId: settings.levoaiWorkspaceId ?? '',
    serviceName: settings.serviceName ?? hostname(),
    headers: Object.fromEntries(settings.satelliteHeader),
    resource: {},
    sensorVersion: SENSOR_VERSION,
    tls: NO_TLS_SETTINGS,
    spool: null,
    timing: DEFAULT_TIMING,
  } as const;
}
