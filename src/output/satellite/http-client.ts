/**
 * One `POST` at a time to the satellite.
 *
 * in: a URL, headers, a body · out: the answer's status and the beginning of its body, or a `PostError` that says whether
 * the satellite may have received the request
 *
 * `@opentelemetry/exporter-trace-otlp-http` brings a transport of its own, which is not used, for it tells neither the
 * status nor the `Retry-After` of an answer worth a retry, keeps what a partial success says to its own log, gives
 * up after five attempts within one timeout, knows no proxy, and cannot send what has been encoded already. Nothing is followed
 * here: a redirect is an answer like another.
 */
import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import type { Agent as TlsAgent } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Connector } from './agent.js';

export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** At most the cap; cut short, too, where the answer broke off. */
  readonly body: Buffer;
}

export class PostError extends Error {
  /** False only where it is certain that no byte of the request reached the satellite. */
  readonly maybeReceived: boolean;

  constructor(message: string, maybeReceived: boolean) {
    super(message);
    this.name = 'PostError';
    this.maybeReceived = maybeReceived;
  }
}

export interface HttpClientOptions {
  connector: Connector;
  timeoutMillis: number;
  response_bytes_max: number;
  now: () => number;
  /** Told each address before it is connected to, and the one of a connection that is used again. */
  onAddress?: (address: string) => void;
}

export interface HttpClient {
  /** @throws PostError */
  post(url: string, headers: Record<string, string>, body: Buffer, signal: AbortSignal): Promise<HttpReply>;
  close(): void;
}

/** A connection is used so long at most: whoever moved the satellite's name to another address waits no longer. */
const CONNECTION_AGE_MAX_MILLIS = 60_000;

export function createHttpClient(options: HttpClientOptions): HttpClient {
  let agent = options.connector.createAgent();
  let agentSince = options.now();

  const startAfresh = (): void => {
    agent.destroy();
    agent = options.connector.createAgent();
    agentSince = options.now();
  };

  return {
    async post(url, headers, body, signal) {
      if (signal.aborted) throw new PostError('the sensor is stopping', false);
      if (options.now() - agentSince > CONNECTION_AGE_MAX_MILLIS) startAfresh();
      try {
        return await post(agent, options, url, headers, body, signal);
      } catch (error) {
        // A new connection next time, and with it a new look at the name.
        startAfresh();
        throw error;
      }
    },
    close: () => agent.destroy(),
  };
}

function post(
  agent: Agent | TlsAgent,
  options: HttpClientOptions,
  url: string,
  headers: Record<string, string>,
  body: Buffer,
  signal: AbortSignal,
): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    let maybeReceived = false;
    const secure = url.startsWith('https:');
    const settings = {
      method: 'POST',
      agent,
      headers: { ...headers, 'Content-Length': String(body.length) },
      ...options.connector.requestOptions,
    };
    const request: ClientRequest = options.connector.request(url, settings);

    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    const fail = (message: string): void => {
      finish(() => reject(new PostError(message, maybeReceived)));
      request.destroy();
    };
    const onAbort = (): void => fail('the sensor is stopping');
    let answered: (() => void) | undefined;
    const timer = setTimeout(() => {
      if (answered === undefined)
        return fail(`no answer within ${options.timeoutMillis} ms${maybeReceived ? '' : ', nor a connection'}`);
      answered();
      request.destroy();
    }, options.timeoutMillis);
    signal.addEventListener('abort', onAbort);

    request.on('socket', (socket: Socket | TLSSocket) => {
      if (socket.connecting) socket.on('lookup', (_error, address) => address && options.onAddress?.(address));
      else if (socket.remoteAddress !== undefined) options.onAddress?.(socket.remoteAddress);
      const ready = (): void => {
        maybeReceived = true;
      };
      if ('secureConnecting' in socket && socket.secureConnecting) socket.once('secureConnect', ready);
      else if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', ready);
      else ready();
    });
    request.on('error', (error: NodeJS.ErrnoException) => fail(describe(error)));
    request.on('response', (response) => {
      const status = response.statusCode ?? 0;
      const chunks: Buffer[] = [];
      let length = 0;
      const done = (): void =>
        finish(() => resolve({ status, headers: response.headers, body: Buffer.concat(chunks, length) }));
      // The status is the verdict; a body that breaks off, or does not end in time, takes nothing from it.
      answered = done;
      response.on('data', (chunk: Buffer) => {
        const kept = chunk.subarray(0, options.response_bytes_max - length);
        chunks.push(kept);
        length += kept.length;
        if (length < options.response_bytes_max) return;
        done();
        request.destroy();
      });
      response.on('end', done);
      response.on('error', done);
      response.on('close', done);
    });
    request.end(body);
  });
}

/** `connect ECONNREFUSED 192.0.2.1:80`, and for a list of attempted addresses the first of them. */
function describe(error: NodeJS.ErrnoException): string {
  const first = error instanceof AggregateError ? (error.errors[0] as Error) : error;
  return first.message || error.code || String(error);
}
