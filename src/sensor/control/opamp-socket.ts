/**
 * OpAMP over a WebSocket, as control takes it: what is posted is sent, and what comes back is its answer (OpAMP § "WebSocket
 * Transport").
 *
 * in: messages of the agent · out: messages of the server, asked for or not
 *
 * A server may answer a message or not, and may speak by itself. One that does not answer within a moment has nothing to say. After a
 * connection has ended the next message fails, so that all is told again on another.
 */
import type { WebSocket } from 'ws';
import { fromSocketFrame, toSocketFrame } from '../../enrolment/opamp/socket-frame.js';
import { SensorError } from '../../errors.js';
import type { Connector } from '../../output/satellite/connector.js';
import type { Client } from '../../output/satellite/enrolment.js';
import type { HttpReply, HttpRequest } from '../../output/satellite/http-client.js';

export interface OpampSocketContext {
  readonly connector: Connector;
  readonly openMillis: number;
  /** How long an answer is waited for. */
  readonly answerMillis: number;
  readonly message_bytes_max: number;
}

/** Messages of the server that wait to be taken; a server that sends more at once is hung up on. */
const PUSHED_MAX = 16;
const NOTHING = Buffer.alloc(0);

export class OpampSocket implements Client {
  readonly #context: OpampSocketContext;
  readonly #open: typeof WebSocket;
  #socket: WebSocket | null = null;
  /** Why the connection before ended, until that was said. */
  #ended: string | null = null;
  #pushed: Buffer[] = [];
  /** Takes the answer that is waited for. */
  #take: ((message: Buffer | null) => void) | null = null;
  #onPush: () => void = () => {};

  /** @throws SensorError where the package is missing */
  static async load(context: OpampSocketContext): Promise<OpampSocket> {
    const ws = await import('ws').catch(() => {
      throw new SensorError(
        '--opamp-url over a WebSocket takes the package ws, which is not here; npm install ws, or give the URL with http',
      );
    });
    return new OpampSocket(context, ws.WebSocket);
  }

  private constructor(context: OpampSocketContext, open: typeof WebSocket) {
    this.#context = context;
    this.#open = open;
  }

  /** Called when the server speaks by itself; the next `post` has what it said. */
  onPush(pushed: () => void): void {
    this.#onPush = pushed;
    if (this.#pushed.length > 0) pushed();
  }

  async post({ url, headers, body }: HttpRequest, signal: AbortSignal): Promise<HttpReply> {
    const ended = this.#ended;
    this.#ended = null;
    if (ended !== null) throw new Error(ended);
    this.#socket ??= await this.#connect(url, headers, signal);
    this.#socket.send(toSocketFrame(body));
    const message = this.#pushed.shift() ?? (await this.#answer(signal)) ?? NOTHING;
    return { status: 200, headers: {}, body: message };
  }

  close(): void {
    this.#socket?.close();
    this.#socket = null;
  }

  #answer(signal: AbortSignal): Promise<Buffer | null> {
    return new Promise((resolve) => {
      const end = (message: Buffer | null): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        this.#take = null;
        resolve(message);
      };
      const onAbort = (): void => end(null);
      const timer = setTimeout(end, this.#context.answerMillis, null);
      signal.addEventListener('abort', onAbort);
      this.#take = end;
    });
  }

  #connect(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<WebSocket> {
    const { connector, openMillis, message_bytes_max } = this.#context;
    // A request that has a type is taken for one of polling.
    const { 'Content-Type': _, ...along } = headers;
    return new Promise((resolve, reject) => {
      const socket = new this.#open(url, {
        ...{ headers: along, agent: connector.createAgent(), ...connector.requestOptions },
        ...{ handshakeTimeout: openMillis, maxPayload: message_bytes_max, perMessageDeflate: false },
      });
      const onAbort = (): void => socket.terminate();
      signal.addEventListener('abort', onAbort);
      let problem = 'the connection was closed';
      socket.on('unexpected-response', (_request, { statusCode }) => {
        problem = `it takes no WebSocket here (status ${statusCode})`;
        socket.terminate();
      });
      socket.on('error', ({ message }) => {
        problem = problem.startsWith('it takes') ? problem : message;
      });
      socket.on('open', () => {
        signal.removeEventListener('abort', onAbort);
        resolve(socket);
      });
      socket.on('message', (data, isBinary) => this.#note(socket, data as Buffer, isBinary));
      socket.on('close', () => {
        signal.removeEventListener('abort', onAbort);
        reject(new Error(problem));
        if (this.#socket !== socket) return;
        this.#socket = null;
        this.#pushed = [];
        this.#ended = problem;
        this.#take?.(null);
      });
    });
  }

  #note(socket: WebSocket, data: Buffer, isBinary: boolean): void {
    if (!isBinary) return;
    const message = fromSocketFrame(data);
    if (this.#take !== null) {
      this.#take(message);
      return;
    }
    this.#pushed.push(message);
    if (this.#pushed.length > PUSHED_MAX) socket.terminate();
    else this.#onPush();
  }
}
