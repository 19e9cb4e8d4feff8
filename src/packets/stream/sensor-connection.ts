/**
 * The sensor's end of the stream: connects, says who it is, sends the queue's frames, and begins anew for ever.
 *
 * in: a `FrameQueue` · out: bytes to the receiver; frames confirmed in the queue
 *
 * A receiver of this project acknowledges frames when its output has them; what it did not acknowledge goes again over the next
 * connection. A stock receiver says nothing, and a frame counts as sent when the kernel has taken it.
 */
import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContextOptions } from 'node:tls';
import type { Clock } from '../../output/clock.js';
import { type FoldedWarnings, foldWarnings } from '../../output/fold.js';
import type { Log } from '../../output/log.js';
import { encodeAnnouncement } from './announcement.js';
import { beginsTls, handshakeInWords, lostInWords, NO_TLS_THERE, RECEIVER_SPEAKS_TLS } from './failure-words.js';
import type { FrameQueue, OutgoingFrame } from './frame-queue.js';
import {
  ACKNOWLEDGEMENT_BYTES,
  AUTH_ACCEPTED,
  authRecord,
  carryingFrame,
  hasMagic,
  KEEP_ALIVE,
  linkTypeFrame,
  readAcknowledgement,
} from './wire.js';

export interface SensorTls {
  readonly certificate: SecureContextOptions;
  /** Whether the receiver's certificate is verified. */
  readonly verifies: boolean;
  readonly serverName: string;
}

export interface SensorConnectionContext {
  readonly host: string;
  readonly port: number;
  readonly tls: SensorTls | null;
  readonly authKey: string | null;
  /** The name to announce; null where nothing is announced. */
  readonly name: string | null;
  /** The link types that packets may have, the most common first. */
  readonly linkTypes: readonly number[];
  readonly keepAliveMillis: number;
  readonly queue: FrameQueue;
  /** An address that is about to be connected to. */
  readonly onAddress: (address: string) => void;
  readonly log: Log;
  readonly clock: Clock;
}

export interface SensorConnection {
  /** Frames wait in the queue. */
  wake(): void;
  readonly isConnected: boolean;
  readonly connections: number;
  /** Sends what is queued, waiting at most so long, and ends. */
  close(deadlineMillis: number): Promise<void>;
}

/** Bytes handed to the socket and not taken by the kernel. */
const SOCKET_BYTES_MAX = 1 << 20;
/** Bytes that a receiver may be behind with acknowledging. */
const UNCONFIRMED_BYTES_MAX = 8 << 20;
const CONNECT_MILLIS = 10_000;
const ANSWER_MILLIS = 60_000;
/** How long a receiver is given to show that it acknowledges; until then nothing counts as sent. */
const FIRST_ACKNOWLEDGEMENT_MILLIS = 2000;
const CLOSED = 'the receiver closed the connection';
/** What a receiver does that expects TLS, or a key, and what there is to do. */
const WITHOUT_A_WORD =
  'without a word; see its log: where tls.enable or auth.enable is true there, it is to be true here';
const MEANINGLESS = 'the receiver answered with bytes that mean nothing';
/** What waits is bounded, so that a receiver that is back is to be found soon. */
const BACKOFF_MILLIS = { first: 250, most: 4000 };

export function openSensorConnection(context: SensorConnectionContext): SensorConnection {
  return new Connection(context);
}

class Connection implements SensorConnection {
  readonly #context: SensorConnectionContext;
  readonly #warnings: FoldedWarnings;
  readonly #run = randomBytes(16).toString('hex');
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  #stream: FrameStream | null = null;
  #isClosing = false;
  #onIdle: (() => void) | null = null;
  connections = 0;

  constructor(context: SensorConnectionContext) {
    this.#context = context;
    this.#warnings = foldWarnings(context.log, context.clock);
    this.#ended = this.#keepConnected();
  }

  get isConnected(): boolean {
    return this.#stream !== null;
  }

