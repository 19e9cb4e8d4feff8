/**
 * Random conversations of HTTP/2 that Node's own client and server had (nghttp2 encodes them), over a pair of streams in memory:
 * what each side received, and what was on the wire.
 */
import * as http2 from 'node:http2';
import { Duplex } from 'node:stream';
import type { Random } from '../support/random.js';
import type { Packet, RandomConversation } from './random-conversation.js';

type Pair = [name: string, value: string];

/** What one stream carried, as its receivers saw it. */
export interface StreamTruth {
  id: number;
  method: string;
  target: string;
  authority: string;
  requestHeaders: Pair[];
  requestBody: Buffer;
  requestTrailers: Pair[];
  status: number;
  responseHeaders: Pair[];
  responseBody: Buffer;
  responseTrailers: Pair[];
  /** Whether the client gave it up: then what it received is a part of what was sent. */
  isReset: boolean;
}

export interface Http2Conversation {
  readonly streams: ReadonlyMap<number, StreamTruth>;
  /** What was written, in order. */
  readonly writes: readonly { readonly fromClient: boolean; readonly bytes: Buffer }[];
}

/** Of these, nghttp2 pads by none, to the largest frame, and to eight bytes. */
const PADDINGS = [http2.constants.PADDING_STRATEGY_NONE, http2.constants.PADDING_STRATEGY_MAX, 1];
const TABLE_SIZES = [0, 100, 4096, 16_384, 65_536];

export async function haveConversation(random: Random): Promise<Http2Conversation> {
  const streams = new Map<number, StreamTruth>();
  const writes: { fromClient: boolean; bytes: Buffer }[] = [];
  const [clientEnd, serverEnd] = duplexPair((fromClient, bytes) => writes.push({ fromClient, bytes }));
  const optionsOf = () => ({
    settings: { headerTableSize: random.pick(TABLE_SIZES), enablePush: false, initialWindowSize: 1 << 20 },
    paddingStrategy: random.pick(PADDINGS),
  });
  const server = http2.createServer(optionsOf());
  server.on('stream', (stream: http2.ServerHttp2Stream, _headers: object, _flags: number, raw: string[]) => {
    void answer(random, stream, raw, streams);
  });
  server.on('sessionError', () => {});
  server.emit('connection', serverEnd);
  const session = http2.connect('http://api.example', { ...optionsOf(), createConnection: () => clientEnd });
  session.on('error', () => {});
  const rounds = random.between(1, 2);
  for (let round = 0; round < rounds; round++) {
    const requests = Array.from({ length: random.between(1, 6) }, () => ask(random, session, streams));
    await Promise.all(requests);
    if (random.chance(0.3)) session.settings({ headerTableSize: random.pick(TABLE_SIZES) });
  }
  await new Promise<void>((resolve) => session.close(resolve));
  server.close();
  // The server's end of the last stream.
  await new Promise((resolve) => setImmediate(resolve));
  return { streams, writes };
}

function truthOf(streams: Map<number, StreamTruth>, id: number): StreamTruth {
  let truth = streams.get(id);
  if (truth === undefined) {
    const nothing = Buffer.alloc(0);
    truth = {
      ...{ id, method: '', target: '', authority: '', status: 0, isReset: false },
      ...{ requestHeaders: [], requestBody: nothing, requestTrailers: [] },
      ...{ responseHeaders: [], responseBody: nothing, responseTrailers: [] },
    };
    streams.set(id, truth);
  }
  return truth;
}

function pairsOf(raw: readonly string[]): Pair[] {
  const pairs: Pair[] = [];
  for (let i = 0; i < raw.length; i += 2) pairs.push([raw[i] as string, raw[i + 1] as string]);
  return pairs;
}

const isPseudo = ([name]: Pair) => name.startsWith(':');
const pseudo = (pairs: readonly Pair[], name: string) => pairs.find(([known]) => known === name)?.[1] ?? '';

function ask(random: Random, session: http2.ClientHttp2Session, streams: Map<number, StreamTruth>): Promise<void> {
  const hasBody = random.chance(0.6);
  const hasTrailers = hasBody && random.chance(0.3);
  const stream = session.request(
    {
      ':method': hasBody ? random.pick(['POST', 'PUT', 'PATCH']) : random.pick(['GET', 'DELETE', 'HEAD']),
      ':path': `/${random.pick(['a', 'b', 'items'])}/${random.chance(0.5) ? 1 : random.between(0, 1e6)}?q=${random.between(0, 3)}`,
      ...headersOf(random),
    },
    { endStream: !hasBody, waitForTrailers: hasTrailers },
  );
  const chunks: Buffer[] = [];
  stream.on('wantTrailers', () => {
    const sum = `${random.between(0, 9)}`;
    truthOf(streams, stream.id as number).requestTrailers = [['x-sum', sum]];
    stream.sendTrailers({ 'x-sum': sum });
  });
  stream.on('response', (_headers, _flags, raw?: string[]) => {
    const truth = truthOf(streams, stream.id as number);
    const pairs = pairsOf(raw as string[]);
    truth.status = Number(pseudo(pairs, ':status'));
    truth.responseHeaders = pairs.filter((pair) => !isPseudo(pair));
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', () => {});
  if (hasBody) send(random, stream);
  if (random.chance(0.05)) {
    stream.on('response', () => {
      truthOf(streams, stream.id as number).isReset = true;
      stream.close(http2.constants.NGHTTP2_CANCEL);
    });
  }
  return new Promise((resolve) => {
    stream.on('close', () => {
      if (stream.id !== undefined) truthOf(streams, stream.id).responseBody = Buffer.concat(chunks);
      resolve();
    });
  });
}

async function answer(
  random: Random,
  stream: http2.ServerHttp2Stream,
  raw: readonly string[],
  streams: Map<number, StreamTruth>,
): Promise<void> {
  const truth = truthOf(streams, stream.id as number);
  const pairs = pairsOf(raw);
  truth.method = pseudo(pairs, ':method');
  truth.target = pseudo(pairs, ':path');
  truth.authority = pseudo(pairs, ':authority');
  truth.requestHeaders = pairs.filter((pair) => !isPseudo(pair));
  const chunks: Buffer[] = [];
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    truth.requestBody = Buffer.concat(chunks);
  });
  if (random.chance(0.7)) await new Promise((resolve) => stream.on('end', resolve));
  if (stream.destroyed) return;
  if (random.chance(0.2)) stream.additionalHeaders({ ':status': 103, link: '</a>' });
  const hasBody = truth.method !== 'HEAD' && random.chance(0.8);
  const hasTrailers = hasBody && random.chance(0.4);
  stream.on('wantTrailers', () => {
    const grpcStatus = `${random.between(0, 3)}`;
    truth.responseTrailers = [
      ['grpc-status', grpcStatus],
      ['x-end', 'yes'],
    ];
    stream.sendTrailers({ 'grpc-status': grpcStatus, 'x-end': 'yes' });
  });
  stream.respond(
    { ':status': random.pick([200, 201, 404, 418, 503]), ...headersOf(random) },
    { endStream: !hasBody, waitForTrailers: hasTrailers },
  );
  if (hasBody) send(random, stream);
}

