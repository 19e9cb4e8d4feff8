/**
 * One `POST` at a time to the satellite.
 *
 * in: a URL, headers, a body · out: the answer's status and the beginning of its body, or a `PostError` that says whether
 * the satellite may have received the request
 *
 * `@opentelemetry/exporter-trace-otlp-http` brings a transport of its own, which is not used: it passes on neither the
 * status nor the `Retry-After` of an answer worth a retry, keeps what a partial success says to its own log, gives up
 * after five attempts within one timeout, knows no proxy, and cannot send what has been encoded already. Redirects are not
 * followed here: one is an answer like any other.
 */
import type { Agent, IncomingMessage } from 'node:http';
import type { Agent as TlsAgent } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Connector } from './connector.js';
import { errorInWords, type Failure, silenceInWords } from './failure-words.js';

export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** At most the cap; cut short, too, where the answer broke off. */
  readonly body: Buffer;
}

export class PostError extends Error {
  /** False only where it is certain that no byte of the request reached the satellite. */
  readonly maybeReceived: boolean;
  /** What to do about it, or empty. */
  readonly advice: string;

  constructor({ problem, advice }: Failure, maybeReceived: boolean) {
    super(problem);
    this.name = 'PostError';
    this.maybeReceived = maybeReceived;
    this.advice = advice;
  }
}

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface HttpClientContext {
  connector: Connector;
  timeoutMillis: number;
  response_bytes_max: number;
  now: () => number;
  /** Takes each address before it is connected to, and that of a connection that is used again. */
  onAddress?: (address: string) => void;
}

const STOPPING: Failure = { problem: 'the sensor is stopping', advice: '' };

/** A connection is used no longer than this, so that a satellite whose name moves to another address is followed there. */
const CONNECTION_AGE_MAX_MILLIS = 60_000;

export class HttpClient {
  readonly #context: HttpClientContext;
  #agent: Agent | TlsAgent;
  #agentSince: number;

  constructor(context: HttpClientContext) {
    this.#context = context;
    this.#agent = context.connector.createAgent();
    this.#agentSince = context.now();
  }

  /** @throws PostError */
  async post(request: HttpRequest, signal: AbortSignal): Promise<HttpReply> {
    if (signal.aborted) throw new PostError(STOPPING, false);
    if (this.#context.now() - this.#agentSince > CONNECTION_AGE_MAX_MILLIS) this.#startAfresh();
    try {
      return await post(this.#context, this.#agent, request, signal);
    } catch (error) {
      // A new connection next time, and with it a new look at the name.
      this.#startAfresh();
      throw error;
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #startAfresh(): void {
    this.#agent.destroy();
    this.#agent = this.#context.connector.createAgent();
    this.#agentSince = this.#context.now();
  }
}

function post(
  context: HttpClientContext,
  agent: Agent | TlsAgent,
  { url, headers, body }: HttpRequest,
  signal: AbortSignal,
): Promise<HttpReply> {
  const { connector, timeoutMillis, response_bytes_max } = context;
  return new Promise((resolve, reject) => {
    let maybeReceived = false;
    /** Resolves with what has come of the answer so far, once there is one. */
    let answer: (() => void) | undefined;
    const request = connector.request(url, {
      method: 'POST',
      agent,
      headers: { ...headers, 'Content-Length': String(body.length) },
      ...connector.requestOptions,
    });
    const stopWaiting = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    const fail = (failure: Failure): void => {
      stopWaiting();
      reject(new PostError(failure, maybeReceived));
      request.destroy();
    };
    const onAbort = (): void => fail(STOPPING);
    const timer = setTimeout(() => {
      if (answer === undefined) return fail(silenceInWords(timeoutMillis, maybeReceived));
      answer();
      request.destroy();
    }, timeoutMillis);
    signal.addEventListener('abort', onAbort);

    request.on('socket', (socket: Socket | TLSSocket) => {
      if (socket.connecting) socket.on('lookup', (_error, address) => address && context.onAddress?.(address));
      else if (socket.remoteAddress !== undefined) context.onAddress?.(socket.remoteAddress);
      whenReady(socket, url.startsWith('https:'), () => {
        maybeReceived = true;
      });
    });
    request.on('error', (error: NodeJS.ErrnoException) => fail(errorInWords(error, connector.destination)));
    request.on('response', (response) => {
      const body = new CappedBody(response_bytes_max);
      // The status is the verdict; a body that breaks off, or does not end in time, takes nothing from it.
      answer = () => {
        stopWaiting();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: body.bytes });
      };
      response.on('data', (chunk: Buffer) => {
        body.add(chunk);
        if (!body.isFull) return;
        answer?.();
        request.destroy();
      });
      for (const end of ['end', 'error', 'close']) response.on(end, answer);
    });
    request.end(body);
  });
}

/** Calls `ready` when a request may go out on the socket, and so may be received. */
function whenReady(socket: Socket | TLSSocket, isSecure: boolean, ready: () => void): void {
  if ('secureConnecting' in socket && socket.secureConnecting) socket.once('secureConnect', ready);
  else if (socket.connecting) socket.once(isSecure ? 'secureConnect' : 'connect', ready);
  else ready();
}

/** The beginning of an answer's body. */
class CappedBody {
  readonly #chunks: Buffer[] = [];
  #left: number;

  constructor(bytesMax: number) {
    this.#left = bytesMax;
  }

  get isFull(): boolean {
    return this.#left === 0;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  add(chunk: Buffer): void {
    const kept = chunk.subarray(0, this.#left);
    this.#chunks.push(kept);
    this.#left -= kept.length;
  }
}
