/**
 * What was really sent, according to both ends: a client's report and a server's log become the exchanges that the sensor must
 * have seen, each once.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { PlanItem } from './plan.js';

type Headers = readonly (readonly [string, string])[];

/** A line of a client's report. */
interface ClientRecord {
  readonly id: string;
  readonly status?: number;
  readonly headers?: Headers;
  readonly isDecoded?: boolean;
  readonly error?: string;
}

/** A line of a server's log; `id` is read from the target where a server cannot say it. */
export interface ServerRecord {
  readonly id?: string;
  readonly method: string;
  readonly target: string;
  readonly status: number;
  readonly requestBytes?: number;
  readonly requestSha256?: string;
  readonly responseBytes?: number;
  readonly responseSha256?: string;
}

/** Addresses in canonical form; null for what the row does not ask. */
export interface Route {
  readonly client: string | null;
  readonly server: string;
  readonly port: number;
  /** The client behind its proxies, as a satellite receives it. */
  readonly origin?: string;
  /** Which of the places this is where the connection is seen, where each is reported. */
  readonly leg?: 'outer' | 'inner';
}

/** One exchange as both ends report it; null for what neither knows. */
export interface TrueExchange {
  readonly id: string;
  /** Between whom, as the sensor is to report it. */
  readonly route: Route;
  /** How often it was on the wire. */
  readonly times: number;
  readonly method: string;
  readonly target: string;
  readonly status: number | null;
  /** Of the request, only those the plan names. */
  readonly requestHeaders: Headers;
  /** All headers of the response that the client reported, or null. */
  readonly responseHeaders: Headers | null;
  readonly requestBody: BodyTruth | null;
  readonly responseBody: BodyTruth | null;
  /** Whether the server answered without reading the request to its end. */
  readonly isRefused: boolean;
  /** Whether the client failed and the server knows nothing: it may have been on the wire, and is unanswered then. */
  readonly isUncertain: boolean;
}

export interface BodyTruth {
  /** As transferred, after chunk decoding; null where only the decoded bytes are known. */
  readonly wireBytes: number | null;
  /** After content decoding. */
  readonly bytes: number;
  readonly sha256: string;
  /** After content decoding; null where only its digest is known. */
  readonly content: Buffer | null;
}

export interface Truth {
  readonly exchanges: TrueExchange[];
  /** Where the two ends contradict each other or a client failed: the row itself is not sound. */
  readonly doubts: string[];
}

export interface TruthInput {
  readonly plan: readonly PlanItem[];
  readonly route: Route;
  readonly clientReport: string;
  /** Where the client put the bodies it received. */
  readonly bodies: string;
  readonly serverLog: readonly ServerRecord[];
  /** Of the application behind a server that is configured: it knows the bodies of requests. */
  readonly originLog: readonly ServerRecord[];
}

export function idOf(target: string): string {
  return /[?&]id=([^&#]*)/.exec(target)?.[1] ?? '';
}

export function establishTruth(input: TruthInput): Truth {
  const doubts: string[] = [];
  const reported = new Map(jsonLines<ClientRecord>(input.clientReport).map((record) => [record.id, record]));
  const received = new Map<string, ServerRecord[]>();
  for (const record of input.serverLog) {
    const id = idOf(record.target);
    received.set(id, [...(received.get(id) ?? []), record]);
  }
  const origin = new Map(input.originLog.map((record) => [idOf(record.target), record]));
  const planned = new Map(input.plan.flatMap((item) => [item, ...redirected(item)]).map((item) => [item.id, item]));
  const exchanges: TrueExchange[] = [];
  for (const [id, item] of planned) {
    const client = reported.get(id);
    const server = received.get(id) ?? [];
    if (client?.error !== undefined)
      doubts.push(`${id} ${item.method} ${item.target}: the client says ${client.error}`);
    const isUncertain = client?.status === undefined && server.length === 0;
    if (isUncertain && client?.error === undefined) {
      doubts.push(`${id} ${item.method} ${item.target}: neither end has a record of it`);
      continue;
    }
    const hash = server.find(({ requestSha256 }) => requestSha256 !== undefined) ?? origin.get(id);
    if (client?.status !== undefined && server.length > 0 && !server.some(({ status }) => status === client.status)) {
      doubts.push(`${id} ${item.target}: the client received ${client.status}, the server sent ${server[0]?.status}`);
    }
    exchanges.push({
      id,
      route: input.route,
      times: Math.max(server.length, 1),
      method: item.method,
      target: server[0]?.target ?? item.target,
      status: client?.status ?? server.at(-1)?.status ?? null,
      requestHeaders: item.headers.filter(([name]) => name !== 'Expect'), // which clients write as they like
      responseHeaders: client?.headers === undefined || client.headers.length === 0 ? null : client.headers,
      requestBody: requestBody(item, hash, doubts),
      responseBody: responseBody(client, server.at(-1), input.bodies),
      isRefused: isRefused(item),
      isUncertain,
    });
  }
  for (const id of received.keys())
    if (!planned.has(id)) doubts.push(`the server has a record of ${id}, which is in no plan`);
  return { exchanges, doubts };
}

export function jsonLines<T>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as T);
}

function redirected(item: PlanItem): PlanItem[] {
  if (!item.isFollowed) return [];
  const id = `${item.id}-2`;
  return [{ ...item, id, target: `/hello?id=${id}`, isFollowed: false }];
}

/** A client that asked first and was refused sends then what it likes. */
function isRefused({ target }: PlanItem): boolean {
  return target.startsWith('/refuse');
}

function requestBody(item: PlanItem, server: ServerRecord | undefined, doubts: string[]): BodyTruth | null {
  if (isRefused(item)) return null;
  const sent = item.body === null ? Buffer.alloc(0) : readFileSync(item.body);
  const truth = { wireBytes: sent.length, bytes: sent.length, sha256: sha256(sent), content: sent };
  if (server?.requestSha256 !== undefined && server.requestSha256 !== truth.sha256) {
    doubts.push(`${item.id} ${item.target}: the server read ${server.requestBytes} bytes of another body`);
  }
  return truth;
}

function responseBody(client: ClientRecord | undefined, server: ServerRecord | undefined, directory: string) {
  const file = client === undefined ? null : join(directory, client.id);
  if (client?.status === undefined || file === null || !existsSync(file)) return serverBody(server);
  const received = readFileSync(file);
  const isZipped = client.headers?.some(
    ([name, value]) => name.toLowerCase() === 'content-encoding' && value === 'gzip',
  );
  if (!isZipped || received.length === 0)
    return { wireBytes: received.length, bytes: received.length, sha256: sha256(received), content: received };
  const decoded = client.isDecoded === true ? received : gunzipSync(received);
  return {
    wireBytes: client.isDecoded === true ? null : received.length,
    bytes: decoded.length,
    sha256: sha256(decoded),
    content: decoded,
  };
}

function serverBody(server: ServerRecord | undefined): BodyTruth | null {
  if (server?.responseSha256 === undefined || server.responseBytes === undefined) return null;
  return { wireBytes: server.responseBytes, bytes: server.responseBytes, sha256: server.responseSha256, content: null };
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
