/**
 * What the sensor printed against what was really sent: every exchange once and only once, with its method, target, status,
 * headers and bodies, and nothing that was not there.
 */
import type { SeenBody, SeenTrace } from './sensor.js';
import { type BodyTruth, idOf, type Route, sha256, type TrueExchange } from './truth.js';

export interface Comparison {
  readonly compared: number;
  readonly wrong: readonly Wrong[];
}

export interface Wrong {
  readonly id: string;
  readonly what: string;
}

export interface CompareSettings {
  /** Bytes of a body that the sensor keeps at most; what is longer must be truncated there, and say so. */
  readonly bodyBytesMax?: number;
  /** Marks that may be there. */
  readonly allowedMarks?: readonly string[];
}

/** Headers whose values a client tells as they were sent. */
const COMPARED_HEADERS = ['content-type', 'content-length', 'content-encoding', 'location', 'set-cookie', 'x-live-id'];

/** What may be said of a request whose body the server did not read. */
const UNREAD_MARKS = ['aborted', 'unfinished', 'early-response'];

/** `expected` and `traces` in any order. An exchange with several faults is one wrong exchange. */
export function compare(
  expected: readonly TrueExchange[],
  traces: readonly SeenTrace[],
  settings: CompareSettings = {},
): Comparison {
  const seen = new Map<string, SeenTrace[]>();
  for (const trace of traces) {
    const id = idOf(trace.request.target);
    seen.set(id, [...(seen.get(id) ?? []), trace]);
  }
  const wrong: Wrong[] = [];
  for (const exchange of expected) {
    const found = seen.get(exchange.id) ?? [];
    seen.delete(exchange.id);
    const faults = faultsOf(exchange, found, settings);
    if (faults.length > 0) {
      wrong.push({ id: exchange.id, what: `${exchange.method} ${exchange.target}: ${faults.join('; ')}` });
    }
  }
  for (const [id, made] of seen) {
    for (const { request, response } of made) {
      const status = response?.status ?? 'no response';
      wrong.push({ id, what: `made up: ${request.method} ${request.target.slice(0, 100)} ${status}` });
    }
  }
  return { compared: expected.length, wrong };
}

function faultsOf(exchange: TrueExchange, found: readonly SeenTrace[], settings: CompareSettings): string[] {
  const [trace] = found;
  if (trace === undefined) return ['not reported'];
  const bytesMax = settings.bodyBytesMax ?? Number.POSITIVE_INFINITY;
  const faults: string[] = [];
  const differ = (what: string, seen: unknown, truth: unknown): void => {
    if (seen !== truth) faults.push(`${what} is ${JSON.stringify(seen)}, not ${JSON.stringify(truth)}`);
  };
  if (found.length !== exchange.times) faults.push(`reported ${found.length} times, sent ${exchange.times}`);
  differ('method', trace.request.method, exchange.method);
  differ('target', trace.request.target, exchange.target);
  faults.push(...routeFaults(trace, exchange.route));
  for (const [name, value] of exchange.requestHeaders) {
    differ(`request header ${name}`, valuesOf(trace.request.headers, name), valuesOf([[name, value]], name));
  }
  if (exchange.requestBody !== null)
    faults.push(...bodyFaults('request', trace.request.body, exchange.requestBody, bytesMax));
  const allowed = [...(settings.allowedMarks ?? []), ...(exchange.isRefused ? UNREAD_MARKS : [])];
  const marks = trace.marks.filter((mark) => !allowed.includes(mark));
  if (marks.length > 0) faults.push(`marks ${marks.join(', ')}`);
  if (trace.response === null) return exchange.status === null ? faults : ['no response', ...faults];
  if (exchange.status !== null) differ('status', trace.response.status, exchange.status);
  for (const name of exchange.responseHeaders === null ? [] : COMPARED_HEADERS) {
    const told = valuesOf(exchange.responseHeaders ?? [], name);
    differ(`response header ${name}`, valuesOf(trace.response.headers, name), told);
  }
  if (exchange.responseBody !== null)
    faults.push(...bodyFaults('response', trace.response.body, exchange.responseBody, bytesMax));
  return faults;
}

function routeFaults({ network, clientAddress }: SeenTrace, route: Route): string[] {
  const faults: string[] = [];
  const server = `${network.server.address}:${network.server.port}`;
  if (server !== `${route.server}:${route.port}`) faults.push(`to ${server}, not ${route.server}:${route.port}`);
  if (route.client !== null && network.client.address !== route.client) {
    faults.push(`from ${network.client.address}, not ${route.client}`);
  }
  if (route.origin !== undefined && clientAddress !== route.origin) {
    faults.push(`client.address ${clientAddress}, not ${route.origin}`);
  }
  return faults;
}

function bodyFaults(whose: string, body: SeenBody, truth: BodyTruth, bytesMax: number): string[] {
  const content = Buffer.from(body.content, body.encoding);
  const faults: string[] = [];
  if (truth.wireBytes !== null && body.wireBytes !== truth.wireBytes) {
    faults.push(`${whose} wireBytes is ${body.wireBytes}, not ${truth.wireBytes}`);
  }
  if (body.bytes !== truth.bytes) faults.push(`${whose} bytes is ${body.bytes}, not ${truth.bytes}`);
  const isTooLong = truth.bytes > bytesMax;
  if (body.truncated !== isTooLong) {
    faults.push(`${whose} body ${body.truncated ? 'is' : 'is not'} truncated: ${content.length} of ${truth.bytes}`);
  } else if (isTooLong && truth.content !== null) {
    if (content.length !== bytesMax) faults.push(`${whose} body is kept to ${content.length}, not ${bytesMax}`);
    if (!content.equals(truth.content.subarray(0, content.length))) faults.push(`${whose} body has other bytes`);
  } else if (sha256(content) !== truth.sha256) faults.push(`${whose} body has other bytes`);
  if (body.codingError !== undefined) faults.push(`${whose} codingError ${body.codingError}`);
  return faults;
}

/** In order; clients that join repeated headers and those that do not come out alike. */
function valuesOf(headers: readonly (readonly [string, string])[], name: string): string {
  return headers
    .filter(([other]) => other.toLowerCase() === name.toLowerCase())
    .map(([, value]) => value)
    .join(', ');
}
