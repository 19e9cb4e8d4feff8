/**
 * The receiver: takes the streams of many sensors and hands their packets to the outputs.
 *
 * in: a configuration · out: packets in files and services, acknowledgements to sensors that read them
 */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { listenErrorInWords } from '../../bounded-server.js';
import { SensorError } from '../../errors.js';
import type { Clock } from '../../output/clock.js';
import { type FoldedWarnings, foldWarnings } from '../../output/fold.js';
import type { Log } from '../../output/log.js';
import type { PacketOrigin } from '../outputs/packet-output.js';
import { type Announcement, sensorName } from './announcement.js';
import { createBlockMemory } from './block-memory.js';
import type { StreamConfig } from './config.js';
import { tlsRefusalInWords } from './failure-words.js';
import {
  createReceiverConnection,
  originOf,
  type ReceivedBlock,
  type ReceiverConnection,
} from './receiver-connection.js';
import { createRunRegister } from './run-register.js';
import { openStreamOutputs, type StreamOutputs } from './stream-outputs.js';
import { readTlsFiles } from './tls-files.js';
import { acknowledgement } from './wire.js';

export interface ReceiverBook {
  connections: number;
  /** Connections that were refused or closed by the receiver. */
  refused: number;
  bytes: number;
  packets: number;
  /** Packets of frames that had come before. */
  repeated: number;
  /** Blocks, or parts of them, that made no sense. */
  badBlocks: number;
}

export interface StreamReceiver {
  readonly port: number;
  readonly book: Readonly<ReceiverBook>;
  readonly outputs: StreamOutputs;
  /** Packets received, by the sensor's name. */
  readonly bySensor: ReadonlyMap<string, number>;
  readonly connected: number;
  close(deadlineMillis: number): Promise<void>;
}

export interface ReceiverContext {
  readonly log: Log;
  readonly clock: Clock;
  readonly onGone: () => void;
}

interface Peer {
  readonly socket: Socket;
  origin: PacketOrigin;
  announcement: Announcement | null;
  lastBytes: number;
  /** Settled when the output has room for what it has sent; null while it waits for nothing. */
  waiting: Promise<void> | null;
  /** Whether its connection is closed; it leaves when nothing of it waits any more. */
  isGone: boolean;
  /** Whether it has shown its key or, where none is asked for, sent something that a sensor sends. */
  isKnown: boolean;
  memory: number;
  /** Whether a piece is being taken, behind which one acknowledgement does. */
  isTaking: boolean;
  /** The acknowledgement that waits for that, or for the sensor to read those before it. */
  owed: number | null;
}

/** How long a connection may take to show its key, or its TLS. */
const FIRST_MILLIS = 60_000;
const SENSORS_MAX = 1024;
/** Connections that have not ended their TLS come on top of `maxConnections`, once as many. */
const HANDSHAKES_FACTOR = 2;
/** Memory for frames that are not complete, over all connections: what 1024 sensors with stock blocks take. */
const PARTIAL_BYTES_MAX = 128 << 20;

/** @throws UsageError, SensorError where the address cannot be listened on or an output not opened */
export async function startReceiver(config: StreamConfig, context: ReceiverContext): Promise<StreamReceiver> {
  const receiver = new Receiver(config, context);
  await receiver.start();
  return receiver;
}

class Receiver implements StreamReceiver {
  readonly book: ReceiverBook = { connections: 0, refused: 0, bytes: 0, packets: 0, repeated: 0, badBlocks: 0 };
  readonly bySensor = new Map<string, number>();
  readonly #config: StreamConfig;
  readonly #context: ReceiverContext;
  readonly #warnings: FoldedWarnings;
  readonly #peers = new Set<Peer>();
  readonly #runs = createRunRegister();
  readonly #memory = createBlockMemory();
  #outputs: StreamOutputs | null = null;
  #server: Server | null = null;
  #cancelIdle: (() => void) | null = null;
  #partialBytes = 0;
  #isClosing = false;

  constructor(config: StreamConfig, context: ReceiverContext) {
    this.#config = config;
    this.#context = context;
    this.#warnings = foldWarnings(context.log, context.clock);
  }

