/**
 * How attacks are sent: over connections to the application, half a gigabit a second, so that a loss is the sensor's and not the
 * ring's that loopback has filled faster than the network of a small task would.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { writePcap } from '../../test/support/packets.js';

export interface Attack {
  readonly name: string;
  /** Resolves when all of it has been sent, to an application on `port` that answers anything. */
  run(port: number): Promise<void>;
}

const BYTES_PER_MILLI = 62_500;
const PIECE_BYTES = 1 << 16;
/** How many connections are open at once, at least, and at most as a share of all. */
const ABREAST_MIN = 20;
const ABREAST_SHARE = 1 / 10;
/** An application may leave a request unanswered. */
const PATIENCE_MILLIS = 400;

/** The bytes of all connections together take as long as on the link, also behind a pause of the sender itself. */
class Link {
  /** When the bytes that were taken last are through. */
  #free = performance.now();

  async take(bytes: number): Promise<void> {
    const now = performance.now();
    this.#free = Math.max(this.#free, now) + bytes / BYTES_PER_MILLI;
    if (this.#free - now > 1) await delay(this.#free - now);
  }
}

/** Says `text` on `times` connections, and waits for the first bytes of each answer, or that each is closed. */
export async function say(port: number, times: number, text: Buffer): Promise<void> {
  const link = new Link();
  let left = times;
  const speak = async (): Promise<void> => {
    while (left-- > 0) await sayOnce(port, text, link);
  };
  const abreast = Math.max(ABREAST_MIN, Math.ceil(times * ABREAST_SHARE));
  await Promise.all(Array.from({ length: Math.min(abreast, times) }, speak));
}

async function sayOnce(port: number, text: Buffer, link: Link): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.on('error', () => {});
  socket.setTimeout(PATIENCE_MILLIS, () => socket.destroy());
  let isOver = false;
  void closed.then(() => {
    isOver = true;
  });
  socket.on('data', () => {
    if (socket.bytesWritten >= text.length) socket.destroy();
  });
  for (let at = 0; at < text.length && !isOver; at += PIECE_BYTES) {
    const piece = text.subarray(at, at + PIECE_BYTES);
    await link.take(piece.length);
    if (!socket.write(piece)) await Promise.race([once(socket, 'drain').catch(() => {}), closed]);
  }
  await closed;
}

/** What both sides of a connection say, to the end, whatever the other says. */
export interface Dialogue {
  readonly client: Buffer;
  readonly server: Buffer;
  /** What the client says first and the server answers with what `server` begins with, before the rest of both. */
  readonly greeting?: Buffer;
}

/** Holds `times` such dialogues, one after the other, with a server of their own. */
export async function holdDialogues(times: number, dialogue: Dialogue): Promise<void> {
  const link = new Link();
  const { greeting = NOTHING } = dialogue;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    let isGreeted = greeting.length === 0;
    const speak = () => void write(socket, dialogue.server, link).then(() => socket.end());
    if (isGreeted) speak();
    socket.on('data', () => {
      if (isGreeted) return;
      isGreeted = true;
      speak();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  for (let i = 0; i < times; i++) {
    const socket = connect(port, '127.0.0.1');
    const closed = once(socket, 'close');
    const answered = greeting.length === 0 || dialogue.server.length === 0 ? null : once(socket, 'data');
    socket.on('error', () => {});
    socket.resume();
    socket.write(greeting);
    await answered;
    await write(socket, dialogue.client, link);
    socket.end();
    await closed;
  }
  server.close();
}

const NOTHING = Buffer.alloc(0);

async function write(socket: Socket, bytes: Buffer, link: Link): Promise<void> {
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  for (let at = 0; at < bytes.length && !socket.destroyed; at += PIECE_BYTES) {
    const piece = bytes.subarray(at, at + PIECE_BYTES);
    await link.take(piece.length);
    if (!socket.write(piece)) await Promise.race([once(socket, 'drain').catch(() => {}), closed]);
  }
}

/** A byte of `text` on each of `connections`, every few milliseconds, then the next. */
export async function trickle(port: number, connections: number, text: string): Promise<void> {
  const sockets = Array.from({ length: connections }, () => connect({ port, host: '127.0.0.1', noDelay: true }));
  for (const socket of sockets) socket.on('error', () => {});
  for (const character of text) {
    for (const socket of sockets) socket.write(character);
    await delay(5);
  }
  for (const socket of sockets) socket.destroy();
}

/** Puts frames on loopback, whose stack takes none of them: they are to another station. */
export async function replay(frames: readonly Buffer[], perSecond: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'attack-'));
  const file = join(folder, 'frames.pcap');
  writePcap(file, frames);
  const child = spawn('tcpreplay', ['-q', '-i', 'lo', '--pps', String(perSecond), file], { stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number];
  rmSync(folder, { recursive: true });
  if (code !== 0) throw new Error(`tcpreplay exited with ${code}`);
}
