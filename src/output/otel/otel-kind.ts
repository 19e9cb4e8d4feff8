/**
 * `--output otel`: spans by the stock exporter of OpenTelemetry, behind the batch processor of its SDK. What it sends to is said by
 * OTEL_EXPORTER_OTLP_… alone, and first by OTEL_EXPORTER_OTLP_TRACES_…, which nothing else here reads.
 */
import { InvalidValue } from '../../errors.js';
import type { OutputKind } from '../output.js';
import type { SatelliteOptions } from '../satellite/settings.js';
import { otelEndpoint, otelUrl } from './endpoint.js';

export interface OtelTarget {
  readonly to: 'otel';
}

export const OTEL_OUTPUT: OutputKind<OtelTarget, SatelliteOptions> = {
  name: 'otel',
  forms: [{ form: 'otel', note: 'OTLP/HTTP by the SDK of OpenTelemetry, as OTEL_EXPORTER_OTLP_… say' }],
  isRemote: true,
  parse(rest) {
    if (rest !== null)
      throw new InvalidValue('takes no target; give otel, and the variable OTEL_EXPORTER_OTLP_ENDPOINT');
    return { to: 'otel' };
  },
  describe: () => otelUrl('traces', process.env),
  endpoints: async (targets) => (targets.length === 0 ? [] : [otelEndpoint('traces', process.env)]),
  async open(_target, context) {
    const { openOtelOutput } = await import('./otel-output.js');
    return openOtelOutput(context);
  },
};