  get outputs(): StreamOutputs {
    return this.#outputs as StreamOutputs;
  }

  get connected(): number {
    return this.#peers.size;
  }

  get port(): number {
    const address = this.#server?.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async start(): Promise<void> {
    const { values } = this.#config;
    const { log, clock, onGone } = this.#context;
    const server = this.#createServer();
    const connected = () => new Set([...this.#peers].map(({ origin }) => origin.key));
    this.#outputs = await openStreamOutputs(this.#config, { log, clock, onGone, connected });
    const host = values['input.address'].replace(/^\[(.*)\]$/, '$1');
    try {
      await listen(server, host, values['input.port'] ?? 0);
    } catch (error) {
      await this.#outputs.close(0);
      throw new SensorError(
        `input.port ${values['input.port']} on ${host || 'every address'}: ${listenErrorInWords(error as NodeJS.ErrnoException, 'input.port')}`,
      );
    }
    this.#server = server;
    server.maxConnections = HANDSHAKES_FACTOR * (values.maxConnections + 1);
    server.on('drop', () => {
      this.book.refused++;
    });
    const idle = values.idleTimeoutSec;
    if (idle > 0) this.#cancelIdle = clock.every(1000, () => this.#closeIdle(idle * 1000));
  }

  async close(deadlineMillis: number): Promise<void> {
    this.#isClosing = true;
    this.#cancelIdle?.();
    this.#server?.close();
    for (const { socket } of this.#peers) socket.pause();
    const began = this.#context.clock.now();
    await this.#takeRest(deadlineMillis);
    await this.#outputs?.close(Math.max(0, deadlineMillis - (this.#context.clock.now() - began)));
    // What has been written meanwhile is acknowledged before the end.
    await Promise.all(
      [...this.#peers]
        .map(
          ({ socket }) =>
            new Promise<void>((resolve) =>
              socket
                .end(resolve)
                .once('error', () => resolve())
                .once('close', () => resolve()),
            ),
        )
        .map((end) => Promise.race([end, this.#soon()])),
    );
    for (const { socket } of this.#peers) socket.destroy();
  }

  /** Takes what has come and waits for the output. */
  async #takeRest(deadlineMillis: number): Promise<void> {
    let isLate = false;
    let cancel = () => {};
    const late = new Promise<void>((resolve) => {
      cancel = this.#context.clock.after(deadlineMillis, () => {
        isLate = true;
        resolve();
      });
    });
    for (;;) {
      const waiting = [...this.#peers].flatMap((peer) => peer.waiting ?? []);
      if (waiting.length === 0 || isLate) break;
      await Promise.race([late, Promise.all(waiting)]);
    }
    cancel();
  }

  #soon(): Promise<void> {
    return this.#context.clock.sleep(500, new AbortController().signal);
  }

  #createServer(): Server {
    const { values } = this.#config;
    const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 };
    if (!values['tls.enable']) return createServer(options, (socket) => this.#accept(socket));
    const clientCa = values['tls.clientCA'];
    const server = createTlsServer(
      {
        ...options,
        ...readTlsFiles({
          certfile: values['tls.certfile'],
          keyfile: values['tls.keyfile'],
          ca: { key: 'tls.clientCA', path: clientCa },
        }),
        minVersion: 'TLSv1.2',
        handshakeTimeout: FIRST_MILLIS,
        ...(clientCa === null ? {} : { requestCert: true, rejectUnauthorized: true }),
      },
      (socket) => this.#accept(socket),
    );
    server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      this.book.refused++;
      const reason = tlsRefusalInWords(error);
      this.#warnings.warn(
        `tls ${reason.slice(0, 40)}`,
        { sensor: socket.remoteAddress ?? '' },
        `closed the connection: ${reason}`,
      );
    });
    return server;
  }

  #accept(socket: Socket): void {
    const { values } = this.#config;
    const { log, clock } = this.#context;
    const address = socket.remoteAddress ?? 'unknown';
    socket.on('error', () => {});
    if (this.#peers.size >= values.maxConnections && !this.#makeRoom()) {
      this.book.refused++;
      this.#warnings.warn('full', { sensor: address }, `refused: maxConnections ${values.maxConnections} are there`);
      socket.destroy();
      return;
    }
    this.book.connections++;
    const certified = certifiedName(socket);
    const origin = certified === null ? originOf(address, null) : { name: certified, key: `${certified} ${address}` };
    const peer: Peer = {
      ...{ socket, origin, announcement: null, lastBytes: clock.now(), waiting: null, isGone: false },
      ...{ isKnown: false, memory: 0, isTaking: false, owed: null },
    };
    this.#peers.add(peer);
    log.debug({ address }, 'a connection was opened');
    const connection = createReceiverConnection({
      blockBytesMax: values.maxBlockSize * 1024 + 16,
      decodedBytesMax: values.maxBlockSize * 1024 + (1 << 19),
      memory: this.#memory,
      authKey: values['auth.enable'] ? values['auth.key'] : null,
      isBehind: () => this.outputs.drained() !== undefined,
      reply: (bytes) => void socket.write(bytes),
      onAnnouncement: (announcement) => this.#announced(peer, announcement, certified),
      onBlock: (block) => this.#takeBlock(peer, block),
      onEmptyFrame: ({ run, number }) => {
        if (this.#runs.take(run, number)) this.#acknowledge(peer, this.#runs.settle(run, number));
      },
      onBadBlock: (reason) => {
        this.book.badBlocks++;
        this.#warnings.warn(`bad ${peer.origin.name}`, { sensor: peer.origin.name }, `dropped ${reason}`);
      },
      onNote: (message) => this.#warnings.warn('note', { sensor: peer.origin.name }, message),
    });
    const cancelFirst = clock.after(FIRST_MILLIS, () => {
      if (values['auth.enable'] && !connection.isAuthenticated)
        this.#refuse(peer, `it sent no key within ${FIRST_MILLIS / 1000} s`);
    });
    socket.on('data', (piece: Buffer) => {
      if (this.#isClosing) return;
      this.book.bytes += piece.length;
      peer.lastBytes = clock.now();
      peer.isTaking = true;
      const error = connection.push(piece);
      peer.isTaking = false;
      this.#payOwed(peer);
      if (values['auth.enable'] && connection.isAuthenticated) this.#know(peer);
      this.#noteMemory(peer, connection.memory);
      this.#goOn(peer, connection, error);
    });
    socket.on('drain', () => this.#payOwed(peer));
    socket.once('close', () => {
      cancelFirst();
      this.#leave(peer);
      if (peer.isKnown) log.info({ sensor: peer.origin.name, address }, 'a sensor is gone');
    });
  }

  /** Strangers have no line in the log each: it would be theirs to fill. */
  #know(peer: Peer): void {
    if (peer.isKnown) return;
    peer.isKnown = true;
    const { origin, socket } = peer;
    this.#context.log.info({ sensor: origin.name, address: socket.remoteAddress ?? 'unknown' }, 'a sensor connected');
  }

  /** Of strangers, the one that has been there longest goes for a newcomer. False where all are known. */
  #makeRoom(): boolean {
    for (const peer of this.#peers) {
      if (peer.isKnown) continue;
      this.#peers.delete(peer);
      this.#refuse(peer, 'it had sent nothing that a sensor sends when its place was needed (maxConnections)');
      return true;
    }
    return false;
  }

  /** Where incomplete frames take too much together, the connection with the most of it is closed. */
  #noteMemory(peer: Peer, memory: number): void {
    this.#partialBytes += memory - peer.memory;
    peer.memory = memory;
    if (this.#partialBytes <= PARTIAL_BYTES_MAX) return;
    let largest = peer;
    for (const one of this.#peers) if (one.memory > largest.memory) largest = one;
    this.#partialBytes -= largest.memory;
    largest.memory = 0;
    this.#refuse(largest, `incomplete frames of all sensors took more than ${PARTIAL_BYTES_MAX >> 20} MiB`);
  }

  /** Ends a connection that makes no sense; has the sensor wait while the output is behind. What has come is taken in any case. */
  #goOn(peer: Peer, connection: ReceiverConnection, error: string | null): void {
    const { socket } = peer;
    const wait = error === null ? this.outputs.drained() : undefined;
    if (error !== null) this.#refuse(peer, error);
    else if (wait !== undefined && peer.waiting === null) {
      socket.pause();
      peer.waiting = wait.then(() => {
        peer.waiting = null;
        if (!this.#isClosing) socket.resume();
        this.#goOn(peer, connection, connection.resume());
        if (peer.isGone) this.#leave(peer);
      });
    }
  }

  /** One whose packets wait keeps its place, so that there are never more of them than connections. */
  #leave(peer: Peer): void {
    peer.isGone = true;
    this.#partialBytes -= peer.memory;
    peer.memory = 0;
    if (peer.waiting === null) this.#peers.delete(peer);
  }

  #announced(peer: Peer, announcement: Announcement, certified: string | null): void {
    const { socket } = peer;
    const address = socket.remoteAddress ?? 'unknown';
    peer.announcement = announcement;
    this.#know(peer);
    // A certificate says more than the sensor does.
    if (certified === null) peer.origin = originOf(address, announcement);
    const { run, next } = announcement;
    // After a restart, the file knows which of them it holds.
    if (this.#runs.next(run) === null) this.#runs.begin(run, Math.max(next, this.outputs.next(run) ?? 0));
    this.#context.log.info({ sensor: peer.origin.name, address }, 'the sensor says its name and its link types');
    this.#acknowledge(peer, this.#runs.settled(run));
  }

  #takeBlock(peer: Peer, { linkType, records, packets, frame }: ReceivedBlock): void {
    if (frame !== null && !this.#runs.take(frame.run, frame.number)) {
      this.book.repeated += packets;
      this.#memory.give(records);
      return;
    }
    const { origin } = peer;
    this.#know(peer);
    this.book.packets += packets;
    const name = this.bySensor.has(origin.name) || this.bySensor.size < SENSORS_MAX ? origin.name : 'others';
    this.bySensor.set(name, (this.bySensor.get(name) ?? 0) + packets);
    // Of several outputs, the others may still have the packets when the first has written them.
    let isOurs = this.outputs.all.length === 1;
    this.outputs.take({ origin, linkType, records, packets, frame }, () => {
      if (isOurs) this.#memory.give(records);
      isOurs = false;
      if (frame !== null) this.#acknowledge(peer, this.#runs.settle(frame.run, frame.number));
    });
  }