/** Some headers, of which many come again on the same connection, and now and then one that takes CONTINUATION. */
function headersOf(random: Random): http2.OutgoingHttpHeaders {
  const headers: http2.OutgoingHttpHeaders = {};
  for (let i = random.between(0, 6); i > 0; i--) headers[`x-${random.between(0, 8)}`] = `value ${random.between(0, 4)}`;
  if (random.chance(0.3)) headers['content-type'] = random.pick(['application/json', 'application/grpc', 'text/plain']);
  if (random.chance(0.3)) headers.traceparent = `00-${hexOf(random, 32)}-${hexOf(random, 16)}-01`;
  if (random.chance(0.2)) headers['x-many'] = ['one', 'two'];
  if (random.chance(0.01)) headers['x-long'] = hexOf(random, 24_000);
  return headers;
}

function hexOf(random: Random, length: number): string {
  return Array.from({ length }, () => '0123456789abcdef'[random.between(0, 15)]).join('');
}

function send(random: Random, stream: http2.Http2Stream): void {
  const pieces = random.between(0, 4);
  for (let i = 0; i < pieces; i++) {
    const size = random.chance(0.03) ? random.between(16_000, 40_000) : random.between(1, 800);
    stream.write(Buffer.alloc(size, `${stream.id}.${i}.${random.between(0, 99)};`));
  }
  stream.end();
}

/** Two ends of a connection; `log` is told of each write. */
function duplexPair(log: (fromClient: boolean, bytes: Buffer) => void): [Duplex, Duplex] {
  const ends: Duplex[] = [];
  for (const fromClient of [true, false]) {
    ends.push(
      new Duplex({
        read() {},
        write(chunk: Buffer, _encoding, done) {
          log(fromClient, Buffer.from(chunk));
          ends[fromClient ? 1 : 0]?.push(chunk);
          setImmediate(done);
        },
        final(done) {
          ends[fromClient ? 1 : 0]?.push(null);
          done();
        },
      }),
    );
  }
  return [ends[0] as Duplex, ends[1] as Duplex];
}

const SYN = 2;
const ACK = 16;
const FIN = 1;
const NOTHING = Buffer.alloc(0);

/** The packets of a conversation, cut at random: one TCP connection as a capture beside an endpoint sees it. */
export function packetsOf(random: Random, { writes }: Http2Conversation): RandomConversation {
  const packets: Packet[] = [];
  const next = { client: random.between(0, 2 ** 32 - 1) | 0, server: random.between(0, 2 ** 32 - 1) | 0 };
  const put = (fromClient: boolean, flags: number, payload: Buffer): void => {
    const [own, other] = fromClient ? (['client', 'server'] as const) : (['server', 'client'] as const);
    const acknowledgement = (flags & ACK) === 0 ? 0 : next[other];
    packets.push({ fromClient, flags, sequence: next[own], acknowledgement, payload });
    next[own] = (next[own] + payload.length + (flags & (SYN | FIN) ? 1 : 0)) | 0;
  };
  put(true, SYN, NOTHING);
  put(false, SYN | ACK, NOTHING);
  put(true, ACK, NOTHING);
  const segment = random.pick([200, 700, 1448, 1448, 8000]);
  for (const { fromClient, bytes } of joined(random, writes)) {
    for (let at = 0; at < bytes.length; ) {
      const length = random.chance(0.3) ? random.between(1, segment) : segment;
      put(fromClient, ACK, bytes.subarray(at, at + length));
      at += length;
    }
  }
  put(true, FIN | ACK, NOTHING);
  put(false, FIN | ACK, NOTHING);
  return { expected: [], packets, handshake: 3 };
}

/** Writes of one side in a row are sent together, now and then. */
function joined(random: Random, writes: Http2Conversation['writes']): { fromClient: boolean; bytes: Buffer }[] {
  const together: { fromClient: boolean; bytes: Buffer }[] = [];
  const joins = random.chance(0.5);
  for (const { fromClient, bytes } of writes) {
    const last = together.at(-1);
    if (joins && last !== undefined && last.fromClient === fromClient) last.bytes = Buffer.concat([last.bytes, bytes]);
    else together.push({ fromClient, bytes });
  }
  return together;
}
