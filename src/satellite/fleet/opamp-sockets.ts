/**
 * Agents that call over a WebSocket (OpAMP § "WebSocket Transport"): at `/v1/opamp`, where those that poll call too.
 *
 * in: requests to upgrade, messages · out: the fleet's answer to each message
 *
 * Nothing over a WebSocket is signed, so that no sensor of ours comes this way, and nobody is given a part of what sensors share. The
 * sockets are bounded in number: where there are too many, a further one is refused, and asks again later. Among all connections they
 * count as idle ones.
 *
 * A client that offers another protocol than WebSockets, as many offer HTTP/2 with each request, is answered as if it had not (RFC 9110
 * §7.8: a server may ignore the offer). `node:http` does so only for a server that upgrades nothing.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import { createOpampCodec, type OpampCodec } from '../../enrolment/opamp/codec.js';
import { fromSocketFrame, toSocketFrame } from '../../enrolment/opamp/socket-frame.js';
import type { Access } from '../api/access.js';
import { Refused } from '../api/reply.js';
import type { Fleet } from './fleet.js';
import { OPAMP_PATH } from './opamp-path.js';

export interface OpampSocketsContext {
  readonly access: Pick<Access, 'checkSender'>;
  fleet(organisation: string): Fleet;
}

const MESSAGE_BYTES_MAX = 1 << 20;
const SOCKETS_MAX = 64;
/** Agents call every 30 seconds, unless told otherwise. */
const QUIET_MILLIS = 120_000;
/** Answers that an agent does not take are not kept for it. */
const UNSENT_BYTES_MAX = 4 << 20;

interface Loaded {
  readonly server: WebSocketServer;
  readonly codec: OpampCodec;
}

/** Out: ends all of them, and takes no more. */
export function takeOpampSockets(server: Server, context: OpampSocketsContext): () => void {
  const sockets = new Set<WebSocket>();
  let loading: Promise<Loaded> | null = null;
  let hasEnded = false;
  const take = async (request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> => {
    if ((request.url ?? '').split('?')[0] !== OPAMP_PATH) throw new Refused(404, 'there is no WebSocket here');
    checkSite(request);
    const organisation = context.access.checkSender(request);
    loading ??= load();
    const { server: webSockets, codec } = await loading;
    if (hasEnded || sockets.size >= SOCKETS_MAX) throw new Refused(503, 'too many agents call over WebSockets');
    const fleet = context.fleet(organisation);
    webSockets.handleUpgrade(request, stream, head, (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      serve(socket, request, { fleet, codec });
    });
  };
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    if (!/^websocket$/i.test(request.headers.upgrade ?? '')) {
      answerWithoutUpgrade(server, request, stream, head);
      return;
    }
    stream.on('error', () => stream.destroy());
    take(request, stream, head).catch((error: unknown) => refuse(stream, error));
  });
  return () => {
    hasEnded = true;
    for (const socket of sockets) socket.terminate();
  };
}

/** The request goes to the server again, from the beginning of its connection, without the offer. */
function answerWithoutUpgrade(server: Server, request: IncomingMessage, stream: Duplex, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (rawHeaders[i]?.toLowerCase() !== 'upgrade') lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  stream.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('encrypted' in stream ? 'secureConnection' : 'connection', stream);
}

/** A browser says whose page asks: any may open a WebSocket to anywhere. @throws Refused */
function checkSite({ headers: { origin, host = '' } }: IncomingMessage): void {
  if (origin === undefined) return;
  const from = URL.canParse(origin) ? new URL(origin).host : '';
  if (from !== host.toLowerCase()) throw new Refused(403, 'a page of another site may not speak as an agent');
}

async function load(): Promise<Loaded> {
  const [ws, wire] = await Promise.all([import('ws'), import('@bufbuild/protobuf/wire')]).catch(() => {
    throw new Refused(
      501,
      'OpAMP over a WebSocket takes the packages ws and @bufbuild/protobuf; poll over HTTP instead',
    );
  });
  const settings = { noServer: true, maxPayload: MESSAGE_BYTES_MAX, perMessageDeflate: false };
  return { server: new ws.WebSocketServer(settings), codec: createOpampCodec(wire) };
}

function serve(
  socket: WebSocket,
  { socket: connection }: IncomingMessage,
  { fleet, codec }: { fleet: Fleet; codec: OpampCodec },
): void {
  connection.setTimeout(QUIET_MILLIS, () => socket.terminate());
  socket.on('error', () => socket.terminate());
  socket.on('message', (data, isBinary) => {
    const message = isBinary ? codec.readAgentToServer(fromSocketFrame(data as Buffer)) : 'it is no binary message';
    if (typeof message === 'string') return socket.close(UNSUPPORTED_DATA);
    if (socket.bufferedAmount > UNSENT_BYTES_MAX) return socket.terminate();
    try {
      socket.send(toSocketFrame(codec.writeServerToAgent(fleet.take(message, null))));
    } catch {
      // One message that fails costs its agent the connection, not the process its life.
      socket.close(INTERNAL_ERROR);
    }
  });
}

/** RFC 6455 §7.4.1. */
const UNSUPPORTED_DATA = 1003;
const INTERNAL_ERROR = 1011;

function refuse(stream: Duplex, error: unknown): void {
  const { status, message } = error instanceof Refused ? error : new Refused(500, (error as Error).message);
  const body = JSON.stringify({ message });
  const head = `HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Type: application/json`;
  stream.once('finish', () => stream.destroy());
  stream.end(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}
