/**
 * What an expectation claims of an exchange, field by field; what it does not name may be anything.
 */
import { contentOf, type NdjsonTrace } from '../support/read-with-sensor.js';

type HeaderPairs = readonly (readonly [string, string])[];

export interface Claim {
  readonly method?: string;
  readonly target?: string;
  readonly path?: string;
  readonly query?: string;
  /** `request.authority` */
  readonly auth?: string;
  readonly protocol?: string;
  /** Null: there is no response. */
  readonly status?: number | null;
  readonly reason?: string;
  /** Contents of the response's body, of the request's. */
  readonly body?: string;
  readonly reqBody?: string;
  /** `wireBytes` of the response's body, of the request's. */
  readonly wire?: number;
  readonly reqWire?: number;
  /** Whether the body is truncated: the response's, the request's. */
  readonly trunc?: boolean;
  readonly reqTrunc?: boolean;
  /** Headers and trailers of the response. */
  readonly rh?: HeaderPairs;
  readonly rt?: HeaderPairs;
  /** Headers and trailers of the request. */
  readonly qh?: HeaderPairs;
  readonly qt?: HeaderPairs;
  /** Exactly these marks; among the marks; none of the marks. */
  readonly marks?: readonly string[];
  readonly 'marks+'?: readonly string[];
  readonly 'marks-'?: readonly string[];
  /** Null: the response's content coding was undone; a text: it was not, for whatever reason. */
  readonly err?: string | null;
  readonly start?: string;
  /** `durationNano` */
  readonly dur?: string;
  readonly requestEnd?: string;
  /** `address:port` */
  readonly client?: string;
  readonly server?: string;
}

/** Stands for a value that is checked elsewhere, or not at all. */
const ANYTHING = '<predicate>';

type Reader = (trace: NdjsonTrace) => unknown;

const READERS: { readonly [field in keyof Claim]-?: Reader } = {
  method: ({ request }) => request.method,
  target: ({ request }) => request.target,
  path: ({ request }) => request.path,
  query: ({ request }) => request.query,
  auth: ({ request }) => request.authority,
  protocol: ({ network }) => network.protocol,
  status: ({ response }) => response?.status ?? null,
  reason: ({ response }) => response?.reason,
  body: ({ response }) => (response === null ? null : contentOf(response.body)),
  reqBody: ({ request }) => contentOf(request.body),
  wire: ({ response }) => response?.body.wireBytes,
  reqWire: ({ request }) => request.body.wireBytes,
  trunc: ({ response }) => response?.body.truncated,
  reqTrunc: ({ request }) => request.body.truncated,
  rh: ({ response }) => response?.headers,
  rt: ({ response }) => response?.trailers,
  qh: ({ request }) => request.headers,
  qt: ({ request }) => request.trailers,
  marks: ({ marks }) => [...marks].sort(),
  'marks+': ({ marks }) => marks,
  'marks-': ({ marks }) => marks,
  err: ({ response }) => response?.body.codingError ?? null,
  start: ({ startTimeUnixNano }) => startTimeUnixNano,
  dur: ({ durationNano }) => durationNano,
  requestEnd: ({ timing }) => timing.requestEndNano,
  client: ({ network: { client } }) => `${client.address}:${client.port}`,
  server: ({ network: { server } }) => `${server.address}:${server.port}`,
};

/**
 * The claimed fields of each exchange as text: what it should say, and what it says, line by line.
 *
 * Exchanges of one connection come in the order in which they were claimed; those of different connections have no order
 * among each other.
 */
export function compare(claims: readonly Claim[], traces: readonly NdjsonTrace[]): { right: string[]; seen: string[] } {
  const right: string[] = [];
  const seen: string[] = [];
  const ordered = inOrderOf(claims, traces);
  for (let i = 0; i < Math.max(claims.length, ordered.length); i++) {
    const claim = claims[i];
    const trace = ordered[i];
    if (claim !== undefined) right.push(rightLine(claim));
    if (trace !== undefined) seen.push(claim === undefined ? `and ${lineOf(trace)}` : seenLine(claim, trace));
  }
  return { right, seen };
}

/** The traces, each connection's in its own order, with the connections interleaved as the claims are. */
function inOrderOf(claims: readonly Claim[], traces: readonly NdjsonTrace[]): NdjsonTrace[] {
  const connections = new Map<string, NdjsonTrace[]>();
  for (const trace of traces) {
    const key = `${READERS.client(trace)} > ${READERS.server(trace)}`;
    connections.set(key, [...(connections.get(key) ?? []), trace]);
  }
  const queues = [...connections.values()];
  const ordered: NdjsonTrace[] = [];
  for (const claim of [...claims, {} as Claim]) {
    const waiting = queues.filter((queue) => queue.length > 0);
    const next =
      waiting.find(([first]) => seenLine(claim, first as NdjsonTrace) === rightLine(claim)) ??
      waiting.find(([first]) => first?.request.target === claim.target) ??
      waiting[0];
    const trace = next?.shift();
    if (trace !== undefined) ordered.push(trace);
  }
  return [...ordered, ...queues.flat()];
}

function rightLine(claim: Claim): string {
  return lineOfFields(claim, (field) => claimed(field, claim[field]));
}

function seenLine(claim: Claim, trace: NdjsonTrace): string {
  return lineOfFields(claim, (field) => shown(field, claim[field], trace));
}

function lineOfFields(claim: Claim, textOf: (field: keyof Claim) => unknown): string {
  return (Object.keys(claim) as (keyof Claim)[]).map((field) => `${field}=${JSON.stringify(textOf(field))}`).join(' ');
}

function claimed(field: keyof Claim, value: Claim[keyof Claim]): unknown {
  if (field === 'marks') return [...(value as string[])].sort();
  // That there is an error counts, not its words.
  if (field === 'err' && typeof value === 'string' && value !== ANYTHING) return 'an error';
  return value;
}

/** What the trace has there, or the claim itself where the trace keeps to it in the way the field is claimed. */
function shown(field: keyof Claim, claim: Claim[keyof Claim], trace: NdjsonTrace): unknown {
  const read = READERS[field];
  if (read === undefined) throw new Error(`an expectation claims ${field}, which nothing reads`);
  if (claim === ANYTHING) return claim;
  const value = read(trace);
  if (field === 'marks+')
    return (claim as string[]).every((mark) => (value as string[]).includes(mark)) ? claim : value;
  if (field === 'marks-') return (claim as string[]).some((mark) => (value as string[]).includes(mark)) ? value : claim;
  if (field === 'err' && typeof claim === 'string') return value === null ? null : 'an error';
  return value;
}

/** An exchange on a line, for a person to read. */
export function lineOf(trace: NdjsonTrace): string {
  const { request, response, marks } = trace;
  const body = (of: NdjsonTrace['request']['body']) => (of.wireBytes === 0 ? '' : ` ${JSON.stringify(contentOf(of))}`);
  const answer = response === null ? 'nothing' : `${response.status}${body(response.body)}`;
  return `${request.method} ${request.target}${body(request.body)} → ${answer} {${marks.join(', ')}}`;
}
