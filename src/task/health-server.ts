/**
 * `GET /healthz`, `/readyz` and `/metrics`, for the task's health check and for scraping.
 *
 * A sensor that answers is healthy: it is not to be killed because the satellite is away, as a restart would only lose the
 * queue. A sensor that captures is ready.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SensorError } from '../errors.js';
import type { ListenAddress } from '../options/option-values.js';

export interface HealthServerContext {
  address: ListenAddress;
  isReady: () => boolean;
  metrics: () => Promise<string>;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** @throws SensorError if the address cannot be listened on */
export async function startHealthServer(settings: HealthServerContext): Promise<HealthServer> {
  const server = createServer({ maxHeaderSize: 8192, requestTimeout: 5000 }, (request, response) => {
    const send = (status: number, type: string, body: string): void => {
      response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    request.resume();
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(405, 'text/plain', 'GET only\n');
    const path = request.url?.split('?')[0];
    if (path === '/healthz') send(200, 'text/plain', 'ok\n');
    else if (path === '/readyz') {
      if (settings.isReady()) send(200, 'text/plain', 'capturing\n');
      else send(503, 'text/plain', 'not capturing\n');
    } else if (path === '/metrics')
      settings.metrics().then(
        (text) => send(200, 'text/plain; version=0.0.4; charset=utf-8', text),
        (error) => send(500, 'text/plain', `${(error as Error).message}\n`),
      );
    else send(404, 'text/plain', 'GET /healthz, /readyz or /metrics\n');
  });
  server.maxConnections = 16;
  await listen(server, settings.address);
  // The server alone does not keep the process alive.
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, { host, port }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'something else listens there; choose another' : error.message;
      reject(new SensorError(`--health-port ${port} on ${host}: ${why}`));
    });
    server.listen(port, host, resolve);
  });
}
