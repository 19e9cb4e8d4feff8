/** WebSockets of real peers, live: `ws` as server, `ws` and undici as clients. Every message against what its sender logged. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket as UndiciSocket } from 'undici';
import { expect, it, onTestFinished } from 'vitest';
import WebSocket, { type PerMessageDeflateOptions, WebSocketServer } from 'ws';
import { startCommand } from '../support/command.js';
import { needs } from '../support/needs.js';
import { Random, runSeed } from '../support/random.js';
import type { NdjsonTrace } from '../support/read-with-sensor.js';

const CONNECTIONS = Number(process.env.CONNECTIONS ?? 20);
const MESSAGES = 12;
const seed = runSeed();

interface NdjsonMessage {
  readonly direction: 'request' | 'response';
  readonly kind: string;
  readonly encoding: 'utf8' | 'base64';
  readonly content: string;
  readonly truncated: boolean;
  readonly codingError?: string;
}

const DEFLATES: Readonly<Record<string, boolean | PerMessageDeflateOptions>> = {
  plain: false,
  'with context': { threshold: 0 },
  'without context': { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
  'with the context of the server alone, in a small window': {
    threshold: 0,
    clientNoContextTakeover: true,
    serverMaxWindowBits: 9,
  },
};

const text = (random: Random) =>
  JSON.stringify({ id: random.between(0, 1e6), words: Array(random.between(0, 300)).fill('price ü€') });

const binary = (random: Random) => {
  const block = Buffer.from(Array.from({ length: 512 }, () => random.between(0, 255)));
  return Buffer.alloc(random.between(1, 16_000), block);
};

it.each(Object.entries(DEFLATES))(
  `are read to the last message: %s (SEED=${seed})`,
  { ...needs('capture'), timeout: 60_000 },
  async (_, deflate) => {
    /** By path, in the order of each sender. */
    const sent = new Map<string, { request: string[]; response: string[] }>();
    const { server, sockets, port } = await startServer(deflate, sent);
    const child = startCommand([
      ...['apidump', '--interfaces', 'lo', '--output', 'ndjson', '--filter', `tcp port ${port}`, '--rate-limit', '0'],
      ...['--no-default-redaction', '--stream-messages', '1000', '--log-format', 'text'],
    ]);
    let log = '';
    let output = '';
    child.stderr.on('data', (data) => (log += data));
    child.stdout.setEncoding('utf8').on('data', (data) => (output += data));
    while (!log.includes('capturing on')) await once(child.stderr, 'data');
    await Promise.all(Array.from({ length: CONNECTIONS }, (_n, i) => talk(port, `/${i}`, new Random(seed + i), sent)));
    sockets.close();
    server.close();
    const closed = once(child, 'close');
    const lines = () => output.split('\n').slice(0, -1);
    while (lines().length < CONNECTIONS) await once(child.stdout, 'data');
    child.kill('SIGTERM');
    await closed;
    const traces = lines().map((line) => JSON.parse(line) as NdjsonTrace & { messages: NdjsonMessage[] });
    expect(new Set(traces.map(({ request }) => request.target)).size).toBe(CONNECTIONS);
    for (const { request, response, messages } of traces) {
      expect(response?.status).toBe(101);
      expect(messages.some(({ truncated, codingError }) => truncated || codingError !== undefined)).toBe(false);
      for (const side of ['request', 'response'] as const) {
        const told = messages.filter(
          ({ direction, kind }) => direction === side && (kind === 'text' || kind === 'binary'),
        );
        const contents = told.map(({ encoding, content }) => Buffer.from(content, encoding).toString('latin1'));
        expect(contents, `${request.target} ${side}`).toEqual(sent.get(request.target)?.[side]);
      }
    }
  },
);

async function startServer(deflate: boolean | PerMessageDeflateOptions, sent: Map<string, { response: string[] }>) {
  const server = createServer();
  const sockets = new WebSocketServer({ server, perMessageDeflate: deflate });
  onTestFinished(() => void server.close());
  sockets.on('connection', (socket, { url = '' }) => {
    const log = sent.get(url)?.response ?? [];
    // Twice as long, in fragments, so that both directions differ.
    socket.on('message', (data: Buffer, binary) => {
      log.push(Buffer.concat([data, data]).toString('latin1'));
      socket.send(data, { binary, fin: false });
      socket.ping('still there');
      socket.send(data, { binary, fin: true });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, sockets, port: (server.address() as AddressInfo).port };
}

async function talk(
  port: number,
  path: string,
  random: Random,
  sent: Map<string, { request: string[]; response: string[] }>,
) {
  const log = { request: [] as string[], response: [] as string[] };
  sent.set(path, log);
  const url = `ws://127.0.0.1:${port}${path}`;
  const socket = random.chance(0.5) ? new WebSocket(url) : new UndiciSocket(url);
  const done = new Promise<void>((resolve) => socket.addEventListener('close', () => resolve()));
  await new Promise<void>((resolve) => socket.addEventListener('open', () => resolve()));
  let answers = 0;
  const answered = new Promise<void>((resolve) => {
    socket.addEventListener('message', () => {
      if (++answers === MESSAGES) resolve();
    });
  });
  for (let i = 0; i < MESSAGES; i++) {
    const message = random.chance(0.7) ? text(random) : binary(random);
    log.request.push(Buffer.from(message).toString('latin1'));
    socket.send(message);
    if (random.chance(0.3)) await new Promise((resolve) => setImmediate(resolve));
  }
  await answered;
  socket.close(1000, 'done');
  await done;
}
