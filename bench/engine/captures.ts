/**
 * The capture files of the engine's benchmark: HTTP conversations as they look on a wire with an MTU of 1500, written
 * straight to disk, so that a file of any size can be made.
 *
 * in: a shape and a number of exchanges · out: a pcap file (Ethernet, nanoseconds)
 */
import { closeSync, openSync, writeSync } from 'node:fs';

export interface Shape {
  /** Connections alive at the same time; each exchange goes to the next one in turn. */
  connections: number;
  /** Exchanges a connection carries before it closes. */
  exchangesPerConnection: number;
  responseBytes: number;
  /** Share of data segments that change places with a later packet. */
  reordered: number;
  /** Share of data segments left out of the file. */
  lost: number;
}

export const SHAPES: Readonly<Record<string, Shape>> = {
  small: { connections: 16, exchangesPerConnection: 1000, responseBytes: 64, reordered: 0, lost: 0 },
  json16k: { connections: 16, exchangesPerConnection: 1000, responseBytes: 16 << 10, reordered: 0, lost: 0 },
  body1m: { connections: 4, exchangesPerConnection: 100, responseBytes: 1 << 20, reordered: 0, lost: 0 },
  connections10k: { connections: 10_000, exchangesPerConnection: 10, responseBytes: 64, reordered: 0, lost: 0 },
  reordered: { connections: 16, exchangesPerConnection: 1000, responseBytes: 4096, reordered: 0.05, lost: 0 },
  lost: { connections: 16, exchangesPerConnection: 1000, responseBytes: 4096, reordered: 0, lost: 0.01 },
};

const MSS = 1448;
const FILE_HEADER = Buffer.from('4d3cb2a1020004000000000000000000ffff000001000000', 'hex');
const REQUEST_TAIL =
  ' HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101\r\n' +
  'Accept: application/json\r\nAccept-Encoding: gzip, deflate\r\nX-Request-Id: 7f9c24e8-3b1a-4a3d\r\nConnection: keep-alive\r\n\r\n';

export interface Connection {
  readonly port: number;
  readonly address: number;
  clientNext: number;
  serverNext: number;
}

const SYN = 2;
const ACK = 16;
const PSH_ACK = 24;
const FIN_ACK = 17;
const NONE = Buffer.alloc(0);

/** Packets of TCP connections, a microsecond apart, into a file. */
export class CaptureWriter {
  readonly #file: number;
  readonly #buffer = Buffer.allocUnsafe(8 << 20);
  #used = 0;
  #packets = 0;
  #opened = 0;
  #time = 1_700_000_000_000_000_000n;
  #seed = 1;
  /** Packets held back to come later. */
  readonly #late: { frame: Buffer; after: number }[] = [];
  readonly #damage: Pick<Shape, 'reordered' | 'lost'>;

