/**
 * Capture files of HTTP/2 for the engine's benchmark: calls that Node's own client and server had (nghttp2 encodes them), recorded
 * in memory and written as many connections, side by side.
 *
 * in: a shape and a number of exchanges · out: a pcap file, as `captures.ts` writes them
 */
import * as http2 from 'node:http2';
import { Duplex } from 'node:stream';
import { CaptureWriter, type Connection } from './captures.js';

export interface H2Shape {
  /** Connections alive at the same time; they send in turn. */
  readonly connections: number;
  /** Calls under way at once on each. */
  readonly streams: number;
  readonly callsPerConnection: number;
  readonly requestBytes: number;
  /** In pieces, so that the DATA frames of streams interleave. */
  readonly responseBytes: number;
  readonly pieces: number;
  /** Whether they are calls of gRPC, with trailers. */
  readonly isGrpc: boolean;
}

const MIX = { connections: 16, callsPerConnection: 1000, requestBytes: 40, isGrpc: true };

export const H2_SHAPES: Readonly<Record<string, H2Shape>> = {
  grpc_unary: { ...MIX, streams: 1, responseBytes: 40, pieces: 1 },
  grpc_100_streams: { ...MIX, streams: 100, responseBytes: 400, pieces: 4 },
  h2_16k: { ...MIX, streams: 8, requestBytes: 0, responseBytes: 16 << 10, pieces: 1, isGrpc: false },
};

interface Write {
  readonly fromClient: boolean;
  readonly bytes: Buffer;
}

const MSS = 1448;
const ACK = 16;
const PSH_ACK = 24;

/** Writes the file; returns how many packets and exchanges it has. */
export async function writeH2Capture(
  path: string,
  shape: H2Shape,
  exchanges: number,
): Promise<{ packets: number; exchanges: number }> {
  const writes = await recorded(shape);
  const writer = new CaptureWriter(path);
  const rounds = Math.max(1, Math.round(exchanges / (shape.connections * shape.callsPerConnection)));
  const none = Buffer.alloc(0);
  for (let round = 0; round < rounds; round++) {
    const open = Array.from({ length: shape.connections }, () => writer.open());
    for (const { fromClient, bytes } of writes) for (const one of open) segments(writer, one, fromClient, bytes);
    for (const one of open) {
      writer.send(one, true, ACK | 1, none);
      writer.send(one, false, ACK | 1, none);
      writer.send(one, true, ACK, none);
    }
  }
  return { packets: writer.close(), exchanges: rounds * shape.connections * shape.callsPerConnection };
}

function segments(writer: CaptureWriter, connection: Connection, fromClient: boolean, bytes: Buffer): void {
  for (let from = 0; from < bytes.length; from += MSS) {
    writer.send(connection, fromClient, PSH_ACK, bytes.subarray(from, from + MSS));
  }
  writer.send(connection, !fromClient, ACK, Buffer.alloc(0));
}

/** What one connection wrote. */
async function recorded(shape: H2Shape): Promise<Write[]> {
  const writes: Write[] = [];
  const [clientEnd, serverEnd] = duplexPair((fromClient, bytes) => writes.push({ fromClient, bytes }));
  const server = http2.createServer({ settings: { initialWindowSize: 1 << 20 } });
  server.on('stream', (stream) => answer(stream, shape));
  server.emit('connection', serverEnd);
  const session = http2.connect('http://shop.example.com', {
    settings: { initialWindowSize: 1 << 20 },
    createConnection: () => clientEnd,
  });
  session.setLocalWindowSize(1 << 24);
  let begun = 0;
  const line = async (): Promise<void> => {
    while (begun < shape.callsPerConnection) await call(session, shape, begun++);
  };
  await Promise.all(Array.from({ length: shape.streams }, line));
  await new Promise<void>((resolve) => session.close(resolve));
  server.close();
  return joined(writes);
}

/** What one side writes before the other says something leaves in full segments, as from a socket. */
function joined(writes: readonly Write[]): Write[] {
  const all: Write[] = [];
  for (const { fromClient, bytes } of writes) {
    const last = all.at(-1);
    if (last?.fromClient === fromClient)
      all[all.length - 1] = { fromClient, bytes: Buffer.concat([last.bytes, bytes]) };
    else all.push({ fromClient, bytes });
  }
  return all;
}

function call(session: http2.ClientHttp2Session, shape: H2Shape, index: number): Promise<void> {
  const path = shape.isGrpc ? `/shop.v1.Cart/${index % 3 === 0 ? 'Get' : 'Add'}` : `/api/v1/items/${index}`;
  const stream = session.request(
    {
      ':method': shape.isGrpc ? 'POST' : 'GET',
      ':path': path,
      'user-agent': shape.isGrpc ? 'grpc-go/1.68.1' : 'Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101',
      'x-shard': `${index % 1000}`,
      ...(shape.isGrpc
        ? { 'content-type': 'application/grpc', te: 'trailers', 'grpc-timeout': `${9_000_000 + index}u` }
        : { accept: 'application/json', 'accept-encoding': 'gzip, deflate' }),
    },
    { endStream: shape.requestBytes === 0 },
  );
  if (shape.requestBytes > 0) stream.end(message(shape.requestBytes));
  stream.resume();
  return new Promise((resolve, reject) => {
    stream.on('close', resolve);
    stream.on('error', reject);
  });
}

function answer(stream: http2.ServerHttp2Stream, { isGrpc, responseBytes, pieces }: H2Shape): void {
  const type = isGrpc ? 'application/grpc' : 'application/json';
  stream.respond({ ':status': 200, 'content-type': type }, { waitForTrailers: isGrpc });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': '' }));
  const body = isGrpc ? message(responseBytes) : Buffer.alloc(responseBytes, '{"id":12345,"name":"a thing"},');
  const size = Math.ceil(body.length / pieces);
  let at = 0;
  const next = (): void => {
    const piece = body.subarray(at, at + size);
    at += size;
    if (at >= body.length) stream.end(piece);
    // In its turn, so that those of other streams come between.
    else stream.write(piece, () => setImmediate(next));
  };
  next();
}

/** A message behind its prefix. */
function message(bytes: number): Buffer {
  const framed = Buffer.alloc(bytes, 'x');
  framed[0] = 0;
  framed.writeUInt32BE(bytes - 5, 1);
  return framed;
}

function duplexPair(log: (fromClient: boolean, bytes: Buffer) => void): [Duplex, Duplex] {
  const ends: Duplex[] = [];
  for (const fromClient of [true, false]) {
    const other = (): Duplex | undefined => ends[fromClient ? 1 : 0];
    ends.push(
      new Duplex({
        read() {},
        write(chunk: Buffer, _encoding, done) {
          log(fromClient, Buffer.from(chunk));
          other()?.push(chunk);
          setImmediate(done);
        },
        final(done) {
          other()?.push(null);
          done();
        },
      }),
    );
  }
  return [ends[0] as Duplex, ends[1] as Duplex];
}
