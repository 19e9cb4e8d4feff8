/**
 * OpAMP over a WebSocket, as control takes it: what is posted is sent, and what comes back is its answer (OpAMP § "WebSocket
 * Transport").
 *
 * in: messages of the agent · out: messages of the server, asked for or not
 *
 * A server may answer a message or not, and may speak by itself. Each message is followed by a ping: a server whose pong comes first has
 * nothing to say (RFC 6455 §5.5.3), and one that sends neither is not there. What it says later it says by itself. That a connection
 * has ended is said at once, or by the next message, which fails: all is told again on another.
 */
import type { WebSocket } from 'ws';
import { fromSocketFrame, toSocketFrame } from '../../enrolment/opamp/socket-frame.js';
import { SensorError } from '../../errors.js';
import type { Connector } from '../../output/satellite/connector.js';
import type { Client } from '../../output/satellite/enrolment.js';
import type { HttpReply, HttpRequest } from '../../output/satellite/http-client.js';

export interface OpampSocketContext {
  readonly connector: Connector;
  /** How long a connection, and an answer, is waited for. */
  readonly timeoutMillis: number;
  readonly message_bytes_max: number;
  /** Takes the address of each connection. */
  readonly onAddress: (address: string) => void;
}

/** Messages of the server that wait to be taken; a server that sends more at once is hung up on. */
const PUSHED_MAX = 16;
const NOTHING = Buffer.alloc(0);
/** How long a server has for its half of the end. */
const CLOSE_MILLIS = 1000;

interface Waiting {
  /** What the ping says that was sent after the message. */
  readonly ping: string;
  end(answer: Buffer | Error): void;
}

export class OpampSocket implements Client {
  readonly #context: OpampSocketContext;
  readonly #open: typeof WebSocket;
  #socket: WebSocket | null = null;
  /** Why the connection before ended, until that was said. */
  #ended: string | null = null;
  #pushed: Buffer[] = [];
  #waiting: Waiting | null = null;
  #posts = 0;
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

  /** Calls `pushed` when the server has spoken by itself, or its connection has ended. */
  onPush(pushed: () => void): void {
    this.#onPush = pushed;
    if (this.#pushed.length > 0 || this.#ended !== null) pushed();
  }

  /** Why the connection ended while nothing was asked; then the next message goes over another. */
  takeEnd(): string | null {
    const ended = this.#ended;
    this.#ended = null;
    return ended;
  }

  /** The oldest that the server said by itself; null where there is none. */
  nextPushed(): Buffer | null {
    return this.#pushed.shift() ?? null;
  }

  /** @throws Error where the server is not there */
  async post({ url, headers, body }: HttpRequest, signal: AbortSignal): Promise<HttpReply> {
    const ended = this.takeEnd();
    if (ended !== null) throw new Error(ended);
    this.#socket ??= await this.#connect(url, headers, signal);
    this.#socket.send(toSocketFrame(body));
    // What the server said before that is first; the answer then comes as if it were said by itself.
    const message = this.nextPushed() ?? (await this.#answer(this.#socket, signal));
    return { status: 200, headers: {}, body: message };
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.close();
    const timer = setTimeout(() => socket.terminate(), CLOSE_MILLIS);
    socket.once('close', () => clearTimeout(timer));
  }

  #answer(socket: WebSocket, signal: AbortSignal): Promise<Buffer> {
    const { timeoutMillis } = this.#context;
    return new Promise((resolve, reject) => {
      const ping = String(++this.#posts);
      const end = (answer: Buffer | Error): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        this.#waiting = null;
        if (Buffer.isBuffer(answer)) resolve(answer);
        else reject(answer);
      };
      const onAbort = (): void => end(new Error('the sensor is stopping'));
      const timer = setTimeout(() => {
        end(new Error(`no answer within ${timeoutMillis / 1000} s`));
        this.#forget(socket);
        socket.terminate();
      }, timeoutMillis);
      signal.addEventListener('abort', onAbort);
      this.#waiting = { ping, end };
      socket.ping(ping);
    });
  }

  #connect(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<WebSocket> {
    const { connector, timeoutMillis, message_bytes_max, onAddress } = this.#context;
    // A request that has a type is taken for one of polling.
    const { 'Content-Type': _, ...along } = headers;
    return new Promise((resolve, reject) => {
      const socket = new this.#open(url, {
        ...{ headers: along, agent: connector.createAgent(), ...connector.requestOptions },
        ...{ handshakeTimeout: timeoutMillis, maxPayload: message_bytes_max, perMessageDeflate: false },
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
      socket.on('upgrade', ({ socket: { remoteAddress } }) => {
        if (remoteAddress !== undefined) onAddress(remoteAddress);
      });
      socket.on('open', () => {
        signal.removeEventListener('abort', onAbort);
        resolve(socket);
      });
      socket.on('message', (data, isBinary) => this.#note(socket, data as Buffer, isBinary));
      socket.on('close', () => {
        signal.removeEventListener('abort', onAbort);
        reject(new Error(problem));
        if (!this.#forget(socket)) return;
        if (this.#waiting !== null) {
          this.#waiting.end(new Error(problem));
          return;
        }
        this.#ended = problem;
        this.#onPush();
      });
      socket.on('pong', (data) => {
        if (this.#waiting?.ping === data.toString()) this.#waiting.end(NOTHING);
      });
    });
  }

  /** Out: whether it was in use. */
  #forget(socket: WebSocket): boolean {
    if (this.#socket !== socket) return false;
    this.#socket = null;
    this.#pushed = [];
    return true;
  }

  #note(socket: WebSocket, data: Buffer, isBinary: boolean): void {
    if (!isBinary) return;
    const message = fromSocketFrame(data);
    if (this.#waiting !== null) {
      this.#waiting.end(message);
      return;
    }
    this.#pushed.push(message);
    if (this.#pushed.length > PUSHED_MAX) socket.terminate();
    else this.#onPush();
  }
}
