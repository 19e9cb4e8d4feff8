/** Both ends of a PacketStreamer stream in this process, and what they are sent. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { systemClock } from '../../src/output/clock.js';
import { readStreamConfig } from '../../src/packets/stream/config.js';
import { type StreamReceiver, startReceiver } from '../../src/packets/stream/receiver.js';
import { createS2Encoder, s2EncodedMax } from '../../src/packets/stream/s2-encode.js';
import { frameOf } from '../../src/packets/stream/wire.js';
import { freePort } from './free-port.js';
import { recordingLog } from './relay.js';

/** A directory that goes when the test is over. */
export function temporaryDirectory(): () => string {
  let path = '';
  afterEach(() => {
    if (path !== '') rmSync(path, { recursive: true, force: true });
    path = '';
  });
  return () => {
    path ||= mkdtempSync(join(tmpdir(), 'packetstreamer-'));
    return path;
  };
}

export interface StartedReceiver {
  readonly receiver: StreamReceiver;
  readonly port: number;
  /** Messages of the log, as they come. */
  readonly said: () => string[];
  close(): Promise<void>;
}

/** A receiver on loopback, by the keys of a configuration. */
export async function receiverOf(keys: Readonly<Record<string, unknown>>, port?: number): Promise<StartedReceiver> {
  const { log, lines } = recordingLog();
  const input = { address: '127.0.0.1', port: port ?? (await freePort()) };
  const config = readStreamConfig('test', { input, ...keys }, 'receiver');
  const receiver = await startReceiver(config, { log, clock: systemClock, onGone: () => {} });
  return {
    receiver,
    port: receiver.port,
    said: () => lines.map((line) => JSON.stringify(line)),
    close: () => receiver.close(2000),
  };
}

/** Connects, sends the pieces, and returns what came back when the receiver is done with it. */
export async function sendTo(port: number, ...pieces: Buffer[]): Promise<Buffer> {
  const socket = await connected(port);
  const back: Buffer[] = [];
  socket.on('data', (piece) => back.push(piece));
  socket.on('error', () => {});
  for (const piece of pieces) socket.write(piece);
  socket.end();
  await once(socket, 'close');
  return Buffer.concat(back);
}

export async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** A record of one packet, of microseconds. */
export function record(seconds: number, text: string, micros = 0): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(seconds, 0);
  head.writeUInt32LE(micros, 4);
  head.writeUInt32LE(text.length, 8);
  head.writeUInt32LE(text.length, 12);
  return Buffer.concat([head, Buffer.from(text)]);
}

export function frameWith(...records: Buffer[]): Buffer {
  const bytes = Buffer.concat(records);
  const block = Buffer.alloc(s2EncodedMax(bytes.length));
  return frameOf(block.subarray(0, createS2Encoder().encode(bytes, bytes.length, block, 0)));
}

/** The records of a pcap file, as text: `seconds.micros bytes`. */
export function packetsOf(path: string): string[] {
  const file = readFileSync(path);
  const found: string[] = [];
  for (let at = 24; at < file.length; ) {
    const captured = file.readUInt32LE(at + 8);
    const time = `${file.readUInt32LE(at)}.${file.readUInt32LE(at + 4)}`;
    found.push(`${time} ${file.toString('latin1', at + 16, at + 16 + captured)}`);
    at += 16 + captured;
  }
  return found;
}

/** Resolves when `condition` holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
