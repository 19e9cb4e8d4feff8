/**
 * What the clients of services connect to, told before the first packet to it leaves: a sensor that captured what it uploads would
 * upload that as well, and so on for ever.
 *
 * in: agents and sockets of clients · out: addresses and ports, as they are connected to
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';

/** Takes an address that is about to be connected to. */
export type NoteConnection = (address: string, port: number) => void;

function watchSocket(socket: Socket, note: NoteConnection): void {
  socket.on('connectionAttempt', note);
}

type SocketMaker = (options: object, callback?: (error: Error | null, socket: Socket) => void) => Socket;

/** Agents of HTTP that tell of each connection. */
export function watchedAgents(note: NoteConnection): { httpAgent: HttpAgent; httpsAgent: HttpsAgent } {
  const settings = { keepAlive: true, maxSockets: 50 };
  const watched = <T extends HttpAgent>(agent: T): T => {
    const connectable = agent as unknown as { createConnection: SocketMaker };
    const make = connectable.createConnection.bind(agent);
    connectable.createConnection = (options, callback) => {
      const socket = make(options, callback);
      watchSocket(socket, note);
      return socket;
    };
    return agent;
  };
  return { httpAgent: watched(new HttpAgent(settings)), httpsAgent: watched(new HttpsAgent(settings)) };
}

/** The channel on which `@platformatic/kafka` tells of the end of the call that begins a connection. */
const KAFKA_CONNECTS = 'tracing:plt:kafka:connections:connects:end';

/** Tells of the connections of Kafka's clients in this process. Returns what ends it. */
export function watchKafka(note: NoteConnection): () => void {
  const watch = (message: unknown): void => {
    const { socket } = (message as { connection: { socket?: Socket } }).connection;
    // A connection that was there already is told of again, which says nothing new.
    if (socket?.connecting) watchSocket(socket, note);
  };
  subscribe(KAFKA_CONNECTS, watch);
  return () => void unsubscribe(KAFKA_CONNECTS, watch);
}
