/**
 * Random HTTP/1 conversations and what they look like on the wire: the property test's generator.
 *
 * A conversation is a list of turns; in each a client sends one or more requests at once, and the server answers them in
 * order. From the turns come the packets of one TCP connection in the order a capture beside an endpoint would see them;
 * then they are disturbed as captures are.
 */
import * as zlib from 'node:zlib';
import type { Random } from '../support/random.js';

export interface ExpectedExchange {
  method: string;
  target: string;
  requestHeaders: [string, string][];
  requestBody: Buffer;
  /** With its content coding on, its chunks joined. */
  requestWireBody: Buffer;
  requestTrailers: [string, string][];
  status: number;
  reason: string;
  responseHeaders: [string, string][];
  responseBody: Buffer;
  responseWireBody: Buffer;
  responseTrailers: [string, string][];
}

export interface Packet {
  fromClient: boolean;
  flags: number;
  sequence: number;
  acknowledgement: number;
  payload: Buffer;
}

export interface RandomConversation {
  expected: ExpectedExchange[];
  packets: Packet[];
  /** How many packets open the connection. */
  handshake: number;
}

const NOTHING = Buffer.alloc(0);

const SYN = 2;
const ACK = 16;
const FIN = 1;

interface Message {
  bytes: Buffer;
  headers: [string, string][];
  body: Buffer;
  wireBody: Buffer;
  trailers: [string, string][];
}

export function randomConversation(random: Random, id: number): RandomConversation {
  const wire = new Wire(random);
  const expected: ExpectedExchange[] = [];
  const turns = random.between(1, 5);
  const pipelines = random.chance(0.4);
  let closes = false;
  for (let turn = 0; turn < turns && !closes; turn++) {
    const count = pipelines ? random.between(1, 4) : 1;
    const batch: RandomExchange[] = [];
    for (let i = 0; i < count; i++) {
      const isLast = turn === turns - 1 && i === count - 1;
      const exchange = randomExchange(random, `${id}-${expected.length}`, isLast);
      expected.push(exchange.expected);
      batch.push(exchange);
      closes ||= exchange.closes;
      const waits = exchange.interim !== null && count === 1;
      if (waits) {
        // Expect: 100-continue (RFC 9110 §10.1.1): the head, the interim response, then the body.
        wire.send(true, exchange.request.subarray(0, exchange.head));
        wire.send(false, exchange.interim as Buffer);
        wire.send(true, exchange.request.subarray(exchange.head));
      } else {
        wire.send(true, exchange.request);
        if (exchange.interim !== null && random.chance(0.5))
          exchange.response = Buffer.concat([exchange.interim, exchange.response]);
      }
    }
    wire.flush(true);
    for (const { response } of batch) wire.send(false, response);
    wire.flush(false);
  }
  wire.close(random.chance(0.5));
  return { expected, packets: wire.packets, handshake: 3 };
}

interface RandomExchange {
  expected: ExpectedExchange;
  request: Buffer;
  /** Bytes of the request's head. */
  head: number;
  interim: Buffer | null;
  response: Buffer;
  closes: boolean;
}

const METHODS = [
  'GET',
  'GET',
  'GET',
  'POST',
  'POST',
  'PUT',
  'DELETE',
  'HEAD',
  'PATCH',
  'OPTIONS',
  'PROPFIND',
  'FROBNICATE',
];

function randomExchange(random: Random, id: string, isLast: boolean): RandomExchange {
  const method = random.pick(METHODS);
  const target = `/${random.pick(['a', 'items', 'v1/users', 'x%20y'])}/${id}${random.chance(0.3) ? `?q=${random.between(0, 99)}` : ''}`;
  const takesBody = method === 'POST' || method === 'PUT' || method === 'PATCH';
  const interim =
    random.chance(0.15) && takesBody
      ? Buffer.from(random.pick(['HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n']))
      : null;
  const request = randomMessage(
    random,
    `${method} ${target} HTTP/1.1`,
    [
      ['Host', 'example.com'],
      ['X-Id', id],
    ],
    takesBody,
    false,
  );
  const bodiless = method === 'HEAD' || random.chance(0.15);
  const status = bodiless && method !== 'HEAD' ? random.pick([204, 304]) : random.pick([200, 200, 201, 404, 500]);
  const reason = random.pick(['OK', 'Not Found', '', 'Whatever It Is']);
  const untilClose = isLast && !bodiless && random.chance(0.3);
  const startLine = `HTTP/1.1 ${status}${reason === '' && random.chance(0.5) ? '' : ` ${reason}`}`;
  let response: Message;
  if (bodiless) {
    // What its headers say of a body is of the body that it has not (RFC 9110 §8.6, RFC 9112 §6.3).
    const headers: [string, string][] = [
      ['X-Id', id],
      random.chance(0.5) ? ['Content-Length', '1234'] : ['Transfer-Encoding', 'chunked'],
    ];
    if (status === 204) headers.pop();
    response = { bytes: head(random, startLine, headers), headers, body: NOTHING, wireBody: NOTHING, trailers: [] };
  } else {
    response = randomMessage(random, startLine, [['X-Id', id]], true, untilClose);
  }
  return {
    expected: {
      method,
      target,
      requestHeaders: request.headers,
      requestBody: request.body,
      requestWireBody: request.wireBody,
      requestTrailers: request.trailers,
      status,
      reason,
      responseHeaders: response.headers,
      responseBody: response.body,
      responseWireBody: response.wireBody,
      responseTrailers: response.trailers,
    },
    request: request.bytes,
    head: headLength(request.bytes),
    interim,
    response: response.bytes,
    closes: untilClose,
  };
}

