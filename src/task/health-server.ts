/**
 * `GET /healthz`, `/readyz` and `/metrics`, for the task's health check and for scraping.
 *
 * A sensor that answers is healthy: it is not to be killed because the satellite is away, as a restart would only lose the
 * queue. A sensor that captures is ready. A probe is answered however many clients are idle or slow.
 */
import type { AddressInfo } from 'node:net';
import { closeServer, createBoundedServer, listen, listenErrorInWords, type ServerBounds } from '../bounded-server.js';
import { SensorError } from '../errors.js';
import { createHostCheck, MISDIRECTED, MISDIRECTED_REASON } from '../host-check.js';
import type { ListenAddress } from '../options/option-values.js';

export interface HealthServerContext {
  address: ListenAddress;
  /** Names by which it may be read, besides those that `createHostCheck` always lets pass. */
  publicHosts: readonly string[];
  isReady: () => boolean;
  metrics: () => Promise<string>;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

const BOUNDS: ServerBounds = { connections_max: 64, head_millis: 5000, request_millis: 5000, quiet_millis: 5000 };

/** @throws SensorError if the address cannot be listened on */
export async function startHealthServer(settings: HealthServerContext): Promise<HealthServer> {
  const { address, isReady } = settings;
  const mayRead = createHostCheck(address.host, settings.publicHosts);
  const metrics = shared(settings.metrics);
  const server = createBoundedServer(BOUNDS, (request, response) => {
    const send = (status: number, type: string, body: string): void => {
      // A client that is refused may still be sending a body, which is not read to its end.
      if (status >= 400 && status !== 503) response.setHeader('Connection', 'close');
      response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    request.resume();
    if (!mayRead(request)) return send(MISDIRECTED, 'text/plain', `${MISDIRECTED_REASON}\n`);
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(405, 'text/plain', 'GET only\n');
    const path = request.url?.split('?')[0];
    if (path === '/healthz') send(200, 'text/plain', 'ok\n');
    else if (path === '/readyz') {
      if (isReady()) send(200, 'text/plain', 'capturing\n');
      else send(503, 'text/plain', 'not capturing\n');
    } else if (path === '/metrics')
      metrics().then(
        (text) => send(200, 'text/plain; version=0.0.4; charset=utf-8', text),
        (error) => send(500, 'text/plain', `${(error as Error).message}\n`),
      );
    else send(404, 'text/plain', 'GET /healthz, /readyz or /metrics\n');
  });
  await listen(server, address.port, address.host).catch((error: NodeJS.ErrnoException) => {
    throw new SensorError(
      `--health-port ${address.port} on ${address.host}: ${listenErrorInWords(error, '--health-port')}`,
    );
  });
  // The server alone does not keep the process alive.
  server.unref();
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server) };
}

/** Those who ask while an answer is being made get that one. */
function shared<T>(make: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | null = null;
  return () => {
    underWay ??= make().finally(() => {
      underWay = null;
    });
    return underWay;
  };
}
