/**
 * Reads the body of a request to the local satellite.
 *
 * in: an `ExportTraceServiceRequest` or a levo array, parsed from JSON and not trusted · out: a `SatelliteTrace` for each
 * entry that is a trace, and how many were not
 */
import { printableLine } from '../../printable.js';

/** What a readable line needs of a trace. */
export interface TraceHead {
  readonly protocol: 'otlp' | 'levo';
  readonly traceId: string;
  readonly method: string;
  readonly authority: string;
  readonly target: string;
  readonly status: number | null;
  readonly durationNano: number;
  readonly environment: string;
  readonly organization: string;
  readonly serviceName: string;
  readonly requestBodyBytes: number;
  readonly responseBodyBytes: number;
}

/** One received trace, with all of it as received. */
export interface SatelliteTrace extends TraceHead {
  /** The span (OTLP) or the entry (levo) as received. */
  readonly span: unknown;
  /** Its resource, as received. */
  readonly resource: unknown;
}

export interface ReadResult {
  traces: SatelliteTrace[];
  /** Entries that are not a trace. */
  rejected: number;
  /** What is wrong with the first of them; empty if there is none. */
  reason: string;
}

type Json = Record<string, unknown>;

/** https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto */
export function readOtlpTraces(body: unknown): ReadResult {
  const result: ReadResult = { traces: [], rejected: 0, reason: '' };
  if (!isObject(body)) return { ...result, reason: 'not an ExportTraceServiceRequest' };
  for (const resourceSpans of list(body.resourceSpans)) {
    const resource = isObject(resourceSpans) ? resourceSpans.resource : undefined;
    const about = attributesOf(resource);
    for (const scopeSpans of isObject(resourceSpans) ? list(resourceSpans.scopeSpans) : []) {
      for (const span of isObject(scopeSpans) ? list(scopeSpans.spans) : []) {
        const wrong = wrongWithSpan(span);
        if (wrong !== '') {
          result.rejected++;
          result.reason ||= wrong;
          continue;
        }
        result.traces.push(fromSpan(span as Json, resource, about));
      }
    }
  }
  return result;
}

export function readLevoTraces(body: unknown): ReadResult {
  const result: ReadResult = { traces: [], rejected: 0, reason: '' };
  if (!Array.isArray(body)) return { ...result, reason: 'not an array of traces' };
  for (const entry of body) {
    if (!isObject(entry) || !isObject(entry.request) || !isObject(entry.request.headers)) {
      result.rejected++;
      result.reason ||= 'an entry without request headers';
      continue;
    }
    result.traces.push(fromLevo(entry, entry.request, entry.request.headers));
  }
  return result;
}

/** One line for a person, printable: what it shows comes from strangers. */
export function formatSatelliteTrace(trace: TraceHead): string {
  const tags = [trace.environment, trace.organization, trace.serviceName].filter((tag) => tag !== '').join(' ');
  const line =
    `${trace.status ?? '---'} ${trace.method} ${trace.authority}${trace.target} ${duration(trace.durationNano)} ` +
    `${trace.requestBodyBytes}B>${trace.responseBodyBytes}B ${trace.traceId}${tags === '' ? '' : ` [${tags}]`}`;
  return printableLine(line);
}

/** A line for each. */
export function formatSatelliteTraces(traces: readonly TraceHead[]): string {
  return traces.map((trace) => `${formatSatelliteTrace(trace)}\n`).join('');
}

function duration(nanos: number): string {
  if (nanos < 1e6) return `${Math.round(nanos / 1e3)}us`;
  return nanos < 1e9 ? `${(nanos / 1e6).toFixed(1)}ms` : `${(nanos / 1e9).toFixed(2)}s`;
}