function randomMessage(
  random: Random,
  startLine: string,
  base: [string, string][],
  takesBody: boolean,
  untilClose: boolean,
): Message {
  const headers: [string, string][] = [...base];
  if (random.chance(0.3)) headers.push(['X-Repeat', 'one'], ['x-repeat', 'two']);
  if (random.chance(0.1)) headers.push(['X-Empty', '']);
  if (random.chance(0.1)) headers.push(['X-Text', 'grüße']);
  if (random.chance(0.05)) headers.push(['X-Long', 'y'.repeat(random.between(1000, 9000))]);
  const trailers: [string, string][] = [];
  if (!takesBody || random.chance(0.1)) {
    if (takesBody || random.chance(0.2)) headers.push(['Content-Length', '0']);
    else if (startLine.startsWith('HTTP/')) headers.push(['Content-Length', '0']);
    return { bytes: head(random, startLine, headers), headers, body: NOTHING, wireBody: NOTHING, trailers };
  }
  let content = randomBody(random);
  const coding = random.chance(0.3) ? random.pick(['gzip', 'deflate', 'br', 'raw']) : null;
  let wireBody = content;
  if (coding === 'gzip') wireBody = zlib.gzipSync(content);
  else if (coding === 'deflate') wireBody = zlib.deflateSync(content);
  else if (coding === 'raw') wireBody = zlib.deflateRawSync(content);
  else if (coding === 'br')
    wireBody = zlib.brotliCompressSync(content, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } });
  if (coding !== null) headers.push(['Content-Encoding', coding === 'raw' ? 'deflate' : coding]);
  if (wireBody.length === 0 && untilClose) content = wireBody;
  if (untilClose) {
    return {
      bytes: Buffer.concat([head(random, startLine, headers), wireBody]),
      headers,
      body: content,
      wireBody,
      trailers,
    };
  }
  if (random.chance(0.5)) {
    headers.push(['Content-Length', String(wireBody.length)]);
    return {
      bytes: Buffer.concat([head(random, startLine, headers), wireBody]),
      headers,
      body: content,
      wireBody,
      trailers,
    };
  }
  headers.push(['Transfer-Encoding', 'chunked']);
  const parts: Buffer[] = [head(random, startLine, headers)];
  for (let at = 0; at < wireBody.length; ) {
    const size = Math.min(wireBody.length - at, random.between(1, Math.max(1, wireBody.length)));
    const extension = random.chance(0.1) ? ';name=value;other="q;x"' : '';
    parts.push(
      Buffer.from(`${size.toString(16)}${extension}\r\n`),
      wireBody.subarray(at, at + size),
      Buffer.from('\r\n'),
    );
    at += size;
  }
  parts.push(Buffer.from('0\r\n'));
  if (random.chance(0.2)) {
    trailers.push(['X-Sum', 'abc123']);
    parts.push(Buffer.from('X-Sum: abc123\r\n'));
  }
  parts.push(Buffer.from('\r\n'));
  return { bytes: Buffer.concat(parts), headers, body: content, wireBody, trailers };
}

/** Up to and with the empty line. */
function headLength(message: Buffer): number {
  const match = /\r?\n\r?\n/.exec(message.toString('latin1')) as RegExpExecArray;
  return match.index + match[0].length;
}

/** CRLF, or (RFC 9112 §2.2) lone LF. */
function head(random: Random, startLine: string, headers: readonly [string, string][]): Buffer {
  const end = random.chance(0.05) ? '\n' : '\r\n';
  return Buffer.from(`${startLine}${end}${headers.map(([name, value]) => `${name}: ${value}${end}`).join('')}${end}`);
}

