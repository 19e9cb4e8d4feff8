/**
 * Calls of real peers, live: a server of @grpc/grpc-js and clients of grpc-js, grpc-go and grpcio in the four kinds, compressed and
 * not; gRPC-Web by Connect over HTTP/1.1 and HTTP/2. Every call against what its client logged.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { connectNodeAdapter, createGrpcWebTransport } from '@connectrpc/connect-node';
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { expect, it, onTestFinished } from 'vitest';
import { startCommand } from '../support/command.js';
import { greeterService, note } from '../support/greeter.js';
import { needs } from '../support/needs.js';
import type { NdjsonTrace } from '../support/read-with-sensor.js';

const CALLS = Number(process.env.CALLS ?? 40);
const PEERS = join(import.meta.dirname, '../../build/grpc-peers');
const GO = join(PEERS, 'grpc-go-client');
const PYTHON = join(PEERS, 'python');

/** What a client says of a call. */
interface Call {
  readonly name: string;
  readonly kind: string;
  readonly sent: readonly string[];
  readonly received: readonly string[];
  readonly status: number;
}

interface CallTrace extends NdjsonTrace {
  readonly rpc: { service: string; method: string; status: string; message?: string };
  readonly messages: { direction: string; encoding: 'utf8' | 'base64'; content: string; truncated: boolean }[];
  readonly messagesSeen: Record<'request' | 'response', { count: number; bytes: number; lostBytes: number }>;
}

it('by grpc-js', { ...needs('capture'), timeout: 60_000 }, async () => {
  const port = await serve();
  await compare(port, () => callAll(port));
});

const GO_BUILT = { 'test/support/grpc-peers/build': existsSync(GO) };
it('by grpc-go', { ...needs('capture', GO_BUILT), timeout: 60_000 }, async () => {
  const port = await serve();
  await compare(port, () => peer(GO, [`127.0.0.1:${port}`, `${CALLS}`]));
});

const PYTHON_BUILT = { 'test/support/grpc-peers/build': existsSync(PYTHON) };
it('by grpcio', { ...needs('capture', 'python3', PYTHON_BUILT), timeout: 60_000 }, async () => {
  const port = await serve();
  const script = join(import.meta.dirname, '../support/grpc-peers/client.py');
  await compare(port, () => peer('python3', [script, `127.0.0.1:${port}`, `${CALLS}`]));
});

it.each(['1.1', '2'] as const)(
  'by gRPC-Web over HTTP/%s',
  { ...needs('capture'), timeout: 60_000 },
  async (version) => {
    const service = greeterService();
    const handler = connectNodeAdapter({
      routes: (router) =>
        router.service(service, {
          say: (request: { text: string }) => {
            if (request.text.includes('fail')) throw new ConnectError('no such é', Code.NotFound);
            return request;
          },
          list: async function* (request: object) {
            for (let i = 0; i < 3; i++) yield request;
          },
        } as never),
    });
    const server = version === '2' ? createHttp2Server(handler) : createServer(handler as never);
    onTestFinished(() => void server.close());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await compare(port, async () => {
      const transport = createGrpcWebTransport({ baseUrl: `http://127.0.0.1:${port}`, httpVersion: version });
      const client = createClient(service, transport) as unknown as {
        say(note: object, options: object): Promise<{ text: string }>;
        list(note: object, options: object): AsyncIterable<{ text: string }>;
      };
      const calls: Call[] = [];
      const bytes = (text: string) => note({ text }).toString('latin1');
      for (let i = 0; i < CALLS; i++) {
        const name = `web-${i}`;
        const kind = i % 2 === 0 ? 'Say' : 'List';
        const options = { headers: { 'x-call': name } };
        const text = `call ${i}${i % 10 === 8 ? ' fail' : ''}`;
        const received: string[] = [];
        let code = 0;
        try {
          if (kind === 'Say') received.push(bytes((await client.say({ text }, options)).text));
          else for await (const one of client.list({ text }, options)) received.push(bytes(one.text));
        } catch (error) {
          ({ code } = ConnectError.from(error));
        }
        calls.push({ name, kind, sent: [bytes(text)], received, status: code });
      }
      return calls;
    });
  },
);

/** Captures while `run` calls, and holds what the sensor says to what the clients logged. */
async function compare(port: number, run: () => Promise<Call[]>): Promise<void> {
  const child = startCommand([
    ...['apidump', '--interfaces', 'lo', '--output', 'ndjson', '--filter', `tcp port ${port}`, '--rate-limit', '0'],
    ...['--no-default-redaction', '--stream-messages', '1000', '--log-format', 'text'],
  ]);
  let log = '';
  let output = '';
  child.stderr.on('data', (data) => (log += data));
  child.stdout.setEncoding('utf8').on('data', (data) => (output += data));
  while (!log.includes('capturing on')) await once(child.stderr, 'data');
  const calls = await run();
  const closed = once(child, 'close');
  const lines = () => output.split('\n').slice(0, -1);
  while (lines().length < calls.length) await once(child.stdout, 'data');
  child.kill('SIGTERM');
  await closed;
  const traces = new Map<string | undefined, CallTrace>();
  for (const text of lines()) {
    const trace = JSON.parse(text) as CallTrace;
    traces.set(trace.request.headers.find(([name]) => name === 'x-call')?.[1], trace);
  }
  expect(traces.size).toBe(calls.length);
  for (const { name, kind, sent, received, status: code } of calls) {
    const trace = traces.get(name);
    const contents = (side: string) =>
      trace?.messages
        .filter(({ direction, truncated }) => direction === side && !truncated)
        .map(({ content, encoding }) => Buffer.from(content, encoding).toString('latin1'));
    expect(trace?.rpc, name).toMatchObject({ service: 'demo.Greeter', method: kind, status: status[code] });
    if (code === 0) expect(contents('request'), name).toEqual(sent);
    // A server that fails may do so before all has been sent.
    else expect(sent.slice(0, contents('request')?.length), name).toEqual(contents('request'));
    expect(contents('response'), name).toEqual(received);
    expect(trace?.messagesSeen.response, name).toMatchObject({
      count: received.length,
      bytes: received.join('').length,
      lostBytes: 0,
    });
  }
}

