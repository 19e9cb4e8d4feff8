import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { type Counters, createCounters, exchangesInFlight } from '../../src/counters.js';
import { DEFAULT_LIMITS, type Limits } from '../../src/limits.js';
import { type Clock, systemClock } from '../../src/output/clock.js';
import type { Log } from '../../src/output/log.js';
import type { Relay } from '../../src/output/relay/relay.js';
import { protobufToJson } from '../../src/output/satellite/otlp/protobuf-to-json.js';
import { openSatelliteRelay } from '../../src/output/satellite/satellite-relay.js';
import { parseSatelliteUrl } from '../../src/output/satellite/satellite-url.js';
import { NO_TLS_SETTINGS, type SatelliteSettings } from '../../src/output/satellite/settings.js';
import { sampleTrace } from './trace.js';

export interface ReceivedRequest {
  url: string;
  headers: IncomingMessage['headers'];
  /** Unpacked, and as JSON where it is OTLP. */
  body: string;
}

export interface ScriptedSatellite {
  url: string;
  requests: ReceivedRequest[];
  /** Paths of the spans of every request answered 2xx, in order of arrival. */
  paths: string[];
  close(): Promise<void>;
}

/** What to answer; undefined is 200 `{}`. A function takes the answer into its own hands. */
export type Answer =
  | { status: number; headers?: Record<string, string>; body?: string }
  | ((request: ReceivedRequest, response: ServerResponse) => void)
  | undefined;

/** A satellite that answers by a script, which is given each request and its number, from 0. */
export async function startScriptedSatellite(
  script: (request: ReceivedRequest, index: number) => Answer = () => undefined,
  listener: (handler: (request: IncomingMessage, response: ServerResponse) => void) => Server = (handler) =>
    createServer(handler),
): Promise<ScriptedSatellite> {
  const requests: ReceivedRequest[] = [];
  const paths: string[] = [];
  const server = listener((request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const raw = Buffer.concat(chunks);
      const unpacked = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
      const body = request.headers['content-type'] === 'application/x-protobuf' ? jsonOf(unpacked) : unpacked;
      const received = { url: request.url ?? '', headers: request.headers, body: body.toString('utf8') };
      const answer = script(received, requests.length);
      requests.push(received);
      if (typeof answer === 'function') return answer(received, response);
      // It knows nothing of enrolment, nor of control.
      const isForeign = /\/v1\/(enrolment|opamp)$/.test(received.url);
      const status = isForeign ? 404 : (answer?.status ?? 200);
      if (status < 300) paths.push(...pathsOf(received));
      response.writeHead(status, { 'Content-Type': 'application/json', ...answer?.headers });
      response.end(answer?.body ?? '{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    paths,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function jsonOf(payload: Buffer): Buffer {
  const batch = { protocol: 'otlp-protobuf', count: 1, payload, coding: 'identity', recovered: false } as const;
  return protobufToJson(batch)?.payload ?? payload;
}

export function pathsOf(request: ReceivedRequest): string[] {
  const value = JSON.parse(request.body);
  if (Array.isArray(value)) return value.map((entry) => entry.path);
  return value.resourceSpans
    .flatMap((resource: any) => resource.scopeSpans.flatMap((scope: any) => scope.spans))
    .map((span: any) => span.attributes.find((attribute: any) => attribute.key === 'url.path').value.stringValue);
}

export interface LogLine {
  level: string;
  fields: any;
  message: string;
}

export function recordingLog(): { log: Log; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at =
    (level: string) =>
    (fields: object, message: string): void =>
      void lines.push({ level, fields, message });
  return { log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, lines };
}

/** Time that passes only when the relay sleeps; what it slept is recorded. Timers keep the real time. */
export function instantClock(): Clock & { slept: number[] } {
  let now = Date.parse('2026-01-01T00:00:00Z');
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    random: () => 0.5,
    after: systemClock.after,
    every: systemClock.every,
    async sleep(millis, signal) {
      if (signal.aborted) return;
      slept.push(millis);
      now += millis;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

export function satelliteSettings(url: string, override: Partial<SatelliteSettings> = {}): SatelliteSettings {
  return {
    satellite: parseSatelliteUrl(url),
    protocol: 'auto',
    compression: 'gzip',
    encoding: 'json',
    semconv: 'stable',
    exportIntervalMillis: 60_000,
    environment: 'staging',
    organizationId: 'org-1',
    workspaceId: '',
    serviceName: 'shop',
    headers: {},
    resource: {},
    sensorVersion: '0.1.0',
    tls: NO_TLS_SETTINGS,
    spool: null,
    timing: {
      attemptTimeoutMillis: 2000,
      backoffInitialMillis: 1000,
      backoffMaxMillis: 30_000,
      retryAfterMaxMillis: 600_000,
    },
    ...override,
  };
}

export interface RelayUnderTest {
  relay: Relay;
  counters: Counters;
  lines: LogLine[];
  clock: Clock & { slept: number[] };
  /** Hands over a trace with this path, counted as seen. */
  accept(path: string, bodyBytes?: number): void;
  /** Seen, exported, undeliverable, in flight. */
  books(): [number, number, number, number];
}

export async function startRelay(
  url: string,
  override: Partial<SatelliteSettings> = {},
  limits: Partial<Limits> = {},
  parts: { clock?: Clock; counters?: Counters; onAddress?: (address: string) => void } = {},
): Promise<RelayUnderTest> {
  const counters = parts.counters ?? createCounters();
  const { log, lines } = recordingLog();
  const clock = instantClock();
  const relay = await openSatelliteRelay(satelliteSettings(url, override), {
    counters,
    limits: { ...DEFAULT_LIMITS, ...limits },
    log,
    clock: parts.clock ?? clock,
    ...(parts.onAddress === undefined ? {} : { onAddress: parts.onAddress }),
  });
  return {
    relay,
    counters,
    lines,
    clock,
    accept(path, bodyBytes = 0) {
      counters.exchanges_seen++;
      const content = Buffer.alloc(bodyBytes, createHash('sha512').update(path).digest('hex').repeat(8));
      relay.accept(
        sampleTrace({
          request: {
            path,
            target: path,
            query: '',
            body: { wireBytes: bodyBytes, bytes: bodyBytes, truncated: false, content, codingError: null },
          },
        }),
      );
    },
    books: () => [
      counters.exchanges_seen,
      counters.exchanges_exported,
      counters.exchanges_dropped_undeliverable,
      exchangesInFlight(counters),
    ],
  };
}