function fromSpan(span: Json, resource: unknown, about: Map<string, unknown>): SatelliteTrace {
  const attributes = attributesOf(span);
  const host = string(attributes.get('server.address'));
  const port = attributes.get('server.port');
  const query = string(attributes.get('url.query'));
  return {
    protocol: 'otlp',
    traceId: string(span.traceId),
    method: string(attributes.get('http.request.method_original') ?? attributes.get('http.request.method')),
    authority: `${host.includes(':') ? `[${host}]` : host}${port === undefined ? '' : `:${port}`}`,
    target: string(attributes.get('url.path')) + (query === '' ? '' : `?${query}`),
    status: numberOrNull(attributes.get('http.response.status_code')),
    durationNano: Number(BigInt(string(span.endTimeUnixNano)) - BigInt(string(span.startTimeUnixNano))),
    environment: string(about.get('levo.env') ?? about.get('deployment.environment.name')),
    organization: string(about.get('levo.organization.id')),
    serviceName: string(about.get('service.name')),
    requestBodyBytes: numberOf(attributes.get('http.request.body.size')),
    responseBodyBytes: numberOf(attributes.get('http.response.body.size')),
    span,
    resource,
  };
}

function fromLevo(entry: Json, request: Json, headers: Json): SatelliteTrace {
  const response = isObject(entry.response) ? entry.response : {};
  const resource = isObject(entry.resource) ? entry.resource : {};
  const status = numberOrNull(response.status_code);
  return {
    protocol: 'levo',
    traceId: string(entry.trace_id),
    method: string(entry.method ?? headers[':method']),
    authority: string(headers[':authority']),
    target: string(headers[':path']),
    status: status === 0 ? null : status,
    durationNano: numberOf(entry.duration_ns),
    environment: string(resource.levo_env),
    organization: '',
    serviceName: string(resource.service_name),
    requestBodyBytes: Buffer.byteLength(string(request.body), 'base64'),
    responseBodyBytes: Buffer.byteLength(string(response.body), 'base64'),
    span: entry,
    resource,
  };
}

/** The checks a collector makes: ids of the right length that are not zero, times that are integers. */
function wrongWithSpan(span: unknown): string {
  if (!isObject(span)) return 'a span that is not an object';
  if (!/^(?!0{32})[0-9a-f]{32}$/i.test(string(span.traceId))) return `traceId ${brief(span.traceId)}`;
  if (!/^(?!0{16})[0-9a-f]{16}$/i.test(string(span.spanId))) return `spanId ${brief(span.spanId)}`;
  for (const name of ['startTimeUnixNano', 'endTimeUnixNano'])
    if (!/^\d{1,20}$/.test(string(span[name]))) return `${name} ${brief(span[name])}`;
  return '';
}

/** A map of plain values from a `KeyValue` list; int64 may come as a number or as a string (proto3 JSON mapping). */
function attributesOf(holder: unknown): Map<string, unknown> {
  const map = new Map<string, unknown>();
  if (!isObject(holder)) return map;
  for (const entry of list(holder.attributes)) {
    if (isObject(entry) && typeof entry.key === 'string' && isObject(entry.value))
      map.set(entry.key, plain(entry.value));
  }
  return map;
}

function plain(value: Json): unknown {
  if ('stringValue' in value) return value.stringValue;
  if ('intValue' in value) return numberOf(value.intValue);
  if ('doubleValue' in value) return value.doubleValue;
  return 'boolValue' in value ? value.boolValue : undefined;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const string = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
/** The number, given as one or as text; anything else is 0, as conversion would recurse into arrays. */
const numberOf = (value: unknown): number => {
  const number = typeof value === 'number' || typeof value === 'string' ? Number(value) : 0;
  return Number.isFinite(number) ? number : 0;
};
/** A value of a stranger in an answer. */
const brief = (value: unknown): string =>
  typeof value === 'object' && value !== null ? 'that is no text' : (JSON.stringify(value)?.slice(0, 80) ?? 'missing');
const numberOrNull = (value: unknown): number | null => (typeof value === 'number' ? value : null);
