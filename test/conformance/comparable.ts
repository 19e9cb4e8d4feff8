import type { Trace, TraceBody } from '../../src/trace/trace.js';

/** A line of the expectations: what tshark saw. */
export interface Expected {
  stream: number;
  client: string;
  server: string;
  method: string;
  target: string;
  host: string | null;
  request_decoded_len: number | null;
  status: number | null;
  response_decoded_len: number | null;
}

/**
 * Both sides as lines of text, sorted: exchanges of different connections have no order among each other.
 *
 * A decoded length of `null` on the expected side claims nothing: tshark gave none, because there was no body, it could
 * not complete it, or it does not print lengths for its kind. `withLengths` tells for which exchanges lengths compare.
 */
export function comparable(exchanges: readonly (Expected | Trace)[], lengthsOf: readonly Expected[]): string[] {
  const claims = new Set(lengthsOf.filter(claimsLengths).map((e) => key(e.client, e.server, e.method, e.target)));
  return exchanges.map((exchange) => lineOf('traceId' in exchange ? ofTrace(exchange) : exchange, claims)).sort();
}

function claimsLengths(e: Expected): boolean {
  return e.request_decoded_len !== null || e.response_decoded_len !== null;
}

function key(client: string, server: string, method: string, target: string): string {
  return `${client} > ${server} ${method} ${target}`;
}

function lineOf(e: Omit<Expected, 'stream'>, claims: ReadonlySet<string>): string {
  const head = key(e.client, e.server, e.method, e.target);
  const lengths = claims.has(head) ? ` request=${e.request_decoded_len} response=${e.response_decoded_len}` : '';
  return `${head} host=${e.host} ${e.status}${lengths}`;
}

function ofTrace(trace: Trace): Omit<Expected, 'stream'> {
  const { client, server } = trace.network;
  return {
    client: `${client.address}:${client.port}`,
    server: `${server.address}:${server.port}`,
    method: trace.request.method,
    target: trace.request.target,
    host: trace.request.headers.find(([name]) => name.toLowerCase() === 'host')?.[1] ?? null,
    request_decoded_len: decodedLength(trace.request.body),
    status: trace.response?.status ?? null,
    response_decoded_len: trace.response === null ? null : decodedLength(trace.response.body),
  };
}

/** `null` where there is no body, or none that could be decoded. */
function decodedLength(body: TraceBody): number | null {
  return body.wireBytes === 0 || body.codingError !== null ? null : body.bytes;
}
