/**
 * `--output otel`: spans by the stock exporter of OpenTelemetry, behind the batch processor of its SDK. What it sends to is said by
 * OTEL_EXPORTER_OTLP_… alone (https://opentelemetry.io/docs/specs/otel/protocol/exporter/), which nothing else here reads.
 */
import { InvalidValue } from '../../errors.js';
import type { NetworkEndpoint, OutputKind } from '../output.js';
import type { SatelliteOptions } from '../satellite/settings.js';

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
  describe: () => endpointUrl(process.env),
  endpoints: async (targets) => (targets.length === 0 ? [] : [endpointOf(endpointUrl(process.env))]),
  async open(_target, context) {
    const { openOtelOutput } = await import('./otel-output.js');
    return openOtelOutput(context);
  },
};

/** Where the exporter sends to, as it takes it from its variables. */
export function endpointUrl(environment: NodeJS.ProcessEnv): string {
  const own = (environment.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? '').trim();
  if (own !== '') return own;
  const base = (environment.OTEL_EXPORTER_OTLP_ENDPOINT ?? '').trim();
  return `${(base === '' ? 'http://localhost:4318' : base).replace(/\/+$/, '')}/v1/traces`;
}

function endpointOf(url: string): NetworkEndpoint {
  const { hostname, port, protocol } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (protocol === 'https:' ? 443 : 80) };
}
