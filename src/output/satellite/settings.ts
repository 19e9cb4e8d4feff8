/** What the relay is told: where to, how, and how much it may hold. */

import type { SatelliteProtocol } from '../relay/batch.js';
import type { ResourceAttributes } from './otlp/encoder.js';
import type { SatelliteAddress } from './satellite-url.js';

export interface RelaySettings {
  readonly satellite: SatelliteAddress;
  readonly protocol: 'auto' | SatelliteProtocol;
  /** Of OTLP; levo is never compressed. */
  readonly compression: 'gzip' | 'none';
  readonly exportIntervalMillis: number;
  readonly environment: string;
  readonly organizationId: string;
  readonly workspaceId: string;
  readonly serviceName: string;
  /** Headers of each export beyond the relay's own; may hold secrets, never logged. */
  readonly headers: Readonly<Record<string, string>>;
  /** Beyond `service.*`, `levo.*`, `telemetry.*` and `deployment.*`: what the task's metadata says. */
  readonly resource: ResourceAttributes;
  readonly sensorVersion: string;
  readonly tls: TlsSettings;
  readonly spool: SpoolSettings | null;
  readonly timing: DeliveryTiming;
}

export interface TlsSettings {
  /** Trusted beyond the system's roots. PEM. */
  readonly ca: string | null;
  readonly clientCertificate: string | null;
  readonly clientKey: string | null;
}

export interface SpoolSettings {
  readonly directory: string;
  readonly bytesMax: number;
}

export interface DeliveryTiming {
  /** From the first byte of a connection to the last of the answer. */
  readonly attemptTimeoutMillis: number;
  /** The first retry waits a random part of this; each later one of twice as much. */
  readonly backoffInitialMillis: number;
  readonly backoffMaxMillis: number;
  /** A satellite cannot ask for a longer silence. */
  readonly retryAfterMaxMillis: number;
}

export const DEFAULT_TIMING: DeliveryTiming = {
  attemptTimeoutMillis: 10_000,
  backoffInitialMillis: 1_000,
  backoffMaxMillis: 30_000,
  retryAfterMaxMillis: 600_000,
};

export const NO_TLS_SETTINGS: TlsSettings = { ca: null, clientCertificate: null, clientKey: null };