  wake(): void {
    this.#stream?.pump();
  }

  async close(deadlineMillis: number): Promise<void> {
    this.#isClosing = true;
    const { queue, clock } = this.#context;
    if (!queue.isEmpty) {
      await new Promise<void>((resolve) => {
        const cancel = clock.after(deadlineMillis, resolve);
        this.#onIdle = () => {
          cancel();
          resolve();
        };
        if (this.#stream !== null) this.#stream.settle();
      });
    }
    this.#stopping.abort();
    await this.#stream?.end();
    await this.#ended;
  }

  async #keepConnected(): Promise<void> {
    const { host, port, clock, log, queue } = this.#context;
    const { signal } = this.#stopping;
    let wait = BACKOFF_MILLIS.first;
    while (!signal.aborted) {
      const where = { receiver: `${host} port ${port}` };
      const began = clock.now();
      try {
        await this.#stay();
        if (!signal.aborted) this.#warnings.warn('closed', where, `${CLOSED}; connecting again`);
      } catch (error) {
        const { message } = error as Error;
        if (!signal.aborted)
          this.#warnings.warn(`failed ${message.slice(0, 40)}`, where, `cannot stream: ${message}; trying again`);
      }
      if (this.#stream !== null && clock.now() - began > wait) wait = BACKOFF_MILLIS.first;
      this.#stream = null;
      queue.rewind();
      if (signal.aborted) break;
      // Half of it at random, so that many sensors do not come back at once.
      await clock.sleep(wait * (0.5 + clock.random() / 2), signal);
      wait = Math.min(2 * wait, BACKOFF_MILLIS.most);
      log.debug(where, 'connecting');
    }
  }

  /** Resolves when a connection that worked has ended; rejects where it says why. */
  async #stay(): Promise<void> {
    const { authKey, name, linkTypes, queue, log, host, port, tls } = this.#context;
    const socket = await this.#connect();
    try {
      if (authKey !== null) await authenticate(socket, authKey);
      this.connections++;
      const how = tls === null ? 'in clear' : tls.verifies ? 'over verified TLS' : 'over TLS, not verified';
      log.info({ receiver: `${host} port ${port}` }, `connected to ${socket.remoteAddress ?? host} ${how}`);
      if (name !== null) {
        const next = queue.firstNumber;
        const text = encodeAnnouncement({ sensor: name, run: this.#run, linkTypes, next, acknowledges: true });
        socket.write(carryingFrame(text));
      }
      const stream = new FrameStream(this.#context, socket, () => this.#onIdle?.());
      this.#stream = stream;
      if (this.#isClosing) stream.settle();
      stream.pump();
      const reason = await stream.closed;
      if (reason !== null) throw new Error(reason);
    } finally {
      socket.destroy();
    }
  }

  async #connect(): Promise<Socket> {
    const { host, port, tls, onAddress } = this.#context;
    const address = isIP(host) === 0 ? (await lookup(host)).address : host;
    // Before the first packet to it: what it may move to is not captured either.
    onAddress(address);
    const named = tls?.serverName || (isIP(host) === 0 ? host : undefined);
    const socket =
      tls === null
        ? connectPlain({ host: address, port, noDelay: true })
        : connectTls({
            ...tls.certificate,
            host: address,
            port,
            minVersion: 'TLSv1.2',
            rejectUnauthorized: tls.verifies,
            ...(named === undefined ? {} : { servername: named }),
          });
    socket.setKeepAlive(true, 30_000);
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(CONNECT_MILLIS)]);
    try {
      await eventOf(socket, tls === null ? 'connect' : 'secureConnect', signal, {
        late: `no connection within ${CONNECT_MILLIS / 1000} s`,
        gone: tls === null ? CLOSED : NO_TLS_THERE,
      });
    } catch (error) {
      socket.destroy();
      throw tls === null ? error : new Error(handshakeInWords(error as Error));
    }
    return socket;
  }
}

