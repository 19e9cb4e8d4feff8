/** The encoders a satellite may need: levo always, for it may turn out to speak that; OTLP unless levo was asked for. */
import type { BatchEncoder } from '../relay/batch.js';
import { createLevoEncoder, levoResource } from './levo.js';
import type { SatelliteSettings } from './settings.js';

export interface SatelliteEncoders {
  readonly levo: BatchEncoder;
  /** In JSON; null where it is not spoken. */
  readonly otlp: BatchEncoder | null;
  /** Null where it is not to be sent. */
  readonly protobuf: BatchEncoder | null;
}

export async function createEncoders(settings: SatelliteSettings): Promise<SatelliteEncoders> {
  const { protocol, encoding, semconv, sensorVersion } = settings;
  const levo = createLevoEncoder(levoResource(settings));
  if (protocol === 'levo') return { levo, otlp: null, protobuf: null };
  const { resourceAttributes } = await import('./otlp/resource.js');
  const scope = { name: 'pcap-sensor', version: sensorVersion };
  const attributes = resourceAttributes(settings);
  // Neither loads the OpenTelemetry packages.
  const { createOtlpEncoder } = await import('./otlp/encoder.js');
  const otlp = createOtlpEncoder(attributes, scope, semconv);
  if (encoding === 'json') return { levo, otlp, protobuf: null };
  const { createProtobufEncoder } = await import('./otlp/protobuf-encoder.js');
  return { levo, otlp, protobuf: createProtobufEncoder(attributes, scope, semconv) };
}
