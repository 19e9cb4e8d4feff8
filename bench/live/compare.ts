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
  /** Whether the capture lost packets: an exchange may be missing, unanswered or cut then, but what is reported must be true. */
  readonly isLossy?: boolean;
  /** Whether the client sends a request again, unasked, that it sent into a connection which was ending. */
  readonly hasRepeats?: boolean;
  /** Marks that may be there. */
  readonly allowedMarks?: readonly string[];
}

/** Headers whose values a client reports as they were sent. */
const COMPARED_HEADERS = ['content-type', 'content-length', 'content-encoding', 'location', 'set-cookie', 'x-live-id'];

/** A body is cut on the boundary of a character (UTF-8, RFC 3629 §3). */
const CHARACTER_BYTES_MAX = 4;
/** What may be said of a request whose body the server did not read. */
const UNREAD_MARKS = ['aborted', 'unfinished', 'early-response'];

/** `expected` and `traces` in any order. An exchange with several faults is one wrong exchange. */
export function compare(
  expected: readonly TrueExchange[],
  traces: readonly SeenTrace[],
  settings: CompareSettings = {},
): Comparison {
  const seen = grouped(traces, (trace) => idOf(trace.request.target));
  const wanted = grouped(expected, ({ id }) => id);
  const wrong: Wrong[] = [];
  for (const [id, exchanges] of wanted) {
    let left = seen.get(id) ?? [];
    seen.delete(id);
    for (const exchange of exchanges) {
      const isHis = (trace: SeenTrace) => isBetween(trace, exchange.route);
      const rank = (trace: SeenTrace) => (isHis(trace) ? 2 : 0) + (trace.response === null ? 0 : 1);
      // The only one there answers for all that was reported under its id.
      const found = exchanges.length > 1 ? left.filter(isHis) : left.toSorted((a, b) => rank(b) - rank(a));
      const taken = new Set(found);
      left = left.filter((trace) => !taken.has(trace));
      const faults = (settings.isLossy === true ? lossyFaultsOf : faultsOf)(exchange, found, settings);
      if (faults.length > 0) wrong.push({ id, what: `${exchange.method} ${exchange.target}: ${faults.join('; ')}` });
    }
    wrong.push(...left.map(madeUp));
  }
  for (const made of seen.values()) wrong.push(...made.map(madeUp));
  return { compared: expected.filter(({ isUncertain }) => !isUncertain).length, wrong };
}

function grouped<T>(values: readonly T[], key: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const group = groups.get(key(value));
    if (group === undefined) groups.set(key(value), [value]);
    else group.push(value);
  }
  return groups;
}

function madeUp({ request, response, network }: SeenTrace): Wrong {
  const leg = network.leg === undefined ? '' : ` (${network.leg})`;
  const to = `${network.server.address}:${network.server.port}${leg}`;
  const status = response?.status ?? 'no response';
  return {
    id: idOf(request.target),
    what: `made up: ${request.method} ${request.target.slice(0, 100)} to ${to}: ${status}`,
  };
}

function isBetween({ network }: Pick<SeenTrace, 'network'>, route: Route): boolean {
  const isLeg = route.leg === undefined || network.leg === route.leg;
  return isLeg && network.server.address === route.server && network.server.port === route.port;
}

function faultsOf(exchange: TrueExchange, found: readonly SeenTrace[], settings: CompareSettings): string[] {
  const [trace] = found;
  if (trace === undefined) return exchange.isUncertain ? [] : ['not reported'];
  if (exchange.isUncertain) return trace.response === null ? [] : ['answered, which neither end knows of'];
  const bytesMax = settings.bodyBytesMax ?? Number.POSITIVE_INFINITY;
  const faults: string[] = [];
  const differ = (what: string, seen: unknown, truth: unknown): void => {
    if (seen !== truth) faults.push(`${what} is ${JSON.stringify(seen)}, not ${JSON.stringify(truth)}`);
  };
  const answered = settings.hasRepeats === true ? found.filter(({ response }) => response !== null) : found;
  const times = Math.max(answered.length, 1);
  if (times !== exchange.times) faults.push(`reported ${times} times, sent ${exchange.times}`);
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
    const reported = valuesOf(exchange.responseHeaders ?? [], name);
    differ(`response header ${name}`, valuesOf(trace.response.headers, name), reported);
  }
  if (exchange.responseBody !== null)
    faults.push(...bodyFaults('response', trace.response.body, exchange.responseBody, bytesMax));
  return faults;
}

/** What was reported after losses and is not so. Bytes in front of what was lost must be the true ones. */
function lossyFaultsOf(exchange: TrueExchange, found: readonly SeenTrace[]): string[] {
  const faults: string[] = [];
  if (found.length > exchange.times) faults.push(`reported ${found.length} times, sent ${exchange.times}`);
  for (const { request, response, network } of found) {
    const is = `${request.method} ${request.target}`;
    if (is !== `${exchange.method} ${exchange.target}`) faults.push(`is ${is}`);
    if (!isBetween({ network }, exchange.route)) faults.push(`to ${network.server.address}:${network.server.port}`);
    if (!isBeginning(request.body, exchange.requestBody)) faults.push('request body has bytes that were not sent');
    if (response === null) continue;
    if (response.status !== exchange.status) faults.push(`status is ${response.status}, not ${exchange.status}`);
    const id = valuesOf(response.headers, 'x-live-id');
    if (id !== exchange.id) faults.push(`the response is ${id === '' ? 'none of the server' : `the one to ${id}`}`);
    if (!isBeginning(response.body, exchange.responseBody)) faults.push('response body has bytes that were not sent');
  }
  return faults;
}

function isBeginning(body: SeenBody, truth: BodyTruth | null): boolean {
  const content = Buffer.from(body.content, body.encoding);
  return truth?.content == null || content.equals(truth.content.subarray(0, content.length));
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
    const isKept = content.length <= bytesMax && content.length > bytesMax - CHARACTER_BYTES_MAX;
    if (!isKept) faults.push(`${whose} body is kept to ${content.length}, not ${bytesMax}`);
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