/** One connection, from its authentication on. */
class FrameStream {
  /** Resolves to why it was closed; to null where nobody said. */
  readonly closed: Promise<string | null>;
  readonly #context: SensorConnectionContext;
  readonly #socket: Socket;
  readonly #onIdle: () => void;
  #linkTypeIndex = 0;
  #received: Buffer = Buffer.alloc(0);
  /** Null until it is known whether the receiver acknowledges. */
  #acknowledges: boolean | null;
  /** The number of the first frame that the kernel has not taken. */
  #taken: number;
  /** The number of the first frame that the receiver has not acknowledged. */
  #acknowledged = 0;
  #isOver = false;
  /** Whether the receiver has had no time to show that it acknowledges. */
  #isEarly = true;
  #reason: string | null = null;
  #cancelKeepAlive: () => void;

  constructor(context: SensorConnectionContext, socket: Socket, onIdle: () => void) {
    this.#context = context;
    this.#socket = socket;
    this.#onIdle = onIdle;
    this.#taken = context.queue.firstNumber;
    this.#acknowledges = context.name === null ? false : null;
    const cancel = context.clock.after(FIRST_ACKNOWLEDGEMENT_MILLIS, () => {
      this.#acknowledges ??= false;
      this.#isEarly = false;
      this.#confirmTaken();
    });
    this.#cancelKeepAlive = this.#scheduleKeepAlive();
    this.closed = new Promise((resolve) => {
      // A receiver says nothing but acknowledgements; reading on shows its end at once.
      socket.on('data', (piece: Buffer) => this.#receive(piece));
      socket.on('end', () => socket.destroy());
      socket.on('error', (error) => {
        this.#reason ??= lostInWords(error);
      });
      socket.on('drain', () => this.pump());
      // It was paused when the answer to the key had come.
      socket.resume();
      socket.once('close', () => {
        this.#isOver = true;
        cancel();
        this.#cancelKeepAlive();
        if (this.#isEarly && socket.bytesRead === 0 && context.tls === null)
          this.#reason = `${CLOSED} ${WITHOUT_A_WORD}`;
        resolve(this.#reason);
      });
    });
    if (socket.destroyed) socket.emit('close');
  }

  pump(): void {
    const { queue } = this.#context;
    while (!this.#isOver && this.#socket.writableLength < SOCKET_BYTES_MAX) {
      if (this.#acknowledges !== false && queue.unconfirmedBytes > UNCONFIRMED_BYTES_MAX) return;
      const frame = queue.shift();
      if (frame === null) return;
      this.#send(frame);
    }
  }

  /** Says when everything has been confirmed, which may be so already. */
  settle(): void {
    this.pump();
    if (this.#acknowledges === null && this.#context.queue.unconfirmedBytes === 0) this.#acknowledges = false;
    this.#noteIdle();
  }

  async end(): Promise<void> {
    this.#socket.end();
    const cancel = this.#context.clock.after(1000, () => this.#socket.destroy());
    await this.closed;
    cancel();
  }

  #send({ bytes, linkType }: OutgoingFrame): void {
    const { name, linkTypes } = this.#context;
    const index = Math.max(0, linkTypes.indexOf(linkType));
    if (name !== null && index !== this.#linkTypeIndex) {
      this.#linkTypeIndex = index;
      this.#socket.write(linkTypeFrame(index));
    }
    this.#socket.write(bytes, (error) => {
      if (error) return;
      this.#taken++;
      this.#confirmTaken();
      this.#confirmAcknowledged();
    });
    this.#cancelKeepAlive();
    this.#cancelKeepAlive = this.#scheduleKeepAlive();
  }

  #scheduleKeepAlive(): () => void {
    const { clock, keepAliveMillis } = this.#context;
    return clock.after(keepAliveMillis, () => {
      if (this.#isOver) return;
      this.#socket.write(KEEP_ALIVE);
      this.#cancelKeepAlive = this.#scheduleKeepAlive();
    });
  }

  #confirmTaken(): void {
    if (this.#acknowledges !== false || this.#isOver) return;
    this.#context.queue.confirmBefore(this.#taken);
    this.#noteIdle();
  }

  /** The bytes of a frame that is confirmed are overwritten, so that whatever a receiver says, the kernel has to have them. */
  #confirmAcknowledged(): void {
    if (!this.#acknowledges || this.#isOver) return;
    this.#context.queue.confirmBefore(Math.min(this.#acknowledged, this.#taken));
    this.#noteIdle();
  }

  #receive(piece: Buffer): void {
    this.#received = this.#received.length === 0 ? piece : Buffer.concat([this.#received, piece]);
    if (this.#received.length >= 2 && beginsTls(this.#received)) {
      this.#fail(RECEIVER_SPEAKS_TLS);
      return;
    }
    while (this.#received.length >= ACKNOWLEDGEMENT_BYTES) {
      const frames = readAcknowledgement(this.#received.subarray(0, ACKNOWLEDGEMENT_BYTES));
      if (frames === null) {
        // It speaks another language: nothing of what follows makes sense.
        this.#fail(MEANINGLESS);
        return;
      }
      this.#received = this.#received.subarray(ACKNOWLEDGEMENT_BYTES);
      this.#acknowledges = true;
      this.#acknowledged = frames;
      this.#confirmAcknowledged();
    }
    this.pump();
    this.#noteIdle();
  }

  #fail(reason: string): void {
    this.#reason ??= reason;
    this.#socket.destroy();
  }

  #noteIdle(): void {
    if (this.#context.queue.isEmpty) this.#onIdle();
  }
}

/** Sends the key and waits for the receiver's answer. */
async function authenticate(socket: Socket, key: string): Promise<void> {
  let answer: Buffer = Buffer.alloc(0);
  const take = (piece: Buffer) => {
    answer = Buffer.concat([answer, piece]);
    if (answer.length >= AUTH_ACCEPTED.length) socket.emit('answer');
  };
  socket.on('data', take);
  socket.write(authRecord(key));
  try {
    const signal = AbortSignal.timeout(ANSWER_MILLIS);
    await eventOf(socket, 'answer', signal, {
      late: `no answer to the key within ${ANSWER_MILLIS / 1000} s`,
      gone: CLOSED,
    });
  } catch (error) {
    throw new Error(
      `${(error as Error).message}, before it had answered to the key${socket.bytesRead > 0 ? '' : `, ${WITHOUT_A_WORD}`}`,
    );
  } finally {
    socket.off('data', take).pause();
  }
  if (beginsTls(answer)) throw new Error(RECEIVER_SPEAKS_TLS);
  if (!hasMagic(answer, 0)) throw new Error(`${MEANINGLESS} to the key`);
  if (!answer.subarray(0, AUTH_ACCEPTED.length).equals(AUTH_ACCEPTED)) throw new Error('the receiver declined the key');
  if (answer.length > AUTH_ACCEPTED.length) socket.unshift(answer.subarray(AUTH_ACCEPTED.length));
}

/** Rejects when the connection ends or fails before, or it takes too long. */
function eventOf(
  socket: Socket,
  event: string,
  signal: AbortSignal,
  { late: tooLate, gone: wasClosed }: { readonly late: string; readonly gone: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error: Error | null) => {
      socket.off(event, good).off('error', end).off('end', gone).off('close', gone);
      signal.removeEventListener('abort', late);
      if (error === null) resolve();
      else {
        socket.on('error', () => {});
        reject(error);
      }
    };
    const good = () => end(null);
    const gone = () => end(new Error(wasClosed));
    const late = () => end(new Error(tooLate));
    socket.on(event, good).on('error', end).on('end', gone).on('close', gone);
    signal.addEventListener('abort', late);
  });
}
