/** What a sensor is there for: honest requests at a steady rate to an application that answers, and a satellite that takes traces. */
import { once } from 'node:events';
import { Agent, createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

export interface Application {
  close(): void;
}

/** Answers anything once it has come. */
export async function startApplication(port: number): Promise<Application> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.end('{"ok":true}'));
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

export interface Satellite {
  readonly url: string;
  /** Paths of the honest exchanges that came. */
  readonly delivered: ReadonlySet<string>;
  close(): void;
}

export async function startSatellite(): Promise<Satellite> {
  const delivered = new Set<string>();
  const server = createServer((request, response) => {
    void take(request, delivered).then(() => response.end('{}'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    delivered,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function take(request: IncomingMessage, delivered: Set<string>): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const payload = Buffer.concat(chunks);
  const body = request.headers['content-encoding'] === 'gzip' ? await promisify(gunzip)(payload) : payload;
  for (let at = body.indexOf(HONEST); at >= 0; at = body.indexOf(HONEST, at + 1))
    delivered.add(
      `/honest/${Number.parseInt(body.toString('latin1', at + HONEST.length, at + HONEST.length + 9), 10)}`,
    );
}

const HONEST = '/honest/';

export interface Load {
  /** Resolves to how many were answered. */
  stop(): Promise<number>;
}

/** `perSecond` requests, behind `first` of them at once. */
export function startLoad(port: number, perSecond: number, first: number): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const began = performance.now();
  let sent = 0;
  let answered = 0;
  let open = 0;
  const items = Array.from({ length: 20 }, (_, i) => ({ id: i, name: `item ${i}` }));
  const timer = setInterval(() => {
    for (const due = first + ((performance.now() - began) / 1000) * perSecond; sent < due; sent++) {
      open++;
      const body = JSON.stringify({ order: sent, items });
      const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length };
      const options = { agent, host: '127.0.0.1', port, method: 'POST', path: `/honest/${sent}`, headers };
      const request = httpRequest(options, (response) => {
        response.resume();
        response.on('end', () => {
          answered++;
          open--;
        });
      });
      request.on('error', () => open--);
      request.end(body);
    }
  }, 5);
  return {
    async stop() {
      clearInterval(timer);
      while (open > 0) await delay(20);
      agent.destroy();
      return answered;
    },
  };
}
