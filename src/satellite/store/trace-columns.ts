/** What is kept of a trace beside the trace itself, whatever keeps it. Pure. */
import { textOf } from '../../output/ndjson.js';
import type { Trace, TraceBody } from '../../trace/trace.js';
import { jsonText } from '../receive/json-text.js';
import type { SatelliteTrace } from '../receive/satellite-trace.js';
import { hexOf } from '../receive/trace-of.js';

/** What a body is found by: words behind this many characters are not. */
const SEARCHED_CHARACTERS_MAX = 1 << 16;
/** Marks that say that something was lost. */
const DAMAGE = new Set(['gap', 'drops', 'midstream', 'shed', 'no-response', 'unfinished']);

export const isDamaged = ({ marks }: Trace): boolean => marks.some((mark) => DAMAGE.has(mark));

/** Digits by which a trace is known again; empty where it has no id, and so is like no other. */
export function traceIdOf({ protocol, span }: SatelliteTrace, traceId: string): string {
  return protocol === 'otlp' ? traceId : hexOf((span as { trace_id?: unknown }).trace_id);
}

export function spanIdOf({ protocol, span }: SatelliteTrace, spanId: string): string {
  return protocol === 'otlp' ? spanId : hexOf((span as { span_id?: unknown }).span_id);
}

/** Text of a value that JSON gave, however deep. */
export function textOfJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch (error) {
    if (error instanceof RangeError) return jsonText(value);
    throw error;
  }
}

export function contentTypeOf({ response, request }: Trace): string {
  const headers = response?.headers ?? request.headers;
  const value = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
  return (value.split(';')[0] ?? '').trim().toLowerCase().slice(0, 200);
}

/** The text of a body; empty where it is none. */
export function searchedText({ content, truncated }: TraceBody): string {
  if (content.length === 0) return '';
  return (
    textOf(content.subarray(0, SEARCHED_CHARACTERS_MAX), truncated || content.length > SEARCHED_CHARACTERS_MAX) ?? ''
  );
}

/** Looks an attribute of OTLP up, or a member of Levo's resource. */
export function aboutResource(resource: unknown): (otlp: string, levo: string) => string {
  const { attributes, ...members } = (typeof resource === 'object' && resource !== null ? resource : {}) as Record<
    string,
    unknown
  >;
  const found = new Map<unknown, unknown>();
  if (Array.isArray(attributes))
    for (const one of attributes as { key?: unknown; value?: { stringValue?: unknown } }[])
      found.set(one?.key, one?.value?.stringValue);
  return (otlp, levo) => {
    const value = found.get(otlp) ?? members[levo];
    return typeof value === 'string' ? value.slice(0, 500) : '';
  };
}

const ATTRIBUTES_MAX = 100;

/** The attributes of a resource as text. */
export function resourceOf(resource: unknown): Record<string, string> {
  const { attributes, ...members } = (typeof resource === 'object' && resource !== null ? resource : {}) as Record<
    string,
    unknown
  >;
  const pairs: [string, unknown][] = Array.isArray(attributes)
    ? (attributes as { key?: unknown; value?: unknown }[]).flatMap((one): [string, unknown][] =>
        typeof one?.key === 'string' ? [[one.key, plainOf(one.value)]] : [],
      )
    : Object.entries(members);
  return Object.fromEntries(
    pairs
      .slice(0, ATTRIBUTES_MAX)
      .map(([key, value]) => [key, (typeof value === 'string' ? value : jsonText(value)).slice(0, 1000)]),
  );
}

function plainOf(value: unknown): unknown {
  const [only] = typeof value === 'object' && value !== null ? Object.values(value) : [];
  return only ?? '';
}
