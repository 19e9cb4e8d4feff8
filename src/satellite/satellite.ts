/** Placeholder for the local satellite. */
import { SensorError } from '../errors.js';
import type { SatelliteTrace } from './satellite-trace.js';

interface SatelliteOptions {
  host: string;
  port: number;
  traces_max: number;
  onTrace?: (trace: SatelliteTrace) => void;
}

interface Satellite {
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

export async function startSatellite(_options: SatelliteOptions): Promise<Satellite> {
  throw new SensorError('not built yet');
}