  #acknowledge(peer: Peer, frames: number): void {
    const { socket, announcement } = peer;
    if (!announcement?.acknowledges || !socket.writable) return;
    // A sensor that reads none may send frames for ever.
    if (peer.isTaking || socket.writableNeedDrain) peer.owed = frames;
    else socket.write(acknowledgement(frames));
  }

  #payOwed(peer: Peer): void {
    const { owed } = peer;
    peer.owed = null;
    if (owed !== null) this.#acknowledge(peer, owed);
  }

  #refuse({ socket, origin }: Peer, reason: string): void {
    this.book.refused++;
    this.#warnings.warn(`refused ${reason.slice(0, 40)}`, { sensor: origin.name }, `closed the connection: ${reason}`);
    socket.destroy();
  }

  #closeIdle(millis: number): void {
    const before = this.#context.clock.now() - millis;
    for (const peer of this.#peers)
      if (peer.lastBytes < before && peer.waiting === null)
        this.#refuse(peer, `nothing came for ${millis / 1000} s (idleTimeoutSec)`);
  }
}

/** The name in a client's certificate that was verified. */
function certifiedName(socket: Socket): string | null {
  const tls = socket as Partial<TLSSocket>;
  if (tls.authorized !== true) return null;
  const common = tls.getPeerCertificate?.().subject?.CN;
  return sensorName(String(common ?? '')) || null;
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host === '' ? undefined : host, () => {
      server.off('error', reject);
      // A connection that cannot be accepted is no concern of the process.
      server.on('error', () => {});
      resolve();
    });
  });
}
