/** The encoders a satellite may need: levo always, for it may turn out to speak that; OTLP unless levo was asked for. */
import type { BatchEncoder } from '../relay/batch.js';
import { createLevoEncoder, levoResource } from './levo.js';
import type { SatelliteSettings } from './settings.js';

export interface SatelliteEncoders {
  readonly levo: BatchEncoder;
  readonly otlp: BatchEncoder | null;
}

export async function createEncoders(settings: SatelliteSettings): Promise<SatelliteEncoders> {
  const levo = createLevoEncoder(levoResource(settings));
  if (settings.protocol === 'levo') return { levo, otlp: null };
  // The OpenTelemetry packages take 14 MiB of memory; a sensor that only sends levo does without.
  const { createOtlpEncoder } = await import('./otlp/encoder.js');
  const { resourceAttributes } = await import('./otlp/resource.js');
  const scope = { name: 'pcap-sensor', version: settings.sensorVersion };
  return { levo, otlp: createOtlpEncoder(resourceAttributes(settings), scope, settings.semconv) };
}