  constructor(path: string, damage: Pick<Shape, 'reordered' | 'lost'> = { reordered: 0, lost: 0 }) {
    this.#file = openSync(path, 'w');
    this.#damage = damage;
    writeSync(this.#file, FILE_HEADER);
  }

  open(): Connection {
    const connection = {
      port: 1024 + (this.#opened % 60_000),
      address: 1 + Math.floor(this.#opened / 60_000),
      clientNext: 1000,
      serverNext: 9000,
    };
    this.#opened++;
    this.send(connection, true, SYN, NONE);
    this.send(connection, false, SYN | ACK, NONE);
    this.send(connection, true, ACK, NONE);
    return connection;
  }

  send(connection: Connection, fromClient: boolean, flags: number, payload: Buffer): void {
    const frame = tcpFrame(connection, fromClient, flags, payload);
    const length = payload.length + (flags & 3 ? 1 : 0);
    if (fromClient) connection.clientNext = (connection.clientNext + length) >>> 0;
    else connection.serverNext = (connection.serverNext + length) >>> 0;
    const { lost, reordered } = this.#damage;
    if (payload.length > 0 && this.#random() < lost) return;
    if (payload.length > 0 && this.#random() < reordered)
      this.#late.push({ frame, after: 1 + Math.floor(this.#random() * 8) });
    else this.#putInTurn(frame);
  }

  /** Returns how many packets the file has. */
  close(): number {
    for (const one of this.#late.splice(0)) this.#put(one.frame);
    writeSync(this.#file, this.#buffer, 0, this.#used);
    closeSync(this.#file);
    return this.#packets;
  }

  #put(frame: Buffer): void {
    const buffer = this.#buffer;
    if (this.#used + frame.length + 16 > buffer.length) {
      writeSync(this.#file, buffer, 0, this.#used);
      this.#used = 0;
    }
    this.#time += 1000n;
    const at = this.#used;
    buffer.writeUInt32LE(Number(this.#time / 1_000_000_000n), at);
    buffer.writeUInt32LE(Number(this.#time % 1_000_000_000n), at + 4);
    buffer.writeUInt32LE(frame.length, at + 8);
    buffer.writeUInt32LE(frame.length, at + 12);
    frame.copy(buffer, at + 16);
    this.#used = at + frame.length + 16;
    this.#packets++;
  }

  /** A packet, and behind it those whose delay is over. */
  #putInTurn(frame: Buffer): void {
    this.#put(frame);
    for (const one of this.#late) one.after--;
    for (let i = 0; i < this.#late.length; ) {
      const one = this.#late[i] as { frame: Buffer; after: number };
      if (one.after > 0) i++;
      else this.#put((this.#late.splice(i, 1)[0] as { frame: Buffer }).frame);
    }
  }

  /** xorshift32: the same file every time. */
  #random(): number {
    this.#seed ^= this.#seed << 13;
    this.#seed ^= this.#seed >>> 17;
    this.#seed ^= this.#seed << 5;
    return (this.#seed >>> 0) / 2 ** 32;
  }
}

/** Writes the file; returns how many packets it has. */
export function writeCapture(path: string, shape: Shape, exchanges: number): number {
  const writer = new CaptureWriter(path, shape);
  const body = jsonBody(shape.responseBytes);
  const slots: { connection: Connection; left: number }[] = [];
  for (let i = 0; i < exchanges; i++) {
    const at = i % shape.connections;
    let slot = slots[at];
    if (slot === undefined || slot.left === 0) {
      slot = { connection: writer.open(), left: shape.exchangesPerConnection };
      slots[at] = slot;
    }
    slot.left--;
    const { connection } = slot;
    writer.send(connection, true, PSH_ACK, Buffer.from(`GET /api/v1/items/${i}?verbose=true${REQUEST_TAIL}`));
    const response = Buffer.from(
      `HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Fri, 20 Nov 2026 12:00:00 GMT\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${body.length}\r\nConnection: keep-alive\r\nX-Served-By: node-${at}\r\n\r\n`,
    );
    const whole = Buffer.concat([response, body]);
    for (let from = 0, n = 1; from < whole.length; from += MSS, n++) {
      writer.send(connection, false, PSH_ACK, whole.subarray(from, from + MSS));
      // A receiver acknowledges every other segment.
      if (n % 2 === 0) writer.send(connection, true, ACK, NONE);
    }
    writer.send(connection, true, ACK, NONE);
    if (slot.left === 0) {
      writer.send(connection, true, FIN_ACK, NONE);
      writer.send(connection, false, FIN_ACK, NONE);
      writer.send(connection, true, ACK, NONE);
    }
  }
  return writer.close();
}

function jsonBody(length: number): Buffer {
  const item = '{"id":12345,"name":"a thing of some kind","price":19.99,"tags":["a","b","c"]},';
  return Buffer.from(`{"items":[${item.repeat(Math.ceil(length / item.length))}`.slice(0, length - 2).concat(']}'));
}

/** Ethernet, IPv4 10.0.x.x:port → 10.1.0.1:80, TCP without options; checksums unset, as behind an offload. */
function tcpFrame(connection: Connection, fromClient: boolean, flags: number, payload: Buffer): Buffer {
  const frame = Buffer.alloc(54 + payload.length);
  frame.write('0200000000020200000000010800', 'hex');
  frame.writeUInt8(0x45, 14);
  frame.writeUInt16BE(40 + payload.length, 16);
  frame.writeUInt8(64, 22);
  frame.writeUInt8(6, 23);
  const client = (0x0a000000 + connection.address) >>> 0;
  const server = 0x0a010001;
  frame.writeUInt32BE(fromClient ? client : server, 26);
  frame.writeUInt32BE(fromClient ? server : client, 30);
  frame.writeUInt16BE(fromClient ? connection.port : 80, 34);
  frame.writeUInt16BE(fromClient ? 80 : connection.port, 36);
  frame.writeUInt32BE(fromClient ? connection.clientNext : connection.serverNext, 38);
  frame.writeUInt32BE(flags === 2 ? 0 : fromClient ? connection.serverNext : connection.clientNext, 42);
  frame.writeUInt8(0x50, 46);
  frame.writeUInt8(flags, 47);
  frame.writeUInt16BE(0xffff, 48);
  payload.copy(frame, 54);
  return frame;
}
