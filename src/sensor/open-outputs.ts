/**
 * The outputs a sensor was told to have, as one.
 *
 * in: settings, what the task says of itself · out: a `TraceOutput`, and the relay behind it if traces go to a satellite
 *
 * Exactly one output keeps the books, so that an exchange is counted once however many take it: the satellite where there
 * is one, for it alone can be away, else the first.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Counters } from '../counters.js';
import type { Limits } from '../limits.js';
import type { Settings } from '../options/options.js';
import { systemClock } from '../output/clock.js';
import { openFileOutput } from '../output/file/file-output.js';
import type { Log } from '../output/log.js';
import type { TraceOutput } from '../output/output.js';
import { joinOutputs } from '../output/outputs.js';
import { createRelay, type Relay } from '../output/relay/relay.js';
import { parseSatelliteUrl } from '../output/satellite/satellite-url.js';
import { DEFAULT_TIMING, type RelaySettings } from '../output/satellite/settings.js';

export interface OutputParts {
  settings: Settings;
  counters: Counters;
  limits: Limits;
  log: Log;
  sensorVersion: string;
  /** Told the addresses that traces go to. */
  onSatelliteAddress?: (address: string) => void;
  task: { readonly attributes: Record<string, string>; readonly family: string };
}

export interface Outputs {
  output: TraceOutput;
  relay: Relay | null;
}

/** @throws SensorError, UsageError where an output cannot be opened as told */
export async function openOutputs(parts: OutputParts): Promise<Outputs> {
  const { settings, counters, limits, log, sensorVersion } = parts;
  const keeper = settings.output.find(({ to }) => to === 'satellite') ?? settings.output[0];
  let relay: Relay | null = null;
  const outputs: TraceOutput[] = [];
  try {
    for (const target of settings.output) {
      if (target.to === 'satellite') {
        relay = await createRelay({
          settings: relaySettings(parts),
          counters,
          limits,
          log,
          clock: systemClock,
          ...(parts.onSatelliteAddress === undefined ? {} : { onAddress: parts.onSatelliteAddress }),
        });
        outputs.push(relay);
      } else {
        outputs.push(
          await openFileOutput({
            format: target.to,
            path: target.file,
            keepsBooks: target === keeper,
            isLive: settings.read === null,
            sensorVersion,
            counters,
            limits,
            log,
            clock: systemClock,
          }),
        );
      }
    }
  } catch (error) {
    await Promise.all(outputs.map((output) => output.close(0)));
    throw error;
  }
  const [only, ...others] = outputs;
  return { output: only !== undefined && others.length === 0 ? only : joinOutputs(outputs), relay };
}

/** @throws UsageError if the satellite's address is none */
export function relaySettings({
  settings,
  sensorVersion,
  task,
}: Pick<OutputParts, 'settings' | 'sensorVersion' | 'task'>): RelaySettings {
  const pem = (path: string | null): string | null => (path === null ? null : readFileSync(path, 'utf8'));
  return {
    satellite: parseSatelliteUrl(settings.satelliteUrl ?? ''),
    protocol: settings.satelliteProtocol,
    compression: settings.compression,
    exportIntervalMillis: settings.traceExportInterval * 1000,
    environment: settings.levoEnv ?? '',
    organizationId: settings.levoaiOrgId ?? '',
    workspaceId: settings.levoaiWorkspaceId ?? '',
    serviceName: settings.serviceName ?? (task.family === '' ? hostname() : task.family),
    headers: Object.fromEntries(settings.satelliteHeader),
    resource: task.attributes,
    sensorVersion,
    tls: {
      ca: pem(settings.satelliteCa),
      clientCertificate: pem(settings.satelliteClientCert),
      clientKey: pem(settings.satelliteClientKey),
    },
    spool: settings.spoolDir === null ? null : { directory: settings.spoolDir, bytesMax: settings.spoolMaxBytes },
    timing: DEFAULT_TIMING,
  };
}
