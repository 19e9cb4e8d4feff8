/** What a person chose of the export to a satellite, and what the task's metadata adds. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { TaskIdentity } from '../output.js';
import type { BatchProtocol } from '../relay/batch.js';
import { DEFAULT_TIMING, type RelaySettings } from '../relay/settings.js';
import type { ResourceAttributes } from './otlp/encoder.js';
import type { Semconv } from './otlp/span.js';
import { parseSatelliteUrl, type SatelliteAddress } from './satellite-url.js';

export type SatelliteProtocol = Extract<BatchProtocol, 'otlp' | 'levo'>;

export type OtlpEncoding = 'auto' | 'protobuf' | 'json';

export interface SatelliteSettings extends RelaySettings {
  readonly satellite: SatelliteAddress;
  readonly protocol: 'auto' | SatelliteProtocol;
  /** How OTLP is sent; levo is never compressed. */
  readonly compression: 'gzip' | 'none';
  /** What OTLP is written as; `auto`: protobuf, and JSON for a satellite that takes none. */
  readonly encoding: OtlpEncoding;
  /** Which names of OpenTelemetry's conventions spans have. */
  readonly semconv: Semconv;
  readonly environment: string;
  readonly organizationId: string;
  readonly workspaceId: string;
  readonly serviceName: string;
  /** Headers of each export beyond the sensor's own; may hold secrets, never logged. */
  readonly headers: Readonly<Record<string, string>>;
  /** Beyond `service.*`, `levo.*`, `telemetry.*` and `deployment.*`: what the task's metadata says. */
  readonly resource: ResourceAttributes;
  readonly sensorVersion: string;
  readonly tls: TlsSettings;
}

export interface TlsSettings {
  /** Trusted beyond the system's roots. PEM. */
  readonly ca: string | null;
  readonly clientCertificate: string | null;
  readonly clientKey: string | null;
}

export const NO_TLS_SETTINGS: TlsSettings = { ca: null, clientCertificate: null, clientKey: null };

/** The options of the sensor that say how traces get to the satellite. */
export interface SatelliteOptions {
  /** The capture file that is read, or null for a live run. */
  readonly read: string | null;
  readonly satelliteUrl: string | null;
  readonly satelliteProtocol: 'auto' | SatelliteProtocol;
  readonly compression: 'gzip' | 'none';
  readonly otlpEncoding: OtlpEncoding;
  readonly semconv: Semconv;
  readonly traceExportInterval: number;
  readonly levoEnv: string | null;
  readonly levoaiOrgId: string | null;
  readonly levoaiWorkspaceId: string | null;
  readonly serviceName: string | null;
  readonly resourceAttribute: readonly (readonly [name: string, value: string])[];
  readonly awsRegion: string | null;
  readonly satelliteHeader: readonly (readonly [name: string, value: string])[];
  readonly satelliteCa: string | null;
  readonly satelliteClientCert: string | null;
  readonly satelliteClientKey: string | null;
  readonly spoolDir: string | null;
  readonly spoolMaxBytes: number;
  readonly exportBytesPerMinute: number | null;
}

/** What other options say, and what the sensor alone knows. */
const OWN_ATTRIBUTE =
  /^(service\.name|deployment\.environment(\.name)?|levo\.(env|organization\.id|workspace\.id)|telemetry\.sdk\..*)$/;

/** @throws UsageError if the satellite's address is none */
export function satelliteSettings(
  options: SatelliteOptions,
  task: TaskIdentity,
  sensorVersion: string,
): SatelliteSettings {
  const given = Object.fromEntries(options.resourceAttribute);
  const pem = (path: string | null): string | null => (path === null ? null : readFileSync(path, 'utf8'));
  return {
    satellite: parseSatelliteUrl(options.satelliteUrl ?? ''),
    protocol: options.satelliteProtocol,
    compression: options.compression,
    encoding: options.otlpEncoding,
    semconv: options.semconv,
    exportIntervalMillis: options.traceExportInterval * 1000,
    environment: options.levoEnv ?? given['deployment.environment.name'] ?? given['deployment.environment'] ?? '',
    organizationId: options.levoaiOrgId ?? given['levo.organization.id'] ?? '',
    workspaceId: options.levoaiWorkspaceId ?? given['levo.workspace.id'] ?? '',
    serviceName: options.serviceName ?? given['service.name'] ?? (task.family === '' ? hostname() : task.family),
    headers: Object.fromEntries(options.satelliteHeader),
    resource: {
      ...(options.awsRegion === null ? {} : { 'cloud.region': options.awsRegion }),
      ...task.attributes,
      ...Object.fromEntries(Object.entries(given).filter(([name]) => !OWN_ATTRIBUTE.test(name))),
    },
    sensorVersion,
    tls: {
      ca: pem(options.satelliteCa),
      clientCertificate: pem(options.satelliteClientCert),
      clientKey: pem(options.satelliteClientKey),
    },
    spool: options.spoolDir === null ? null : { directory: options.spoolDir, bytesMax: options.spoolMaxBytes },
    timing: DEFAULT_TIMING,
    bytesPerMinute: options.exportBytesPerMinute,
  };
}
