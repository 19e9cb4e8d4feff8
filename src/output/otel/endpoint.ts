/**
 * Where OpenTelemetry's exporters send to by their variables, those of one signal before those of all
 * (https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp).
 */
import { UsageError } from '../../errors.js';
import type { NetworkEndpoint } from '../output.js';

export type OtelSignal = 'traces' | 'metrics';

/** The URL, whether it is one or not. */
export function otelUrl(signal: OtelSignal, environment: NodeJS.ProcessEnv): string {
  const own = (environment[variableOf(signal)] ?? '').trim();
  if (own !== '') return own;
  const base = (environment.OTEL_EXPORTER_OTLP_ENDPOINT ?? '').trim();
  return `${(base === '' ? 'http://localhost:4318' : base).replace(/\/+$/, '')}/v1/${signal}`;
}

/** @throws UsageError where the variables name no URL */
export function checkedOtelUrl(signal: OtelSignal, environment: NodeJS.ProcessEnv): string {
  const url = otelUrl(signal, environment);
  if (/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : '')) return url;
  const own = variableOf(signal);
  const name = (environment[own] ?? '').trim() === '' ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : own;
  throw new UsageError(`${name} ${JSON.stringify(url)} is no URL; give it such as http://localhost:4318`);
}

/** What is to be said where the variables ask for another protocol than the one that is spoken; else null. */
export function unspokenProtocol(signal: OtelSignal, environment: NodeJS.ProcessEnv): string | null {
  for (const name of [`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_PROTOCOL`, 'OTEL_EXPORTER_OTLP_PROTOCOL']) {
    const asked = (environment[name] ?? '').trim();
    if (asked === '') continue;
    if (asked === 'http/json') return null;
    return `${name} ${JSON.stringify(asked)} is not spoken: ${signal} go as http/json, which a receiver takes at its port for HTTP, mostly 4318`;
  }
  return null;
}

/** @throws UsageError */
export function otelEndpoint(signal: OtelSignal, environment: NodeJS.ProcessEnv): NetworkEndpoint {
  const { hostname, port, protocol } = new URL(checkedOtelUrl(signal, environment));
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (protocol === 'https:' ? 443 : 80) };
}

function variableOf(signal: OtelSignal): string {
  return `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`;
}