function randomBody(random: Random): Buffer {
  const length = random.chance(0.1) ? random.between(5000, 40_000) : random.between(1, 600);
  if (random.chance(0.5))
    return Buffer.from('{"k":"v","n":[1,2,3]} HTTP/1.1 200 OK GET / '.repeat(length / 44 + 1)).subarray(0, length);
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = random.between(0, 255);
  return bytes;
}

/** One connection: segments as they are sent, each acknowledging all that was received. */
class Wire {
  readonly packets: Packet[] = [];
  readonly #random: Random;
  #clientNext: number;
  #serverNext: number;
  #clientBuffer: Buffer[] = [];
  #serverBuffer: Buffer[] = [];

  constructor(random: Random) {
    this.#random = random;
    // Now and then right before the sequence numbers wrap.
    const start = () => (random.chance(0.3) ? -random.between(1, 3000) : random.between(-(2 ** 31), 2 ** 31 - 1)) | 0;
    this.#clientNext = start();
    this.#serverNext = start();
    this.#put(true, SYN, Buffer.alloc(0));
    this.#put(false, SYN | ACK, Buffer.alloc(0));
    this.#put(true, ACK, Buffer.alloc(0));
  }

  send(fromClient: boolean, bytes: Buffer): void {
    // What one side says after the other has been sent by then.
    this.flush(!fromClient);
    (fromClient ? this.#clientBuffer : this.#serverBuffer).push(bytes);
    if (this.#random.chance(0.5)) this.flush(fromClient);
  }

  /** Cuts what is to be sent into segments. */
  flush(fromClient: boolean): void {
    const bytes = Buffer.concat(fromClient ? this.#clientBuffer.splice(0) : this.#serverBuffer.splice(0));
    const largest = this.#random.chance(0.2) ? 20 : 1448;
    for (let at = 0; at < bytes.length; ) {
      const length = Math.min(bytes.length - at, this.#random.between(1, bytes.length > 5000 ? 1448 : largest));
      this.#put(fromClient, ACK | 8, bytes.subarray(at, at + length));
      at += length;
      if (this.#random.chance(0.3)) this.#put(!fromClient, ACK, Buffer.alloc(0));
    }
    if (bytes.length > 0 && this.#random.chance(0.5)) this.#put(!fromClient, ACK, Buffer.alloc(0));
  }

  close(serverFirst: boolean): void {
    this.flush(true);
    this.flush(false);
    this.#put(!serverFirst, FIN | ACK, Buffer.alloc(0));
    this.#put(serverFirst, FIN | ACK, Buffer.alloc(0));
    this.#put(!serverFirst, ACK, Buffer.alloc(0));
  }

  #put(fromClient: boolean, flags: number, payload: Buffer): void {
    const sequence = fromClient ? this.#clientNext : this.#serverNext;
    const acknowledgement = flags & ACK ? (fromClient ? this.#serverNext : this.#clientNext) : 0;
    this.packets.push({ fromClient, flags, sequence, acknowledgement, payload });
    const next = (sequence + payload.length + (flags & (SYN | FIN) ? 1 : 0)) | 0;
    if (fromClient) this.#clientNext = next;
    else this.#serverNext = next;
  }
}

/** Segments retransmitted, with other borders and over others, and packets that come twice or late. */
export function disturb(random: Random, conversation: RandomConversation): Packet[] {
  const { packets, handshake } = conversation;
  const out: Packet[] = [];
  packets.forEach((packet, i) => {
    out.push(packet);
    if (i < handshake) return;
    if (random.chance(0.1)) out.push(packet);
    if (random.chance(0.1) && packet.payload.length > 0) out.push(retransmission(random, packets, i));
  });
  // Each packet may be late by some places: never more than the window.
  const window = random.pick([0, 2, 8, 24]);
  return out
    .map((packet, i) => ({ packet, at: i < handshake ? i : i + (random.chance(0.2) ? random.between(0, window) : 0) }))
    .map((entry, i) => ({ ...entry, i }))
    .sort((a, b) => a.at - b.at || a.i - b.i)
    .map(({ packet }) => packet);
}

/** Bytes of the stream around packet `i`, cut anew. */
function retransmission(random: Random, packets: readonly Packet[], i: number): Packet {
  const packet = packets[i] as Packet;
  let bytes = packet.payload;
  let sequence = packet.sequence;
  // Together with what was sent before it, as after a coalescing retransmission.
  for (let k = i - 1; k >= 0 && random.chance(0.7); k--) {
    const before = packets[k] as Packet;
    if (before.fromClient !== packet.fromClient || before.payload.length === 0) continue;
    bytes = Buffer.concat([before.payload, bytes]);
    sequence = before.sequence;
  }
  const from = random.between(0, bytes.length - 1);
  const to = random.between(from + 1, bytes.length);
  return { ...packet, sequence: (sequence + from) | 0, payload: bytes.subarray(from, to), flags: ACK };
}
