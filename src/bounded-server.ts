/**
 * An HTTP server that idle and slow clients cannot keep others from: where there are too many connections the one that
 * has been idle longest is ended, so that a new one is always taken, and each step of a request has its time.
 *
 * in: a handler, bounds · out: a `node:http` server that listens
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

export interface ServerBounds {
  /** One more evicts the longest idle; if none is idle, that whose request has gone on longest. */
  readonly connections_max: number;
  /** Milliseconds from the connection, or the end of the last response, to the end of a request's head. */
  readonly head_millis: number;
  /** Milliseconds for a whole request. */
  readonly request_millis: number;
  /** Milliseconds without a byte either way. */
  readonly quiet_millis: number;
}

/** Requests that a client may send ahead of their responses. Each holds its response, so more than this ends it. */
const PIPELINE_MAX = 8;
const HEAD_BYTES_MAX = 8192;
/** Of connections that may be there, with those whose handshake is under way. */
const HANDSHAKES_FACTOR = 2;
/** How often times are checked, in milliseconds. */
const CHECK_MILLIS = 1000;

/** What a server that speaks TLS shows, in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A handler that throws costs its request an answer, not the process its life. */
export function createBoundedServer(bounds: ServerBounds, handle: Handler, certificate?: Certificate): Server {
  // Both in the order in which connections came to be so.
  const idle = new Set<Socket>();
  const busy = new Map<Socket, number>();

  function release(socket: Socket): void {
    const unanswered = busy.get(socket) ?? 0;
    if (unanswered > 1) busy.set(socket, unanswered - 1);
    else if (busy.delete(socket) && !socket.destroyed) idle.add(socket);
  }

  const take = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    const unanswered = (busy.get(socket) ?? 0) + 1;
    if (unanswered > PIPELINE_MAX) {
      socket.destroy();
      return;
    }
    idle.delete(socket);
    busy.set(socket, unanswered);
    response.once('close', () => release(socket));
    try {
      handle(request, response);
    } catch {
      response.destroy();
    }
  };
  const limits = {
    maxHeaderSize: HEAD_BYTES_MAX,
    headersTimeout: bounds.head_millis,
    requestTimeout: bounds.request_millis,
    keepAliveTimeout: bounds.head_millis,
    connectionsCheckingInterval: CHECK_MILLIS,
  };
  // TLS takes a mebibyte, which nobody pays for who does not speak it.
  const server =
    certificate === undefined
      ? createServer(limits, take)
      : (createRequire(import.meta.url)('node:https') as typeof import('node:https')).createServer(
          { ...limits, ...certificate, handshakeTimeout: bounds.head_millis },
          take,
        );
  if (certificate !== undefined) server.maxConnections = HANDSHAKES_FACTOR * bounds.connections_max;
  server.setTimeout(bounds.quiet_millis);
  server.on(certificate === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    idle.add(socket);
    socket.once('close', () => {
      idle.delete(socket);
      busy.delete(socket);
    });
    if (idle.size + busy.size <= bounds.connections_max) return;
    const [victim] = idle.size > 1 ? idle : busy.keys();
    victim?.destroy();
    if (victim === undefined) return;
    idle.delete(victim);
    busy.delete(victim);
  });
  return server;
}

/** Resolves when `server` listens. Afterwards a connection that cannot be accepted is no concern of the process. */
export function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      server.on('error', () => {});
      resolve();
    });
  });
}

/** Why a port cannot be listened on, and the way out, from the error of `listen`; `option` is the one that chose the port. */
export function listenErrorInWords({ code, message }: NodeJS.ErrnoException, option: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return `another process listens there; end it, or choose another ${option}`;
    case 'EACCES':
      return `this user may not listen on ports below 1024; choose another ${option}, run as root, or grant CAP_NET_BIND_SERVICE`;
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address; give one that it has, or 0.0.0.0 for all';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the name is not found; give an address of this machine, or 0.0.0.0 for all';
    default:
      return `${message}; choose another ${option}`;
  }
}

/** Resolves when `server` has ended, and with it every connection. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
