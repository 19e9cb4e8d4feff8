/**
 * The local satellite: a small but real receiver, for tests and for a first run without an account.
 *
 * in: `POST /v1/traces` (OTLP/HTTP JSON, https://opentelemetry.io/docs/specs/otlp/#otlphttp) and
 * `POST /1.0/ebpf/traces` (levo), both optionally gzip · out: a `SatelliteTrace` each, newest kept,
 * `GET /traces` (what is held, as JSON), `GET /healthz`
 *
 * It prints nothing; `onTrace` gets each trace.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { SensorError } from '../errors.js';
import { type ReadResult, readLevoTraces, readOtlpTraces, type SatelliteTrace } from './satellite-trace.js';

export interface SatelliteSettings {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  /** Traces held for `GET /traces`; a new one evicts the oldest. */
  traces_max: number;
  /** Bytes of one request, as sent and unpacked. Default 20 MiB, as the OpenTelemetry Collector's. */
  request_bytes_max?: number;
  onTrace?: (trace: SatelliteTrace) => void;
}

export interface Satellite {
  readonly port: number;
  readonly url: string;
  /** Traces received since the start, held or not. */
  readonly received: number;
  /** What is held, oldest first. */
  readonly traces: readonly SatelliteTrace[];
  close(): Promise<void>;
}

const REQUEST_BYTES_MAX = 20 << 20;

/** @throws SensorError if the address cannot be listened on */
export async function startSatellite(settings: SatelliteSettings): Promise<Satellite> {
  const requestBytesMax = settings.request_bytes_max ?? REQUEST_BYTES_MAX;
  const traces: SatelliteTrace[] = [];
  let received = 0;

  const take = (incoming: SatelliteTrace[]): void => {
    received += incoming.length;
    for (const trace of incoming) {
      traces.push(trace);
      settings.onTrace?.(trace);
    }
    if (traces.length > settings.traces_max) traces.splice(0, traces.length - settings.traces_max);
  };

  const receive = async (
    request: IncomingMessage,
    response: ServerResponse,
    read: (body: unknown) => ReadResult,
    answer: (rejected: number, reason: string) => unknown,
  ): Promise<void> => {
    const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
    if (type !== 'application/json')
      return reply(response, 415, status(`Content-Type ${type || 'missing'} is not application/json`));
    const body = await readBody(request, requestBytesMax);
    if (typeof body === 'string') return reply(response, body === TOO_LARGE ? 413 : 400, status(body));
    let value: unknown;
    try {
      value = JSON.parse(body.toString('utf8'));
    } catch (error) {
      return reply(response, 400, status(`not JSON: ${(error as Error).message}`));
    }
    const result = read(value);
    if (result.traces.length === 0 && result.rejected === 0 && result.reason !== '')
      return reply(response, 400, status(result.reason));
    take(result.traces);
    reply(response, 200, answer(result.rejected, result.reason));
  };

  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0];
    const route = `${request.method} ${path}`;
    let done: Promise<void> | undefined;
    if (route === 'POST /v1/traces') done = receive(request, response, readOtlpTraces, otlpAnswer);
    else if (route === 'POST /1.0/ebpf/traces') done = receive(request, response, readLevoTraces, () => ({}));
    else if (route === 'GET /traces') reply(response, 200, traces);
    else if (route === 'GET /healthz') reply(response, 200, { status: 'ok', received });
    else if (path === '/v1/traces' || path === '/1.0/ebpf/traces' || path === '/traces' || path === '/healthz')
      reply(response, 405, status(`${route}: method not allowed`));
    else reply(response, 404, status(`${route}: nothing here; traces go to POST /v1/traces`));
    // The sender went away in the middle of its request, so there is nobody to answer.
    done?.catch(() => response.destroy());
  });

  await listen(server, settings.host, settings.port);
  const { port } = server.address() as AddressInfo;
  const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host;
  return {
    port,
    url: `http://${host}:${port}`,
    get received() {
      return received;
    },
    traces,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** `ExportTraceServiceResponse`: empty when all is well; `partialSuccess` otherwise. */
function otlpAnswer(rejected: number, reason: string): unknown {
  return rejected === 0 ? {} : { partialSuccess: { rejectedSpans: String(rejected), errorMessage: reason } };
}

/** The body of a failure: a `google.rpc.Status`, as the OTLP specification asks for. */
function status(message: string): unknown {
  return { message };
}

function reply(response: ServerResponse, code: number, body: unknown): void {
  const text = JSON.stringify(body);
  // The rest of a refused request's body is not read, so the connection cannot carry another request.
  if (code >= 400) response.setHeader('Connection', 'close');
  response.writeHead(code, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

const unpack = promisify(gunzip);
const TOO_LARGE = 'too large';

/** The body, unpacked, or what is wrong with it. */
async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer | string> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase();
  if (encoding !== 'identity' && encoding !== 'gzip') return `Content-Encoding ${encoding} is not gzip`;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    // The rest is read but not kept: a sender that is still writing would see a reset instead of the answer.
    if (length <= bytesMax) chunks.push(chunk);
    else if (length > 4 * bytesMax) break;
  }
  if (length > bytesMax) return TOO_LARGE;
  const body = Buffer.concat(chunks, length);
  if (encoding === 'identity') return body;
  try {
    return await unpack(body, { maxOutputLength: bytesMax });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
      ? TOO_LARGE
      : `not gzip: ${(error as Error).message}`;
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const wayOut = error.code === 'EADDRINUSE' ? 'another process listens there; choose another --port' : error.code;
      reject(new SensorError(`cannot listen on ${host} port ${port}: ${wayOut}`));
    });
    server.listen(port, host, resolve);
  });
}
