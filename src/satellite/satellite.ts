/** Placeholder for the local satellite. */
import { SensorError } from '../errors.js';

export interface SatelliteTrace {
  readonly traceId: string;
  readonly method: string;
  readonly authority: string;
  readonly target: string;
  readonly status: number | null;
  readonly durationNano: number;
  readonly environment: string | null;
  readonly organization: string | null;
  readonly serviceName: string | null;
  readonly raw: object;
}

export interface Satellite {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

export async function startSatellite(_options: {
  host: string;
  port: number;
  traces_max: number;
  on_trace?: (trace: SatelliteTrace) => void;
}): Promise<Satellite> {
  throw new SensorError('not built yet');
}