async function peer(program: string, args: readonly string[]): Promise<Call[]> {
  const child = spawn(program, args, {
    env: { ...process.env, PYTHONPATH: PYTHON },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (data) => (output += data));
  child.stderr.setEncoding('utf8').on('data', (data) => (errors += data));
  const [code] = await once(child, 'close');
  expect(code, errors).toBe(0);
  return output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Call);
}

const identity = (bytes: Buffer): Buffer => bytes;
const KINDS = [
  ['Say', false, false],
  ['Collect', true, false],
  ['List', false, true],
  ['Chat', true, true],
] as const;
const FAILURE = { code: status.NOT_FOUND, details: 'no such é' };

async function serve(): Promise<number> {
  const server = new Server({ 'grpc.default_compression_algorithm': 2 } as never);
  const fails = (bytes: Buffer) => bytes.includes('fail');
  const answer = (text: Buffer) => Buffer.from(`${text} answered`);
  const definition = Object.fromEntries(
    KINDS.map(([name, requestStream, responseStream]) => [
      name,
      {
        path: `/demo.Greeter/${name}`,
        requestStream,
        responseStream,
        requestSerialize: identity,
        requestDeserialize: identity,
        responseSerialize: identity,
        responseDeserialize: identity,
      },
    ]),
  );
  server.addService(definition, {
    Say: ({ request }: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) =>
      fails(request) ? done(FAILURE) : done(null, answer(request)),
    Collect: (call: ServerDuplexStream<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
      const all: Buffer[] = [];
      call.on('data', (one: Buffer) => all.push(one));
      call.on('end', () => (all.some(fails) ? done(FAILURE) : done(null, answer(Buffer.concat(all)))));
    },
    List: (call: ServerWritableStream<Buffer, Buffer>) => {
      for (let i = 0; i < 3; i++) call.write(answer(call.request));
      if (fails(call.request)) call.emit('error', FAILURE);
      else call.end();
    },
    Chat: (call: ServerDuplexStream<Buffer, Buffer>) => {
      let hasFailed = false;
      call.on('data', (one: Buffer) => {
        hasFailed ||= fails(one);
        call.write(answer(one));
      });
      call.on('end', () => (hasFailed ? call.emit('error', FAILURE) : call.end()));
    },
  } as never);
  onTestFinished(() => server.forceShutdown());
  return await new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    ),
  );
}

/** As the other clients do it: each kind in turn, some calls fail, half of them compress. */
async function callAll(port: number): Promise<Call[]> {
  const clients = [0, 1, 2].map(
    (algorithm) =>
      new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
        'grpc.default_compression_algorithm': algorithm as 0,
      }),
  );
  onTestFinished(() => clients.forEach((client) => void client.close()));
  return Promise.all(Array.from({ length: CALLS }, (_n, i) => callOne(clients[i % 3] as Client, i)));
}

function callOne(client: Client, i: number): Promise<Call> {
  const [kind, isClientStream, isServerStream] = KINDS[i % 4] as (typeof KINDS)[number];
  const name = `js-${i}`;
  const metadata = new Metadata();
  metadata.set('x-call', name);
  const sent = Array.from(
    { length: isClientStream ? 4 : 1 },
    (_n, n) => `call ${i} message ${n}${i % 10 === 9 ? ' fail' : ''}`,
  );
  const received: string[] = [];
  const path = `/demo.Greeter/${kind}`;
  return new Promise((resolve) => {
    const over = (code: number) => resolve({ name, kind, sent, received, status: code });
    const done = (error: { code?: number } | null, answer?: Buffer) => {
      if (answer !== undefined) received.push(answer.toString('latin1'));
      over(error?.code ?? 0);
    };
    const messages = sent.map((text) => Buffer.from(text));
    if (!isServerStream && !isClientStream)
      client.makeUnaryRequest(path, identity, identity, messages[0] as Buffer, metadata, done);
    else if (!isServerStream) {
      const call = client.makeClientStreamRequest(path, identity, identity, metadata, done);
      for (const one of messages) call.write(one);
      call.end();
    } else {
      const both = isClientStream ? client.makeBidiStreamRequest(path, identity, identity, metadata) : null;
      const call = both ?? client.makeServerStreamRequest(path, identity, identity, messages[0] as Buffer, metadata);
      call.on('data', (one: Buffer) => received.push(one.toString('latin1')));
      call.on('error', () => {});
      call.on('status', ({ code }: { code: number }) => over(code));
      if (both !== null) for (const one of messages) both.write(one);
      both?.end();
    }
  });
}
